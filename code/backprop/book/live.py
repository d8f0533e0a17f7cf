"""Run what a reader types into a page: in the browser, by the page's own script.

The page hands over the cells that the exercise builds on, the reader's code and the call of the
checker; what comes back is plain data. The reader's code starts afresh each time from what the
cells have defined, so that a name of an earlier attempt cannot help or hurt.
"""

from __future__ import annotations

import ast
import base64
import io
import linecache
import sys
import traceback
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

YOURS = "<your code>"
"""The file name of the reader's code in tracebacks."""
LONGEST = 20_000
"""Characters of output that the page shows."""
Names = dict[str, Any]


@dataclass
class Outcome:
    """What a run has shown.

    Attributes
    ----------
    text : str
        What was printed, and the value of the last line if it is an expression.
    error : str
        The traceback, of the reader's lines alone, or an empty text.
    verdict : str
        What the checker said, or an empty text where it was not asked.
    right : bool
        Whether the checker praised the answer.
    pictures : list of str
        The plots, as PNG in base64.
    """

    text: str = ""
    error: str = ""
    verdict: str = ""
    right: bool = False
    pictures: Sequence[str] = ()


def prepare(cells: Sequence[str]) -> Names:
    """Run the page's cells, and return the names that they define.

    Raises
    ------
    Exception
        Whatever a cell raises.
    """
    names: Names = {"__name__": "__main__"}
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        for number, cell in enumerate(cells, 1):
            exec(compile(cell, f"<cell {number}>", "exec"), names)
    _pictures()  # of the page, not of the reader
    return names


def run(source: str, names: Names, check: str = "") -> Outcome:
    """Run the reader's code, then ask the checker where one is named.

    Parameters
    ----------
    source : str
        The reader's code.
    names : dict
        What :func:`prepare` returned; it is left as it is.
    check : str
        The call of the checker, such as ``exercises.check_forward(forward)``, or an empty text.

    Raises
    ------
    ModuleNotFoundError
        If a module is missing: the page may load it and try again.
    """
    # With line feeds at its end, linecache shows the reader's own lines in a traceback.
    linecache.cache[YOURS] = (len(source), None, source.splitlines(keepends=True), YOURS)
    names = dict(names)
    said = io.StringIO()
    out = Outcome()
    try:
        with redirect_stdout(said), redirect_stderr(said), warnings.catch_warnings():
            # The page shows the figures itself.
            warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive")
            tree = ast.parse(source, YOURS)
            if check and (open_place := _placeholder(tree)):
                out.verdict = open_place
                return out
            value = _execute(tree, names)
            if value is not None:
                print(repr(value))
            if check:
                verdict = eval(compile(check, "<check>", "eval"), names)
                out.verdict, out.right = repr(verdict), bool(verdict)
    except ModuleNotFoundError:
        raise
    except BaseException as error:  # SystemExit and KeyboardInterrupt are the reader's too
        out.error = _shortened(error)
    finally:
        out.text = _at_most(said.getvalue())
        out.pictures = _pictures()
    return out


def _placeholder(tree: ast.Module) -> str:
    """Say which ``...`` of the starter code is still there."""
    for node in ast.walk(tree):
        value = getattr(node, "value", None)
        if (
            isinstance(node, ast.Assign | ast.Expr)
            and isinstance(value, ast.Constant)
            and value.value is ...
        ):
            return f"Write your answer in place of the three dots in line {node.lineno}."
    return ""


def _execute(tree: ast.Module, names: Names) -> Any:
    """Run the statements, and return the value of the last one if it is an expression."""
    match tree.body:
        case [*_, ast.Expr(value)]:
            del tree.body[-1]
            exec(compile(tree, YOURS, "exec"), names)
            return eval(compile(ast.Expression(value), YOURS, "eval"), names)
    exec(compile(tree, YOURS, "exec"), names)
    return None


def _shortened(error: BaseException) -> str:
    """Write a traceback with the reader's lines alone, and the error itself."""
    summary = traceback.TracebackException.from_exception(error)
    summary.stack = traceback.StackSummary.from_list(
        [frame for frame in summary.stack if frame.filename == YOURS]
    )
    summary.__cause__ = summary.__context__ = None
    return _at_most("".join(summary.format()).rstrip())


def _at_most(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\n[{len(text) - LONGEST} more characters]"


def _pictures() -> list[str]:
    """Return the open figures, and close them."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return []
    out = []
    for number in pyplot.get_fignums():
        drawn = io.BytesIO()
        pyplot.figure(number).savefig(drawn, format="png", dpi=110, bbox_inches="tight")
        out.append(base64.b64encode(drawn.getvalue()).decode())
    pyplot.close("all")
    return out
