"""Tell the page's script what each exercise with a checker starts from.

For every such exercise the extension writes, into ``exercises/PAGE.json`` beside the page's
scripts: the starter code, made from the call of the checker and the solution; that call; and the
cells of the page that define the names which the solution or the call needs, themselves needing
others. The page names the file in a ``meta`` element, and loads it when a reader first asks.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
import symtable
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from sphinx.application import Sphinx

EXERCISE = re.compile(
    r"^(`{3,}|:{3,})\{exercise\}[^\n]*\n:label: (?P<label>\S+)\n(?P<text>.*?)^\1$", re.M | re.S
)
CALL = re.compile(r"`(exercises\.check_\w+\([^`]*\))`")
LISTING = re.compile(r"^```\w*\n(.*?)^```$", re.M | re.S)
ROLE = re.compile(r"\{[\w:-]+\}`[^`]*`")
QUOTED = re.compile(r"`([^`\n]+)`")
SOLUTION = re.compile(r"\{solution-start\} (?P<label>\S+)")
FIGURES = Path(__file__).resolve().parents[2] / "code/backprop/book/figures"
DRAWING = {file.stem for file in FIGURES.glob("*.py")}
SHOWING = frozenset(("print", "plt", "ax", "axes", "fig", "display", "exercises", "ledger"))
NAMES = frozenset(vars(builtins))


class Exercise(NamedTuple):
    """An exercise that a page can check."""

    label: str
    starter: str
    check: str
    cells: list[str]
    solution: str


class Uses(NamedTuple):
    """What code does with names at its top.

    Attributes
    ----------
    taken, defined, imported, changed : set of str
        Those that it takes from outside; those that it gives a value; those among them that are
        imported; and those that it may add to.
    functions : dict
        For each function that it defines, the names from outside that its body reads.
    """

    taken: set[str]
    defined: set[str]
    imported: set[str]
    changed: set[str]
    functions: dict[str, set[str]]


def uses(source: str) -> Uses:
    """Read the names statement by statement, as Python's own symbol table has them."""
    out = Uses(set(), set(), set(), set(), {})
    read_block(ast.parse(source).body, out)
    return out


def read_block(statements: Iterable[ast.stmt], out: Uses) -> None:
    """Add what these statements do; what a head binds, its block reads."""
    for statement in statements:
        match statement:
            case ast.For(target=target, iter=head, body=block, orelse=after):
                read_one(ast.Assign([target], head, lineno=0), out)
                read_block([*block, *after], out)
            case ast.If(test=head, body=block, orelse=after) | ast.While(head, block, after):
                read_one(ast.Expr(head), out)
                read_block([*block, *after], out)
            case ast.With(items=items, body=block):
                read_one(ast.With(items, [ast.Pass()], lineno=0), out)
                read_block(block, out)
            case _:
                read_one(statement, out)


def read_one(statement: ast.stmt, out: Uses) -> None:
    """Add what a statement without a block does."""
    table = symtable.symtable(ast.unparse(statement), "a statement", "exec")
    names = table.get_symbols()
    read = {name.get_name() for name in names if name.is_referenced()} | inner(table)
    if isinstance(statement, ast.With):
        read -= {name.get_name() for name in names if name.is_assigned()} - out.defined
    if isinstance(statement, ast.FunctionDef):
        out.functions[statement.name] = read
    out.taken.update(read - out.defined - NAMES)
    out.defined.update(n.get_name() for n in names if n.is_assigned() or n.is_imported())
    out.imported.update(name.get_name() for name in names if name.is_imported())
    out.changed.update(added_to(statement))


