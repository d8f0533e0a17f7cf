"""The figures of the chapter on losses: two slopes, five watches, mistakes that are corrected.

The plots only draw. What they say about a point follows from its p by the formulas of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import ArrayLike

from backprop.activations import sigmoid, softplus
from backprop.arrays import Array
from backprop.book.figures import by_hand, svg
from backprop.book.figures.plots import COLORS, GREY, LINES, MARKERS

BOLD: dict[str, Any] = {"fontweight": "bold", "ha": "center", "va": "center"}


def losses_at(z: ArrayLike) -> tuple[Array, Array]:
    """Return -ln p and ½ (p - 1)² for the target 1 and p = σ(z)."""
    logits = np.asarray(z, dtype=float)
    return softplus(-logits), (sigmoid(logits) - 1) ** 2 / 2


def slopes_at(z: ArrayLike) -> tuple[Array, Array]:
    """Return their derivatives with respect to z: p - 1 and (p - 1) p (1 - p)."""
    p = sigmoid(np.asarray(z, dtype=float))
    return p - 1, (p - 1) * p * (1 - p)


def hero(title: str, p: float = 0.02) -> by_hand.Drawing:
    """Draw both losses of a unit whose right answer is 1, each with its slope at one p."""
    at = float(np.log(p / (1 - p)))
    z = np.linspace(-6.4, 4.6, 221)
    fig, ax = plt.subplots(figsize=(4.6, 3.1))
    for k, (line, height, slope) in enumerate(
        zip(losses_at(z), losses_at([at]), slopes_at([at]), strict=True)
    ):
        name = ("cross-entropy\n−ln p", "squared error\n½(1 − p)²")[k]
        end = ("\n", ", ")[k]
        ax.plot(z, line, LINES[k], color=COLORS[k])
        run = 1.7 / np.hypot(1, slope[0])
        ends = np.array([at - run, at + run])
        ax.plot(ends, height + slope * (ends - at), "-", color=COLORS[k], linewidth=4.5, alpha=0.55)
        ax.plot(at, height, "os"[k], color=COLORS[k], markersize=9)
        ax.text(
            at + (0.35, -2.4)[k], height[0] + (0.2, 0.35)[k],
            f"{name}{end}slope {_minus(slope[0], 2)}",
            color=COLORS[k], fontweight="bold", linespacing=1.25,
        )  # fmt: skip
    ax.axvline(0, color=GREY, linewidth=0.8, linestyle=":")
    ax.text(-3.2, 6.75, "wrong", color=GREY, **BOLD)
    ax.text(2.3, 6.75, "right", color=GREY, **BOLD)
    marks = [-6, -4, -2, 0, 2, 4]
    chances = sigmoid(np.array(marks, dtype=float))
    ax.set_xticks(marks, [f"{_minus(m, 0)}\n{p:.2g}" for m, p in zip(marks, chances, strict=True)])
    ax.set(
        xlabel="score z, and below it the probability p of an 8", ylabel="loss when it is an 8",
        xlim=(-6.4, 4.6), ylim=(-0.25, 7.1),
    )  # fmt: skip
    return by_hand.plotted(fig, title)


def _minus(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


TIMES = (2.0, 2.1, 2.1, 2.2, 9.6)
"""What five watches show, one of which was not stopped."""


@dataclass(frozen=True)
class Rule:
    """A loss of one error r = a - y, and how it is drawn.

    Attributes
    ----------
    name : str
        In words.
    loss, slope : callable
        ρ(r) and its derivative.
    color, dash, mark : str
        Of its curve, and of its best guess.
    """

    name: str
    loss: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    color: str
    dash: str | None
    mark: str

    def excess(self, a: ArrayLike, times: ArrayLike, best: float) -> Array:
        """Return the sum of the losses at each a, above that at the best one."""
        errors = np.subtract.outer(np.append(a, best), times)
        total = self.loss(errors).sum(axis=1)
        return np.asarray(total[:-1] - total[-1])

    def pull(self, a: ArrayLike, times: ArrayLike) -> Array:
        """Return the sum of the derivatives at each a."""
        return np.asarray(self.slope(np.subtract.outer(np.asarray(a), times)).sum(axis=-1))

    def best(self, times: ArrayLike) -> float:
        """Return where the sum passes from below 0 to above it, by halving."""
        low, high = float(np.min(times)), float(np.max(times))
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self.pull(middle, times) < 0 else (low, middle)
        return high


def rules() -> tuple[Rule, Rule]:
    """Return the squared error and the absolute error."""
    return (
        Rule("squared", lambda r: r**2 / 2, lambda r: r, COLORS[1], "7 3", "square"),
        Rule("absolute", np.abs, np.sign, COLORS[2], None, "triangle"),
    )


@dataclass(frozen=True)
class Panel:
    """Where a graph stands in a drawing: its foot and head, and the values there."""

    foot: float
    head: float
    low: float
    high: float

    def y(self, value: float) -> float:
        """Return the height of a value."""
        return self.foot - (value - self.low) / (self.high - self.low) * (self.foot - self.head)

    def curve(self, places: Array, values: Array, rule: Rule) -> str:
        """Draw the part of a curve that is inside."""
        inside = (values >= self.low - 1e-9) & (values <= self.high + 1e-9)
        points = " ".join(
            f"{svg.fixed(_across(a))},{svg.fixed(self.y(v))}"
            for a, v in zip(places[inside], values[inside], strict=True)
        )
        return svg.element(
            "polyline", points=points, fill="none", stroke=rule.color, stroke_width="3",
            stroke_dasharray=rule.dash, stroke_linejoin="round",
        )  # fmt: skip

    def scale(self, values: Sequence[float], title: str) -> list[str]:
        """Draw the scale on the left with thin lines across, and a title above."""
        plate = svg.element(
            "rect", x=FROM, y=self.head - 22, width=svg.width(title), height=16, fill=svg.GROUND
        )
        parts = [plate, _words(FROM, self.head - 10, title)]
        for value in values:
            y = self.y(value)
            parts.append(_line(FROM, y, TO, y, opacity="0.6" if value == 0 else "0.18"))
            parts.append(_words(FROM - 8, y + 5, f"{value:g}", anchor="end"))
        return parts


FROM, TO = 44.0, 410.0
"""Where the guesses begin and end, in units of a drawing."""
GUESSES = (1.7, 4.3)


def _across(a: float) -> float:
    low, high = GUESSES
    return FROM + (float(a) - low) / (high - low) * (TO - FROM)


def _words(x: float, y: float, words: str, anchor: str = "start", **more: Any) -> str:
    return svg.text(x, y, words, text_anchor=anchor, **more)


def _line(x1: float, y1: float, x2: float, y2: float, **look: str) -> str:
    return svg.element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke="currentColor", **look)


def _mark(x: float, y: float, rule: Rule) -> str:
    shapes: dict[str, list[tuple[float, float]]] = {
        "square": [(-5.5, -5.5), (5.5, -5.5), (5.5, 5.5), (-5.5, 5.5)],
        "triangle": [(0, -7.5), (7, 5.5), (-7, 5.5)],
    }
    points = " ".join(f"{svg.fixed(x + dx)},{svg.fixed(y + dy)}" for dx, dy in shapes[rule.mark])
    return svg.element(
        "polygon", points=points, fill=rule.color, stroke=svg.GROUND, stroke_width="1.5"
    )


def watches(title: str) -> by_hand.Drawing:
    """Draw five times, two losses of a guess a, and the sums of their derivatives below.

    The window shows the guesses near the four good watches; the last one stands beyond it.
    """
    times = TIMES
    top, below = Panel(188, 94, 0, 6), Panel(358, 246, -5.4, 4)
    places = np.unique(np.append(np.linspace(*GUESSES, 131), times[:-1]))
    # The sign jumps at a time: take both of its sides.
    sides = np.sort(np.concatenate([places - 1e-9, places + 1e-9]))
    found = {rule: rule.best(times) for rule in rules()}
    parts = [
        _line(x, top.foot, x, below.y(0), opacity="0.6", stroke_dasharray="1.5 3")
        for x in map(_across, found.values())
    ]
    parts += _strip(times, 54.0)
    parts += top.scale((0, 2, 4), "sum of the five losses, above its smallest value")
    parts += below.scale((-3, 0, 3), "sum of the five derivatives")
    marks, said = [], []
    clear = by_hand.spread([_across(best) for best in found.values()], 46)
    for (rule, best), at in zip(found.items(), clear, strict=True):
        x = _across(best)
        plate = svg.element("rect", x=at - 16, y=top.foot + 9, width=32, height=16, fill=svg.GROUND)
        marks.append(plate + svg.text(at, top.foot + 22, f"{best:.3g}", font_weight=600))
        parts.append(top.curve(places, rule.excess(places, times, best), rule))
        parts.append(below.curve(sides, rule.pull(sides, times), rule))
        marks += [_mark(x, y, rule) for y in (top.foot, below.y(0))]
        said.append(f"{rule.name}: best guess {best:.3g}")
    # Names stand where the curves leave room.
    for rule, a, height in zip(found, (2.3, 3.2), (5.3, 5.3), strict=True):
        x, y = _across(a), top.y(height)
        marks += [_mark(x, y, rule), _words(x + 12, y + 5, rule.name)]
    squares = f"{len(times)}a − {round(sum(times), 6):g}"
    absolute = rules()[1]
    middle = absolute.best(times)
    before, after = (float(absolute.pull(middle + h, times)) for h in (-0.01, 0.01))
    marks += [
        _words(_across(3.12), below.y(-3.6), squares),
        _words(_across(2.05), below.y(before) + 15, f"{before:g}"),
        _words(_across(2.07), below.y(after) + 5, f"{after:g}", anchor="end"),
    ]
    for a in (2, 2.5, 3, 3.5, 4):
        marks.append(svg.text(_across(a), below.foot + 17, f"{a:g}"))
        marks.append(_line(_across(a), below.foot, _across(a), below.foot + 4))
    marks.append(_line(FROM, below.foot, TO, below.foot))
    marks.append(svg.text(_across(3), below.foot + 36, "guess a in seconds"))
    return by_hand.drawing(title, below.foot + 42, "; ".join(said), *parts, *marks)


def _strip(times: Sequence[float], y: float) -> list[str]:
    """Draw the times as dots on a line that is broken before the last."""
    *good, last = times
    shown = ", ".join(f"{t:g}" if t % 1 else f"{t:.1f}" for t in good)
    gap = TO - 50
    parts = [_words(FROM, 16, f"five times: {shown} and {last:g} s")]
    parts += [_line(FROM, y, gap - 4, y), _line(gap + 4, y, TO, y)]
    parts += [_line(gap + k - 3, y + 6, gap + k + 3, y - 6) for k in (-4, 4)]
    for k, t in enumerate(good):
        stacked = y - 13 * good[:k].count(t)
        parts.append(_dot(_across(t), stacked))
    return [*parts, _dot(TO - 16, y), _words(TO - 16, y - 13, f"{last:g} s", anchor="middle")]


def _dot(x: float, y: float) -> str:
    return svg.element("circle", cx=float(x), cy=float(y), r=6, fill="currentColor",
                       stroke=svg.GROUND, stroke_width="1.5")  # fmt: skip


def corrections(panels: Mapping[str, Mapping[str, Array]], title: str) -> by_hand.Drawing:
    """Draw the share that is read correctly against the steps, one panel below the other.

    Parameters
    ----------
    panels : mapping of str to mapping of str to array of shape (steps, runs)
        For each panel its title; for each of two lines its loss, the faster one first, and the
        shares before each step. Where their median passes 90 %, a mark has the number of steps.
    title : str
        In words.
    """
    fig, axes = plt.subplots(len(panels), 1, sharex=True, sharey=True, figsize=(4.6, 3.7))
    for ax, (name, lines) in zip(np.atleast_1d(axes), panels.items(), strict=True):
        ax.axhline(0.9, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
        passed = []
        for k, (loss, shares) in enumerate(lines.items()):
            middle = np.median(shares, axis=1)
            look = {"color": COLORS[k], "linewidth": 2.2}
            ax.plot(range(len(middle)), middle, LINES[k], label=loss, **look)
            passed.append(int(np.argmax(middle > 0.9)))
            at = (passed[-1], middle[passed[-1]])
            ax.plot(*at, MARKERS[k], color=COLORS[k], markersize=7)
            ax.text(
                at[0] * 1.13, 0.83, str(at[0]), color=COLORS[k], va="top", fontweight="bold"
            )  # fmt: skip
        times = f"{passed[1] / passed[0]:.0f} times"
        between = np.sqrt(1.65 * passed[0] * passed[1])  # clear of the first number
        ax.text(between, 0.83, times, color=GREY, ha="center", va="top")
        ax.annotate(
            "", (passed[1] / 1.1, 0.9), (passed[0] * 1.1, 0.9),
            arrowprops={"arrowstyle": "->", "color": GREY},
        )  # fmt: skip
        ax.set_title(name, fontsize=11.5, loc="left")
    handles, names = ax.get_legend_handles_labels()
    fig.legend(handles, names, loc="outside upper left", ncols=2, handlelength=2.6)
    last = max(len(shares) for lines in panels.values() for shares in lines.values())
    ax.set_xscale("symlog", linthresh=1, linscale=0.4)
    marks = [m for m in (0, 1, 3, 10, 30, 100, 300, 1000) if m <= last]
    ax.set_xticks(marks, [str(m) for m in marks])
    ax.minorticks_off()
    ax.set_yticks([0, 0.5, 0.9], ["0 %", "50 %", "90 %"])
    ax.set(xlim=(0, 2 * last), ylim=(-0.04, 1.06), xlabel="steps with the right labels")
    return by_hand.plotted(fig, title)
