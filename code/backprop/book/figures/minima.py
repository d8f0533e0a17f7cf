"""The figures of the chapter on local minima: a trap, a saddle, ends of runs, paths.

The trap is that of a single unit tanh(w x + b) on three examples. Blue circles are the lowest
minimum and what leads there, vermilion triangles the trap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from backprop.arrays import Array
from backprop.book import settled
from backprop.book.critical import unit_gradient, unit_loss
from backprop.book.figures.by_hand import Drawing, plotted, pyplot

X, Y = np.array([-1.0, 1.0, 5.0]), np.array([-0.8, 0.8, -0.8])
"""The three examples."""
BOX = np.array([[-1.5, 2.5], [-2.5, 2.5]])
"""Where w and b are drawn, and where runs start."""
RATE, STEPS = 0.2, 5000
LOWEST, TRAP, PLATEAU = range(3)
BEGUN = ((0.1, 2.0), (-1.1, -1.25), (0.7, -2.0), (1.6, -0.9))
"""Where the runs in the picture of the trap start."""


def starts(per_side: int) -> Array:
    """Return a grid of starts over the box, shape (per_side², 2)."""
    w, b = (np.linspace(low, high, per_side) for low, high in BOX)
    return np.stack(np.meshgrid(w, b), axis=-1).reshape(-1, 2)


def descend(theta: Array, steps: int = STEPS, rate: float = RATE) -> Array:
    """Return where gradient descent has come from each row of ``theta``."""
    theta = np.array(theta, dtype=float)
    for _ in range(steps):
        theta -= rate * unit_gradient(theta, X, Y)
    return theta


def ends(theta: Array, minima: Array) -> Array:
    """Return for each row at which minimum it is, LOWEST or TRAP, or else PLATEAU."""
    near = np.abs(theta[:, None] - minima).max(axis=-1) < 0.05
    return np.where(near[:, 0], LOWEST, np.where(near[:, 1], TRAP, PLATEAU))


def trap(points: Array, title: str) -> Drawing:
    """Draw the landscape of one unit with its critical points, four runs, and both fits.

    Parameters
    ----------
    points : array, shape (3, 2)
        (w, b) of the lowest minimum, of the trap, and of the saddle.
    title : str
        What the picture shows.
    """
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    looks = ((COLORS[0], "o"), (COLORS[1], "^"))
    fig = plt.figure(figsize=(4.6, 4.1))
    grid = fig.add_gridspec(2, 2, height_ratios=[2.8, 1])
    ax = fig.add_subplot(grid[0, :])
    w, b = (np.linspace(low, high, 81) for low, high in BOX)
    heights = unit_loss(np.stack(np.meshgrid(w, b), axis=-1), X, Y)
    levels = [0.28, 0.32, 0.4, 0.48, 0.542, 0.576, 0.65, 0.8, 1.0]
    ax.contourf(w, b, heights, levels, cmap="Blues", alpha=0.35, extend="both", zorder=0)
    ax.set_rasterization_zorder(0.5)
    ax.contour(w, b, heights, levels, colors=GREY, linewidths=0.5, zorder=1)
    for place in BEGUN:
        path = [np.array(place)]
        for _ in range(STEPS):
            path.append(path[-1] - RATE * unit_gradient(path[-1], X, Y))
        color, mark = looks[ends(path[-1][None], points[:2])[0]]
        ax.plot(*np.array(path).T, "-", color=color, linewidth=2.4)
        ax.plot(*place, "o", color=color, markersize=5)
    for point, mark, words, at in zip(
        points, "o^s", ("lowest, 0.28", "trap, 0.54", "saddle, 0.58"),
        ((-0.98, 0.25), (1.72, 0.62), (0.6, 0.72)), strict=True,
    ):  # fmt: skip
        color = INK if mark == "s" else looks["o^".index(mark)][0]
        ax.plot(*point, mark, color=color, markersize=12, markeredgecolor="#fefefe")
        box = {"boxstyle": "round,pad=0.15", "facecolor": "#fefefe", "edgecolor": color}
        ax.text(*at, words, color=color, ha="center", va="center", bbox=box, fontsize=11)
    ax.set(xlabel="weight w", ylabel="bias b", xlim=BOX[0], ylim=BOX[1])
    ax.set(xticks=[-1, 0, 1, 2], yticks=[-2, -1, 0, 1, 2])
    ax.set_title("loss", loc="left", fontsize=11)
    ax.grid(False)
    line = np.linspace(-2, 6, 161)
    for k, words in enumerate(("answer at the lowest", "answer in the trap")):
        low = fig.add_subplot(grid[1, k])
        color, _ = looks[k]
        low.plot(line, np.tanh(points[k, 0] * line + points[k, 1]), "-", color=color, linewidth=2.2)
        for x, y in zip(X, Y, strict=True):
            low.plot([x, x], [y, np.tanh(points[k] @ [x, 1])], ":", color=GREY)
        low.plot(X, Y, "D", color=INK, markersize=6)
        low.set_title(words, fontsize=11, color=color)
        low.set(xticks=[-1, 1, 5], yticks=[-1, 0, 1], ylim=(-1.2, 1.2), xlabel="x")
        low.grid(False)
    return plotted(fig, title)


def from_line(d: float, steps: int, rate: float = 0.1) -> Array:
    """Return (u, v) at each step of gradient descent on L = (u v - 1)²/2.

    The start is (-1.4 + d, 1.4 + d). With d = 0 it lies on the line u = -v, which leads to the
    saddle at the origin.
    """
    run = [np.array([-1.4 + d, 1.4 + d])]
    for _ in range(steps):
        u, v = run[-1]
        run.append(run[-1] - rate * (u * v - 1) * np.array([v, u]))
    return np.array(run)


def row_loss(run: Array) -> Array:
    """Return L = (u v - 1)²/2 for (u, v) in the last axis."""
    return np.asarray((run.prod(axis=-1) - 1) ** 2 / 2)


def saddle(title: str) -> Drawing:
    """Draw runs that pass the saddle of (u v - 1)²/2, and how long each is held up."""
    from backprop.book.figures.plots import COLORS, GREY, INK, LINES

    plt = pyplot()
    fig, (ax, right) = plt.subplots(1, 2, figsize=(4.6, 2.5), width_ratios=[1, 1.05],
                                    layout="constrained")  # fmt: skip
    t = np.linspace(-1.8, 1.8, 91)
    levels = [0.02, 0.15, 0.35, 0.5, 0.8, 1.4, 2.4, 4]
    heights = row_loss(np.stack(np.meshgrid(t, t), axis=-1))
    ax.contourf(t, t, heights, levels, cmap="Blues", alpha=0.35, extend="both", zorder=0)
    ax.set_rasterization_zorder(0.5)
    ax.contour(t, t, heights, levels, colors=GREY, linewidths=0.7, zorder=1)
    for sign in (1, -1):
        valley = sign * np.linspace(1 / 1.8, 1.8, 61)
        ax.plot(valley, 1 / valley, "-", color=COLORS[0], linewidth=3)
    for k, d in enumerate((0.1, 0.01, 0.001)):
        run = from_line(d, 120)
        ax.plot(*run.T, LINES[k], color=COLORS[1 + k], linewidth=2)
        right.plot(row_loss(run), LINES[k], color=COLORS[1 + k], linewidth=2.2)
        fallen = int((row_loss(run) < 0.27).argmax())
        right.text(fallen + 1.5, 0.27, f"{d:g}", color=COLORS[1 + k], va="center")
    ax.plot(-1.4, 1.4, "o", color=INK, markersize=6)
    ax.plot(0, 0, "s", color=INK, markersize=10, markeredgecolor="#fefefe")
    box = {"boxstyle": "round,pad=0.1", "facecolor": "#fefefe", "edgecolor": "none"}
    ax.text(-0.25, -0.3, "saddle", color=INK, ha="right", va="top", bbox=box)
    ax.text(-1.25, 1.42, "start", color=INK, ha="left", va="bottom", bbox=box)
    ax.set(xlabel="u", ylabel="v", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    ax.grid(False)
    right.set(xlabel="step", xlim=(0, 89), ylim=(-0.05, 1.2), yticks=[0, 0.5, 1])
    right.set(xticks=[0, 20, 40, 60, 80])
    right.set_title("loss", loc="left", fontsize=11)
    return plotted(fig, title)


def levels(losses: Array, indices: Array, ended: Array, fallen: float, title: str) -> Drawing:
    """Draw the loss of critical points by index, and beside them where runs of descent end.

    Points that lie close together share a mark, which bears their number.

    Parameters
    ----------
    losses, indices : array, shape (points,)
        Of the critical points.
    ended : array
        The final losses of the runs.
    fallen : float
        The loss of the trap where runs end.
    title : str
        What the picture shows.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, (ax, last) = plt.subplots(1, 2, sharey=True, figsize=(4.6, 2.2), width_ratios=[1.5, 1])
    minimum = indices == 0
    caught = losses > losses.min() + 1e-4
    for which, color, mark in (
        (~minimum, INK, "s"), (minimum & ~caught, COLORS[0], "o"), (minimum & caught, COLORS[1],
                                                                     "^"),
    ):  # fmt: skip
        for index in np.unique(indices[which]):
            for group in _heaps(losses[which & (indices == index)]):
                ax.plot(index, group.mean(), mark, color=color, markersize=13, zorder=3)
                if len(group) > 1:
                    ax.text(index, group.mean() - 0.001, str(len(group)), color="#fefefe",
                            ha="center", va="center", zorder=4)  # fmt: skip
    for at, words, color in (
        (losses.min(), "lowest", COLORS[0]), (fallen, "trap", COLORS[1]),
        (losses[minimum].max(), "all zero", COLORS[1]),
    ):  # fmt: skip
        ax.text(-0.22, at, words, color=color, ha="right", va="center")
    ax.set(xlabel="index", xticks=[0, 1, 2], xlim=(-1.35, 2.5))
    ax.set_title("critical points", loc="left", fontsize=11)
    stuck = np.abs(ended - fallen) < 0.03
    for which, color in ((~stuck, COLORS[0]), (stuck, COLORS[1])):
        at = ended[which].mean()
        last.barh(at, which.sum(), height=0.045, color=color)
        last.text(2, at + 0.03, f"{which.sum()} runs", color=color, ha="left", va="bottom")
    last.set(xlim=(0, 100), xticks=[])
    last.grid(False)
    last.set_title("ends of runs", loc="left", fontsize=11)
    ax.set(ylabel="loss", ylim=(-0.03, 0.56), yticks=[0, 0.1, 0.2, 0.3, 0.4, 0.5])
    return plotted(fig, title)