def added_to(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement may change.

    These are the ones of which an attribute or an item is assigned, and those in a call whose value
    is dropped, ``fit(network, ...)``, unless it only shows something.
    """
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        names = [node.id for node in ast.walk(statement) if isinstance(node, ast.Name)]
        called = ast.unparse(statement.value.func).partition(".")[0]
        if not SHOWING & set(names) and called not in DRAWING:
            yield from names
    for node in ast.walk(statement):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            if isinstance(node.value, ast.Name):
                yield node.value.id


def inner(table: symtable.SymbolTable) -> set[str]:
    """Return the global names that functions and classes read."""
    found: set[str] = set()
    for child in table.get_children():
        found |= {n.get_name() for n in child.get_symbols() if n.is_global() and n.is_referenced()}
        found |= inner(child)
    return found


def exercises(path: Path) -> Iterator[Exercise]:
    """Yield the exercises of a notebook that have a checker and a solution in code."""
    cells = nbformat.read(path, as_version=4).cells
    solutions, page = split(cells)
    for text in (cell.source for cell in cells if cell.cell_type == "markdown"):
        for match in EXERCISE.finditer(text):
            label, calls = match["label"], CALL.findall(match["text"])
            if calls and label in solutions:
                call = with_names(calls[0])
                yield exercise(label, call, match["text"], solutions[label], page)


def split(cells: Iterable[Any]) -> tuple[dict[str, str], list[str]]:
    """Return the solutions' code by label, and the code of the page's other cells in order."""
    solutions: dict[str, list[str]] = {}
    page: list[str] = []
    label = ""
    for cell in cells:
        if cell.cell_type == "markdown":
            if "{solution-end}" in cell.source:
                label = ""
            if match := SOLUTION.search(cell.source):
                label = match["label"]
        elif cell.cell_type == "code":
            if label:
                solutions.setdefault(label, []).append(cell.source)
            elif cell.get("id") != "install":
                page.append(cell.source)
    return {name: "\n\n\n".join(parts) for name, parts in solutions.items()}, page


def exercise(label: str, call: str, text: str, solution: str, page: list[str]) -> Exercise:
    """Return the exercise with all that a reader's answer starts from.

    These are the names in the text, and those without which the solution's own answer is not
    there; what the solution tries out beside it is left out, since it may take long.
    """
    starter = start(call, solution)
    steps = [ast.unparse(statement) for statement in ast.parse(solution).body]
    asked = [step for step in steps if call.partition("(")[0] in step][:1]
    answer = needed(steps, set().union(*(uses(step).taken for step in asked)))
    wanted = set().union(*(uses(step).taken for step in (*answer, call)))
    wanted |= {name for name in mentioned(text) if len(name) > 2}
    wanted -= uses(starter).defined
    wanted -= {node.arg for node in ast.walk(ast.parse(starter)) if isinstance(node, ast.arg)}
    return Exercise(label, starter, call, needed(page, wanted), "\n".join([*answer, *asked]))


def mentioned(text: str) -> set[str]:
    """Return the names that the code in an exercise's text takes from outside.

    An argument, as in ``run(program, seed)``, may stand for anything, so it does not count.
    """
    found: set[str] = set()
    for code in LISTING.findall(text) + QUOTED.findall(ROLE.sub("", LISTING.sub("", text))):
        try:
            tree = Called().visit(ast.parse(code))
        except SyntaxError:  # words, or another language
            continue
        found |= uses(ast.unparse(tree)).taken
    return found


class Called(ast.NodeTransformer):
    """Leave of each call only what is called."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        return ast.copy_location(ast.Call(self.visit(node.func), [], []), node)


def arguments(call: str) -> list[ast.expr]:
    """Return what the checker is given."""
    expression = ast.parse(call, mode="eval").body
    assert isinstance(expression, ast.Call)
    return expression.args


def with_names(call: str) -> str:
    """Return the call, with a name where the text leaves the answer open: ``check([...])``."""
    names = {
        node.id
        for argument in arguments(call)
        for node in ast.walk(argument)
        if isinstance(node, ast.Name)
    }
    return call if names else f"{call.partition('(')[0]}(answer)"


def start(call: str, solution: str) -> str:
    """Return the code in which the reader fills in the three dots."""
    made = ast.parse(solution).body
    functions = {node.name: node for node in made if isinstance(node, ast.FunctionDef)}
    out = []
    for argument in arguments(call):
        for name in dict.fromkeys(n.id for n in ast.walk(argument) if isinstance(n, ast.Name)):
            if name in functions:
                out.append(f"def {name}({ast.unparse(functions[name].args)}):\n    ...\n\n")
            else:
                out.append(f"{name} = ...\n")
    return "".join(out).rstrip("\n")


def needed(page: list[str], wanted: set[str]) -> list[str]:
    """Return the cells that define these names, and what they need themselves, in order.

    For a name that several cells define, the last one before it is read counts, and those after
    that which may change it, directly or by a function of the page.
    """
    cells = [uses(source) for source in page]
    imported = set().union(*(cell.imported for cell in cells))
    functions = {name: read for cell in cells for name, read in cell.functions.items()}
    changed = []
    for cell in cells:
        reached = set().union(*(functions.get(name, set()) for name in cell.changed))
        changed.append((cell.changed | reached) - imported - functions.keys())
    waiting = [(name, len(cells)) for name in wanted - NAMES]
    seen: set[tuple[str, int]] = set()
    chosen: set[int] = set()
    while waiting:
        name, end = waiting.pop()
        if (name, end) in seen:
            continue
        seen.add((name, end))
        for index in reversed(range(end)):
            cell = cells[index]
            if name in cell.defined | changed[index]:
                chosen.add(index)
                waiting += [(other, index) for other in cell.taken]
            if name in cell.defined:
                break
    return [page[index] for index in sorted(chosen)]


def page_json(path: Path) -> dict[str, dict[str, Any]]:
    """Return what the page's script asks for, by the exercise's label."""
    return {
        one.label: {"starter": one.starter, "check": one.check, "cells": one.cells}
        for one in exercises(path)
    }


def announce(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Write the page's file, name it in the page, and load the script there."""
    if doctree is None:
        return
    path = Path(app.env.doc2path(page))
    found = page_json(path) if path.suffix == ".ipynb" else {}
    if found:
        file = Path(app.outdir, "live-exercises", f"{page}.json")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(found), encoding="utf-8")
        up = "../" * page.count("/")
        address = f"{up}live-exercises/{page}.json"
        context["metatags"] += (
            f'\n<meta name="live-exercises" content="{address}" />'
            f'\n<meta name="live-labels" content="{" ".join(found)}" />'
        )
        app.add_js_file("live/live.js", type="module")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", announce)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
