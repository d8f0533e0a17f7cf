"""Every internal link, image, script and anchor of the built site resolves."""

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Collector(HTMLParser):
    """The ids of a page and what it points to."""

    def __init__(self):
        super().__init__()
        self.ids, self.links = [], []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        # <a name> is an anchor, <meta name> and <input name> are not
        self.ids += [
            values[k] for k in ("id", "name") if values.get(k) and (k == "id" or tag == "a")
        ]
        if tag == "link" and values.get("rel") == "canonical":
            return
        self.links += [values[k] for k in ("href", "src") if values.get(k)]


@cache
def parsed(path: Path):
    collector = Collector()
    collector.feed(path.read_text(encoding="utf-8"))
    return collector


def broken_links(site, name):
    page = site / name
    broken = []
    for link in parsed(page).links:
        url = urlsplit(link)
        if url.scheme or url.netloc:
            continue
        target = (page.parent / unquote(url.path)).resolve() if url.path else page
        if target.is_dir():
            target /= "index.html"
        if not target.is_file() or not target.is_relative_to(site):
            broken.append(f"{link}: no such file")
        elif url.fragment and target.suffix == ".html":
            anchor = unquote(url.fragment)
            if anchor not in parsed(target).ids:
                broken.append(f"{link}: no such anchor")
    return broken


def test_internal_links_resolve(site, any_page):
    assert parsed(site / any_page).links
    assert broken_links(site, any_page) == []


def test_ids_are_unique(site, any_page):
    ids = parsed(site / any_page).ids
    # sphinx-exercise gives every exercise's body the same two ids; nothing points at them
    theirs = {"exercise-content", "solution-content"}
    assert {i for i in ids if ids.count(i) > 1} <= theirs


def test_the_check_itself_catches_a_broken_link(tmp_path):
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="#here">1</a><a href="#gone">2</a>'
        '<a href="b.html#x">3</a><a href="c.html">4</a><img src="../out.png">'
    )
    (tmp_path / "b.html").write_text("<p id='y'>")
    found = broken_links(tmp_path.resolve(), "a.html")
    assert [b.split(":")[0] for b in found] == ["#gone", "b.html#x", "c.html", "../out.png"]


def test_ledger_lists_every_derivative_that_a_chapter_shows(site):
    ledger = (site / "book/appendices/ledger.html").read_text(encoding="utf-8")
    shown = 0
    for page in site.glob("book/part*/*.html"):
        text = page.read_text("utf-8")
        entries = re.findall(r"<caption>[^<]*<code>([\w.]+)</code>: the largest", text)
        shown += len(entries)
        for function in entries:
            assert function.removeprefix("backprop.") in ledger, (page.name, function)
    assert shown >= 10


def test_no_page_names_a_foreign_script_style_or_image(site, any_page):
    text = (site / any_page).read_text(encoding="utf-8")
    loaded = re.findall(r'<(?:script|img|iframe|source)[^>]*\ssrc="([^"]+)"', text)
    loaded += re.findall(r'<link rel="(?:stylesheet|preload|icon)"[^>]*href="([^"]+)"', text)
    assert [url for url in loaded if re.match(r"(https?:)?//", url)] == []
