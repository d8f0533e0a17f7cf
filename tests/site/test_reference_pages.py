"""The reference on the built site: its index of objects, and the links between it and the pages."""

import re
from functools import cache

import pytest
from conftest import SITE, chapters
from sphinx.util.inventory import InventoryFile

import backprop


@cache
def inventory():
    """Return what `objects.inv` holds of Python: (project, version, address) by name."""
    with (SITE / "objects.inv").open("rb") as file:
        found = InventoryFile.load(file, "", lambda base, path: path)
    return {
        name: entry[:3]
        for kind in found
        if kind.startswith("py:")
        for name, entry in found[kind].items()
    }


@cache
def ids(page):
    return set(re.findall(r'\bid="([^"]+)"', (SITE / page).read_text("utf-8")))


@pytest.mark.parametrize("name", backprop.__all__)
def test_each_exported_name_has_an_entry_that_others_can_link_to(site, name):
    project, version, address = inventory()[f"backprop.{name}"]
    assert (project, version) == ("backprop-book", backprop.__version__)
    page, _, anchor = address.partition("#")
    assert page.startswith("book/reference/") and anchor in ids(page)


def test_the_ledgers_functions_are_links(site):
    text = (site / "book/appendices/ledger.html").read_text("utf-8")
    rows = [row for row in re.findall(r"<tr.*?</tr>", text, re.DOTALL) if "<td" in row]
    # What pages alone use (backprop.book) has no page in the reference.
    library = [row for row in rows if '<span class="pre">book.' not in row]
    assert len(library) > 20 and len(rows) - len(library) < 5
    assert [row for row in library if row.count("reference-link") != 1] == []


def test_a_chapter_leads_to_the_reference(site, chapter):
    text = (site / chapter).read_text("utf-8")
    (line,) = re.findall(r'<p class="library-names">.*?</p>', text, re.DOTALL)
    assert line.count("reference-link") >= 3


def test_the_reference_leads_to_every_chapter(site):
    pages = [p.read_text("utf-8") for p in (site / "book/reference").glob("*.html")]
    # The articles alone: the table of contents beside them names each chapter anyway.
    articles = "".join(re.search(r"<article.*?</article>", page, re.DOTALL)[0] for page in pages)
    linked = {f"book/{part}" for part in re.findall(r'href="\.\./(part[^"#]+)"', articles)}
    assert set(chapters()) <= linked
