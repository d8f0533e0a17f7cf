"""The list of exercises holds each exercise of the book with its solution, by chapter."""

import pytest
from bs4 import BeautifulSoup
from sphinx_project import build, html, write

INDEX = """# Book

```{toctree}
:numbered:
second
first
list
```
"""
FIRST = """# First chapter

```{exercise} Plain
:label: ex-plain
What?
```

```{solution} ex-plain
That.
```
"""
SECOND = """# Second chapter

```{exercise} The slope of $x^2$ (5 minutes)
:label: ex-slope
What?
```

```{exercise}
:label: ex-untitled
What?
```

```{solution} ex-slope
That.
```

```{solution} ex-untitled
That.
```
"""
PAGES = {
    "index": INDEX, "first": FIRST, "second": SECOND,
    "list": "# Solutions\n\n```{solution-list}\n```\n",
}  # fmt: skip


def project(root, pages):
    write(root, pages, "sphinx_exercise", "solution_list", "sphinx.ext.mathjax", numfig=True)
    return root


def body(root):
    return BeautifulSoup(html(root, "list"), "html.parser").select_one("div.body")


def test_chapters_in_reading_order_with_links_to_exercise_and_solution(tmp_path):
    build(project(tmp_path, PAGES))
    page = body(tmp_path)
    assert "3 exercises in 2 chapters." in page.get_text()
    titles = [p.get_text() for p in page.select("p.rubric")]
    assert titles == ["Second chapter", "First chapter"]
    rows = [[a.get_text() for a in li.select("a")] for li in page.select("li")]
    assert rows == [
        ["Exercise 1.1: The slope of \\(x^2\\) (5 minutes)", "solution"],
        ["Exercise 1.2", "solution"],
        ["Exercise 2.1: Plain", "solution"],
    ]
    for a in page.select("li a"):
        name, anchor = a["href"].split("#")
        target = BeautifulSoup((tmp_path / "_build/html" / name).read_text(), "html.parser")
        kind = "solution" if a.get_text() == "solution" else "exercise"
        assert kind in target.find(id=anchor)["class"]


def test_the_list_follows_an_incremental_build(tmp_path):
    build(project(tmp_path, PAGES))
    more = FIRST.replace("ex-plain", "ex-new").replace("Plain", "New").split("\n", 1)[1]
    (tmp_path / "first.md").write_text(FIRST + more)
    build(tmp_path)
    assert "4 exercises in 2 chapters." in body(tmp_path).get_text()
    (tmp_path / "first.md").write_text("# First chapter\n\nNone any more.\n")
    build(tmp_path)
    assert "2 exercises in 1 chapters." not in body(tmp_path).get_text()
    assert "2 exercises in 1 chapter." in body(tmp_path).get_text()


def test_a_solution_between_start_and_end_is_one_fold_and_is_listed(tmp_path):
    gated = FIRST.replace(
        "```{solution} ex-plain\nThat.\n```",
        "```{solution-start} ex-plain\n:class: dropdown\n```\n\nWords.\n\n```python\ncode\n```\n\n"
        "```{solution-end}\n```",
    )
    build(project(tmp_path, PAGES | {"first": gated}))
    assert "3 exercises in 2 chapters." in body(tmp_path).get_text()
    page = BeautifulSoup(html(tmp_path, "first"), "html.parser")
    (fold,) = page.select("div.solution.dropdown")
    assert "Words." in fold.get_text() and fold.select_one("div.highlight-python")
    link = body(tmp_path).select("a[href^='first.html']")[-1]
    assert link["href"] == f"first.html#{fold['id']}"


def test_an_exercise_without_a_solution_fails_the_build(tmp_path):
    pages = PAGES | {"first": FIRST.split("```{solution}")[0]}
    with pytest.raises(AssertionError, match="exercise ex-plain has no solution"):
        build(project(tmp_path, pages))


def test_parallel_builds_and_other_builders(tmp_path):
    project(tmp_path, PAGES)
    build(tmp_path, "html", "-j", "2")
    assert "3 exercises in 2 chapters." in body(tmp_path).get_text()
    build(tmp_path, "gettext")
    build(tmp_path, "latex")
    tex = next((tmp_path / "_build" / "latex").glob("*.tex")).read_text()
    assert "3 exercises in 2 chapters." in tex
