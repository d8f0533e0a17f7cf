"""The first occurrence of a glossary term is linked, and nothing else is touched."""

import re
import sys

import pytest
from bs4 import BeautifulSoup
from sphinx_project import EXTENSIONS, build, html, write

sys.path.insert(0, str(EXTENSIONS))
from glossary_links import pattern

INDEX = """# Book

```{toctree}
part1/chapter
part1/other
glossary
preface
```
"""
GLOSSARY = """# Glossary

```{glossary}
batch
    Some examples.

chain
    Several links.

chain rule
    How to differentiate a composition.

loss
    A number to minimise.

two words
    Both of them.

unit
    A part of a layer.
```
"""
CHAPTER = """# The chain rule, a heading

```{index} batch
```

Not `batch`, not $batch$, not [a batch](https://example.org), not {ref}`batch <here>`, and not a
mini-batch or a batchwise thing.

| the batch | in a table |
|---|---|
| batch | batch |

```python
batch = 1
```

:::{figure} missing.png
A batch in a caption
:::

A unit of measurement is no unit of a layer.

:::{note}
Batches are first met here, a batch for the second time, and the **Chain Rule** in bold type.
:::

A *chain*, another chain, the chain rule again, losses, loss, units and *two
words* of it.

(here)=
## Here
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("links")
    pages = {
        "index": INDEX,
        "glossary": GLOSSARY,
        "part1/chapter": CHAPTER,
        "part1/other": "# Other\n\nA batch of its own.\n\nA unit of another kind.\n",
        "preface": "# Preface\n\nA batch without a link.\n",
    }
    options = {
        "glossary_links_pages": ["part*"],
        "glossary_links_except": ["unit of measurement"],
        "glossary_links_not_on": {"part1/other": ["unit"]},
    }
    write(root, pages, "glossary_links", **options)
    (root / "part1" / "missing.png").write_bytes(b"")
    build(root)
    return root


def linked(root, page):
    body = BeautifulSoup(html(root, page), "html.parser").select_one("div.body")
    return [(a.get_text(), a["href"]) for a in body.select("a.glossary-link")]


def test_first_occurrences_in_running_text_alone(project):
    words = [(" ".join(text.split()), href) for text, href in linked(project, "part1/chapter")]
    assert "A unit of measurement is no <a" in html(project, "part1/chapter")
    assert words == [
        ("unit", "../glossary.html#term-unit"),
        ("Batches", "../glossary.html#term-batch"),
        ("Chain Rule", "../glossary.html#term-chain-rule"),
        ("chain", "../glossary.html#term-chain"),
        ("losses", "../glossary.html#term-loss"),
        ("two words", "../glossary.html#term-two-words"),
    ]


def test_the_words_of_the_page_are_the_same_as_without_links(project, tmp_path):
    for name in ("index", "glossary", "preface", "part1/chapter", "part1/other"):
        source = (project / f"{name}.md").read_text()
        write(tmp_path, {name: source})
    (tmp_path / "part1" / "missing.png").write_bytes(b"")
    build(tmp_path)
    for page in ("part1/chapter", "part1/other"):
        plain, with_links = (
            BeautifulSoup(html(root, page), "html.parser").select_one("div.body").get_text()
            for root in (tmp_path, project)
        )
        assert plain == with_links


def test_each_page_has_its_own_first_occurrence_and_others_have_none(project):
    assert [text for text, _ in linked(project, "part1/other")] == ["batch"]
    assert linked(project, "preface") == []
    assert linked(project, "glossary") == []


def test_links_follow_the_glossary_in_an_incremental_build(project):
    glossary = project / "glossary.md"
    assert "0 changed" in build(project) or "no targets are out of date" in build(project)
    glossary.write_text(GLOSSARY.replace("batch\n", "own\n"))
    try:
        build(project)
        assert [text for text, _ in linked(project, "part1/other")] == ["own"]
    finally:
        glossary.write_text(GLOSSARY)
        build(project)
    assert [text for text, _ in linked(project, "part1/other")] == ["batch"]


def test_other_builders_and_parallel_builds_raise_no_warning(project):
    build(project, "gettext")
    catalogue = (project / "_build" / "gettext" / "part1.pot").read_text()
    assert 'msgid "A batch of its own."' in catalogue
    build(project, "latex", "-j", "2")
    tex = next((project / "_build" / "latex").glob("*.tex")).read_text()
    assert len(re.findall(r"\\hyperref\[\\detokenize\{glossary:term-batch\}\]", tex)) == 2
    assert "\nA batch without a link." in tex


def test_the_pattern_prefers_the_longest_term_and_whole_words():
    find = pattern({"chain": 0, "chain rule": 0, "bias": 0})
    found = [
        m[1] for m in find.finditer("Chain rules, a chain-like unchained chain; biases, biased")
    ]
    assert found == ["Chain rule", "chain", "bias"]
