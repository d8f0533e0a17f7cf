"""Link a page's first mention of each public name of the library to its entry in the reference.

The sources stay free of markup: a mention is inline code that is such a name and nothing else,
``Dense``, ``fit(…)``, ``Dense.backward``, ``losses.Huber`` or ``backprop.grad``. It is found when a
page is written, in running text and tables, but not in headings, captions, links or the outputs of
cells. A short name means what the page's own code imports under it. A class that the top of the
library exports is meant without that, too; a function is not, as ``jacobian`` may be SymPy's. A
name that the page's code defines for itself is the page's own.

A notebook ends in a line with links to all of the library that its cells use.

``reference_links_pages`` (a list of patterns of page names) says which pages are linked.
"""

from __future__ import annotations

import inspect
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import public_names
from docutils import nodes
from glossary_links import CELL, ancestors, paragraphs
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

import backprop

NOT_LINKED = (
    nodes.reference, nodes.pending, addnodes.pending_xref, nodes.title, nodes.subtitle,
    nodes.rubric, nodes.caption, nodes.figure, nodes.literal_block, nodes.raw, nodes.problematic,
    nodes.system_message,
)  # fmt: skip
MENTION = re.compile(r"(?P<name>[A-Za-z]\w*(?:\.\w+)*)(?:\(.*\))?", re.DOTALL)


def mentioned(text: str, page: public_names.Page) -> str | None:
    """Return the documented name that a piece of inline code on a page is about, or None."""
    match = MENTION.fullmatch(text)
    if not match:
        return None
    head, dot, rest = match["name"].partition(".")
    if head in page.imported:
        return public_names.resolve(f"{page.imported[head]}{dot}{rest}")
    if head in page.defined:
        return None
    if head == "backprop":
        # The package's own name, as in "the package backprop", is no mention of an entry.
        return public_names.resolve(match["name"]) if rest else None
    is_class = head in backprop.__all__ and inspect.isclass(getattr(backprop, head))
    if is_class or (dot and f"backprop.{head}" in public_names.modules()):
        return public_names.resolve(f"backprop.{match['name']}")
    return None


def link(
    env: BuildEnvironment, builder: Builder, page: str, name: str, inside: nodes.Node
) -> nodes.reference | None:
    """Return a link to the entry of a documented name, or to its class's; None without one."""
    objects = env.get_domain("py").objects  # type: ignore[attr-defined]
    place = objects.get(name) or objects.get(name.rpartition(".")[0])
    if place is None or place.docname == page:
        return None
    out = make_refnode(builder, page, place.docname, place.node_id, inside, name)
    out["classes"].append("reference-link")
    return out


class ReferenceLinks(SphinxPostTransform):
    """Put the links in, after the references that the author wrote are resolved."""

    # Past ReferencesResolver (10) and the titles of sphinx-exercise (20).
    default_priority = 31
    formats = ("html", "latex", "markdown")

    def run(self, **_: Any) -> None:
        """Link the pages that are being written, those of them that are to be linked."""
        done: dict[str, set[str]] = {name: set() for name in linked_pages(self.app)}
        for paragraph, page in list(paragraphs(self.document, self.env.docname)):
            if page in done:
                for code in list(paragraph.findall(nodes.literal)):
                    if not any(map(excluded, (code, *ancestors(code)))):
                        self.link_code(code, page, done[page])
        if self.env.docname in done and self.env.docname != self.config.root_doc:
            self.list_names(self.env.docname)

    def link_code(self, code: nodes.literal, page: str, done: set[str]) -> None:
        """Link a piece of inline code, if it is a name that is not yet ``done``."""
        name = mentioned(code.astext(), source(self.env, page))
        if name and name not in done:
            inside = code.deepcopy()
            if made := link(self.env, self.app.builder, page, name, inside):
                done.add(name)
                code.replace_self(made)

    def list_names(self, page: str) -> None:
        """Append the names that the page's cells use."""
        used = sorted(source(self.env, page).used, key=lambda name: name.rpartition(".")[2].lower())
        links: list[nodes.Node] = []
        for name in used:
            short = name.rpartition(".")[2]
            if made := link(self.env, self.app.builder, page, name, nodes.literal(short, short)):
                links += [nodes.Text(", "), made]
        section = self.document.next_node(nodes.section)
        if links and section is not None:
            line = nodes.paragraph("", "From the library: ", classes=["library-names"])
            section += line
            line.extend([*links[1:], nodes.Text(".")])


def source(env: BuildEnvironment, page: str) -> public_names.Page:
    """Return what a page's code says; nothing if it is no notebook."""
    path = Path(env.doc2path(page))
    return public_names.read(path) if path.suffix == ".ipynb" else public_names.Page()


def excluded(node: nodes.Element) -> bool:
    return isinstance(node, NOT_LINKED) or bool(CELL.intersection(node.get("classes", ())))


def linked_pages(app: Sphinx) -> list[str]:
    patterns = app.config.reference_links_pages
    return sorted(doc for doc in app.env.found_docs if any(fnmatch(doc, p) for p in patterns))


def refresh(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Have the linked pages written again where an entry came, went or moved."""
    objects = env.get_domain("py").objects  # type: ignore[attr-defined]
    now = {name: (place.docname, place.node_id) for name, place in objects.items()}
    before = getattr(env, "reference_links_entries", None)
    env.reference_links_entries = now  # type: ignore[attr-defined]
    return [] if before == now else linked_pages(app)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("reference_links_pages", ["book/part*"], "env", [list])
    app.add_post_transform(ReferenceLinks)
    app.connect("env-updated", refresh, priority=600)
    return {
        "version": "1",
        "env_version": 1,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
