"""The figures of the chapter on local minima: a trap, its opening, and walls between solutions.

The trap is that of a single unit tanh(w x + b) on three examples. Blue circles are the lowest
minimum and what leads there, vermilion triangles the trap, and grey squares a plateau.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from backprop.arrays import Array
from backprop.book.critical import unit_gradient, unit_loss
from backprop.book.figures.by_hand import Drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame, drawn

X, Y = np.array([-1.0, 1.0, 5.0]), np.array([-0.8, 0.8, -0.8])
"""The three examples."""
BOX = np.array([[-1.5, 2.5], [-2.5, 2.5]])
"""Where w and b are drawn, and where the proof looks."""
RATE, STEPS = 0.2, 5000
LOWEST, TRAP, PLATEAU = range(3)


def starts(per_side: int) -> Array:
    """Return a grid of starts over the box, shape (per_side², 2)."""
    w, b = (np.linspace(low, high, per_side) for low, high in BOX)
    return np.stack(np.meshgrid(w, b), axis=-1).reshape(-1, 2)


def descend(theta: Array, steps: int = STEPS) -> Array:
    """Return where gradient descent at the rate 0.2 has come from each row of ``theta``."""
    theta = np.array(theta, dtype=float)
    for _ in range(steps):
        theta -= RATE * unit_gradient(theta, X, Y)
    return theta


def ends(theta: Array, minima: Array) -> Array:
    """Return for each row at which minimum it is, LOWEST or TRAP, or else PLATEAU."""
    near = np.abs(theta[:, None] - minima).max(axis=-1) < 0.05
    return np.where(near[:, 0], LOWEST, np.where(near[:, 1], TRAP, PLATEAU))


def trap(points: Array, title: str) -> Drawing:
    """Draw the landscape of one unit with its critical points, runs from a grid, and both fits.

    Parameters
    ----------
    points : array, shape (3, 2)
        (w, b) of the lowest minimum, of the trap, and of the saddle.
    title : str
        What the picture shows.
    """
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    looks = ((COLORS[0], "o"), (COLORS[1], "^"), (GREY, "s"))
    fig = plt.figure(figsize=(4.6, 4.2))
    grid = fig.add_gridspec(2, 2, height_ratios=[2.5, 1])
    ax = fig.add_subplot(grid[0, :])
    w, b = (np.linspace(low, high, 81) for low, high in BOX)
    heights = unit_loss(np.stack(np.meshgrid(w, b), axis=-1), X, Y)
    levels = (0.28, 0.32, 0.4, 0.48, 0.542, 0.576, 0.65, 0.8, 1.0)
    lines = ax.contour(w, b, heights, levels, colors=GREY, linewidths=0.8, linestyles="-")
    spots = [(1.0, 1.0), (1.55, 2.05), (1.85, -1.75)]
    ax.clabel(lines, fmt="%g", fontsize=11, colors=INK, manual=spots)
    begun = starts(17)
    kinds = ends(descend(begun), points[:2])
    for kind, (color, mark) in enumerate(looks):
        at = begun[kinds == kind].T
        ax.plot(*at, mark, color=color, markersize=2.8, alpha=0.75, clip_on=False)
    for place in ((0.1, 2.0), (-1.1, -1.25), (0.7, -2.0), (0.7, 2.0), (1.6, -0.9)):
        path = [np.array(place)]
        for _ in range(STEPS):
            path.append(path[-1] - RATE * unit_gradient(path[-1], X, Y))
        color, _ = looks[ends(path[-1][None], points[:2])[0]]
        ax.plot(*np.array(path).T, "-", color=color, linewidth=2)
    for point, mark, words, at in zip(
        points, "o^X", ("lowest, 0.28", "trap, 0.54", "saddle, 0.58"),
        ((-0.75, -0.65), (1.82, -0.02), (0.95, 0.52)), strict=True,
    ):  # fmt: skip
        color = INK if mark == "X" else looks["o^".index(mark)][0]
        ax.plot(*point, mark, color=color, markersize=12, markeredgecolor="#fefefe")
        box = {"boxstyle": "round,pad=0.15", "facecolor": "#fefefe", "edgecolor": color}
        ax.text(*at, words, color=color, ha="center", va="center", bbox=box, fontsize=11)
    ax.set(xlabel="weight w", ylabel="bias b", xlim=BOX[0], ylim=BOX[1])
    ax.set(xticks=[-1, 0, 1, 2], yticks=[-2, -1, 0, 1, 2])
    ax.grid(False)
    line = np.linspace(-2, 6, 161)
    for k, words in enumerate(("lowest minimum", "trap")):
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


def widened(theta: Array) -> Array:
    """Return what v tanh(w x + b) + c + q tanh(w' x + b') answers at x.

    The last axis of θ is w, b, q, w', b' and, where it has seven entries, v and c, which are 1 and
    0 otherwise. Its place is taken by one answer per example.
    """
    w, b, q, w_new, b_new = (theta[..., k, None] for k in range(5))
    v, c = (theta[..., 5:6], theta[..., 6:7]) if theta.shape[-1] == 7 else (1.0, 0.0)
    return np.asarray(v * np.tanh(w * X + b) + c + q * np.tanh(w_new * X + b_new))


def widened_loss(theta: Array) -> Array:
    """Return the loss of both units together, one number for each row of ``theta``."""
    return np.asarray(((widened(theta) - Y) ** 2).mean(axis=-1) / 2)


def widened_run(start: Array, steps: int, learns: Sequence[int] | None = None) -> Array:
    """Return gradient descent at the rate 0.2 from θ as in :func:`widened`, (steps + 1, …).

    Parameters
    ----------
    start : array, shape (5,) or (7,)
    steps : int
    learns : sequence of int, optional
        The entries of θ that change; all of them by default.
    """
    free = np.zeros(len(start))
    free[slice(None) if learns is None else list(learns)] = 1
    run = [np.array(start, dtype=float)]
    for _ in range(steps):
        w, b, q, w_new, b_new = run[-1][:5]
        v = run[-1][5] if len(start) == 7 else 1.0
        first, second = np.tanh(w * X + b), np.tanh(w_new * X + b_new)
        delta = (widened(run[-1]) - Y) / len(X)
        old, new = delta * v * (1 - first**2), delta * q * (1 - second**2)
        slope = [old @ X, old.sum(), delta @ second, new @ X, new.sum()]
        slope += [delta @ first, delta.sum()] if len(start) == 7 else []
        run.append(run[-1] - RATE * free * np.array(slope))
    return np.array(run)


def opening(run: Array, shown: Sequence[int], best: float) -> list[Frame]:
    """Return a frame for each of some steps: the fit, the way out of the trap, and the loss.

    Parameters
    ----------
    run : array, shape (steps, 5)
        w, b, q, w' and b' from step to step.
    shown : sequence of int
        The steps.
    best : float
        The lowest loss of a single unit.
    """
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    blue, orange = COLORS[:2]
    line = np.linspace(-2, 6, 161)
    q_axis, w_axis = np.linspace(-0.7, 2.3, 49), np.linspace(-0.55, 0.45, 41)
    losses = widened_loss(run)
    frames = []
    for k in shown:
        w, b, q, w_new, b_new = run[k]
        fig = plt.figure(figsize=(4.4, 3.3))
        grid = fig.add_gridspec(2, 2, height_ratios=[1.15, 1], width_ratios=[1.25, 1])
        fit = fig.add_subplot(grid[0, :])
        first = np.tanh(w * line + b)
        both = first + q * np.tanh(w_new * line + b_new)
        fit.plot(line, first, "--", color=GREY, linewidth=1.4)
        fit.plot(line, both, "-", color=blue, linewidth=2.6)
        for x, y, answer in zip(X, Y, widened(run[k]), strict=True):
            fit.plot([x, x], [y, answer], ":", color=orange, linewidth=2)
        fit.plot(X, Y, "D", color=INK, markersize=7)
        fit.text(2.1, 1.1, "first unit alone", color=INK, va="bottom", ha="center")
        fit.text(3, both[100] - 0.15, "both units", color=blue, va="top", ha="center")
        fit.set(xticks=[-1, 1, 5], yticks=[-1, 0, 1], ylim=(-1.25, 1.5), xlim=(-2, 6))
        fit.set_title("answer, against the input x", loc="left", fontsize=11)
        fit.grid(False)
        ax = fig.add_subplot(grid[1, 0])
        places = np.empty((len(q_axis), len(w_axis), 5))
        places[...] = run[k]
        places[..., 2], places[..., 3] = np.meshgrid(q_axis, w_axis, indexing="ij")
        levels = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, losses[0], 0.6, 0.8, 1.2, 2]
        heights = widened_loss(places).T
        ax.contourf(q_axis, w_axis, heights, levels, cmap="Blues", alpha=0.4, extend="both",
                    zorder=0)  # fmt: skip
        ax.set_rasterization_zorder(0.5)
        ax.contour(q_axis, w_axis, heights, levels, colors=GREY, linewidths=0.7, zorder=1)
        ax.plot(*run[: k + 1, 2:4].T, "-", color=INK, linewidth=2)
        ax.plot(0, 0, "^", color=orange, markersize=14, markeredgecolor="#fefefe")
        ax.plot(q, w_new, "o", color=blue, markersize=9, markeredgecolor="#fefefe")
        ax.set(xticks=[0, 1, 2], yticks=[-0.4, 0, 0.4], xlabel="q", ylabel="w′")
        ax.set_title("loss over q and w′", loc="left", fontsize=11)
        ax.grid(False)
        low = fig.add_subplot(grid[1, 1])
        low.plot(losses[: max(shown) + 1], "-", color=GREY, linewidth=1)
        low.plot(losses[: k + 1], "-", color=blue, linewidth=2.4)
        low.plot(k, losses[k], "o", color=blue, markersize=9)
        low.axhline(best, color=INK, linestyle=":", linewidth=1.5)
        low.text(max(shown), best + 0.02, "one unit", color=INK, ha="right", va="bottom")
        low.set(ylim=(0, 0.6), yticks=[0, 0.2, 0.4], xlabel="step", xticks=[0, 25, 50])
        low.set_title("loss", loc="left", fontsize=11)
        said = (
            f"Loss {losses[k]:.2f}, with q = {q:.2f}, w′ = {w_new:.2f} and w = {w:.2f}. "
            f"At x = 5 the answer is {widened(run[k])[2]:.2f} and the target -0.8."
        ).replace("-", "−")
        frames.append(drawn(fig, f"The network after {k} steps from the trap", said))
    return frames


def levels(
    found: Mapping[int, tuple[Array, Array, Array]],
    runs: Mapping[int, Array],
    fallen: float,
    title: str,
) -> Drawing:
    """Draw the loss of critical points by index, and beside them where runs of descent end.

    Parameters
    ----------
    found : mapping of int to (losses, indices, copies)
        By width.
    runs : mapping of int to array
        By width: the final losses.
    fallen : float
        The loss whose index is marked in each panel.
    title : str
        What the picture shows.
    """
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    fig, axes = plt.subplots(
        1, len(found) + 1, sharey=True, figsize=(4.6, 2.4),
        width_ratios=[*(1.0 for _ in found), 1.1],
    )  # fmt: skip
    for ax, (width, (losses, indices, copies)) in zip(axes, found.items(), strict=False):
        marked = np.abs(losses - fallen) < 1e-3 * fallen
        marked &= indices == indices[marked].min()
        minimum = (indices == 0) & ~marked
        for which, color, mark in (
            (~marked & ~minimum, GREY, "s"), (minimum, COLORS[0], "o"), (marked, COLORS[1], "^"),
        ):  # fmt: skip
            ax.plot(indices[which], losses[which], mark, color=color, markersize=8, alpha=0.8)
        side = int(indices[marked][0])
        name = "trap" if side == 0 else "saddle"
        ax.text(side, fallen - 0.045, name, color=COLORS[1], ha="center", va="top")
        ax.set_title(f"{width} units,\n{copies.sum():,} points", fontsize=11)
        ax.set(xticks=[0, 1, 2, 3], xlim=(-0.5, 3.5), xlabel="index")
    last, rng = axes[-1], np.random.default_rng(0)
    for at, (_width, ended) in enumerate(runs.items()):
        low, stuck = ended < 0.2, np.abs(ended - fallen) < 0.03
        for which, color, mark in (
            (low, COLORS[0], "o"), (stuck, COLORS[1], "^"), (~low & ~stuck, GREY, "D"),
        ):  # fmt: skip
            places = at + rng.uniform(-0.3, 0.3, size=which.sum())
            last.plot(places, ended[which], mark, color=color, markersize=3.5, alpha=0.6)
    last.set_title("100 runs\neach", fontsize=11, color=INK)
    last.set_xticks(range(len(runs)), [str(width) for width in runs])
    last.set(xlabel="units", xlim=(-0.6, len(runs) - 0.4))
    axes[0].set(ylabel="loss", ylim=(-0.02, 0.56), yticks=[0, 0.1, 0.2, 0.3, 0.4, 0.5])
    return plotted(fig, title)


def walls(found: Mapping[int, Mapping[str, Array]], title: str) -> Drawing:
    """Draw the wall of every pair on each kind of path, by width, on a logarithmic scale.

    Parameters
    ----------
    found : mapping of int to mapping of str to array
        By width and kind of path: a wall for each pair.
    title : str
        What the picture shows.
    """
    from backprop.book.figures.plots import COLORS

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 2.0))
    looks = zip(found.items(), ((COLORS[1], "^"), (COLORS[0], "o")), (-0.2, 0.2), strict=True)
    for (width, by_kind), (color, mark), side in looks:
        for at, heights_of in enumerate(by_kind.values()):
            places = at + side + np.linspace(-0.12, 0.12, len(heights_of))
            ax.plot(places, np.sort(heights_of), mark, color=color, markersize=4.5, alpha=0.8)
        top = 1.35 * max(by_kind["straight"])
        left, lean = (side, "center") if side < 0 else (side / 2, "left")
        ax.text(left, top, f"{width} units", color=color, ha=lean, va="bottom")
    names = list(next(iter(found.values())))
    ax.set_yscale("log")
    ax.set_xticks(range(len(names)), names)
    ax.set(ylim=(2e-4, 5), xlim=(-0.65, len(names) - 0.5))
    ax.set_yticks([0.001, 0.01, 0.1, 1], ["0.001", "0.01", "0.1", "1"])
    ax.set_yticks([], minor=True)
    ax.set_title("wall between two solutions", loc="left", fontsize=11)
    return plotted(fig, title)


def escape(d: float, rate: float, weights: int) -> int:
    """Return the steps from (d, …, d) to above 1/2 on L = (w₁ w₂ ⋯ - 1)²/2, ``weights`` in a row.

    The weights start equal and stay equal, so one number stands for all.
    """
    w, steps = d, 0
    while w <= 0.5:
        w, steps = w + rate * (1 - w**weights) * w ** (weights - 1), steps + 1
    return steps
