"""Write what a teacher hands out: assignments, an answer key, and a course folder for nbgrader.

The exercises' words come from ``_build/exercises.json``, which the build of the reader's notebooks
leaves; their code comes from the chapters (``live_cells``): the cells that an exercise needs, the
starter, the call of its checker and the solution. An exercise is worth a point for each five
minutes that its badge names. Everything goes to ``_build/classroom``, and nothing that lies there
is written over: what a teacher has changed stays, and the new file is put beside it.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lab
import nbformat
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book/_ext"))
import live_cells  # noqa: E402

OUT = ROOT / "_build" / "classroom"
WORDS = ROOT / "_build" / "exercises.json"
CHECKERS = ROOT / "code/backprop/book/exercises"
MINUTES = re.compile(r"(\d+) min\b")
MINUTES_A_POINT = 5
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
CONFIG = """\
# A course for nbgrader 0.9: `nbgrader generate_assignment NAME` writes what students get.
c = get_config()
c.CourseDirectory.course_id = "backprop"
c.CourseDirectory.root = "."
c.ExecutePreprocessor.timeout = 300
c.ClearSolutions.code_stub = {"python": ""}  # the starter stands above the solution
"""
README = """\
# Classroom

- `assignments/`: a notebook per chapter, without solutions. A student fills in the three dots; the
  cell below checks the answer, names what kind of mistake it shows, and gives a second hint.
- `answers/`: the same with the solutions, and the mistakes that each checker knows.
- `nbgrader/`: the same as the sources of a course for [nbgrader](https://nbgrader.readthedocs.io),
  with points. In that folder: `nbgrader generate_assignment NAME`, then as its manual says.

Students need `pip install "backprop-book[book]"`, the release of this book.
"""


@dataclass(frozen=True)
class Exercise:
    """An exercise with its words and its code, if it has a checker."""

    label: str
    heading: str
    text: str
    words: str
    code: live_cells.Exercise | None

    @property
    def points(self) -> int:
        """One for each five minutes, and at least one."""
        found = MINUTES.search(self.text)
        return max(1, round(int(found[1]) / MINUTES_A_POINT)) if found else 1


def chapters() -> list[Path]:
    """Return the notebooks of the parts in the order of the book."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    return [ROOT / f"{name}.ipynb" for name in files if re.match(r"book/part\d", name)]


def exercises(path: Path, words: list[dict[str, str]]) -> list[Exercise]:
    """Return a chapter's exercises in order; those without a checker have no code."""
    code = {one.label: one for one in live_cells.exercises(path)}
    return [
        Exercise(one["label"], one["heading"], one["text"], one["solution"], code.get(one["label"]))
        for one in words
    ]


def answer(code: live_cells.Exercise) -> str:
    """Return the solution's code, ending with the names that the checker's call takes."""
    *steps, asked = [ast.unparse(step) for step in ast.parse(code.solution).body]
    call = next(
        node
        for node in ast.walk(ast.parse(asked))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == code.check.partition("(")[0]
    )
    names = live_cells.arguments(code.check)
    if any(isinstance(value, ast.Starred) for value in call.args):
        listed = ", ".join(map(ast.unparse, names))
        steps.append(f"{listed} = {', '.join(map(ast.unparse, call.args))},")
    else:
        steps += [
            f"{ast.unparse(name)} = {ast.unparse(value)}"
            for name, value in zip(names, call.args, strict=True)
            if ast.unparse(name) != ast.unparse(value)
        ]
    return "\n".join(steps)


def mistakes(function: ast.FunctionDef) -> Iterator[str]:
    """Yield what a checker says of the wrong answers that it knows, each once.

    A mistake is a tuple in its source: the answer, a hint, and a stronger hint.
    """
    said: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Tuple) and len(node.elts) in (2, 3):
            hint = node.elts[1]
            if isinstance(hint, ast.Constant) and isinstance(hint.value, str) and " " in hint.value:
                if hint.value not in said:
                    said.add(hint.value)
                    yield hint.value


def known(path: Path) -> dict[str, list[str]]:
    """Return for each checker of a chapter's module the mistakes that it knows."""
    module = CHECKERS / f"{path.stem.replace('-', '_')}.py"
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return {
        node.name: list(mistakes(node)) for node in tree.body if isinstance(node, ast.FunctionDef)
    }


