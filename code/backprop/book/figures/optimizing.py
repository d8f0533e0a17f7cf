"""The figures of the chapter on momentum and Adam: walks of the package's optimizers on surfaces.

The ravine is L = ½ (θ₁² + 30 θ₂²), turned about its minimum in the race. The saddle
is L = ½ θ₁² - ½ θ₂² + ¼ θ₂⁴, with minima at (0, ±1).
"""

from __future__ import annotations

import cmath
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from backprop.arrays import Array
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame, drawn
from backprop.layers import Dense
from backprop.network import Sequential
from backprop.optimizers import SGD, AdaGrad, Adam, Lion, Momentum, Optimizer, RMSProp

KAPPA = 30.0
START = (-10.0, 2.3)
STEPS = 40
LONG = 80
"""So many steps, to see what the racers do after those for which their rates are best."""
ANGLES = (0, 5, 15, 30, 45)
"""Degrees by which the race's ravine is turned."""
TRIED = np.geomspace(0.01, 20, 67)
"""Learning rates, of which each optimizer has the one with the lowest median of the last losses."""
STARTS = 100
"""So many starts on the contour of the first, spread over one half: the other half mirrors it."""
LEAST = 1e-12
"""Losses below count alike, and the smallest rate wins."""
RACERS: tuple[tuple[str, type[Optimizer], dict[str, float]], ...] = (
    ("gradient descent", SGD, {}),
    ("momentum", Momentum, {"beta": 0.5}),
    ("AdaGrad", AdaGrad, {}),
    ("RMSProp", RMSProp, {"rho": 0.9}),
    ("Adam", Adam, {"beta1": 0.5, "beta2": 0.9}),
    ("Lion", Lion, {"beta1": 0.5, "beta2": 0.9}),
)
BETAS = (0.0, 0.15, 0.3, 0.5, 0.56, 0.7, 0.8, 0.9)
PLAIN_BEST = 2 / (1 + KAPPA)
"""The rate at which plain gradient descent is fastest in the ravine: factors of equal size."""
RIDGE = (1, 2, 3, 4, 5, 6)
"""The walks on the saddle start at θ₂ = 10⁻ᵏ."""


def follow(
    rule: Callable[..., Optimizer],
    gradient: Callable[[Array], Array],
    start: Any,
    steps: int,
    **options: float,
) -> Array:
    """Return the places of an optimizer on any surface, one row per step, the start first.

    Parameters
    ----------
    rule : callable
        A class of :mod:`backprop.optimizers`.
    gradient : callable
        From a place, shape (n,), to the gradient there, same shape.
    start : array_like, shape (n,)
        At least two numbers, since a layer holds them as its weights and its bias.
    steps : int
        How many.
    **options : float
        ``learning_rate`` and what else the rule takes.

    Returns
    -------
    array, shape (steps + 1, n)
    """
    holder = Sequential([Dense(len(start) - 1, 1, rng=np.random.default_rng(0))])
    holder.theta[...] = start
    optimizer, places = rule(holder, **options), [holder.theta.copy()]
    for _ in range(steps):
        holder.dtheta[...] = gradient(holder.theta)
        optimizer.step()
        places.append(holder.theta.copy())
    return np.array(places)


def turn(degrees: float) -> Array:
    """Return the matrix whose product with a row turns it to the left."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[c, s], [-s, c]])


def ravine(degrees: float) -> Array:
    """Return the matrix H of the race's loss ½θHθᵀ."""
    return turn(degrees).T @ np.diag([1.0, KAPPA]) @ turn(degrees)


def starts() -> Array:
    """Return the race's starts, one a row: the loss is the same at all of them."""
    x, y = START[0], START[1] * math.sqrt(KAPPA)
    around = math.atan2(y, x) + math.pi * np.arange(STARTS) / STARTS
    return math.hypot(x, y) * np.stack([np.cos(around), np.sin(around) / math.sqrt(KAPPA)], axis=1)


def _at_rates(rule: type[Optimizer], rates: Array) -> Callable[..., Optimizer]:
    """Return the rule with a learning rate for each number."""

    def build(holder: Sequential, **options: Any) -> Optimizer:
        optimizer = rule(holder, 1.0, **options)
        # The public rate is one number, and a whole stack of rates must be set past its check.
        optimizer.__dict__["_learning_rate"] = rates
        return optimizer

    return build


