"""Nine programs read the 1,797 digits, and the ten parts are dealt five times.

Four of them are tested on ten blocks of the file as well.

The chapter "Is it any good?" shows what is stored in ``five_splits.json``, which

    python -m backprop.book.five_splits FILE

writes (ten minutes); with names of programs, or "blocks", after FILE, only these are run again.
:func:`outcome` runs one program on one split. The networks of split k have the seeds 10k to
10k + 9, and those of the blocks 0 to 9.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array, Labels
from backprop.book import results
from backprop.book.folds import (
    FOLDS,
    Recipe,
    Tested,
    blocks,
    folds,
    images,
    predicted,
    shifted,
    tested,
)

SPLITS = 5
Labelled = tuple[Array, Labels]
Reader = Callable[[Array], Labels]


def copier(training: Labelled, validation: Labelled) -> Reader:
    """Copy the label of the most similar training image."""
    from sklearn.neighbors import KNeighborsClassifier

    read: Reader = KNeighborsClassifier(1).fit(*training).predict
    return read


def shifting_copier(training: Labelled, validation: Labelled) -> Reader:
    """Let the copier look among the shifted copies of the training images as well."""
    x, y = training
    return copier((shifted(x), np.tile(y, 9)), validation)


def logistic(training: Labelled, validation: Labelled) -> Reader:
    """Return logistic regression with the penalty that has the least validation loss."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    x, y = validation
    models = [
        LogisticRegression(C=C, max_iter=1000).fit(*training) for C in (0.1, 0.3, 1, 3, 10, 30)
    ]
    assert all(model.n_iter_.max() < 1000 for model in models)
    best = min(models, key=lambda model: log_loss(y, model.predict_proba(x)))
    read: Reader = best.predict
    return read


def machine(training: Labelled, validation: Labelled) -> Reader:
    """Return the support vector machine, of four, that reads the most validation images."""
    from sklearn.svm import SVC

    models = [
        SVC(C=C, gamma=gamma).fit(*training) for C in (1, 10) for gamma in (0.05, 0.1)
    ]  # fmt: skip
    read: Reader = max(models, key=lambda model: model.score(*validation)).predict
    return read


RECIPES = {
    "40 epochs": Recipe(),
    "decay 1e-3": Recipe(weight_decay=1e-3),
    "shifts": Recipe(epochs=20, shifts=True),
    "180 epochs": Recipe(epochs=180),
}
SETTINGS = [
    Recipe(width=width, learning_rate=rate) for width in (100, 400) for rate in (1.0, 2.0, 4.0)
]
"""Of these six, "tuned" is the one with the least validation loss."""


def place(confidence: Array, wrong: NDArray[np.bool_]) -> list[int]:
    """Return the place of each misread image where all are sorted by confidence, doubtful first.

    Whoever hands over the first n images to a person has caught the errors with places up to n.

    Parameters
    ----------
    confidence : array, shape (n,)
    wrong : bool array, shape (n,)
    """
    order = confidence.argsort(kind="stable")
    places = np.empty(len(order), dtype=int)
    places[order] = np.arange(1, len(order) + 1)
    return [int(k) for k in places[wrong]]


def _numbers(wrong: NDArray[np.bool_]) -> list[int]:
    return [int(k) for k in np.flatnonzero(wrong)]


def told(found: Tested) -> dict[str, Any]:
    """Return what is stored of ten networks."""
    return {"misread": _numbers(found.wrong), "place": place(found.p.max(axis=1), found.wrong)}


def _answered(learn: Callable[[Labelled, Labelled], Reader], split: int | None) -> dict[str, Any]:
    return {"misread": _numbers(predicted(learn, split) != images()[1])}


def _tuned(split: int | None) -> dict[str, Any]:
    runs = [tested(recipe, FOLDS * (split or 0), split) for recipe in SETTINGS]
    wrong = np.empty(len(images()[1]), dtype=bool)
    best = np.argmin([run.validation_loss for run in runs], axis=0)
    for (_, _, rows), k in zip(folds(split), best, strict=True):
        wrong[rows] = runs[k].wrong[rows]
    return {"misread": _numbers(wrong), "setting": [int(k) for k in best]}


OTHERS: dict[str, Callable[[int | None], dict[str, Any]]] = {
    "copier": partial(_answered, copier),
    "copier, shifts": partial(_answered, shifting_copier),
    "SVM": partial(_answered, machine),
    "logistic": partial(_answered, logistic),
    "tuned": _tuned,
}
"""What is stored of a program that is not ten networks of one recipe, on one split."""


IN_BLOCKS = ("40 epochs", "shifts", "copier", "SVM")
"""The programs that are tested on blocks as well."""


def outcome(name: str, split: int | None) -> dict[str, Any]:
    """Run one program on one split: the numbers of the images that it misreads, and more.

    Parameters
    ----------
    name : str
        A key of :data:`RECIPES` or :data:`OTHERS`.
    split : int, or None for the blocks
    """
    if name in OTHERS:
        return OTHERS[name](split)
    return told(tested(RECIPES[name], FOLDS * (split or 0), split))


@cache
def stored() -> dict[str, Any]:
    """Return what ``five_splits.json`` holds.

    For each program, one entry a split; and under "blocks" one entry for each program that was
    tested on them.
    """
    found: dict[str, Any] = results.read("five_splits")
    return found


def misread(name: str) -> NDArray[np.bool_]:
    """Return which images a program misread, shape (splits, 1797)."""
    wrong = np.zeros((SPLITS, len(images()[1])), dtype=bool)
    for row, entry in zip(wrong, stored()[name], strict=True):
        row[entry["misread"]] = True
    return wrong


def misread_by_block(name: str) -> NDArray[np.int_]:
    """Return how many images of each block a program misread, shape (10,)."""
    missed = stored()["blocks"][name]["misread"]
    return np.array([np.isin(block, missed).sum() for block in blocks()])


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the file, or replace some programs in it."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    path = Path(given[0])
    names = given[1:] or [*OTHERS, *RECIPES, "blocks"]
    found = json.loads(path.read_text()) if given[1:] and path.exists() else {}
    for name in names:
        if name == "blocks":
            found[name] = {each: outcome(each, None) for each in IN_BLOCKS}
        else:
            found[name] = [outcome(name, split) for split in range(SPLITS)]
        rows = (f'"{key}": {json.dumps(value)}' for key, value in found.items())
        path.write_text("{" + ",\n ".join(rows) + "}\n")


if __name__ == "__main__":
    main()
