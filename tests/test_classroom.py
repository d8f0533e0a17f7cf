"""What a teacher hands out: assignments that ask, keys that answer, and nothing written over."""

import ast
import json
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import classroom  # noqa: E402

CHAPTERS = classroom.chapters()
CHAIN = next(path for path in CHAPTERS if path.stem == "chain-rule")
TEACHING = (ROOT / "book/appendices/teaching.md").read_text(encoding="utf-8")


def source(path):
    return "\n".join(cell.source for cell in nbformat.read(path, 4).cells)


def words(path):
    """What the build of the reader's notebooks leaves, made from the sources."""
    return [
        {
            "label": found["label"],
            "heading": "Exercise 1.1",
            "text": found["text"],
            "solution": "So.",
        }
        for found in classroom.live_cells.EXERCISE.finditer(source(path))
    ]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_answer_defines_what_its_check_takes(path):
    for code in classroom.live_cells.exercises(path):
        made = classroom.live_cells.uses(classroom.answer(code)).defined
        needed = set().union(
            *(classroom.live_cells.uses(cell).defined for cell in code.cells), made
        )
        names = {n.id for n in ast.walk(ast.parse(code.check)) if isinstance(n, ast.Name)}
        assert names <= needed, code.label


def test_an_answer_ends_with_the_names_of_the_call():
    code = classroom.live_cells.Exercise(
        "ex",
        "a = ...",
        "exercises.check_it(a, [b, c])",
        [],
        "x = 1\nassert exercises.check_it(x, [2, 3])",
    )
    assert classroom.answer(code) == "x = 1\na = x\n[b, c] = [2, 3]"
    starred = code._replace(check="exercises.check_it(a, b)", solution="exercises.check_it(*pair)")
    assert classroom.answer(starred) == "a, b = *pair,"


def test_the_mistakes_are_those_that_a_checker_names():
    known = classroom.known(CHAIN)
    assert sum(map(len, known.values())) > 50
    assert all(len(set(hints)) == len(hints) for hints in known.values())
    tree = ast.parse(
        "def check(a):\n    return [(1, 'One too many.', 'Count.'), (2, 'Two.'), ('a b', 'c')]"
    )
    assert list(classroom.mistakes(tree.body[0])) == ["One too many."]


def run(notebook):
    """Run all cells, and return the ids of those that failed."""
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", allow_errors=True)
    client.execute()
    return {
        cell.id
        for cell in notebook.cells
        if cell.cell_type == "code" and any(o.output_type == "error" for o in cell.outputs)
    }


def test_the_key_passes_every_check_and_an_untouched_assignment_none():
    made = classroom.notebook(CHAIN, words(CHAIN), "answers")
    checks = {cell.id for cell in made.cells if cell.id.endswith("-check")}
    assert len(checks) >= 10
    assert run(made) == set()
    assert run(classroom.notebook(CHAIN, words(CHAIN), "assignments")) == checks


def test_nothing_of_the_solution_is_in_an_assignment():
    made = classroom.notebook(CHAIN, words(CHAIN), "assignments")
    text = "\n".join(cell.source for cell in made.cells)
    assert "BEGIN SOLUTION" not in text and "So." not in text
    for code in classroom.live_cells.exercises(CHAIN):
        assert classroom.answer(code) not in text


def test_nbgraders_cells_have_what_it_asks_for():
    made = classroom.notebook(CHAIN, words(CHAIN), "nbgrader")
    cells = {cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader for cell in made.cells}
    assert len(cells) == len(made.cells), "ids are unique"
    for name, cell in cells.items():
        assert cell.schema_version == 3 and cell.task is False
        assert ("points" in cell) == cell.grade and cell.locked == (not cell.solution), name
    assert sum(cell.get("points", 0) for cell in cells.values()) >= 30
    answers = [
        cell.source for cell in made.cells if cell.cell_type == "code" and "-answer" in cell.id
    ]
    assert all(a.index("...") < a.index(classroom.BEGIN) < a.index(classroom.END) for a in answers)


def test_what_a_teacher_has_changed_stays(tmp_path, monkeypatch, capsys):
    stored = tmp_path / "exercises.json"
    page = CHAIN.relative_to(ROOT).with_suffix("").as_posix()
    stored.write_text(json.dumps({page: words(CHAIN)}))
    monkeypatch.setattr(classroom, "WORDS", stored)
    monkeypatch.setattr(classroom, "chapters", lambda: [CHAIN])
    monkeypatch.setattr(sys, "argv", ["classroom.py", str(tmp_path / "out")])
    classroom.main()
    changed = tmp_path / "out/assignments/chain-rule.ipynb"
    for path in (changed, tmp_path / "out/README.md"):
        path.write_text("mine")
    stored.write_text(json.dumps({page: words(CHAIN)[:-1]}))
    classroom.main()
    assert changed.read_text() == (tmp_path / "out/README.md").read_text() == "mine"
    assert changed.with_name("chain-rule.new.ipynb").exists()
    assert "chain-rule.new.ipynb" in capsys.readouterr().out


def test_without_the_build_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(classroom, "WORDS", tmp_path / "none.json")
    monkeypatch.setattr(sys, "argv", ["classroom.py", str(tmp_path)])
    with pytest.raises(SystemExit, match="make book"):
        classroom.main()


def test_the_plan_names_every_chapter_once_with_its_true_times():
    rows = re.findall(r"^\| (\d+) \| (.*?) \| (\d+) \| (.*?) \| (\d+) \|", TEACHING, re.MULTILINE)
    assert [int(row[0]) for row in rows] == list(range(1, 16))
    reading, minutes = {}, {}
    for path in CHAPTERS:
        text = source(path)
        reading[path.stem] = int(re.search(r"\*\*Time\*\*:? ?(\d+) min", text)[1])
        for found in classroom.live_cells.EXERCISE.finditer(text):
            time = classroom.MINUTES.search(found["text"])
            minutes[found["label"]] = int(time[1]) if time else 0
    named = []
    for week, chapters, read, exercises, time in rows:
        names = re.findall(r"`([\w-]+)`", chapters)
        assert int(read) == sum(reading[name] for name in names), week
        assert int(time) == sum(minutes[name] for name in re.findall(r"`([\w-]+)`", exercises)), (
            week
        )
        assert int(time) <= 90, week
        named += names
    assert sorted(named) == sorted(reading)
