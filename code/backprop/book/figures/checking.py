"""The figures of the chapter on gradient checking: errors over the step, and the floor of a bug."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import DTypeLike

from backprop.arrays import Array
from backprop.book.figures.by_hand import Drawing, plotted
from backprop.book.figures.plots import COLORS, GREY, INK, use_style

BLUE, ORANGE, GREEN, PINK = COLORS[:4]
PER_DECADE = 2


def powers(low: int, high: int, per_decade: int = PER_DECADE) -> Array:
    """Return steps from 10^low to 10^high, evenly spaced on a logarithmic axis."""
    steps: Array = 10.0 ** np.linspace(low, high, (high - low) * per_decade + 1)
    return steps


def cube(x: Any) -> Any:
    """x³, of a real or a complex number."""
    return x**3


def beside_two(seed: int, dtype: DTypeLike = np.float64) -> Array:
    """Return 200 points between 1.99 and 2.01, where one alone would show luck."""
    points: Array = np.random.default_rng(seed).uniform(1.99, 2.01, 200).astype(dtype)
    return points


def central_error(h: float, claimed: Callable[[Array], Array], x: Array) -> float:
    """Return the largest difference between ``claimed`` and the central quotient of x³."""
    step = x.dtype.type(h)
    above, below = x + step, x - step
    quotient = (cube(above) - cube(below)) / (above - below)
    return float(np.abs(quotient.astype(np.float64) - claimed(x.astype(np.float64))).max())


def complex_error(h: float, x: Array) -> float:
    """Return the largest error of the complex step for x³."""
    return float(np.abs(np.imag(cube(x + 1j * h)) / h - 3 * x**2).max())


def v_shape(seed: int = 0) -> Drawing:
    """Draw the error of the quotient for x³ beside 2, the floor of a wrong claim, and Im f/h."""
    use_style()  # the page imports the rest below this figure
    x, eps = beside_two(seed), float(np.finfo(np.float64).eps)
    steps = powers(-15, 0)
    right = [central_error(h, lambda t: 3 * t**2, x) for h in steps]
    wrong = [central_error(h, lambda t: 3 * t**2 - 0.001, x) for h in steps]
    tiny = [complex_error(h, x) for h in steps]
    figure, ax = plt.subplots(figsize=(4.6, 3.2))
    for values, style, colour in (
        (tiny, "-.^", GREEN), (wrong, "--s", ORANGE), (right, "-o", BLUE),
    ):  # fmt: skip
        ax.loglog(steps, values, style, color=colour, markersize=3.5, linewidth=1.5)
    best = (2 * eps) ** (1 / 3)
    ax.annotate(
        "best step", (best, 8e-11), (2e-5, 1e-13), ha="left", va="center",
        arrowprops={"arrowstyle": "->", "color": GREY},
    )  # fmt: skip
    words = (
        (2e-9, 1.5e-5, "rounding ∝ 1/h", BLUE, "left"),
        (1.2e-3, 1e-8, "large step\n∝ h²", BLUE, "left"),
        (2e-7, 1.5e-2, "wrong claim: a floor at 0.001", ORANGE, "center"),
        (1e-10, 2e-7, "right claim", BLUE, "right"),
        (8e-16, 1e-16, "right claim, complex step", GREEN, "left"),
    )
    for at, height, text, colour, side in words:
        ax.text(at, height, text, color=colour, ha=side, va="center", linespacing=1.15)
    ax.set(xlabel="step h", ylabel="|claim − quotient|", xlim=(4e-16, 3), ylim=(8e-18, 20))
    ax.set_xticks([1e-15, 1e-10, 1e-5, 1])
    ax.set_yticks([1e-15, 1e-10, 1e-5, 1])
    ax.minorticks_off()
    return plotted(figure, "The error of a quotient over its step, and the floor of a bug")


FLOORS: Mapping[str, tuple[str, str]] = {
    "GELU": (BLUE, "-o"),
    "ReLU": (PINK, "-.^"),
    "subtle bug": (ORANGE, "--s"),
}
"""Colour and line of each network, by its name."""


NAMES = (
    (
        (1.2e-10, 1e-11, "GELU, right"), (2e-7, 4e-2, "ReLU, right"),
        (2e-10, 3e-3, "subtle bug"), (1.2e-10, 6e-14, "complex step: GELU and ReLU, right"),
    ),
    (
        (2e-5, 8e-7, "GELU, right"), (2e-5, 6e-2, "subtle bug"), (1.2e-10, 8e-7, "complex step"),
    ),
)  # fmt: skip
"""Where each panel has the names of its curves: step, height, words."""


def floors(
    steps: Array, panels: Mapping[str, Mapping[str, Array]], levels: Mapping[str, Array]
) -> Drawing:
    """Draw how far claim and quotient differ, one panel above the other.

    Parameters
    ----------
    steps : array, shape (steps,)
    panels : mapping of str to mapping of str to array, shape (seeds, steps)
        By number format and by network; the median is drawn, and the band from least to largest.
    levels : mapping of str to array
        By number format: the same of the complex step, which has no step to choose.
    """
    lows = [1e-16, 1e-9][: len(panels)]
    decades = [np.log10(3 / low) for low in lows]
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(4.6, 0.175 * sum(decades)), sharex=True, height_ratios=decades
    )
    for k, (ax, (title, networks)) in enumerate(zip(axes, panels.items(), strict=True)):
        for name, errors in networks.items():
            colour, style = FLOORS[name]
            ax.fill_between(
                steps, errors.min(axis=0), errors.max(axis=0), color=colour, alpha=0.2, linewidth=0
            )
            ax.loglog(
                steps, np.median(errors, axis=0), style, color=colour, markersize=3.5, linewidth=1.5
            )
        level = levels[title]
        ax.axhspan(level.min(), level.max(), color=GREEN, alpha=0.2, linewidth=0)
        ax.axhline(np.median(level), color=GREEN, linewidth=1.5)
        for at, height, words in NAMES[k]:
            # PINK is too pale for words
            named = {"GELU": BLUE, "subtle": ORANGE, "complex": GREEN}
            colour = named.get(words.replace(",", " ").split()[0], INK)
            ax.text(at, height, words, color=colour, va="center")
        ax.set_title(title, fontsize=11)
        ax.set(ylim=(lows[k] / 2, 3), xlim=(steps[0] / 1.5, steps[-1] * 1.5))
        ax.set_yticks([low for low in (1e-15, 1e-12, 1e-9, 1e-6, 1e-3, 1) if low >= lows[k]])
        ax.set_xticks([1e-10, 1e-8, 1e-6, 1e-4, 1e-2])
        ax.minorticks_off()
    axes[-1].set(xlabel="step h")
    figure.supylabel("|claim − quotient| / |gradient|", color=GREY, fontsize=11)
    return plotted(figure, "Two right networks and a wrong one, over the step")