def _heaps(losses: Array, apart: float = 0.02) -> list[Array]:
    """Return the losses in groups, split where two neighbours are more than ``apart``."""
    ordered = np.sort(losses)
    return np.split(ordered, np.flatnonzero(np.diff(ordered) > apart) + 1)


def widths(found: Mapping[str, tuple[Array, Array]], title: str) -> Drawing:
    """Draw the losses of the minima of some widths.

    Parameters
    ----------
    found : mapping of str to (losses, wrong)
        By number of units: of each minimum the loss, and how many of the 300 digits are classified
        wrongly there.
    title : str
        What the picture shows.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 2.15))
    ax.grid(False)
    for k, (losses, wrong) in enumerate(found.values()):
        places = k + np.linspace(-0.22, 0.22, len(losses))
        ax.plot(places, np.sort(losses), "o", color=COLORS[0], markersize=6)
        count = f"{wrong.min()}–{wrong.max()}" if wrong.max() > wrong.min() else f"{wrong.max()}"
        ax.text(k, losses.max() + 0.05, f"{count} wrong", color=INK, ha="center", va="bottom")
    ax.set_xticks(range(len(found)), [f"{units} units" for units in found])
    ax.set(xlim=(-0.5, len(found) - 0.5), ylim=(0, 1.05), yticks=[0, 0.2, 0.4, 0.6, 0.8, 1])
    ax.set_title("loss", loc="left", fontsize=11)
    return plotted(fig, title)


def grown(
    found: Mapping[str, Array], lowest: Mapping[int, float], gained: Sequence[float], title: str
) -> Drawing:
    """Draw minima by width, with the lowest one known, and the step down that one more unit makes.

    Parameters
    ----------
    found : mapping of str to array
        By number of units: the losses of minima.
    lowest : mapping of int to float
        By number of units, also of one more than in ``found``: the lowest loss known.
    gained : sequence of float
        By how many percent one more unit lowers it, for each width in ``found``.
    title : str
        What the picture shows.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 3.3))
    ax.grid(False)
    widths = sorted(lowest)
    places = {widths[0]: 0.0}
    for before, units in pairwise(widths):
        places[units] = places[before] + (1 if units == before + 1 else 1.25)
    for (width, losses), percent in zip(found.items(), gained, strict=True):
        k, best, wider = places[int(width)], lowest[int(width)], lowest[int(width) + 1]
        spread = k + np.linspace(-0.22, 0.22, len(losses))
        ax.plot(spread, np.sort(losses), "^", color=COLORS[1], markersize=5)
        for at, height in ((k, best), (k + 0.5, wider)):
            ax.plot([at, at + 0.5], [height, height], "-", color=COLORS[2], linewidth=1)
        ax.plot([k + 0.5, k + 0.5], [best, wider], "-", color=COLORS[2], linewidth=4)
        far = percent > 20
        at, height = (0.38, np.sqrt(best * wider)) if far else (0.32, 0.91 * best)
        ax.text(k + at, height, f"−{_digits(percent)}",
                color=COLORS[2], ha="right", va="center" if far else "top")  # fmt: skip
        excess = 100 * (losses.max() / best - 1)
        ax.text(k, losses.max() * 1.07, f"+{_digits(excess)}", color=COLORS[1], ha="center",
                va="bottom")  # fmt: skip
    for units, best in lowest.items():
        ax.plot(places[units], best, "o", color=COLORS[0], markersize=11, markerfacecolor="none",
                markeredgewidth=2, zorder=4)  # fmt: skip
    ax.plot([], [], "^", color=COLORS[1], markersize=5, label="minima found")
    ax.plot([], [], "o", color=COLORS[0], markersize=11, markerfacecolor="none", markeredgewidth=2,
            label="the lowest one")  # fmt: skip
    ax.plot([], [], "-", color=COLORS[2], linewidth=4, label="gain of one more unit")
    ax.legend(loc="upper right", frameon=False, labelcolor=INK, fontsize=11)
    ax.set_yscale("log")
    ax.minorticks_off()
    ax.set_yticks([0.1, 0.2, 0.4, 0.8], ["0.1", "0.2", "0.4", "0.8"])
    ax.set(ylim=(0.077, 1.15), xlim=(-0.6, max(places.values()) + 0.5))
    ax.set_xticks(list(places.values()), [f"{units}" for units in places])
    ax.set_xlabel("units", color=INK)
    ax.set_title("loss (logarithmic), and differences in %", loc="left", fontsize=11, color=INK)
    return plotted(fig, title)