class Run(NamedTuple):
    """One racer at its best rate."""

    places: Array
    """After 0, 1, ... 40 steps from the first start."""
    rate: float
    last: float
    """The median loss after 40 steps."""


@functools.cache
def race(degrees: float) -> list[Run]:
    """Return the run of each racer at the rate whose median loss after 40 steps is the lowest."""
    turned, H = turn(degrees), ravine(degrees)
    shape = len(TRIED), STARTS, 2  # one stack, since every rule treats each number on its own
    first = np.broadcast_to(starts() @ turned, shape).ravel()
    rates = np.broadcast_to(TRIED[:, None, None], shape).ravel()
    results = []
    for _, rule, options in RACERS:
        with np.errstate(all="ignore"):  # a rate that is too large may overflow
            walked = follow(
                _at_rates(rule, rates), lambda theta: (theta.reshape(-1, 2) @ H).ravel(), first,
                STEPS, **options,
            ).reshape(STEPS + 1, *shape)  # fmt: skip
            last = np.einsum("rsi,ij,rsj->rs", walked[STEPS], H, walked[STEPS]) / 2
            ends = np.where(np.isfinite(last).all(axis=1), np.median(last, axis=1), np.inf)
        best = int(np.maximum(ends, LEAST).argmin())
        # A copy, so that the other rates' walks can be let go.
        results.append(Run(walked[:, best, 0].copy(), float(TRIED[best]), float(ends[best])))
    return results


def _walk(ax: Any, places: Array, degrees: float, color: str) -> None:
    """Draw a walk in the ravine turned by so many degrees."""
    _, _, grey, ink = _ink()
    around = np.linspace(0, 2 * np.pi, 91)
    circle = np.stack([np.cos(around), np.sin(around) / math.sqrt(KAPPA)], axis=1)
    for level in (4, 20, 60, 125):
        ax.plot(*(math.sqrt(2 * level) * circle @ turn(degrees)).T, "-", color=grey, linewidth=0.7)
    ax.plot(*places.T, "-o", color=color, markersize=3, linewidth=1.2)
    ax.plot(*places[0], "o", color=ink, markersize=7)
    ax.plot(0, 0, "+", color=ink, markersize=11, markeredgewidth=2)
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _paint() -> dict[str, str]:
    """Return a colour for each racer."""
    _, colors, grey, ink = _ink()
    shades = (grey, colors[0], colors[3], colors[1], colors[2], ink)
    return {row[0]: shade for row, shade in zip(RACERS, shades, strict=True)}


@functools.cache
def falls(degrees: float) -> dict[str, Array]:
    """Return for each racer the median loss after 0, 1, ... 80 steps, at its rate of the race."""
    H, first = ravine(degrees), (starts() @ turn(degrees)).ravel()
    found = {}
    for (name, rule, options), run in zip(RACERS, race(degrees), strict=True):
        walked = follow(
            rule, lambda theta: (theta.reshape(-1, 2) @ H).ravel(), first, LONG,
            learning_rate=run.rate, **options,
        ).reshape(LONG + 1, STARTS, 2)  # fmt: skip
        found[name] = np.median(np.einsum("tsi,ij,tsj->ts", walked, H, walked) / 2, axis=1)
    return found


