"""The directive ``{ledger}``: every derivative of the executed book."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import public_names
from docutils import nodes
from jupyter_cache import get_cache
from reference_links import link
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

MIME = "application/vnd.backprop.ledger+json"


class Placeholder(nodes.General, nodes.Element):
    """Where the tables go once every notebook has been read."""


class Ledger(SphinxDirective):
    """Insert the tables here."""

    def run(self) -> list[nodes.Node]:
        """Leave a placeholder until all is read."""
        self.env.ledger_page = self.env.docname  # type: ignore[attr-defined]
        return [Placeholder()]


def entries(notebook: Any) -> Iterator[dict[str, Any]]:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if found := output.get("data", {}).get(MIME):
                yield json.loads(found) if isinstance(found, str) else found


def executed(app: Sphinx, path: Path) -> Any:
    cache = get_cache(str(app.config.nb_execution_cache_path))
    record = cache.match_cache_notebook(nbformat.read(path, nbformat.NO_CONVERT))
    return cache.get_cache_bundle(record.pk).nb


def refresh(app: Sphinx, env: BuildEnvironment) -> list[str]:
    page = getattr(env, "ledger_page", None)
    return [page] if page else []


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    for place in list(doctree.findall(Placeholder)):
        tables: list[nodes.Node] = []
        for name in sorted(app.env.found_docs):
            path = Path(app.env.doc2path(name))
            if path.suffix == ".ipynb":
                found = list(entries(executed(app, path)))
                if not found:
                    continue
                title = app.env.titles[name].astext()
                tables.append(nodes.rubric("", title))
                tables.append(table(app, docname, found, name))
        place.replace_self(tables)


def table(app: Sphinx, here: str, found: list[dict[str, Any]], chapter: str) -> nodes.table:
    oracles = ["symbolic", "complex step", "central difference", "autograd"]
    out = nodes.table(classes=["ledger"])
    group = nodes.tgroup(cols=2 + len(oracles))
    out += group
    for _ in range(2 + len(oracles)):
        group += nodes.colspec(colwidth=1)
    head = nodes.thead()
    group += head
    head += row([nodes.Text(t) for t in ["derivative", "function", *oracles]])
    body = nodes.tbody()
    group += body
    for entry in found:
        checks = {c["oracle"]: c for c in entry["checks"]}
        for check in checks.values():
            if not check["error"] <= check["tolerance"]:
                raise ExtensionError(f"ledger: {chapter}: {entry['name']} is off: {check}")
        body += row(
            [
                nodes.math(entry["latex"], entry["latex"]),
                function(app, here, entry["function"]),
                *(nodes.Text(f"{checks[o]['error']:.0e}" if o in checks else "–") for o in oracles),
            ]
        )
    return out


def function(app: Sphinx, here: str, path: str) -> nodes.Node:
    """Return the function's name, linked to its entry in the reference where it has one."""
    text = nodes.literal(path, path.removeprefix("backprop."))
    name = public_names.resolve(path)
    return (name and link(app.env, app.builder, here, name, text)) or text


def row(cells: list[nodes.Node]) -> nodes.row:
    out = nodes.row()
    for cell in cells:
        paragraph = nodes.paragraph()
        paragraph += cell
        entry = nodes.entry()
        entry += paragraph
        out += entry
    return out


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_node(Placeholder)
    app.add_directive("ledger", Ledger)
    app.connect("env-updated", refresh)
    app.connect("doctree-resolved", fill)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
