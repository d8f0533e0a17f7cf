"""The code behind a line of evidence moves into the box that the line opens."""

import sys
from pathlib import Path
from types import SimpleNamespace

from bs4 import BeautifulSoup
from docutils import nodes
from docutils.utils import new_document

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "book/_ext"))
import evidence

from backprop.book.ledger import Check, Entry

ENTRY = Entry("a slope", "x", "backprop.f", (Check("symbolic", 2e-16, 1e-14, "rounding"),))


def cell(source, output=None, tag="tag_evidence"):
    out = nodes.container(classes=["cell", tag])
    code = nodes.container(classes=["cell_input"])
    code += nodes.literal_block(source, source)
    out += code
    if output:
        shown = nodes.container(classes=["cell_output"])
        shown += nodes.raw("", output, format="html")
        out += shown
    return out


def folded(*cells, form="html"):
    doctree = new_document("page")
    doctree += list(cells)
    evidence.fold(SimpleNamespace(builder=SimpleNamespace(format=form)), doctree, "page")
    return doctree


def test_code_of_all_tagged_cells_is_between_the_line_and_the_table():
    box = ENTRY._repr_mimebundle_()["text/html"]
    doctree = folded(cell("plain", tag="tag_other"), cell("first"), cell("second", box))
    found = [c for c in doctree.findall(nodes.container) if "cell" in c["classes"]]
    assert len(found) == 2
    parts = [
        n.astext() for n in found[1].findall() if isinstance(n, nodes.raw | nodes.literal_block)
    ]
    assert parts[0].endswith("</summary>")
    assert parts[1:3] == ["first", "second"]
    assert parts[3].startswith("<table") and parts[3].endswith("</details>")


def test_the_line_says_who_agrees_and_how_closely():
    page = BeautifulSoup(ENTRY._repr_mimebundle_()["text/html"], "html.parser")
    assert page.details.summary.text == "Checked: SymPy 2e-16"
    assert [td.text for td in page.details.find_all("td")] == ["symbolic", "2e-16", "1e-14"]
    equal = Entry("a", "x", "f", (Check("autograd", 0.0, 1e-14, "rounding"),))
    assert equal.summary() == "Checked: autograd equal"


def test_other_builders_and_cells_without_a_box_stay():
    box = ENTRY._repr_mimebundle_()["text/html"]
    doctree = folded(cell("first"), cell("second", box), form="latex")
    assert len([c for c in doctree.findall(nodes.container) if "cell_input" in c["classes"]]) == 2
    alone = folded(cell("first"))
    assert len([c for c in alone.findall(nodes.container) if "cell_input" in c["classes"]]) == 1