def falling(ends: dict[float, dict[str, tuple[float, float]]]) -> Drawing:
    """Draw the median losses over 80 steps, a panel for each angle.

    ``ends`` gives for each angle the racers to draw, and where the name of each begins.
    """
    plt, _, grey, _ = _ink()
    styles = dict(zip(_paint(), (":", "--", "-.", "--", "-", ":"), strict=True))
    fig, axes = plt.subplots(len(ends), 1, sharex=True, figsize=(4.6, 3.7))
    for ax, (degrees, names) in zip(axes, ends.items(), strict=True):
        ax.axvline(STEPS, color=grey, linewidth=0.9)
        for name, place in names.items():
            color, losses = _paint()[name], falls(degrees)[name]
            ax.plot(losses, linestyle=styles[name], color=color, linewidth=1.7)
            ax.text(*place, name, color=color, va="center", fontsize=11.5)
        ax.set(yscale="log", xlim=(0, 1.55 * LONG), ylim=(1e-9, 1e3))
        ax.set_xticks([0, STEPS // 2, STEPS, LONG])
        ax.set_yticks([1e-8, 1e-4, 1], ["10⁻⁸", "10⁻⁴", "1"])
        ax.minorticks_off()
        ax.grid(False)
        ax.set_title(f"loss, ravine turned by {degrees:g}°", loc="left", fontsize=11.5)
    axes[-1].set_xlabel("steps")
    return plotted(fig, f"Losses over {LONG} steps, at the rates that suit {STEPS} steps best")


def _height(theta: Sequence[float]) -> float:
    """Return the race's loss where the ravine is not turned."""
    return (theta[0] ** 2 + KAPPA * theta[1] ** 2) / 2


def _ink() -> tuple[Any, Any, str, str]:
    plt = pyplot()
    from backprop.book.figures import plots  # imports Matplotlib

    return plt, plots.COLORS, plots.GREY, plots.INK


def _rounded(value: float) -> str:
    """Write a loss with two digits; a small one with one digit and a power of ten."""
    if value >= 0.00095:
        return f"{value:.2g}"
    digit, power = f"{value:.0e}".split("e")
    return f"{digit} · 10{svg.raised(int(power))}"


def races() -> list[Frame]:
    """Return one frame per angle: six walks in a ravine turned by it, and where they end."""
    frames = []
    for degrees in ANGLES:
        fig, axes = pyplot().subplots(2, 3, figsize=(4.4, 3.0))
        for ax, (name, color), run in zip(axes.flat, _paint().items(), race(degrees), strict=True):
            _walk(ax, run.places, degrees, color)
            ax.set(xlim=(-11.5, 3.5), ylim=(-9.5, 3.7))
            ax.set_title(f"{name}\n{_rounded(run.last)}", loc="left", fontsize=11.5, color=color)
        words = (
            f"{STEPS} steps from one start. Numbers: the median loss after {STEPS} steps from"
            f" {STARTS} starts of equal loss, which turn with the ravine, at the constant rate that"
            f" makes it lowest, or at the smallest that takes it below 10{svg.raised(-12)}"
            " (β = β₁ = 0.5 and β₂ = 0.9 are not tuned)."
        )
        frames.append(drawn(fig, f"Six optimizers in a ravine turned by {degrees} degrees", words))
    return frames


def factor(pull: Any, beta: Any) -> Any:
    """Return the larger size of the roots of ρ² - (1 + β - ηλ) ρ + β, for ηλ = ``pull``."""
    middle = np.abs(1 + beta - pull) / 2
    room = middle**2 - beta
    return np.where(room > 0, middle + np.sqrt(np.maximum(room, 0)), np.sqrt(beta))


def heavy_balls() -> list[Frame]:
    """Return one frame per β: forty steps of momentum at the rate that is best without it."""
    plt, colors, grey, ink = _ink()
    curvatures = np.array([1, KAPPA])
    around = np.linspace(0, 2 * np.pi, 121)
    frames = []
    for beta in BETAS:
        walked = follow(
            Momentum, lambda theta: theta * curvatures, START, STEPS,
            learning_rate=PLAIN_BEST, beta=beta,
        )  # fmt: skip
        fig, ax = plt.subplots(figsize=(4.4, 1.95))
        for level in (2, 10, 30, 70, 130):
            wide = math.sqrt(2 * level)
            ax.plot(wide * np.cos(around), wide * np.sin(around) / math.sqrt(KAPPA), "-",
                    color=grey, linewidth=0.9)  # fmt: skip
        ax.plot(*walked.T, "-o", color=colors[0], markersize=4, linewidth=1.5)
        ax.plot(*walked[0], "o", color=ink, markersize=8)
        ax.plot(0, 0, "+", color=ink, markersize=12, markeredgewidth=2)
        ax.set(xlim=(-11.5, 8.5), ylim=(-2.9, 2.9), xlabel="θ₁", ylabel="θ₂", yticks=[-2, 0, 2])
        ax.set_xticks([-10, -5, 0, 5])
        ax.grid(False)
        flat, steep = factor(PLAIN_BEST * curvatures, beta)
        words = (
            f"In the long run, a step shrinks the flat coordinate to {flat:.2f} of itself and the"
            f" steep one to {steep:.2f}. After {STEPS} steps, the loss has fallen from"
            f" {_height(walked[0]):.0f} to {_rounded(_height(walked[-1]))}."
        )
        frames.append(drawn(fig, f"{STEPS} steps of momentum with β = {beta:g}", words))
    return frames


def on_saddle(theta: Array) -> Array:
    """Return the gradient of ½ θ₁² - ½ θ₂² + ¼ θ₂⁴."""
    return np.array([theta[0], theta[1] ** 3 - theta[1]])


class Leaving(NamedTuple):
    """A walk that starts beside the saddle, and the step after which it is ½ from the ridge."""

    places: Array
    after: int
    turned: Array
    """The matrix that turns the saddle."""


@functools.cache
def leave(k: int) -> dict[str, Leaving]:
    """Return the walks from (1, 10⁻ᵏ) at the rate 0.1, the last on the saddle turned by 45°."""
    found = {}
    for name, rule, degrees in (("plain", SGD, 0), ("momentum", Momentum, 0), ("Adam", Adam, 0),
                                ("Adam, 45°", Adam, 45)):  # fmt: skip
        R = turn(degrees)

        def turned(theta: Array, R: Array = R) -> Array:
            return on_saddle(theta @ R.T) @ R

        places = follow(rule, turned, np.array([1.0, 10.0**-k]) @ R, 200, learning_rate=0.1)
        found[name] = Leaving(places, int(np.argmax(np.abs(places @ R.T)[:, 1] > 0.5)), R)
    return found


def saddles() -> list[Frame]:
    """Return one frame per distance from the ridge: four walks of thirty steps."""
    plt, colors, grey, ink = _ink()
    across, along = np.meshgrid(np.linspace(-1.3, 1.3, 53), np.linspace(-0.6, 1.5, 43))
    frames = []
    for k in RIDGE:
        fig, axes = plt.subplots(1, 4, sharex=True, sharey=True, figsize=(4.4, 1.75))
        found = leave(k)
        for ax, (name, left), color in zip(
            axes, found.items(), (grey, colors[0], colors[2], colors[2]), strict=True
        ):
            R = left.turned
            one, two = (np.stack([across, along], axis=-1) @ R.T).transpose(2, 0, 1)
            ax.contour(across, along, one**2 / 2 - two**2 / 2 + two**4 / 4,
                       [-0.24, -0.2, -0.12, -0.05, 0, 0.1, 0.3, 0.6], colors=grey,
                       linewidths=0.7, linestyles="-")  # fmt: skip
            ax.plot(*left.places[:31].T, "-o", color=color, markersize=2, linewidth=1)
            ax.plot(*left.places[0], "o", color=ink, markersize=7)
            ax.plot(*(np.array([0, 1]) @ R), "+", color=ink, markersize=11, markeredgewidth=2)
            ax.set(xlim=(-1.3, 1.3), ylim=(-0.6, 1.5), xticks=[-1, 0, 1], yticks=[0, 1])
            ax.grid(False)
            ax.set_title(f"{name}\n{left.after} steps", loc="left", fontsize=10.5, color=color)
            ax.set_xlabel("θ₁")
        axes[0].set_ylabel("θ₂")
        number = np.format_float_positional(10.0**-k, trim="-")
        words = (
            "The walks are ½ away from the ridge after "
            + ", ".join(f"{left.after} steps ({name})" for name, left in found.items())
            + ". Thirty steps are drawn."
        )
        frames.append(
            drawn(fig, f"Four walks that start {number} beside the ridge of a saddle", words)
        )
    return frames


def best_factor(beta: Any, kappa: float) -> Any:
    """Return the factor of momentum at its best rate, η = (1 + β) · 2/(λmin + λmax)."""
    beta = np.asarray(beta)
    return factor((1 + beta) * 2 / (1 + kappa), beta)


def measured_factor(beta: float, kappa: float, rates: int = 400) -> float:
    """Return the factor per step of the fastest of many rates, from runs of 400 steps."""
    pulls = np.linspace(0, 2 * (1 + beta), rates + 2)[1:-1] / kappa
    both = np.concatenate([pulls, kappa * pulls])  # rate times curvature, flat and steep
    walked = np.abs(
        follow(Momentum, lambda theta: both * theta, np.ones(2 * rates), 400,
               learning_rate=1.0, beta=beta)
    ).reshape(401, 2, rates)  # fmt: skip
    early, late = (walked[end - 60 : end].max(axis=0) for end in (200, 400))
    late = np.maximum(late, np.finfo(float).tiny)
    return float(((late / np.maximum(early, late)) ** (1 / 200)).max(axis=0).min())


def roots() -> list[Frame]:
    """Return one frame per β: the roots of both curvatures, and what size they have over β."""
    plt, colors, grey, ink = _ink()
    curves = np.linspace(0, 1, 401)
    around = np.linspace(0, 2 * np.pi, 121)
    # Hollow squares, so that the flat roots below them stay visible.
    kinds = ((1.0, colors[0], "o", "-", 6, None), (KAPPA, colors[1], "s", "--", 10, "none"))
    frames = []
    for beta in BETAS:
        fig, (plane, sizes) = plt.subplots(
            1, 2, figsize=(4.4, 2.15), gridspec_kw={"width_ratios": [1.1, 1]}
        )
        for radius, style, color in ((1.0, "-", grey), (math.sqrt(beta), ":", ink)):
            plane.plot(radius * np.cos(around), radius * np.sin(around), style, color=color,
                       linewidth=1.4)  # fmt: skip
        plane.axhline(0, color=grey, linewidth=0.7)
        plane.plot(0, 0, "+", color=grey, markersize=8)
        sizes.plot(curves, np.sqrt(curves), ":", color=ink, linewidth=1.4)
        said, middles = [], []
        for curvature, color, mark, style, size_of, filling in kinds:
            pull = PLAIN_BEST * curvature
            middle = (1 + beta - pull) / 2
            away = cmath.sqrt(middle**2 - beta)
            both = np.array([middle + away, middle - away])
            size = float(factor(pull, beta))
            plane.plot(both.real, both.imag, mark, color=color, markersize=size_of,
                       markerfacecolor=filling, markeredgewidth=1.8)  # fmt: skip
            sizes.plot(curves, factor(pull, curves), style, color=color)
            sizes.plot(beta, size, mark, color=color, markersize=size_of,
                       markerfacecolor=filling, markeredgewidth=1.8)  # fmt: skip
            said.append("complex" if away.imag else "real")
            middles.append(size)
        plane.set(xlim=(-1.12, 1.12), ylim=(-1.12, 1.12), aspect="equal", xticks=[-1, 0, 1])
        plane.set_yticks([-1, 0, 1], ["−i", "0", "i"])
        plane.set_title("the roots ρ", loc="left", fontsize=11.5)
        meets = [(1 - math.sqrt(PLAIN_BEST * curvature)) ** 2 for curvature in (KAPPA, 1.0)]
        sizes.vlines(meets, 0, np.sqrt(meets), color=grey, linewidth=0.8)
        sizes.set(xlim=(0, 1), ylim=(0, 1.03), yticks=[0, 0.5, 1], xlabel="β")
        sizes.set_xticks([0, *meets, 1], ["0", *(f"{meet:.2f}" for meet in meets), "1"])
        sizes.set_title("larger size |ρ|", loc="left", fontsize=11.5)
        sizes.text(0.2, 0.24, "√β", color=ink, fontsize=11.5)
        sizes.text(0.42, 0.93, "flat", color=colors[0], fontsize=11.5)
        sizes.text(0.3, 0.42, "steep", color=colors[1], fontsize=11.5)
        for ax in (plane, sizes):
            ax.grid(False)
        if said == ["complex", "complex"]:
            words = (
                f"Both pairs are complex and lie on the circle of radius √β = {middles[0]:.2f}:"
                " the flat and the steep coordinate shrink at the same pace."
            )
        else:
            steep = (
                f"complex and lie on the circle of radius √β = {middles[1]:.2f}."
                if said[1] == "complex"
                else f"negative, and the larger in size is −{middles[1]:.2f}: the walk zigzags."
            )
            words = (
                "One root of each pair is 0. The others are the factors of plain gradient descent:"
                f" {middles[0]:.2f} for the flat coordinate, and −{middles[1]:.2f} for the steep"
                " one, which changes its sign at each step."
                if beta == 0
                else f"The flat roots are positive, and the larger is {middles[0]:.2f}. The steep"
                f" roots are {steep}"
            )
        frames.append(drawn(fig, f"Roots of momentum's polynomial at β = {beta:g}", words))
    return frames


def expected_best(losses: Any, draws: Any) -> Array:
    """Return the mean lowest loss of n trials drawn with replacement (Dodge et al., 2019).

    Parameters
    ----------
    losses : array, shape (..., trials)
        What each trial reached.
    draws : sequence of int
        The numbers n.

    Returns
    -------
    array, shape (..., len(draws))
    """
    ordered = np.sort(np.asarray(losses, dtype=float), axis=-1)
    trials = ordered.shape[-1]
    above = np.arange(trials, -1, -1)[:, None] / trials  # drawing none of the k lowest
    chances = above[:-1] ** np.asarray(draws) - above[1:] ** np.asarray(draws)
    return np.asarray(ordered @ chances)


def budgets(
    title: str,
    runs: dict[str, Array],
    draws: Sequence[int],
    ends: dict[str, float],
    untuned: dict[str, float],
) -> Drawing:
    """Draw the expected best loss over the number of trials.

    ``ends`` gives for each curve the height of its name, which stands right of it,
    ``untuned`` the loss of a run without a search, which stands left of it.
    """
    plt, colors, grey, ink = _ink()
    paint = {"SGD": grey, "Momentum": colors[0], "RMSProp": colors[1], "Adam": colors[2],
             "Lion": ink}  # fmt: skip
    styles = dict(zip(paint, ((0, (1, 1)), "--", "-.", "-", (0, (5, 1, 1, 1))), strict=True))
    marks = dict(zip(paint, "os^Dv", strict=True))
    fig, ax = plt.subplots(figsize=(4.6, 2.7))
    for name, losses in runs.items():
        curve = np.median(expected_best(losses, draws), axis=0)
        ax.plot(draws, curve, linestyle=styles[name], marker=marks[name], color=paint[name],
                markersize=5)  # fmt: skip
        ax.plot(draws[0] * 0.45, untuned[name], marks[name], color=paint[name],
                markersize=7, markerfacecolor="none", markeredgewidth=1.6)  # fmt: skip
        ax.plot([draws[-1] * 1.06, draws[-1] * 1.3], [curve[-1], ends[name]], "-",
                color=paint[name], linewidth=0.8)  # fmt: skip
        ax.text(draws[-1] * 1.35, ends[name], name, color=paint[name], va="center",
                fontsize=11.5)  # fmt: skip
    ax.set(xscale="log", yscale="log", xlim=(0.33, draws[-1] * 3.6), ylim=(0.16, 2.8))
    ax.axvline(draws[0] * 0.7, color=grey, linewidth=0.8)
    ax.set_xticks([draws[0] * 0.45, *draws], ["none", *map(str, draws)])
    levels = (0.2, 0.3, 0.5, 1, 2)
    ax.set_yticks(levels, [str(level) for level in levels])
    ax.minorticks_off()
    ax.set_title("validation loss, pixels as they are", loc="left", fontsize=11.5)
    ax.set_xlabel("trials of the random search")
    return plotted(fig, title)


def differences(
    title: str, panels: dict[str, dict[str, Sequence[tuple[float, float, float]]]]
) -> Drawing:
    """Draw differences with their intervals, several in a row, of which the last is the thick one.

    Each is (mean, low end, high end). What is too far right leaves the frame.
    """
    plt, colors, _, ink = _ink()
    paint = (colors[0], colors[1], colors[2], ink)
    fig, axes = plt.subplots(2, 1, sharex=True, figsize=(4.6, 3.9))
    for ax, (heading, rows) in zip(axes, panels.items(), strict=True):
        for y, (row, color) in enumerate(zip(rows.values(), paint, strict=True)):
            places = y + np.array([*np.linspace(-0.37, 0.12, len(row) - 1), 0.32])
            for (mean, low, high), place in zip(row[:-1], places[:-1], strict=True):
                ax.plot([low, high], [place, place], "-", color=color, linewidth=1.1)
                ax.plot(mean, place, "o", color=color, markersize=3)
            mean, low, high = row[-1]
            ax.plot([low, high], [places[-1], places[-1]], "-", color=color, linewidth=4)
            ax.plot(mean, places[-1], "|", color=color, markersize=9, markeredgewidth=2.5)
        ax.axvline(0, color=ink, linewidth=1.4)
        ax.set(xlim=(-0.38, 0.2), ylim=(len(rows) - 0.4, -0.6), xticks=[-0.3, -0.2, -0.1, 0, 0.1])
        ax.set_yticks(range(len(rows)), list(rows))
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="y", visible=False)
        ax.set_title(heading, loc="left", fontsize=11.5)
    axes[-1].set_xlabel("test loss minus that of SGD")
    return plotted(fig, title)