def graded(name: str, points: int = 0, *, solution: bool = False) -> dict[str, Any]:
    """Return nbgrader's metadata of a cell."""
    metadata = {
        "grade": points > 0, "grade_id": name, "locked": not solution, "solution": solution,
        "schema_version": 3, "task": False,
    }  # fmt: skip
    return {"nbgrader": {**metadata, "points": points} if points else metadata}


def cells(exercise: Exercise, form: str, known: dict[str, list[str]]) -> Iterator[Any]:
    """Yield an exercise's cells: its text, what it needs, where the answer goes, the check.

    The form is one of "assignments", "answers" and "nbgrader".
    """
    label, code, points = exercise.label, exercise.code, exercise.points
    unit = "point" if points == 1 else "points"
    text = f"## {exercise.heading} ({points} {unit})\n\n{exercise.text}"
    yield new_markdown_cell(text, id=label, metadata=graded(label))
    answers = f"{label}-answer"
    if code is None:
        own = exercise.words if form == "answers" else "*Your answer.*"
        yield new_markdown_cell(own, id=answers, metadata=graded(answers, points, solution=True))
        return
    if code.cells:
        folded = {**graded(f"{label}-needs"), "jupyter": {"source_hidden": True}}
        yield new_code_cell("\n\n".join(code.cells), id=f"{label}-needs", metadata=folded)
    start = {
        "assignments": code.starter,
        "answers": answer(code),
        "nbgrader": f"{code.starter}\n{BEGIN}\n{answer(code)}\n{END}",
    }
    yield new_code_cell(start[form], id=answers, metadata=graded(answers, solution=True))
    check = f"verdict = {code.check}\nprint(verdict)\nassert verdict"
    metadata = graded(f"{label}-check", points)
    yield new_code_cell(check, id=f"{label}-check", metadata=metadata)
    if form == "answers":
        name = code.check.partition("(")[0].rpartition(".")[2]
        hints = [f"- {hint}" for hint in known.get(name, [])]
        told = ["**Mistakes that the checker names**", "\n".join(hints)] if hints else []
        words = "\n\n".join(filter(None, [exercise.words, *told]))
        if words:
            yield new_markdown_cell(words, id=f"{label}-words")


def notebook(path: Path, words: list[dict[str, str]], form: str) -> Any:
    """Return a chapter's notebook in one of the three forms."""
    made = exercises(path, words)
    total = sum(one.points for one in made)
    source = nbformat.read(path, 4).cells
    title = re.search(r"^# .*$", "\n".join(cell.source for cell in source[:2]), re.MULTILINE)[0]
    install = next(cell for cell in source if cell.get("id") == "install")
    out = new_notebook()
    out.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    head = f"{title}\n\n{total} points. Fill in the three dots, and run the cell below them."
    out.cells = [
        new_markdown_cell(head, id="head", metadata=graded("head")),
        new_code_cell(install.source, id="install", metadata=graded("install")),
    ]
    for exercise in made:
        out.cells += cells(exercise, form, known(path) if form == "answers" else {})
    nbformat.validate(out)
    return out


def write(folder: Path) -> None:
    """Write all three forms into an empty folder."""
    found = json.loads(WORDS.read_text(encoding="utf-8"))
    for path in chapters():
        words = found[path.relative_to(ROOT).with_suffix("").as_posix()]
        for form in ("assignments", "answers", "nbgrader"):
            place = folder / form
            if form == "nbgrader":
                place = place / "source" / path.stem
            place.mkdir(parents=True, exist_ok=True)
            text = nbformat.writes(notebook(path, words, form))
            place.joinpath(path.name).write_text(text + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write assignments, answers and a course folder.")
    parser.add_argument("folder", nargs="?", type=Path, default=OUT)
    folder = parser.parse_args().folder.resolve()
    if not WORDS.exists():
        raise SystemExit(f"there is no {WORDS}: run `make book` first")
    with tempfile.TemporaryDirectory() as made:
        write(Path(made))
        report = lab.copy(Path(made), folder)
    for name, text in (("README.md", README), ("nbgrader/nbgrader_config.py", CONFIG)):
        if not folder.joinpath(name).exists():
            folder.joinpath(name).write_text(text, encoding="utf-8")
    print(lab.said(report, folder))


if __name__ == "__main__":
    main()
