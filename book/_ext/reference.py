"""The directive ``{room}``: all that a room of the library makes public, from its docstrings.

``.. room:: backprop.layers`` writes the module's docstring, a table of what is in it, and an entry
for each function, class and documented variable; a package gets a section for each of its modules.
With ``:exported:`` it is the table alone, of what a user imports from the top, ``backprop``.

Each entry names the chapters that derive it (those with an entry in the ledger, or the one that
``reference_chapters`` names) and those that use it. A link leads to the source at the released
version. Every path to a thing, ``backprop.Dense`` and ``backprop.layers.dense.Dense`` alike, is in
``objects.inv``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import public_names
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.addnodes import desc, desc_signature, pending_xref
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.domains.python import ObjectEntry
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.ext.intersphinx import missing_reference
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective
from sphinx.util.inspect import stringify_signature
from sphinx.util.nodes import nested_parse_with_titles

import backprop

SHORT_VALUE = 40
"""Characters of a variable's value that an entry shows; a longer one is left out."""


class Room(SphinxDirective):
    """Insert the entries of a module or a package."""

    required_arguments = 1
    option_spec = {"exported": directives.flag}  # noqa: RUF012 - as docutils has it

    def run(self) -> list[nodes.Node]:
        """Write the entries as autodoc's directives and have them read."""
        name = self.arguments[0]
        if name not in public_names.modules():
            raise self.error(f"room: {name} is no public module of backprop")
        for path in notebooks(self.env).values():
            self.env.note_dependency(str(path))
        text = exported(name) if "exported" in self.options else lines(name)
        source = StringList(list(text), source=f"<room {name}>")
        holder = nodes.section()
        holder.document = self.state.document
        nested_parse_with_titles(self.state, source, holder)
        return holder.children


def lines(room: str) -> Iterator[str]:
    """Yield the reStructuredText of a room."""
    yield from (f".. automodule:: {room}", "")
    for module in [m for m in public_names.modules() if f"{m}.".startswith(f"{room}.")]:
        if module != room:
            title = f"``{module.removeprefix('backprop.')}``"
            yield from (title, "-" * len(title), "", f".. automodule:: {module}", "")
        names = [n for n in public_names.documented() if public_names.defined_in(n) == module]
        yield from table(names, module)
        for name in names:
            yield from entry(name)


def exported(room: str) -> Iterator[str]:
    names = [
        alias
        for name in public_names.documented()
        if public_names.room_of(name) == room
        and public_names.aliases().get(alias := f"backprop.{name.rpartition('.')[2]}") == name
    ]
    yield from (".. py:currentmodule:: backprop", "", *table(names, "backprop"))


def table(names: list[str], module: str) -> Iterator[str]:
    """Yield the table of what stands in a module: autosummary wants names relative to it."""
    if names:
        yield from (".. autosummary::", "   :nosignatures:", "")
        for name in names:
            inside = name.startswith(f"{module}.")
            yield f"   {name.removeprefix(f'{module}.') if inside else f'~{name}'}"
        yield ""


def entry(name: str) -> Iterator[str]:
    thing = public_names.documented()[name]
    if inspect.isclass(thing):
        yield f".. autoclass:: {name}"
        yield from ("   :members:", "   :member-order: bysource")
        if any(base.__module__.startswith("backprop.") for base in thing.__bases__):
            yield "   :show-inheritance:"
    elif inspect.isfunction(thing):
        yield f".. autofunction:: {name}"
    else:
        yield from variable(name)
    yield ""


def variable(name: str) -> Iterator[str]:
    """Yield the entry of a variable: autodoc would show what aliases of types evaluate to."""
    module, _, key = name.rpartition(".")
    analyzer = ModuleAnalyzer.for_module(public_names.defined_in(name))
    analyzer.analyze()
    yield from (f".. py:data:: {key}", f"   :module: {module}")
    if annotation := analyzer.annotations.get(("", key)):
        yield f"   :type: {annotation}"
    value = public_names.values(analyzer.code)[key]
    if len(value) <= SHORT_VALUE:
        yield f"   :value: {value}"
    docstring = analyzer.attr_docs["", key][:]
    escape_formulas(docstring)
    yield from ("", *(f"   {line}" for line in docstring))


