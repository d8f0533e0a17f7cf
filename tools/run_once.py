"""A pytest plugin that keeps what nbval's run of a notebook showed, for the site's build.

The site is then built from the very outputs that were compared, and each notebook is executed once.
The build wants its figures as SVG, which the stored outputs lack: the comparison goes without them.
"""

from __future__ import annotations

import copy
import os
import time
from pathlib import Path
from typing import Any

import pytest
from build import opened, store
from nbval.plugin import IPyNbCell

SVG = "image/svg+xml"
DRAWN = '<svg class="bp-drawn"></svg>'
"""What a drawing is in a notebook, once the sanitiser has seen it."""


def stored(outputs: list[Any]) -> list[Any]:
    """Return a cell's outputs as a notebook keeps them."""
    outputs = copy.deepcopy(outputs)
    for output in outputs:
        data = output.get("data", {})
        if SVG in data and "image/png" not in data:
            data["text/html"] = DRAWN
        data.pop(SVG, None)
    return outputs


class Once:
    """Gathers the outputs of a notebook's cells, and stores them after the last of them."""

    def __init__(self) -> None:
        self.ran: dict[int, IPyNbCell] = {}
        self.start = 0.0

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Have the cell compared without the SVG."""
        if isinstance(item, IPyNbCell):
            compare = item.compare_outputs
            item.compare_outputs = lambda test, *rest: compare(stored(test), *rest)

    def pytest_runtest_logstart(self) -> None:
        """Note when a notebook's first cell starts."""
        if not self.ran:
            self.start = time.monotonic()

    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Store a notebook of which each cell has run."""
        if not isinstance(item, IPyNbCell):
            return
        self.ran[item.cell_num] = item
        if nextitem is not None and nextitem.parent is item.parent:
            return
        notebook = copy.deepcopy(item.parent.nb)
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        ran, self.ran = self.ran, {}
        if [*ran] != [*range(len(cells))]:
            return
        for number, cell in enumerate(cells):
            # What stopped with an error has no business on a page.
            if ran[number].test_outputs is None or stopped(ran[number]):
                return
            cell.outputs, cell.execution_count = ran[number].test_outputs, number + 1
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = cell.execution_count  # nbval has the kernel count none
        notebook.metadata.language_info.pygments_lexer = "ipython3"  # as the kernel itself says
        store(Path(item.path), notebook, time.monotonic() - self.start)


def stopped(cell: IPyNbCell) -> bool:
    """Return whether the cell ended in an error that it is not there to show."""
    failed = any(output.output_type == "error" for output in cell.test_outputs)
    return cell.parent.timed_out or (failed and not cell.options["check_exception"])


def pytest_configure(config: pytest.Config) -> None:
    os.environ["BACKPROP_FIGURES"] = "svg"
    if not hasattr(config, "workerinput"):
        opened()
    config.pluginmanager.register(Once())
