"""What a language model writes after so many steps of its training.

The chapter "A small language model" shows what is stored in ``stages.json``, which the command

    python -m backprop.book.stages FILE

writes in two minutes on one core: the run with the seed 0 of ``backprop.book.language``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from typing import Any

import numpy as np

from backprop.book import language, results
from backprop.book.alice import letters

STEPS = (0, 30, 300, 3_000)
"""After so many steps the model writes."""
BEGIN, COUNT = "Alice ", 90
"""What it goes on from, and by how many letters."""


def told(s: language.Settings, steps: Sequence[int]) -> dict[str, Any]:
    """Return what is stored: the settings, and what the model writes after so many steps.

    Parameters
    ----------
    s : Settings
    steps : sequence of int
        In ascending order.
    """
    run, rows = language.Training(s, 0), []
    for step in steps:
        while run.optimizer.steps < step:
            run.step()
        score = language.bits(run.network, letters().validation, s.length)
        run.network.train(False)
        after, rng = language.next_letter(run.network, s.length), np.random.default_rng(0)
        text = language.continued(after, run.alphabet, BEGIN, COUNT, rng)
        run.network.train(True)
        rows.append({"step": step, "bits": round(score, 4), "text": text})
    return {"settings": asdict(s), "rows": rows}


@cache
def stored() -> dict[str, Any]:
    """Return what ``stages.json`` holds."""
    found: dict[str, Any] = results.read("stages")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the model and write the file."""
    results.write(
        "Let a language model write as it learns.", lambda: told(language.LARGE, STEPS), arguments
    )


if __name__ == "__main__":
    main()
