"""Attention that knows how far apart tokens are: queries and keys are turned by their places."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from backprop.arrays import Array, check_positive
from backprop.initializers import Initializer, glorot
from backprop.layers.attention import MultiHeadAttention


class RotaryAttention(MultiHeadAttention):
    """:class:`backprop.layers.MultiHeadAttention` with queries and keys turned (Su et al., 2024).

    Entries i and i + d/2 of a query, or of a key, are a point in a plane. At the place t it is
    turned by the angle t ω_i, ω_i = base^(-2i/d):

    | q_i ← q_i cos t ω_i - q_{i+d/2} sin t ω_i
    | q_{i+d/2} ← q_i sin t ω_i + q_{i+d/2} cos t ω_i

    A dot product of two turned vectors depends on the difference of their places alone. Backward,
    errors are turned by -t ω_i: the inverse of a rotation is its transpose. There are no parameters
    for places, and no longest sequence.

    Parameters
    ----------
    d_model : int
        Width of the tokens, an even multiple of ``n_heads``.
    base : float
        Above 0; the slowest angles are about 1/base.
    n_heads, rng, causal, initializer, dtype
        As in :class:`backprop.layers.MultiHeadAttention`.

    Raises
    ------
    TypeError, ValueError
        As there, or if a head has an odd width, or ``base`` is no positive number.
    """

    name = "rotary"

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        *,
        rng: np.random.Generator,
        causal: bool = False,
        base: float = 10_000.0,
        initializer: Initializer = glorot,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__(
            d_model, n_heads, rng=rng, causal=causal, initializer=initializer, dtype=dtype
        )
        if d_model // n_heads % 2:
            raise ValueError(
                f"RotaryAttention: d_model is {d_model}, expected an even multiple of"
                f" n_heads = {n_heads}"
            )
        self.base = check_positive("RotaryAttention", "base", base)

    def _turn(self, q: Array, k: Array, back: bool = False) -> None:
        """Turn both by t ω_i at each place t, or with ``back`` by -t ω_i, in place."""
        time, d = q.shape[-2:]
        omega = self.base ** (-np.arange(0, d, 2) / d)
        angle = np.arange(time)[:, None] * (-omega if back else omega)
        cos, sin = (f(angle).astype(q.real.dtype) for f in (np.cos, np.sin))
        for x in (q, k):
            left, right = x[..., : d // 2], x[..., d // 2 :]
            turned = left * sin + right * cos
            left *= cos
            left -= right * sin
            right[...] = turned