def _digits(percent: float) -> str:
    """Return a percentage in whole numbers, or with a decimal below 1."""
    return f"{percent:.1f}" if percent < 1 else f"{percent:.0f}"


def flat(steps: Sequence[int], losses: Array, lengths: Array, lowest: Array, title: str) -> Drawing:
    """Draw a run's loss, gradient and smallest eigenvalue, shaded where the last is negative.

    Parameters
    ----------
    steps : sequence of int
        At which the run was looked at.
    losses, lengths, lowest : array, shape (steps,)
        The loss, the length of its gradient, and the smallest eigenvalue of its Hessian.
    title : str
        What the picture shows.
    """
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    fig, (top, slope, low) = plt.subplots(3, 1, sharex=True, figsize=(4.6, 4.3),
                                         layout="constrained")  # fmt: skip
    thousands = np.array(steps) / 1000
    negative = lowest < 0
    edges = np.flatnonzero(np.diff(negative.astype(int))) + 1
    for part in np.split(np.arange(len(thousands)), edges):
        if negative[part[0]]:
            after = min(part[-1] + 1, len(thousands) - 1)
            for ax in (top, slope, low):
                ax.axvspan(thousands[part[0]], thousands[after], color=COLORS[1], alpha=0.15,
                           linewidth=0)  # fmt: skip
    top.plot(thousands, losses, "-", color=INK, linewidth=2.4)
    slope.plot(thousands, 1000 * lengths, "-", color=INK, linewidth=2.2)
    slope.set(ylim=(0, 8), yticks=[0, 4, 8])
    slope.set_title("length of the gradient, in thousandths", loc="left", fontsize=11, color=INK)
    low.plot(thousands, 1000 * lowest, "-", color=COLORS[1], linewidth=2.2)
    low.plot(thousands, np.where(negative, np.nan, 1000 * lowest), "-", color=COLORS[0],
             linewidth=2.2)  # fmt: skip
    low.axhline(0, color=GREY, linewidth=1)
    for at, words in ((7.5, "0.861"), (15.75, "0.832"), (23, "0.805")):
        height = np.interp(at, thousands, losses)
        top.text(at, height + 0.006, words, color=INK, ha="center", va="bottom")
    top.set(ylim=(0.795, 0.9), yticks=[0.8, 0.85, 0.9])
    top.set_title("loss", loc="left", fontsize=11, color=INK)
    low.set(
        ylim=(-3.4, 1.4), yticks=[-3, -2, -1, 0, 1], xlim=(0, 25), xticks=[0, 5, 10, 15, 20, 25]
    )
    low.set_title("smallest eigenvalue, in thousandths", loc="left", fontsize=11, color=INK)
    low.set_xlabel("step, in thousands", color=INK)
    for ax in (top, slope, low):
        ax.grid(False)
    return plotted(fig, title)


