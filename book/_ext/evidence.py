"""One line for the evidence: the code of cells tagged ``evidence`` goes into the box of its output.

``backprop.book.ledger.record`` shows a line that opens to a table. The cell that calls it, and the
tagged ones directly before it, are what the table comes from: here their code moves into the same
box, so that the page shows the line alone. Without HTML, or in a notebook, cells stay as they are.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
TAG, SUMMARY = "tag_evidence", "</summary>"


def is_evidence(node: nodes.Node | None) -> bool:
    return isinstance(node, nodes.container) and {"cell", TAG} <= set(node["classes"])


def box_of(cell: nodes.container) -> nodes.raw | None:
    """Return the output that holds the box."""
    for output in cell.findall(nodes.raw):
        if '<details class="bp-evidence"' in output.astext():
            return output
    return None


def code_of(cell: nodes.container) -> list[nodes.container]:
    found = cell.findall(nodes.container)
    return [node for node in found if "cell_input" in node["classes"]]


def fold(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    if app.builder.format != "html":
        return
    waiting: list[nodes.container] = []
    for cell in [node for node in doctree.findall(nodes.container) if is_evidence(node)]:
        box = box_of(cell)
        if box is not None:
            code = [part for each in [*waiting, cell] for part in code_of(each)]
            for part in code:
                part.parent.remove(part)
            for each in waiting:
                each.parent.remove(each)
            waiting = []
            insert(box, code)
        elif is_evidence(cell.next_node(descend=False, siblings=True)):
            waiting.append(cell)
        else:
            LOGGER.warning("a cell tagged evidence leads to no entry in the ledger", location=cell)
            waiting = []


def insert(box: nodes.raw, code: list[nodes.container]) -> None:
    """Put the code into the box, below the line that opens it."""
    before, after = box.astext().split(SUMMARY, 1)
    parts: list[nodes.Node] = [nodes.raw("", before + SUMMARY, format="html")]
    parts += code
    parts.append(nodes.raw("", after, format="html"))
    box.replace_self(parts)


def setup(app: Sphinx) -> dict[str, Any]:
    # After the figures have moved into the page, and MyST-NB has chosen what it shows.
    app.connect("doctree-resolved", fold)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
