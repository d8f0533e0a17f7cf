"""The directive ``{planted-mistakes}``: what the tests said to mistakes that were planted.

``tools/mutants.py`` plants them and writes ``tests/mutants/results.json``; here that becomes a
table. What kind of check noticed a mistake is read from the test that failed.
"""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

KINDS = {
    "a derivative by differences or the complex step": (
        "gradcheck", "complex_step", "central_difference", "check_gradient",
    ),
    "a derivative by SymPy, autograd or mpmath": ("autograd", "symbolic", "sp.", "mp.", "EXACT"),
    "the exit status or the page": ("subprocess", "build(", "SystemExit", "html("),
    "the error that bad input must raise": ("pytest.raises", "pytest.warns"),
}  # fmt: skip
"""Kind of a check, and words of a test of this kind; the first kind that fits is the test's."""
OTHER = "a known value or a property"


def results(root: Path) -> list[dict[str, Any]]:
    """Return what the last run of ``tools/mutants.py`` found."""
    path = root / "tests" / "mutants" / "results.json"
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


@cache
def tests(path: Path) -> dict[str, str]:
    """Return the source of each test of a file, by its name."""
    if not path.is_file():
        return {}
    source = path.read_text(encoding="utf-8")
    found = ast.walk(ast.parse(source))
    defined = [node for node in found if isinstance(node, ast.FunctionDef)]
    return {node.name: ast.get_source_segment(source, node) or "" for node in defined}


def kind(root: Path, test: str) -> str:
    """Return the kind of check that a test, ``tests/test_x.py::test_y[z]``, makes."""
    file, _, name = test.partition("::")
    source = tests(root / file).get(name.partition("[")[0], "")
    return next((k for k, words in KINDS.items() if any(w in source for w in words)), OTHER)


def counted(outcomes: Iterable[dict[str, Any]]) -> tuple[int, int]:
    """Return how many mistakes can be noticed, and how many were."""
    possible = [o for o in outcomes if not o["equivalent"]]
    return len(possible), sum(o["caught"] for o in possible)


class PlantedMistakes(SphinxDirective):
    """Insert the counts, the table and the lists here."""

    def run(self) -> list[nodes.Node]:
        """Read the results; the page is read again when they change."""
        root = Path(self.env.srcdir)
        self.env.note_dependency(str(root / "tests" / "mutants" / "results.json"))
        outcomes = results(root)
        planted, caught = counted(outcomes)
        same = len(outcomes) - planted
        total = f"{len(outcomes)} mistakes were planted. {caught} of the {planted} that change"
        total += f" anything were caught ({caught / planted:.1%})"
        total += f"; {same} change nothing that can be seen." if same else "."
        kinds = Counter(k for o in outcomes for k in {kind(root, t) for t in o["failed"]})
        modules = {o["module"]: [] for o in outcomes}  # type: ignore[var-annotated]
        for outcome in outcomes:
            modules[outcome["module"]].append(outcome)
        rows = [[module, *map(str, counted(of))] for module, of in sorted(modules.items())]
        survivors = [o for o in outcomes if not (o["caught"] or o["equivalent"])]
        equivalent = [o for o in outcomes if o["equivalent"]]
        return [
            nodes.paragraph("", total),
            nodes.rubric("", "By the kind of check that noticed"),
            table(["check", "mistakes"], [[k, str(n)] for k, n in kinds.most_common()]),
            nodes.rubric("", "By module"),
            table(["module", "planted", "caught"], rows),
            *listed("Not caught", [f"{o['module']}: {o['what']}" for o in survivors]),
            *listed(
                "Without any effect",
                [f"{o['module']}: {o['what']}. {o['equivalent']}" for o in equivalent],
            ),
        ]


def listed(title: str, lines: list[str]) -> list[nodes.Node]:
    """Return a titled list, or nothing."""
    items = nodes.bullet_list(bullet="-")
    items += [nodes.list_item("", nodes.paragraph("", line)) for line in lines]
    return [nodes.rubric("", title), items] if lines else []


def table(head: list[str], rows: list[list[str]]) -> nodes.table:
    """Return a table of texts."""
    out = nodes.table(classes=["planted"])
    group = nodes.tgroup("", *[nodes.colspec(colwidth=1) for _ in head], cols=len(head))
    top, body = nodes.thead("", line(head)), nodes.tbody("", *map(line, rows))
    group += [top, body]
    out += group
    return out


def line(cells: list[str]) -> nodes.row:
    """Return a row of a table."""
    return nodes.row("", *[nodes.entry("", nodes.paragraph("", cell)) for cell in cells])


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("planted-mistakes", PlantedMistakes)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
