"""The figures of the chapter on local minima: kinds of points, traps and how they open, paths.

The trap is that of a single unit tanh(w x + b) on three examples. Blue circles are the lowest
minimum and what leads there, vermilion triangles the trap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from backprop.arrays import Array
from backprop.book import settled
from backprop.book.critical import unit_gradient, unit_loss
from backprop.book.figures.by_hand import Drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame, drawn

X, Y = np.array([-1.0, 1.0, 5.0]), np.array([-0.8, 0.8, -0.8])
"""The three examples."""
BOX = np.array([[-1.5, 2.5], [-2.5, 2.5]])
"""Where w and b are drawn, and where runs start."""
RATE, STEPS = 0.2, 5000
OPENING_RATE, OPENING_DECAY = 0.05, 0.003
"""Of the run of two units: without decay, their loss has no minimum, and the weights grow."""
LOWEST, TRAP, PLATEAU = range(3)
BEGUN = ((0.1, 2.0), (-1.1, -1.25), (0.7, -2.0), (1.6, -0.9))
"""Where the runs in the picture of the trap start."""


def cubic(theta: Array) -> Array:
    """Return f = Σ (θ_k³ - 3 θ_k) over the last axis."""
    return np.asarray((theta**3 - 3 * theta).sum(axis=-1))


def kinds(title: str) -> Drawing:
    """Draw the contours of θ₁³ - 3θ₁ + θ₂³ - 3θ₂ with its four critical points."""
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 2.9))
    across, up = np.linspace(-2.1, 2.1, 85), np.linspace(-2.1, 2.1, 85)
    heights = cubic(np.stack(np.meshgrid(across, up), axis=-1))
    levels = [-3.5, -2.8, -2, -1, 0, 1, 2, 2.8, 3.5]
    ax.contourf(across, up, heights, levels, cmap="Blues", alpha=0.35, extend="both", zorder=0)
    ax.set_rasterization_zorder(0.5)
    ax.contour(across, up, heights, levels, colors=GREY, linewidths=0.7, linestyles="-", zorder=1)
    looks = (
        ("minimum, −4", "o", COLORS[0]),
        ("saddle, 0", "s", INK),
        ("maximum, 4", "P", COLORS[2]),
    )
    for first in (1, -1):
        for second in (1, -1):
            index = (first < 0) + (second < 0)
            words, mark, color = looks[index]
            ax.plot(first, second, mark, color=color, markersize=10, markeredgecolor="#fefefe")
            below = f"{words}\n{6 * first:+d}, {6 * second:+d}: index {index}".replace("-", "−")
            box = {"boxstyle": "round,pad=0.35", "facecolor": "#fefefe", "edgecolor": color}
            ax.text(first, second + 0.2 * np.sign(second), below, color=color, ha="center",
                    va="bottom" if second > 0 else "top", bbox=box, fontsize=11)  # fmt: skip
    ax.set(xlabel="θ₁", ylabel="θ₂", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    ax.grid(False)
    return plotted(fig, title)


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
    fig = plt.figure(figsize=(4.6, 3.95))
    grid = fig.add_gridspec(2, 2, height_ratios=[2.5, 1])
    ax = fig.add_subplot(grid[0, :])
    w, b = (np.linspace(low, high, 81) for low, high in BOX)
    heights = unit_loss(np.stack(np.meshgrid(w, b), axis=-1), X, Y)
    levels = [0.28, 0.32, 0.4, 0.48, 0.542, 0.576, 0.65, 0.8, 1.0]
    ax.contourf(w, b, heights, levels, cmap="Blues", alpha=0.35, extend="both", zorder=0)
    ax.set_rasterization_zorder(0.5)
    lines = ax.contour(w, b, heights, levels, colors=GREY, linewidths=0.7, zorder=1)
    ax.clabel(lines, fmt="%g", fontsize=11, colors=INK, manual=[(1.25, 1.35), (1.85, -1.75)])
    lattice = starts(17)
    sorts = ends(descend(lattice), points[:2])
    for kind, color, mark, size in (
        (LOWEST, COLORS[0], ".", 3.2), (TRAP, COLORS[1], ".", 3.2), (PLATEAU, COLORS[1], "x", 3.6),
    ):  # fmt: skip
        ax.plot(*lattice[sorts == kind].T, mark, color=color, markersize=size, zorder=1.5)
    for place in BEGUN:
        path = [np.array(place)]
        for _ in range(STEPS):
            path.append(path[-1] - RATE * unit_gradient(path[-1], X, Y))
        color, mark = looks[ends(path[-1][None], points[:2])[0]]
        ax.plot(*np.array(path).T, "-", color=color, linewidth=2.4)
        ax.plot(*place, "o", color=color, markersize=5)
    for point, mark, words, at in zip(
        points, "o^s", ("lowest, 0.28", "trap, 0.54", "saddle, 0.58"),
        ((-0.75, -0.65), (1.82, -0.02), (0.95, 0.52)), strict=True,
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


def widened(theta: Array) -> Array:
    """Return what tanh(w x + b) + q tanh(w' x + b') answers at x, for θ = (w, b, q, w', b').

    The last axis of θ gives place to one answer per example.
    """
    w, b, q, w_new, b_new = (theta[..., k, None] for k in range(5))
    return np.asarray(np.tanh(w * X + b) + q * np.tanh(w_new * X + b_new))


def widened_loss(theta: Array) -> Array:
    """Return the loss of both units together, with decay, one number for each row of ``theta``."""
    error = ((widened(theta) - Y) ** 2).mean(axis=-1) / 2
    return np.asarray(error + OPENING_DECAY / 2 * (theta**2).sum(axis=-1))


def widened_run(start: Array, steps: int) -> Array:
    """Return gradient descent with decay from θ as in :func:`widened`, shape (steps + 1, 5)."""
    run = [np.array(start, dtype=float)]
    for _ in range(steps):
        w, b, q, w_new, b_new = run[-1]
        first, second = np.tanh(w * X + b), np.tanh(w_new * X + b_new)
        delta = (widened(run[-1]) - Y) / len(X)
        old, new = delta * (1 - first**2), delta * q * (1 - second**2)
        slope = np.array([old @ X, old.sum(), delta @ second, new @ X, new.sum()])
        run.append(run[-1] - OPENING_RATE * (slope + OPENING_DECAY * run[-1]))
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
    q_axis, w_axis = np.linspace(-0.7, 3.1, 61), np.linspace(-0.55, 0.45, 41)
    losses = widened_loss(run)
    frames = []
    for k in shown:
        w, b, q, w_new, b_new = run[k]
        fig = plt.figure(figsize=(4.4, 3.1))
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
        fit.text(2.7, both[94] - 0.3, "both units", color=blue, va="top", ha="center")
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
        ax.set(xticks=[0, 1, 2, 3], yticks=[-0.4, 0, 0.4], xlabel="q", ylabel="w′")
        ax.set_title("loss over q and w′", loc="left", fontsize=11)
        ax.grid(False)
        low = fig.add_subplot(grid[1, 1])
        low.plot(losses[: max(shown) + 1], "-", color=GREY, linewidth=1)
        low.plot(losses[: k + 1], "-", color=blue, linewidth=2.4)
        low.plot(k, losses[k], "o", color=blue, markersize=9)
        low.axhline(best, color=INK, linestyle=":", linewidth=1.5)
        low.text(max(shown), best + 0.02, "one unit", color=INK, ha="right", va="bottom")
        low.set_xscale("symlog", linthresh=40, linscale=0.8)
        low.set(ylim=(0, 0.6), yticks=[0, 0.2, 0.4], xlabel="step", xlim=(-3, 1.15 * max(shown)))
        low.set_xticks([0, 40, 400, 4000], ["0", "40", "400", "4000"])
        low.minorticks_off()
        low.set_title("loss", loc="left", fontsize=11)
        said = (
            f"Loss {losses[k]:.2f}, with q = {q:.2f}, w′ = {w_new:.2f} and w = {w:.2f}. "
            f"At x = 5 the answer is {widened(run[k])[2]:.2f} and the target -0.8."
        ).replace("-", "−")
        frames.append(drawn(fig, f"The network after {k} steps from the trap", said))
    return frames


def in_a_row(d: float, weights: int, steps: int, rate: float = 0.1) -> Array:
    """Return the common value of ``weights`` weights at each step, L = (w₁ w₂ ⋯ - 1)²/2.

    They start equal, at ``d``, and stay equal, so one number stands for all.
    """
    w = [d]
    for _ in range(steps):
        w.append(w[-1] + rate * (1 - w[-1] ** weights) * w[-1] ** (weights - 1))
    return np.array(w)


def waits(title: str) -> Drawing:
    """Draw the loss of two and of three weights in a row from ever closer to the origin."""
    from backprop.book.figures.plots import COLORS, LINES

    plt = pyplot()
    fig, axes = plt.subplots(1, 2, sharey=True, figsize=(4.6, 1.9))
    for ax, weights, steps, name in zip(axes, (2, 3), (100, 12_000), ("two", "three"), strict=True):
        for d, color, line in zip((0.1, 0.01, 0.001), COLORS, LINES, strict=False):
            w = in_a_row(d, weights, steps)
            loss = (w**weights - 1) ** 2 / 2
            ax.plot(loss, line, color=color, linewidth=2.2)
        ax.set_title(f"{name} weights", loc="left", fontsize=11)
        ax.set(xlabel="step", xlim=(0, steps), ylim=(-0.02, 0.54), yticks=[0, 0.25, 0.5])
    axes[0].set(ylabel="loss", xticks=[0, 25, 50, 75])
    axes[1].set(xscale="log", xlim=(14, 25_000))
    axes[1].set_xticks([100, 1000, 10_000], ["100", "1000", "10⁴"])
    axes[1].minorticks_off()
    for right, left, d, color in zip((26, 51, 76), (70, 850, 8500), (0.1, 0.01, 0.001), COLORS,
                                     strict=False):  # fmt: skip
        axes[0].text(right, 0.12, f"{d:g}", color=color, ha="left", va="center")
        axes[1].text(left, 0.2, f"d =\n{d:g}", color=color, ha="right", va="center")
    return plotted(fig, title)


def levels(
    found: Mapping[int, tuple[Array, Array]],
    runs: Mapping[int, Array],
    fallen: float,
    title: str,
) -> Drawing:
    """Draw the loss of critical points by index, and beside them where runs of descent end.

    Points that lie close together share a mark, which bears their number.

    Parameters
    ----------
    found : mapping of int to (losses, indices)
        By width, the smaller one first.
    runs : mapping of int to array
        By width: the final losses.
    fallen : float
        The loss of the trap, whose points are orange in each panel.
    title : str
        What the picture shows.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, axes = plt.subplots(
        1, len(found) + 1, sharey=True, figsize=(4.6, 2.4),
        width_ratios=[*(1.0 for _ in found), 0.7],
    )  # fmt: skip
    for ax, (width, (losses, indices)) in zip(axes, found.items(), strict=False):
        same = np.abs(losses - fallen) < 1e-4 * fallen
        minimum = indices == 0
        for which, color, mark in (
            (~same & ~minimum, INK, "s"), (same & ~minimum, COLORS[1], "s"),
            (~same & minimum, COLORS[0], "o"), (same & minimum, COLORS[1], "^"),
        ):  # fmt: skip
            for index in np.unique(indices[which]):
                for group in _heaps(losses[which & (indices == index)]):
                    ax.plot(index, group.mean(), mark, color=color, markersize=13, zorder=3)
                    if len(group) > 1:
                        ax.text(index, group.mean() - 0.001, str(len(group)), color="#fefefe",
                                ha="center", va="center", zorder=4)  # fmt: skip
        ax.set_title(f"{width} units", fontsize=11, color=INK)
        ax.set(xticks=[0, 1, 2, 3], xlim=(-0.6, 3.6), xlabel="index")
    axes[0].text(0.1, fallen - 0.04, "trap", color=COLORS[1], ha="center", va="top")
    axes[1].text(1, fallen - 0.04, "trap and\na zero unit", color=COLORS[1], ha="center", va="top")
    last, rng = axes[-1], np.random.default_rng(0)
    for at, (_width, ended) in enumerate(runs.items()):
        low, stuck = ended < 0.2, np.abs(ended - fallen) < 0.03
        for which, color, mark in (
            (low, COLORS[0], "o"), (stuck, COLORS[1], "^"), (~low & ~stuck, INK, "D"),
        ):  # fmt: skip
            places = at + rng.uniform(-0.3, 0.3, size=which.sum())
            last.plot(places, ended[which], mark, color=color, markersize=4, alpha=0.6)
            if which.any():
                last.text(at, ended[which].mean() + 0.03, str(which.sum()), color=color,
                          ha="center", va="bottom")  # fmt: skip
    last.set_title("runs", fontsize=11, color=INK)
    last.set_xticks(range(len(runs)), [str(width) for width in runs])
    last.set(xlabel="units", xlim=(-0.6, len(runs) - 0.4))
    axes[0].set(ylabel="loss", ylim=(-0.03, 0.55), yticks=[0, 0.1, 0.2, 0.3, 0.4, 0.5])
    return plotted(fig, title)


