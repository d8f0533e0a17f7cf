"""The state of a random generator as an array of text, for checkpoints without pickle."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray


def generator_state(rng: np.random.Generator) -> NDArray[np.str_]:
    """Return the state of ``rng`` as JSON, in an array of shape ()."""
    return np.array(json.dumps(rng.bit_generator.state, default=np.ndarray.tolist))


def set_generator_state(rng: np.random.Generator, state: NDArray[Any]) -> None:
    """Let ``rng`` go on from what :func:`generator_state` returned: the same numbers follow.

    Raises
    ------
    ValueError
        If ``state`` is none of ours, or that of another bit generator; ``rng`` is left as it is.
    """
    where, kind = "set_generator_state", type(rng.bit_generator).__name__
    try:
        given = json.loads(str(np.asarray(state).item()))
        name = given["bit_generator"]
        kept = rng.bit_generator.state
    except Exception as error:
        raise ValueError(f"{where}: state holds no state of a generator") from error
    if name != kind:
        raise ValueError(f"{where}: state is that of {name}, expected {kind}")
    try:
        rng.bit_generator.state = given
    except Exception as error:
        # NumPy sets part by part, and may have set some already.
        rng.bit_generator.state = kept
        raise ValueError(f"{where}: state holds no state of {kind}") from error
