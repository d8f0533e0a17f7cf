"""The figures of the chapter on losses: slopes on two losses, densities, runs that recover or not.

The plots only draw. What they say about a point follows from its p by the formulas of the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erf

from backprop.activations import sigmoid, softplus
from backprop.arrays import Array
from backprop.book.figures import by_hand
from backprop.book.figures.plots import COLORS, GREY, LINES, MARKERS
from backprop.book.figures.stepper import Frame, drawn

NAMES = ("cross-entropy", "squared error")
BOLD: dict[str, Any] = {"fontweight": "bold", "ha": "center", "va": "center"}


def losses_at(z: ArrayLike) -> tuple[Array, Array]:
    """Return -ln p and ½ (p - 1)² for the target 1 and p = σ(z)."""
    logits = np.asarray(z, dtype=float)
    return softplus(-logits), (sigmoid(logits) - 1) ** 2 / 2


def slopes_at(z: ArrayLike) -> tuple[Array, Array]:
    """Return their derivatives with respect to z: p - 1 and (p - 1) p (1 - p)."""
    p = sigmoid(np.asarray(z, dtype=float))
    return p - 1, (p - 1) * p * (1 - p)


def hero(title: str, at: float = -4.0) -> by_hand.Drawing:
    """Draw both losses of a unit whose right answer is 1, each with its slope at one logit."""
    z = np.linspace(-6.4, 4.6, 221)
    fig, ax = plt.subplots(figsize=(4.6, 3.1))
    for k, (line, height, slope) in enumerate(
        zip(losses_at(z), losses_at([at]), slopes_at([at]), strict=True)
    ):
        name = ("cross-entropy −ln p", "squared error ½(1 − p)²")[k]
        ax.plot(z, line, LINES[k], color=COLORS[k], label=name)
        run = 1.7 / np.hypot(1, slope[0])
        ends = np.array([at - run, at + run])
        ax.plot(ends, height + slope * (ends - at), "-", color=COLORS[k], linewidth=4.5, alpha=0.55)
        ax.plot(at, height, "os"[k], color=COLORS[k], markersize=9)
        ax.text(
            at + (0.35, 0.0)[k], height[0] + (0.25, 0.55)[k], f"slope {_minus(slope[0], 2)}",
            color=COLORS[k], fontweight="bold", ha=("left", "center")[k],
        )  # fmt: skip
    fig.legend(loc="outside upper center", ncols=2, columnspacing=1.2, handlelength=1.8)
    ax.axvline(0, color=GREY, linewidth=0.8, linestyle=":")
    ax.text(-3.2, 6.75, "wrong", color=GREY, **BOLD)
    ax.text(2.3, 6.75, "right", color=GREY, **BOLD)
    marks = [-6, -4, -2, 0, 2, 4]
    chances = sigmoid(np.array(marks, dtype=float))
    ax.set_xticks(marks, [f"{_minus(m, 0)}\n{p:.2g}" for m, p in zip(marks, chances, strict=True)])
    ax.set(
        xlabel="score z, and below it the probability p of a 1", ylabel="loss when it is a 1",
        xlim=(-6.4, 4.6), ylim=(-0.25, 7.1),
    )  # fmt: skip
    return by_hand.plotted(fig, title)


def _minus(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


def huber(r: Array, d: float) -> Array:
    """Return ρ(r): r²/2 up to d, then a line that continues it."""
    size = np.abs(r)
    return np.where(size <= d, size**2 / 2, d * (size - d / 2))


def huber_area(d: float) -> float:
    """Return ∫ e^-ρ(r) dr = √(2π) erf(d/√2) + (2/d) e^(-d²/2)."""
    return float(np.sqrt(2 * np.pi) * erf(d / np.sqrt(2)) + 2 / d * np.exp(-(d**2) / 2))


def densities(title: str, d: float = 1.0) -> by_hand.Drawing:
    """Draw three densities of the noise, and beside them -ln of each, without the constants."""
    r = np.linspace(-4, 4, 321)
    costs = {
        "Gauss": (r**2 / 2, np.sqrt(2 * np.pi)),
        "Laplace": (np.abs(r), 2.0),
        f"Huber, d = {d:g}": (huber(r, d), huber_area(d)),
    }
    fig, axes = plt.subplots(1, 2, figsize=(4.6, 2.3))
    for k, (name, (cost, area)) in enumerate(costs.items(), start=1):
        look: dict[str, Any] = {"color": COLORS[k], "linestyle": LINES[k], "label": name}
        axes[0].plot(r, np.exp(-cost) / area, **look)
        axes[1].plot(r, cost, **look)
    for ax, name in zip(axes, ("density P", "−ln P + constant"), strict=True):
        ax.set_title(name, fontsize=11)
        ax.set(xlabel="r = a − y", xticks=[-4, -2, 0, 2, 4])
    axes[1].set(ylim=(0, 8), yticks=[0, 2, 4, 6, 8])
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return by_hand.plotted(fig, title)


def slider(probabilities: Sequence[float]) -> list[Frame]:
    """Return a frame for each p: both losses and both slopes, with a dot on each.

    The caption has every factor, so that p with few digits gives products that are exact.
    """
    line = np.linspace(-5, 5, 121)
    frames = []
    for p in probabilities:
        z = np.log(p / (1 - p))
        fig, axes = plt.subplots(2, 1, figsize=(4.4, 2.8), sharex=True)
        for ax, function in zip(axes, (losses_at, slopes_at), strict=True):
            for k, (curve, dot) in enumerate(zip(function(line), function([z]), strict=True)):
                ax.plot(line, curve, LINES[k], color=COLORS[k], label=NAMES[k])
                ax.plot(z, dot, "os"[k], color=COLORS[k], markersize=8)
            ax.axvline(z, color=GREY, linewidth=0.8, linestyle=":")
        axes[0].set(ylabel="loss", ylim=(-0.3, 5.2))
        axes[0].legend(loc="upper right")
        axes[1].set(xlabel="score z", ylabel="derivative", ylim=(-1.08, 0.08))
        frames.append(drawn(fig, f"Two losses and their derivatives at p = {p:g}", caption(p)))
    return frames


def caption(p: float) -> str:
    """Say the two derivatives at p with their factors, for the target 1."""
    error, slope = round(p - 1, 10), round(p * (1 - p), 10)
    words = (
        f"Cross-entropy: p − y = {error:g}. Squared error: (p − y) · p(1 − p) ="
        f" {error:g} · {slope:g} = {round(error * slope, 10):g}."
        f" The first is {1 / slope:.3g} times as large."
    )
    return words.replace("-", "−").replace("Cross−", "Cross-")


def recovery(
    accuracies: Mapping[str, Array], starts: Sequence[str], rates: Sequence[float], title: str
) -> by_hand.Drawing:
    """Draw every run's last accuracy: a panel for each loss, a mark for each run.

    Parameters
    ----------
    accuracies : mapping of str to array of shape (starts, rates, runs)
        By loss, one of ``NAMES``, which has its colour.
    starts : sequence of str
        What stands below each group.
    rates : sequence of float
        The step sizes, a marker for each.
    title : str
        What the picture shows, for those who do not see it.

    Raises
    ------
    ValueError
        If an array has another shape.
    """
    for name, found in accuracies.items():
        if found.shape[:2] != (len(starts), len(rates)):
            raise ValueError(
                f"recovery: {name} has shape {found.shape},"
                f" expected ({len(starts)}, {len(rates)}, runs)"
            )
    fig, axes = plt.subplots(
        len(accuracies), 1, figsize=(4.6, 3.2), sharex=True, sharey=True, squeeze=False
    )
    for ax, (name, found) in zip(axes.flat, accuracies.items(), strict=True):
        _runs(ax, found, rates, COLORS[NAMES.index(name)])
        ax.set_title(name, fontsize=11, loc="left")
        ax.set(ylabel="accuracy", ylim=(-0.06, 1.08), yticks=[0, 0.5, 1])
    axes[0, 0].legend(title="step size", loc="lower center", ncols=len(rates), handletextpad=0)
    axes[-1, 0].set_xticks(range(len(starts)), starts)
    return by_hand.plotted(fig, title)


def _runs(ax: Any, found: Array, rates: Sequence[float], color: str) -> None:
    """Draw a mark for each run: beside each other for one start and step size, in order."""
    spread = np.linspace(-0.045, 0.045, found.shape[2])
    for j, rate in enumerate(rates):
        for i, runs in enumerate(found[:, j]):
            x = i + 0.2 * (j - (len(rates) - 1) / 2)
            label = f"{rate:g}" if i == 0 else None
            look: dict[str, Any] = {"color": color, "markersize": 4, "alpha": 0.75}
            ax.plot(x + spread, np.sort(runs), MARKERS[j], label=label, **look)
