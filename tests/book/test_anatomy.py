"""Every chapter has what a reader expects, and nothing that the comparison would miss."""

import re
import subprocess
import sys
from itertools import takewhile
from pathlib import Path
from statistics import median

import nbformat
import pytest
import yaml
from pybtex.database import parse_file

import backprop

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(ROOT / "tests"))
import second_edition as budget  # noqa: E402
from notebooks import chapters, install_cell, normalized, problems  # noqa: E402

NOTEBOOKS = chapters()
CHAPTERS = [p for p in NOTEBOOKS if p.parent.name.startswith("part")]
UNCOMPARED_AT_MOST = 6
"""Cells in the whole book whose output nobody compares: timings."""


def read(path):
    return nbformat.read(path, as_version=4)


def code(notebook):
    return [c for c in notebook.cells if c.cell_type == "code"]


def text(notebook):
    return "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")


def tags(cell):
    return set(cell.metadata.get("tags", []))


HIDDEN = {"hide-input", "hide-cell", "remove-input", "remove-cell", "evidence"}
"""What a reader of the page does not see, or sees on request."""
named = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)


def test_every_notebook_is_in_the_table_of_contents():
    found = {p for p in (ROOT / "book").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts}
    assert found == set(NOTEBOOKS)


@named
def test_stored_outputs_are_there_to_be_compared(path):
    assert problems(path) == []


def test_the_check_itself_sees_a_stripped_notebook(tmp_path):
    notebook = read(NOTEBOOKS[0])
    for cell in code(notebook):
        cell.outputs, cell.execution_count = [], None
    (tmp_path / "stripped.ipynb").write_text(normalized(notebook))
    assert any("was not executed" in fault for fault in problems(tmp_path / "stripped.ipynb"))


def test_drawings_are_not_stored_but_their_captions_are():
    html = (
        '<figure><svg class="bp-drawn" role="img"><path/></svg><figcaption>c</figcaption></figure>'
    )
    cell = nbformat.v4.new_code_cell("f", id="f", execution_count=1)
    cell.outputs = [nbformat.v4.new_output("display_data", {"text/html": html, "text/plain": "f"})]
    once = normalized(nbformat.v4.new_notebook(cells=[cell]))
    assert "<path" not in once and "<figcaption>c</figcaption>" in once
    assert normalized(nbformat.reads(once, 4)) == once


def uncompared(notebook):
    return [c for c in code(notebook) if "nbval-ignore-output" in tags(c)]


def test_few_cells_escape_the_comparison():
    assert sum(len(uncompared(read(p))) for p in NOTEBOOKS) <= UNCOMPARED_AT_MOST


@named
def test_no_cell_is_skipped_and_each_uncompared_one_has_an_assertion(path):
    notebook = read(path)
    cells = code(notebook)
    for cell, following in zip(cells, [*cells[1:], None], strict=True):
        assert not tags(cell) & {"nbval-skip", "skip-execution", "raises-exception"}, cell.id
        assert "NBVAL_" not in cell.source, cell.id
        if "nbval-ignore-output" in tags(cell):
            beside = cell.source + (following.source if following else "")
            assert re.search(r"^\s*assert ", beside, re.M), f"{cell.id}: a timing without assertion"


@named
def test_every_picture_has_an_alt_text_and_a_caption(path):
    for cell in code(read(path)):
        shown = [o.get("data", {}).get("text/plain", "") for o in cell.outputs]
        if any(text.startswith(("<Figure size", "<Drawing")) for text in shown):
            render = cell.metadata.get("mystnb", {})
            assert len(render.get("image", {}).get("alt", "")) > 20, cell.id
            assert len(render.get("figure", {}).get("caption", "")) > 20, cell.id


@named
def test_the_notebook_installs_the_package_where_it_is_missing(path):
    # As on Colab, which opens the notebook alone, from the address in _config.yml.
    first = code(read(path))[0]
    address = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    assert f'"backprop-book[book]=={backprop.__version__}" -c {address}/raw/v' in first.source
    assert first.id == "install" and first.source == install_cell()
    assert "remove-cell" in tags(first) and first.outputs == []


def test_the_first_cell_notices_the_other_package_of_that_name(tmp_path):
    (tmp_path / "backprop").mkdir()
    (tmp_path / "backprop/__init__.py").write_text("")
    script = re.sub(r"%pip.*", "pass", install_cell())
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path)}, timeout=60,
    )  # fmt: skip
    assert run.returncode == 1 and "pip uninstall backprop" in run.stderr


@chapter
def test_cells_are_short(path):
    # The first installs, the second imports.
    lines = [len(c.source.splitlines()) for c in code(read(path))[2:]]
    assert max(lines) <= 20
    assert median(lines) <= 8


@chapter
def test_the_parts_that_a_chapter_has(path):
    prose = text(read(path))
    for part in (
        "**After this chapter you can**", "**You need**", "**Time**", "## Exercises", "## Summary",
        "**Further reading.**", "{cite", "```{literalinclude} ../../code/backprop/",
    ):  # fmt: skip
        assert part in prose, part
    assert prose.startswith(f"({path.stem})="), "the label is the file's name"


