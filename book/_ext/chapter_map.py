"""The directive ``{chapter-map}``: what each chapter needs, as a picture whose boxes are links.

Nothing is said twice: the arrows come from the references in each chapter's line "You need", the
order and the numbers from the table of contents. An arrow that follows from two others is left
out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

COLUMN, WIDTH, HEIGHT, ROW, LEFT, TOP = 200, 162, 36, 58, 28, 34
"""Units of the drawing, 1 pixel on a phone: text of 14 stays legible there."""


class ChapterMapPlace(nodes.General, nodes.Element):
    """Where the picture goes once every page has been read."""


class ChapterMap(SphinxDirective):
    """Insert the picture here."""

    def run(self) -> list[nodes.Node]:
        """Leave a placeholder until all is read."""
        self.env.chapter_map_page = self.env.docname  # type: ignore[attr-defined]
        return [ChapterMapPlace()]


def parts(env: BuildEnvironment) -> list[list[str]]:
    """Return the pages of each part that holds chapters, in reading order."""
    root = env.toctree_includes.get(env.config.root_doc, [])
    names = sorted({page.split("/")[1] for page in root if page.startswith("book/part")})
    return [[p for p in root if p.startswith(f"book/{name}/")] for name in names]


def needs(env: BuildEnvironment, page: str, chapters: set[str]) -> set[str]:
    """Return the chapters that the page's line "You need" refers to."""
    labels = env.get_domain("std").anonlabels  # type: ignore[attr-defined]
    found = set()
    for paragraph in env.get_doctree(page).findall(nodes.paragraph):
        text = paragraph.astext()
        if "You need" not in text:
            continue
        for node in paragraph.findall(addnodes.pending_xref):
            target = labels.get(node["reftarget"], ("",))[0]
            # What follows "Time" in the same paragraph holds no reference.
            if target in chapters and target != page:
                found.add(target)
    return found


def reduced(edges: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Leave out each need that another need of the page has already, directly or not."""

    def all_needs(page: str) -> set[str]:
        out: set[str] = set()
        for need in edges[page]:
            out |= {need} | all_needs(need)
        return out

    return {
        page: {n for n in direct if not any(n in all_needs(m) for m in direct - {n})}
        for page, direct in edges.items()
    }


def drawn(
    columns: Sequence[Sequence[str]],
    edges: Mapping[str, set[str]],
    labels: Mapping[str, str],
    titles: Mapping[str, str],
    links: Mapping[str, str],
    captions: Sequence[str],
) -> str:
    """Return the SVG: a column per part, a box per chapter, an arrow per need.

    Two parts stand side by side, the next two below them, so that the words stay large on a phone.
    """
    tops, height = [], TOP
    for k in range(0, len(columns), 2):
        tops += [height, height]
        height += ROW * max(map(len, columns[k : k + 2])) + TOP
    place = {
        page: (LEFT + k % 2 * COLUMN, tops[k] + i * ROW)
        for k, column in enumerate(columns)
        for i, page in enumerate(column)
    }
    arrows = []
    for page, direct in edges.items():
        x2, y2 = place[page]
        for need in sorted(direct):
            x1, y1 = place[need]
            if x1 == x2 and y2 - y1 == ROW:
                path = f"M{x1 + WIDTH / 2} {y1 + HEIGHT}V{y2 - 3}"
            elif x1 == x2:
                bow = x1 - min(28, 10 + (y2 - y1) // 20)
                path = f"M{x1} {y1 + 22}C{bow} {y1 + 30} {bow} {y2 + 10} {x2 - 3} {y2 + 16}"
            else:
                start, end = (x1 + WIDTH, x2 - 3) if x1 < x2 else (x1, x2 + WIDTH + 3)
                middle = (start + end) / 2
                path = f"M{start} {y1 + 18}C{middle} {y1 + 18} {middle} {y2 + 18} {end} {y2 + 18}"
            arrows.append(f'<path d="{path}" marker-end="url(#chapter-map-tip)"/>')
    boxes = [
        f'<a href="{escape(links[page])}"><title>{escape(titles[page])}</title>'
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f'<text x="{x + WIDTH / 2}" y="{y + 23}">{escape(labels[page])}</text></a>'
        for page, (x, y) in place.items()
    ]
    heads = [
        f'<text x="{LEFT + k % 2 * COLUMN + WIDTH / 2}" y="{tops[k] - 14}" class="part">'
        f"{escape(words)}</text>"
        for k, words in enumerate(captions)
    ]
    said = "; ".join(
        f"{labels[page]} needs "
        + (", ".join(labels[need] for need in place if need in direct) or "no other")
        for page, direct in edges.items()
    )
    width = LEFT + COLUMN * min(len(columns), 2)
    height -= TOP
    return (
        f'<svg class="chapter-map" viewBox="0 0 {width} {height}" role="group" '
        f'aria-label="Map of the chapters: {escape(said)}">'
        '<defs><marker id="chapter-map-tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8Z"/></marker></defs>'
        f'<g class="arrows">{"".join(arrows)}</g>{"".join(boxes)}{"".join(heads)}</svg>'
    )


def picture(app: Sphinx, here: str) -> str:
    env = app.env
    columns = parts(env)
    order = [page for column in columns for page in column]
    direct = {page: needs(env, page, set(order)) for page in order}
    for page, found in direct.items():
        later = {need for need in found if order.index(need) > order.index(page)}
        if later:
            raise ValueError(f"chapter-map: {page} needs {sorted(later)}, which come after it")
    numbers = {
        page: ".".join(map(str, env.toc_secnumbers.get(page, {}).get("", ()))) for page in order
    }
    labels = {
        page: f"{numbers[page]} {page.rsplit('/', 1)[1].replace('-', ' ')}".strip().replace(
            " and ", " & "
        )
        for page in order
    }
    captions = ["the idea", "the algorithm", "training well", "other architectures"]
    return drawn(
        columns,
        reduced(direct),
        labels,
        {page: env.titles[page].astext() for page in order},
        {page: app.builder.get_relative_uri(here, page) for page in order},
        captions[: len(columns)],
    )


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    for place in list(doctree.findall(ChapterMapPlace)):
        if app.builder.format == "html":
            place.replace_self(nodes.raw("", picture(app, docname), format="html"))
        else:
            place.replace_self(listed(app, docname))


def listed(app: Sphinx, here: str) -> nodes.bullet_list:
    """Return the map in words, for what shows no SVG: each chapter with what it needs."""

    def link(page: str) -> nodes.reference:
        return make_refnode(app.builder, here, page, "", nodes.Text(app.env.titles[page].astext()))

    order = [page for column in parts(app.env) for page in column]
    direct = reduced({page: needs(app.env, page, set(order)) for page in order})
    out = nodes.bullet_list()
    for page in order:
        words: list[nodes.Node] = [link(page)]
        for k, need in enumerate(need for need in order if need in direct[page]):
            words += [nodes.Text(", " if k else " needs "), link(need)]
        out += nodes.list_item("", nodes.paragraph("", "", *words))
    return out


def refresh(app: Sphinx, env: BuildEnvironment) -> list[str]:
    page = getattr(env, "chapter_map_page", None)
    return [page] if page else []


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(ChapterMapPlace)
    app.add_directive("chapter-map", ChapterMap)
    app.connect("env-updated", refresh)
    app.connect("doctree-resolved", fill)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
