"""Link the first occurrence of each glossary term on a page to its definition.

The sources stay free of markup: the terms are found in the running text when a page is written,
that is, in paragraphs, but not in headings, code, mathematics, links, captions, tables or the
outputs of cells. Upper and lower case are the same, a plural in -s or -es counts, words match
whole, and of two terms that begin at the same place the longer one wins.

``glossary_links_pages`` (a list of patterns of page names) says which pages are linked, and
``glossary_links_except`` lists phrases in which a term has its everyday meaning, and
``glossary_links_not_on`` has, by page, the terms that have a meaning of their own there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from itertools import groupby
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

NOT_RUNNING_TEXT = (
    nodes.reference, nodes.pending, addnodes.pending_xref, nodes.citation_reference,
    nodes.footnote_reference, nodes.literal, nodes.literal_block, nodes.doctest_block,
    nodes.math, nodes.math_block, nodes.raw, nodes.title, nodes.subtitle, nodes.rubric,
    nodes.caption, nodes.figure, nodes.table, nodes.term, nodes.problematic,
    nodes.system_message, addnodes.index,
)  # fmt: skip
CELL = {"cell_input", "cell_output"}


def terms(env: BuildEnvironment) -> dict[str, tuple[str, str]]:
    """Return each term in lower case with its page and anchor."""
    objects = env.get_domain("std").objects  # type: ignore[attr-defined]
    return {name.lower(): place for (kind, name), place in objects.items() if kind == "term"}


def pattern(names: Mapping[str, Any]) -> re.Pattern[str]:
    """Return an expression whose group 1 is the term, longest first, without its plural."""
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    # A space in a term is any white space, as the source may break the line there.
    words = "|".join(r"\s+".join(map(re.escape, name.split())) for name in longest_first)
    return re.compile(rf"(?<![\w-])({words})(?:s|es)?(?![\w-])", re.IGNORECASE)


def paragraphs(document: nodes.document, page: str) -> Iterator[tuple[nodes.paragraph, str]]:
    """Yield each paragraph with the page that it is on: for LaTeX all are in one document."""
    pages = {}
    for start in document.findall(addnodes.start_of_file):
        # Downwards, as the parents of what is assembled there are not all set; inner pages last.
        pages |= dict.fromkeys(map(id, start.findall(nodes.paragraph)), start["docname"])
    for paragraph in document.findall(nodes.paragraph):
        yield paragraph, pages.get(id(paragraph), page)


def running_text(paragraph: nodes.paragraph) -> list[nodes.Text]:
    for inline in list(paragraph.findall(nodes.TextElement)):
        if is_running(inline):
            join_lines(inline)
    return [text for text in paragraph.findall(nodes.Text) if is_running(text.parent)]


def is_running(inline: nodes.Element) -> bool:
    return not any(
        isinstance(node, NOT_RUNNING_TEXT) or CELL.intersection(node.get("classes", ()))
        for node in (inline, *ancestors(inline))
    )


def join_lines(inline: nodes.TextElement) -> None:
    """Make one piece of text of several, as MyST gives one for each line and line break."""
    joined: list[nodes.Node] = []
    for is_text, run in groupby(inline.children, lambda n: isinstance(n, nodes.Text)):
        children = list(run)
        joined += [nodes.Text("".join(children))] if is_text else children
    inline.children = []
    inline.extend(joined)


def ancestors(node: nodes.Node) -> Iterator[nodes.Element]:
    while (node := node.parent) is not None:
        yield node


def linked_pages(app: Sphinx) -> set[str]:
    patterns = app.config.glossary_links_pages
    return {doc for doc in app.env.found_docs if any(fnmatch(doc, p) for p in patterns)}


class GlossaryLinks(SphinxPostTransform):
    """Put the links in, after the references that the author wrote are resolved."""

    # Past ReferencesResolver (10) and the titles of sphinx-exercise (20).
    default_priority = 30
    formats = ("html", "latex", "markdown")

    def run(self, **_: Any) -> None:
        """Link the pages that are being written, those of them that are to be linked."""
        found = terms(self.env)
        if not found:
            return
        find = pattern({**found, **dict.fromkeys(self.config.glossary_links_except)})
        own = self.config.glossary_links_not_on
        left = {
            page: {term: found[term] for term in found.keys() - own.get(page, ())}
            for page in linked_pages(self.app)
        }
        for paragraph, page in list(paragraphs(self.document, self.env.docname)):
            if page in left:
                for text in running_text(paragraph):
                    self.link_terms(text, page, find, left[page])

    def link_terms(
        self, text: nodes.Text, page: str, find: re.Pattern[str], left: dict[str, tuple[str, str]]
    ) -> None:
        """Link the terms that are ``left`` for this page, and take them from there."""
        pieces: list[nodes.Node] = []
        done = 0
        for match in find.finditer(text):
            # The first occurrence only: later ones are passed over, whole.
            place = left.pop(" ".join(match[1].lower().split()), None)
            if place is not None:
                pieces.append(nodes.Text(text[done : match.start()]))
                pieces.append(self.link(page, place, match[0]))
                done = match.end()
        if pieces:
            # By identity: docutils' replace takes the first text that is equal.
            at = next(k for k, child in enumerate(text.parent) if child is text)
            text.parent[at : at + 1] = [*pieces, nodes.Text(text[done:])]

    def link(self, page: str, place: tuple[str, str], words: str) -> nodes.reference:
        """Return a link with the classes of the role ``term``."""
        inside = nodes.inline("", words, classes=["xref", "std", "std-term"])
        link = make_refnode(self.app.builder, page, *place, inside)
        link["classes"].append("glossary-link")
        return link


def refresh(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Have the linked pages written again where a term came, went or moved."""
    now = terms(env)
    before = getattr(env, "glossary_links_terms", None)
    env.glossary_links_terms = now  # type: ignore[attr-defined]
    return [] if before == now else sorted(linked_pages(app))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("glossary_links_pages", ["book/part*"], "env", [list])
    app.add_config_value("glossary_links_except", [], "env", [list])
    app.add_config_value("glossary_links_not_on", {}, "env", [dict])
    app.add_post_transform(GlossaryLinks)
    app.connect("env-updated", refresh)
    return {
        "version": "1",
        "env_version": 1,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
