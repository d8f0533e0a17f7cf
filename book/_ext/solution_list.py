"""The directive ``{solution-list}``: every exercise of the book with its solution, by chapter.

All is read from the registry that sphinx-exercise keeps, so the page cannot fall behind the book.
An exercise without a solution is a warning, which the book's build turns into an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

LOGGER = logging.getLogger(__name__)


class SolutionListPlace(nodes.General, nodes.Element):
    """Where the list goes once every page has been read."""


class SolutionList(SphinxDirective):
    """Insert the list here."""

    def run(self) -> list[nodes.Node]:
        """Leave a placeholder until all is read."""
        pages_of(self.env).add(self.env.docname)
        return [SolutionListPlace()]


def pages_of(env: BuildEnvironment) -> set[str]:
    """Return the pages that show the list."""
    if not hasattr(env, "solution_list_pages"):
        env.solution_list_pages = set()  # type: ignore[attr-defined]
    return env.solution_list_pages  # type: ignore[attr-defined, no-any-return]


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    pages_of(env).discard(docname)


def merge(app: Sphinx, env: BuildEnvironment, docnames: set[str], other: BuildEnvironment) -> None:
    pages_of(env).update(pages_of(other) & set(docnames))


def refresh(app: Sphinx, env: BuildEnvironment) -> list[str]:
    return sorted(pages_of(env))


def in_reading_order(env: BuildEnvironment, page: str, seen: set[str]) -> Iterator[str]:
    """Yield the pages as the table of contents has them."""
    if page not in seen:
        seen.add(page)
        yield page
        for following in env.toctree_includes.get(page, []):
            yield from in_reading_order(env, following, seen)


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    for place in list(doctree.findall(SolutionListPlace)):
        place.replace_self(chapters(app, docname))


def chapters(app: Sphinx, here: str) -> list[nodes.Node]:
    """Return a line with the count, and for each chapter its title and a list."""
    env = app.env
    registry: dict[str, dict[str, Any]] = getattr(env, "sphinx_exercise_registry", {})
    solved = {
        entry["node"]["target_label"]: entry
        for entry in registry.values()
        if entry["type"].startswith("solution")
    }
    out: list[nodes.Node] = []
    count = 0
    for page in in_reading_order(env, app.config.root_doc, set()):
        items = nodes.bullet_list(bullet="-", classes=["solution-list"])
        for label, entry in registry.items():
            if entry["docname"] == page and entry["type"].startswith("exercise"):
                if label not in solved:
                    LOGGER.warning("exercise %s has no solution", label, location=page)
                items += item(app, here, label, entry, solved.get(label))
        if items.children:
            count += len(items.children)
            title = nodes.rubric()
            title += make_refnode(
                app.builder, here, page, "", nodes.Text(env.titles[page].astext())
            )
            out += [title, items]
    found = sum(isinstance(node, nodes.bullet_list) for node in out)
    total = f"{plural(count, 'exercise')} in {plural(found, 'chapter')}."
    return [nodes.paragraph("", total, classes=["solution-count"]), *out]


def plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def item(
    app: Sphinx, here: str, label: str, exercise: dict[str, Any], solution: dict[str, Any] | None
) -> nodes.list_item:
    """Return the exercise's title, linked, and the link to its solution."""
    line = nodes.paragraph()
    words = nodes.inline()
    words += title_of(app, label, exercise)
    line += make_refnode(app.builder, here, exercise["docname"], label, words)
    if solution:
        line += nodes.Text(" · ")
        target = solution["node"]["label"]
        line += make_refnode(app.builder, here, solution["docname"], target, nodes.Text("solution"))
    out = nodes.list_item()
    out += line
    return out


def title_of(app: Sphinx, label: str, exercise: dict[str, Any]) -> list[nodes.Node]:
    numbers = app.env.toc_fignumbers.get(exercise["docname"], {}).get("exercise", {})
    number = ".".join(map(str, numbers.get(label, ())))
    title = exercise["node"].children[0]
    out: list[nodes.Node] = [nodes.Text(f"{title.children[0].astext()} {number}".strip())]
    if len(title.children) > 1:
        out.append(nodes.Text(": "))
        out += [child.deepcopy() for child in title.children[1].children]
    return out


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(SolutionListPlace)
    app.add_directive("solution-list", SolutionList)
    app.connect("env-purge-doc", purge)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", refresh)
    app.connect("doctree-resolved", fill)
    return {
        "version": "1",
        "env_version": 1,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