def _heaps(losses: Array, apart: float = 0.02) -> list[Array]:
    """Return the losses in groups, split where two neighbours are more than ``apart``."""
    ordered = np.sort(losses)
    return np.split(ordered, np.flatnonzero(np.diff(ordered) > apart) + 1)


def watching(watched: tuple[Array, Array, Array], watch: Array, title: str) -> Drawing:
    """Draw two runs: their loss, gradient and smallest eigenvalue.

    Parameters
    ----------
    watched : (losses, gradients, lowest), each of shape (2, steps)
        The loss, the length of the gradient and the smallest eigenvalue.
    watch : array
        The steps.
    title : str
        What the picture shows.
    """
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    fig, lower = plt.subplots(3, 1, figsize=(4.6, 3.0), layout="constrained")
    for k, (color, line) in enumerate(((COLORS[1], "-"), (INK, "--"))):
        for ax, values in zip(lower, watched, strict=True):
            ax.plot(watch, values[k], line, color=color, linewidth=2)
    loss_, slope, curve = lower
    loss_.text(watch[-1], 0.87, "has arrived", color=INK, ha="right", va="bottom")
    loss_.text(0.3 * watch[-1], 0.85, "both wait", color=INK, ha="center", va="top")
    loss_.set(ylim=(0.79, 0.93), yticks=[0.8, 0.85, 0.9])
    loss_.set_title("loss", loc="left", fontsize=11, color=INK)
    slope.set(yscale="log", ylim=(2e-6, 3e-2))
    slope.set_yticks([1e-5, 1e-3], ["0.00001", "0.001"])
    slope.minorticks_off()
    slope.set_title("length of the gradient", loc="left", fontsize=11, color=INK)
    curve.axhline(0, color=GREY, linewidth=1)
    curve.set(ylim=(-0.0034, 0.0014), yticks=[-0.002, 0], xlabel="step")
    curve.set_yticklabels(["−0.002", "0"])
    curve.set_title("smallest eigenvalue of the Hessian", loc="left", fontsize=11, color=INK)
    for ax in lower:
        ax.axvspan(5000, 10_000, color=GREY, alpha=0.2, linewidth=0)
        ax.set(xlim=(0, watch[-1]), xticks=[0, 5000, 10_000, 15_000, 20_000])
        ax.tick_params(labelbottom=ax is curve)
    return plotted(fig, title)