def notebooks(env: BuildEnvironment) -> dict[str, Path]:
    """Return the book's notebooks by page, in its order."""
    site_map = getattr(env, "external_site_map", None)
    order = list(site_map or sorted(env.found_docs))
    paths = {name: Path(env.doc2path(name)) for name in order if name in env.found_docs}
    # The landing page shows a bit of everything.
    return {n: p for n, p in paths.items() if p.suffix == ".ipynb" and n != env.config.root_doc}


def source_signature(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, signature: str, returned: str
) -> tuple[str, str] | None:
    """Show annotations as the source has them: ``z: Array``, not what NumPy makes of ``Array``."""
    if what not in ("class", "function", "method", "exception") or signature is None:
        return None
    if what == "class" and getattr(thing, "_is_protocol", False):
        return "", ""
    try:
        found = inspect.signature(thing)
    except (ValueError, TypeError):
        return None
    parameters = list(found.parameters.values())
    if what == "method" and parameters and parameters[0].name in ("self", "cls"):
        parameters = parameters[1:]
    if what in ("class", "exception"):
        found = found.replace(return_annotation=inspect.Signature.empty)
    text = stringify_signature(found.replace(parameters=parameters))
    arguments, _, result = text.rpartition(") -> ")
    return (f"{arguments})", result) if result and arguments else (text, "")


def before_napoleon(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, docstring: list[str]
) -> None:
    """Keep formulas as they are."""
    escape_formulas(docstring)
    app.env.temp_data["reference"] = docstring[:]


def escape_formulas(docstring: list[str]) -> None:
    """Take |x| for an absolute value and x* for a name, not for markup: formulas are plain text."""
    for number, line in enumerate(docstring):
        pieces = re.split(r"(``.*?``)", line)
        pieces[::2] = [re.sub(r"(?<!\\)([|*])", r"\\\1", piece) for piece in pieces[::2]]
        docstring[number] = "".join(pieces)


def after_napoleon(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, docstring: list[str]
) -> None:
    """Append the chapters that derive and use a thing, as fields beside its parameters."""
    if what in ("attribute", "property"):
        # Napoleon takes what precedes a colon for the type.
        docstring[:] = app.env.temp_data["reference"]
    if what in ("class", "exception", "function", "method"):
        docstring += chapters(app, name)


def chapters(app: Sphinx, name: str) -> list[str]:
    found = public_names.uses(notebooks(app.env)).get(name, public_names.Uses())
    fields = []
    if found.derived:
        fields.append(f":Derived in: {pages(found.derived)}")
    elif name in public_names.documented() and (label := explained(app.config, name)):
        fields.append(f":Explained in: :ref:`{label}`")
    if found.used:
        fields.append(f":Used in: {pages(found.used)}")
    return ["", *fields, ""] if fields else []


def public_bases(app: Sphinx, name: str, cls: type, options: Any, bases: list[type]) -> None:
    """Name a private base by what it stands on."""
    while private := [base for base in bases if base.__name__.startswith("_")]:
        at = bases.index(private[0])
        bases[at : at + 1] = [b for b in private[0].__bases__ if b is not object]


def pages(names: list[str]) -> str:
    return ", ".join(f":doc:`/{name}`" for name in names)


def explained(config: Config, name: str) -> str | None:
    """Return the chapter's label for the longest of ``reference_chapters`` that ``name`` is in."""
    module = public_names.defined_in(name)
    for start in (name, module, module.rpartition(".")[0]):
        if start in config.reference_chapters:
            return str(config.reference_chapters[start])
    return None


def name_in_full(app: Sphinx, document: nodes.document) -> None:
    """Point what an entry names at what its source means by it: ``Array``, ``:class:`Pool2d```."""
    by_identity = {id(thing): name for name, thing in public_names.documented().items()}
    for entry in document.findall(desc):
        signature = entry.next_node(desc_signature)
        if signature and signature.get("module") in public_names.modules():
            known = namespace(f"{signature['module']}.{signature['fullname']}")
            for node in entry.findall(pending_xref):
                if name := by_identity.get(id(known.get(node["reftarget"], node))):
                    node["reftarget"], node["reftype"] = name, "obj"