def walls(paths: Mapping[str, Array], title: str) -> Drawing:
    """Draw the cross-entropy on paths between pairs of ends.

    Parameters
    ----------
    paths : mapping of str to array, shape (pairs, places)
        By kind of path: the values along it.
    title : str
        What the picture shows.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 2.3))
    looks = {"straight": (COLORS[1], "-"), "aligned": (COLORS[2], "--"), "bent": (COLORS[0], "-")}
    for name, along in paths.items():
        color, line = looks[name]
        for heights in along:
            ax.plot(settled.PLACES, heights, line, color=color, linewidth=1.4, alpha=0.75)
        at, side = (-0.02, "top") if name == "bent" else (along.max() + 0.01, "bottom")
        ax.text(0.5, at, name, color=color, ha="center", va=side)
    ax.set(xlim=(0, 1), ylim=(-0.1, paths["straight"].max() + 0.09), yticks=[0, 0.2, 0.4])
    ax.set_xticks([0, 0.5, 1], ["A", "halfway", "B"])
    ax.set_title("cross-entropy", loc="left", fontsize=11, color=INK)
    return plotted(fig, title)


def bowl(t: Array, heights: Array, title: str) -> Drawing:
    """Draw the loss on a plane through the end of a run, at ``t`` along each of two directions."""
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 2.9))
    levels = [0.12, 0.15, 0.2, 0.3, 0.5, 0.8, 1.2]
    ax.contourf(t, t, heights.T, levels, cmap="Blues", alpha=0.35, extend="both", zorder=0)
    ax.set_rasterization_zorder(0.5)
    lines = ax.contour(t, t, heights.T, levels, colors=GREY, linewidths=0.7, zorder=1)
    ax.clabel(lines, fmt="%g", fontsize=11, colors=INK, levels=[0.2, 0.5, 1.2])
    ax.plot(0, 0, "o", color=COLORS[0], markersize=8)
    ax.set(xlabel="first direction", ylabel="second direction", xticks=[-1, 0, 1])
    ax.set(yticks=[-1, 0, 1])
    ax.grid(False)
    return plotted(fig, title)