def opened(
    singular: Array, decay: float, parts: tuple[Array, Array], steps: Array, title: str
) -> Drawing:
    """Draw what the rule compares at some ends, and the runs from them with one unit more.

    Parameters
    ----------
    singular : array, shape (ends, values)
        The singular values of C, largest first.
    decay : float
        What they are compared with.
    parts : (cross-entropies, decays), each of shape (ends, steps)
        The two parts of the loss.
    steps : array
        Since the unit was added; the first one is 0.
    title : str
        What the picture shows.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, (left, right) = plt.subplots(
        1, 2, figsize=(4.6, 2.4), width_ratios=[1, 1.5], layout="constrained"
    )
    for each in singular:
        left.plot(1 + np.arange(len(each)), each, "o", color=COLORS[0], markersize=4, alpha=0.5)
    left.axhline(decay, color=COLORS[1], linewidth=2.2)
    left.text(5, 1.15 * decay, "decay α", color=COLORS[1], ha="center", va="bottom")
    left.set(yscale="log", ylim=(0.6 * decay, 0.4), xlim=(0, 10), xticks=[1, 5, 9], xlabel="k")
    left.set_yticks([0.001, 0.01, 0.1], ["0.001", "0.01", "0.1"])
    left.minorticks_off()
    left.set_title("singular values", loc="left", fontsize=11, color=INK)
    for losses, color in zip(parts, (COLORS[0], INK), strict=True):
        for each in losses:
            right.plot(steps, each, "-", color=color, linewidth=1.4, alpha=0.8)
    entropies, decays = parts
    middle = len(steps) // 4
    right.text(steps[middle], entropies[:, 0].max() + 0.02, "cross-entropy", color=COLORS[0],
               ha="center", va="bottom")  # fmt: skip
    right.text(steps[middle], decays[:, 0].max() + 0.02, "decay", color=INK, ha="center",
               va="bottom")  # fmt: skip
    right.set_xscale("symlog", linthresh=20, linscale=0.6)
    right.set_xticks([0, 100, 1000, 10_000], ["0", "100", "1000", "10⁴"])
    right.minorticks_off()
    right.set(ylim=(0, 0.8), xlim=(-2, 1.1 * steps[-1]), yticks=[0, 0.2, 0.4, 0.6])
    right.set_xlabel("steps with a third unit")
    right.set_title("parts of the loss", loc="left", fontsize=11, color=INK)
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
