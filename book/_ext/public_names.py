"""What the library makes public, under which names, and which page uses it.

Every public thing has one documented name: that of the room which exports it
(``backprop.layers.Dense``) or else of the module which defines it
(``backprop.training.diagnostics.Recorder``). All of the other paths that lead to it
(``backprop.Dense``, ``backprop.layers.dense.Dense``) are its aliases. Nothing here is a list to
keep: all of it is read from the package and from the notebooks.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from sphinx.pycode import ModuleAnalyzer

import backprop

LEDGER = "application/vnd.backprop.ledger+json"
BESIDES = "backprop.book"
"""What the pages need, and no user of the library."""


@cache
def modules() -> dict[str, ModuleType]:
    """Return the library's public modules by name, packages before what is in them."""
    found = {"backprop": backprop}
    for info in pkgutil.walk_packages(backprop.__path__, "backprop."):
        name = info.name
        if not f"{name}.".startswith(f"{BESIDES}.") and "._" not in name:
            found[name] = importlib.import_module(name)
    return found


@cache
def own(module: ModuleType) -> list[str]:
    """Return what the module itself defines, in the source's order.

    That is its public functions and classes, and such variables as have a docstring.
    """
    analyzer = ModuleAnalyzer.for_module(module.__name__)
    variables = {name for scope, name in analyzer.find_attr_docs() if not scope}
    defined = {
        name
        for name, thing in vars(module).items()
        if (inspect.isfunction(thing) or inspect.isclass(thing))
        and (thing.__module__, thing.__name__) == (module.__name__, name)
    }
    public = {name for name in defined | variables if not name.startswith("_")}
    return sorted(public, key=lambda name: (analyzer.tagorder.get(name, 0), name))


def values(source: str) -> dict[str, str]:
    """Return the text of the value that each variable of a module is given."""
    return {
        target.id: ast.unparse(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }


def room_of(name: str) -> str:
    """Return the room that a module or a public thing is in: ``backprop.layers``."""
    return ".".join(name.split(".")[:2])


@cache
def documented() -> dict[str, Any]:
    """Return each public thing by its documented name, module by module."""
    found = {}
    for name, module in modules().items():
        room = modules()[room_of(name)]
        exported = {key for key in getattr(room, "__all__", ())}
        for key in own(module):
            thing = getattr(module, key)
            shorter = key in exported and getattr(room, key) is thing
            found[f"{room.__name__ if shorter else name}.{key}"] = thing
    return found


@cache
def aliases() -> dict[str, str]:
    """Return every dotted path to a public thing or module, with the documented name."""
    by_identity = {id(thing): name for name, thing in documented().items()}
    found = {name: name for name in [*documented(), *modules()]}
    for name, module in modules().items():
        for key in {*getattr(module, "__all__", ()), *own(module)}:
            target = by_identity.get(id(getattr(module, key)))
            if target and target.rpartition(".")[2] == key:
                found.setdefault(f"{name}.{key}", target)
    return found


@cache
def defined_in(name: str) -> str:
    """Return the module whose source holds the thing of this documented name."""
    room, _, key = name.rpartition(".")
    for module in [m for m in modules() if f"{m}.".startswith(f"{room}.")]:
        if key in own(modules()[module]) and aliases()[f"{module}.{key}"] == name:
            return module
    raise LookupError(name)


def resolve(path: str) -> str | None:
    """Return the documented name for a dotted path, a class's member included; or None."""
    head, rest = path, ""
    while head not in aliases():
        head, dot, last = head.rpartition(".")
        if not dot:
            return None
        rest = f".{last}{rest}"
    target = aliases()[head]
    if not rest:
        return target
    cls, member = documented().get(target), rest[1:]
    if inspect.isclass(cls) and "." not in member and hasattr(cls, member):
        return f"{target}{rest}"
    return None


@dataclass
class Page:
    """What a notebook imports from the library, defines itself, and checked."""

    imported: dict[str, str] = field(default_factory=dict)
    """Name in the page's code → documented name."""
    defined: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    checked: set[str] = field(default_factory=set)
    """What its entries in the ledger are about: documented names."""


@cache
def _read(path: Path, changed: int) -> Page:
    page = Page()
    trees = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            source = re.sub(r"(?m)^(\s*)[%!].*", r"\1pass", "".join(cell["source"]))
            trees.append(ast.parse(source))
            page.checked.update(_checked(cell))
    for tree in trees:
        _imports(tree, page)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                page.defined.add(node.name)
            elif isinstance(node, ast.Assign | ast.AnnAssign | ast.For | ast.With):
                names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
                page.defined.update(n.id for n in names if isinstance(n.ctx, ast.Store))
    page.used.update(name for name in page.imported.values() if name in documented())
    for tree in trees:
        page.used.update(_attributes(tree, page.imported))
    return page


def read(path: Path) -> Page:
    """Read a notebook's source."""
    return _read(path, path.stat().st_mtime_ns)


def _imports(tree: ast.Module, page: Page) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for item in node.names:
                if target := resolve(f"{node.module}.{item.name}"):
                    page.imported[item.asname or item.name] = target
        elif isinstance(node, ast.Import):
            for item in node.names:
                if item.asname and (target := resolve(item.name)):
                    page.imported[item.asname] = target


def _attributes(tree: ast.Module, imported: dict[str, str]) -> Iterator[str]:
    """Yield what is reached through an imported module: ``losses.Huber``, ``backprop.fit``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            head, dot, rest = ast.unparse(node).partition(".")
            path = f"{imported.get(head, head)}{dot}{rest}"
            if (target := resolve(path)) in documented():
                yield target


def _checked(cell: dict[str, Any]) -> Iterator[str]:
    for output in cell["outputs"]:
        if entry := output.get("data", {}).get(LEDGER):
            text = "".join(entry) if isinstance(entry, str | list) else json.dumps(entry)
            function = json.loads(text)["function"]
            if target := resolve(function):
                yield target


@dataclass
class Uses:
    """The pages, in the book's order, that derive a thing and that use it."""

    derived: list[str] = field(default_factory=list)
    used: list[str] = field(default_factory=list)


def uses(pages: dict[str, Path]) -> dict[str, Uses]:
    """Return where each public thing is derived and used; ``pages`` are in the book's order.

    A page derives what its entries in the ledger are about. An entry about a derivative counts for
    the function (``relu_prime`` for ``relu``, ``softmax_vjp`` for ``softmax``) and for the layer
    made of both; an entry about a method counts for its class.
    """
    return _uses(tuple((page, path, path.stat().st_mtime_ns) for page, path in pages.items()))


@cache
def _uses(pages: tuple[tuple[str, Path, int], ...]) -> dict[str, Uses]:
    found: dict[str, Uses] = defaultdict(Uses)
    kin = _kin()
    for docname, path, changed in pages:
        page = _read(path, changed)
        derived = {name for entry in page.checked for name in [entry, *kin.get(entry, ())]}
        derived |= {n for e in page.checked if (n := e.rpartition(".")[0]) in documented()}
        for name in derived:
            found[name].derived.append(docname)
        for name in page.used - derived:
            found[name].used.append(docname)
    return dict(found)


def _kin() -> dict[str, list[str]]:
    """Return for the name of a derivative those of its function and its layer."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, thing in documented().items():
        base = re.sub(r"_(prime|vjp)$", "", name)
        if base != name and base in documented():
            found[name].append(base)
        if inspect.isclass(thing) and issubclass(thing, backprop.Layer):
            for derivative in (f"{thing.name}_prime", f"{thing.name}_vjp"):
                found[f"backprop.activations.{derivative}"].append(name)
    return found