def namespace(name: str) -> dict[str, Any]:
    """Return the names that the source of something public knows."""
    while name not in public_names.documented():
        name, _, member = name.rpartition(".")
        if not member:
            return {}
    return vars(public_names.modules()[public_names.defined_in(name)])


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, inside: nodes.TextElement
) -> nodes.reference | None:
    """Find in the stored inventories what an annotation names briefly: ``np.random.Generator``."""
    target = re.sub(r"^np\.", "numpy.", node["reftarget"])
    # NumPy's aliases know the module that defines them, which is private since NumPy 2.5.
    target = re.sub(r"^numpy\._typing\.\w+\.", "numpy.typing.", target)
    for known in stored(env) if node.get("refdomain") == "py" else ():
        if f".{known}".endswith(f".{target}"):
            elsewhere = node.deepcopy()
            elsewhere["reftarget"], elsewhere["reftype"] = known, "obj"
            return missing_reference(app, env, elsewhere, inside)
    return None


def stored(env: BuildEnvironment) -> Iterator[str]:
    """Yield the names in the stored inventories of Python and NumPy."""
    for kind, entries in getattr(env, "intersphinx_inventory", {}).items():
        if kind.startswith("py:"):
            yield from entries


def note_aliases(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Enter every path to a public thing in the index of objects, once all pages are read."""
    objects = env.get_domain("py").objects  # type: ignore[attr-defined]
    for alias, name in public_names.aliases().items():
        if name in objects and alias not in objects:
            place = objects[name]
            objects[alias] = ObjectEntry(place.docname, place.node_id, place.objtype, True)
    return []


def source_link(repository: str, version: str) -> Any:
    root = Path(backprop.__file__).resolve().parents[2]

    def resolve_source(domain: str, info: dict[str, str]) -> str | None:
        if domain != "py" or not info["fullname"]:
            return None
        thing: Any = public_names.modules().get(info["module"])
        for part in info["fullname"].split("."):
            thing = getattr(thing, part, None)
        thing = getattr(thing, "fget", thing)
        if not (inspect.isclass(thing) or inspect.isfunction(thing)):
            return None
        file = Path(inspect.getfile(thing)).resolve()
        if not (file.is_relative_to(root) and file.is_file()):
            # Inherited from elsewhere, perhaps from a module that is frozen into the interpreter.
            return None
        try:
            source, start = inspect.getsourcelines(thing)
        except OSError:
            # Made by a decorator, or the file has changed since: the whole file will do.
            return f"{repository}/blob/v{version}/{file.relative_to(root).as_posix()}"
        lines = f"L{start}-L{start + len(source) - 1}"
        return f"{repository}/blob/v{version}/{file.relative_to(root).as_posix()}#{lines}"

    return resolve_source


def configure(app: Sphinx, config: Config) -> None:
    """Take the version from the package, and link the source in the repository."""
    config.version = config.release = backprop.__version__
    theme = config.html_theme_options
    repository = theme.get("repository_url", "").rstrip("/")
    if not repository:
        raise ExtensionError("reference: html_theme_options names no repository_url")
    config.linkcode_resolve = source_link(repository, backprop.__version__)


def setup(app: Sphinx) -> dict[str, Any]:
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.autosummary")
    app.setup_extension("sphinx.ext.napoleon")
    app.setup_extension("sphinx.ext.linkcode")
    app.setup_extension("sphinx.ext.intersphinx")
    app.add_config_value("reference_chapters", {}, "env", [dict])
    app.add_directive("room", Room)
    app.connect("config-inited", configure)
    app.connect("autodoc-process-signature", source_signature)
    # Before napoleon, and after it.
    app.connect("autodoc-process-docstring", before_napoleon, priority=400)
    app.connect("autodoc-process-docstring", after_napoleon, priority=600)
    app.connect("autodoc-process-bases", public_bases)
    app.connect("doctree-read", name_in_full)
    app.connect("missing-reference", resolve)
    app.connect("env-updated", note_aliases)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
