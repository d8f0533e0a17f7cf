"""The map of chapters follows each chapter's line of what it needs."""

import sys

import pytest
from bs4 import BeautifulSoup
from sphinx_project import EXTENSIONS, build, html, write

sys.path.insert(0, str(EXTENSIONS))
import chapter_map

INDEX = """# Book

```{toctree}
book/preface
book/part1-a/first
book/part1-a/second
book/part2-b/third
```
"""
MAP = "# Preface\n\n```{chapter-map}\n```\n"


def chapter(label, need):
    return f"({label})=\n# The {label}\n\n**You need** {need}.\n\nSee {{ref}}`first` as well.\n"


@pytest.fixture
def project(tmp_path):
    def make(**needs):
        pages = {"index": INDEX, "book/preface": MAP}
        for page, need in needs.items():
            part = "part2-b" if page == "third" else "part1-a"
            pages[f"book/{part}/{page}"] = chapter(page, need)
        write(tmp_path, pages, "chapter_map", root_doc="index")
        return tmp_path

    return make


def test_boxes_link_and_an_arrow_that_follows_from_others_is_left_out(project):
    root = project(first="algebra", second="{ref}`first`", third="{ref}`first` and {ref}`second`")
    build(root)
    svg = BeautifulSoup(html(root, "book/preface"), "html.parser").find("svg")
    assert [a["href"] for a in svg.find_all("a")] == [
        "part1-a/first.html", "part1-a/second.html", "part2-b/third.html",
    ]  # fmt: skip
    assert len(svg.find("g").find_all("path")) == 2
    assert svg["aria-label"] == (
        "Map of the chapters: first needs no other; second needs first; third needs second"
    )
    assert [a.title.text for a in svg.find_all("a")] == ["The first", "The second", "The third"]


def test_the_third_part_stands_below_the_first():
    columns = [["a", "b"], ["c"], ["d"]]
    edges = {"a": set(), "b": {"a"}, "c": {"b"}, "d": {"c"}}
    words = {page: page for page in edges}
    markup = chapter_map.drawn(columns, edges, words, words, words, ["one", "two", "three"])
    svg = BeautifulSoup(markup, "html.parser")
    boxes = {a["href"]: a.rect for a in svg.find_all("a")}
    x, y = ({page: float(box[side]) for page, box in boxes.items()} for side in "xy")
    assert x["a"] == x["b"] == x["d"] < x["c"] and y["a"] == y["c"] < y["b"] < y["d"]
    heads = [float(head["y"]) for head in svg.find_all("text", class_="part")]
    assert heads[0] == heads[1] < y["a"] and y["b"] + chapter_map.HEIGHT < heads[2] < y["d"]
    _, _, width, height = map(float, svg.find("svg")["viewbox"].split())
    assert max(x.values()) + chapter_map.WIDTH < width
    assert y["d"] + chapter_map.HEIGHT < height


def test_a_need_that_comes_later_stops_the_build(project):
    root = project(first="{ref}`second`", second="algebra", third="algebra")
    with pytest.raises(AssertionError, match=r"needs .*second.* which come after it"):
        build(root)


def test_what_shows_no_svg_says_it_in_words(project):
    root = project(first="algebra", second="{ref}`first`", third="{ref}`first` and {ref}`second`")
    build(root, "text")
    text = (root / "_build/text/book/preface.txt").read_text()
    assert "* The first\n" in text and "* The second needs The first\n" in text
    assert "* The third needs The second" in text