@chapter
def test_every_exercise_has_a_solution_that_is_executed(path):
    cells = read(path).cells
    exercises = re.findall(r"\{exercise\}[^\n]*\n:label: ([\w-]+)", text(read(path)))
    assert len(exercises) >= 5
    solutions = {}
    for k, cell in enumerate(cells):
        if found := re.search(r"\{solution(-start)?\} ([\w-]+)", cell.source):
            run = list(takewhile(lambda c: c.cell_type == "code", cells[k + 1 :]))
            solutions[found[2]] = "\n".join(c.source for c in run)
            if found[1]:  # one fold that holds text and code: no second one inside
                assert not any(tags(c) & HIDDEN for c in run), found[2]
                assert "{solution-end}" in cells[k + 1 + len(run)].source, found[2]
                assert any(c.outputs for c in run), f"{found[2]}: its code shows nothing"
    assert sorted(solutions) == sorted(exercises)
    for label, source in solutions.items():
        assert re.search(r"^\s*assert ", source, re.M), f"{label}: nothing is asserted"


def before_exercises(path):
    """Return the cells that count: all before the exercises, the last one cut off there."""
    cells = []
    for cell in read(path).cells:
        before, found, _ = cell.source.partition("## Exercises")
        cells.append(nbformat.from_dict(cell | {"source": before}))
        if found and cell.cell_type == "markdown":
            return cells
    raise AssertionError(f"{path.stem} has no exercises")


def words(cells):
    """Count the words of the prose; a formula in a line is one word."""
    text = "\n".join(c.source for c in cells if c.cell_type == "markdown")
    apart = r"```\{(?:index|literalinclude|math)\}.*?```|\$\$.*?\$\$|^:\w+:.*?$|\]\([^)]*\)"
    text = re.sub(r"\$[^$]+\$", " formula ", re.sub(apart, " ", text, flags=re.S | re.M))
    return len([word for word in text.split() if re.search(r"\w", word)])


second = pytest.mark.parametrize(
    "path", [p for p in CHAPTERS if p.stem in budget.SECOND_EDITION], ids=lambda p: p.stem
)


def test_the_second_edition_is_in_the_book():
    assert set(budget.SECOND_EDITION) <= {p.stem for p in CHAPTERS}


@second
def test_the_budget_of_a_chapter(path):
    cells = before_exercises(path)
    computed = [c for c in cells if c.cell_type == "code"][1:]  # the first installs
    visible = [c for c in computed if not tags(c) & HIDDEN]
    lines = [line for c in visible for line in c.source.splitlines()]
    assert words(cells) <= budget.WORDS
    assert len(computed) <= budget.CELLS
    assert len(visible) <= budget.VISIBLE_CELLS
    assert len(lines) <= budget.LINES
    assert max(map(len, lines)) <= budget.COLUMNS
    assert max(len(c.source.splitlines()) for c in visible) <= budget.LINES_A_CELL


@second
def test_the_order_of_a_page(path):
    prose = text(read(path))
    opening = read(path).cells[0].source.partition("\n# ")[2].partition("\n")[2]
    assert 20 <= len(opening.split()) <= 80
    assert prose.index("## Summary") < prose.index("## Exercises")
    assert prose.index("**Further reading.**") > prose.rindex("{solution-start}")
    assert "minutes" not in "".join(re.findall(r"\{exercise\}(.*)", prose)), "a badge says it"
    # A question to oneself after each section, but the last two.
    sections = prose[: prose.index("## Summary")].split("\n## ")[1:]
    asked = [s.split("\n")[0] for s in sections if ":class: ask" not in s]
    assert len(asked) <= 2, asked


def test_words_are_counted():
    cell = nbformat.v4.new_markdown_cell(
        "One $x + y$ three.\n\n```{index} a\n```\n\n$$a = b$$\n\nFour"
    )
    assert words([cell]) == 4


@chapter
def test_a_chapter_enters_derivatives_into_the_ledger(path):
    mime = "application/vnd.backprop.ledger+json"
    assert any(mime in o.get("data", {}) for c in code(read(path)) for o in c.outputs)


def test_references_have_year_and_doi_and_are_cited():
    entries = parse_file(str(ROOT / "book/references.bib")).entries
    prose = "\n".join(text(read(p)) for p in NOTEBOOKS)
    prose += "\n".join(p.read_text() for p in (ROOT / "book").rglob("*.md"))
    cited = {
        k.strip() for keys in re.findall(r"\{cite[^}]*\}`([^`]+)`", prose) for k in keys.split(",")
    }
    assert cited <= set(entries)
    assert set(entries) <= cited, "nothing cites these"
    for key, entry in entries.items():
        assert re.fullmatch(r"\d{4}", entry.fields.get("year", "")), key
        # Some venues give no DOI; then an address must do.
        assert "doi" in entry.fields or "url" in entry.fields, key
