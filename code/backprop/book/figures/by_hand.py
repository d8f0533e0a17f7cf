"""The figures of a sweep by hand: a small graph on which every number can be recomputed.

Each arrow is thin, from operand to result, for the evaluation. A forward sweep makes it thick. A
backward sweep draws another beside it, in another colour, from result to operand.
"""

from __future__ import annotations

import math
import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from itertools import pairwise
from typing import Any

from backprop.book.figures import svg
from backprop.book.figures.stepper import Frame

Steps = Sequence[tuple[str, Sequence[tuple[str, Any]]]]
"""The lines of an evaluation in order: (name, its arrows as (operand, slope))."""
Edge = tuple[str, str]
MACRON, DOT = "\N{COMBINING MACRON}", "\N{COMBINING DOT ABOVE}"
THIN, USED, NOW = 1.2, 2.4, 5.0
"""Widths of an arrow: of the evaluation, of a sweep that has used it, of one that uses it now."""
RADIUS, GAP = 27, 4.5
"""Of a node; half of the distance between an arrow and its twin."""


@dataclass(frozen=True)
class Node:
    """Where a node stands, and its labels.

    Attributes
    ----------
    x, y : float
        The middle of the circle, in units of a drawing that is ``svg.WIDTH`` wide.
    worked : str
        The line of the evaluation with its numbers, without the name: "3 · 2 = 6".
    side : {"above", "below", "around"}
        Where value and adjoint stand; "around" has the value above and the adjoint below.
    anchor : {"start", "middle", "end"}
        How labels are aligned; they begin or end where the circle does.
    """

    x: float
    y: float
    worked: str
    side: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Label:
    """Where the words of an arrow stand: their middle, start or end, by ``anchor``."""

    x: float
    y: float
    anchor: str = "middle"


@dataclass(frozen=True)
class Graph:
    """A small graph with places for all that is written on it.

    Attributes
    ----------
    steps : Steps
        Slopes are exact numbers: int or Fraction.
    nodes : mapping of str to Node
        In the order of evaluation, the inputs first.
    labels : mapping of (operand, result) to Label
        One for each arrow.
    height : int
        Of the drawing.

    Raises
    ------
    ValueError
        If an arrow has no label, two arrows join the same nodes, or a name has no node.
    """

    steps: Steps
    nodes: Mapping[str, Node]
    labels: Mapping[Edge, Label]
    height: int

    def __post_init__(self) -> None:
        edges = [(operand, name) for name, arrows in self.steps for operand, _ in arrows]
        if sorted(edges) != sorted(self.labels):
            raise ValueError(f"Graph: labels are for {list(self.labels)}, expected {edges}")
        missing = {name for edge in edges for name in edge} - set(self.nodes)
        if missing:
            raise ValueError(f"Graph: nodes lacks {sorted(missing)}")

    @property
    def slopes(self) -> dict[Edge, Any]:
        """The number on each arrow."""
        return {(operand, name): s for name, arrows in self.steps for operand, s in arrows}


@dataclass
class Sweep:
    """How far a sweep has come: what each node has received, what each arrow carried.

    Attributes
    ----------
    received : dict of str to list
        The shares, in the order of their arrival; where the sweep starts, its 1 (or 0).
    carried : dict of (operand, result) to str
        The product on each arrow in use, written out: "15 · 2 = 30".
    now : set of (operand, result)
        The arrows of the last visit.
    mark : str
        Over a letter: a bar makes it an adjoint, a dot a tangent.
    """

    received: dict[str, list[Any]]
    carried: dict[Edge, str]
    now: set[Edge]
    mark: str = MACRON

    @property
    def paint(self) -> str:
        """The colour of the direction."""
        return svg.BACKWARD if self.mark == MACRON else svg.FORWARD

    def total(self, name: str) -> Any:
        """Return the sum so far."""
        return sum(self.received.get(name, []))

    def worked(self, name: str) -> str:
        """Write the sum so far as it is computed: "9 + 6 = 15"."""
        shares = self.received.get(name, [])
        total = str(self.total(name))
        return f"{' + '.join(map(str, shares))} = {total}" if len(shares) > 1 else total

    def equation(self, name: str) -> str:
        """Write an adjoint or a tangent with its sum."""
        return f"{marked(name, self.mark)} = {self.worked(name)}"


def marked(name: str, mark: str) -> str:
    """Return a letter with a bar or a dot, as one character where there is one."""
    return unicodedata.normalize("NFC", name + mark) if mark == DOT else name + mark


def barred(name: str) -> str:
    """Return the adjoint's name: the letter with a bar."""
    return marked(name, MACRON)


def dotted(name: str) -> str:
    """Return the tangent's name: the letter with a dot."""
    return marked(name, DOT)


def sweep(steps: Steps, order: Sequence[str]) -> Sweep:
    """Visit the nodes in ``order``, from the result on, and return how things stand then."""
    arrows = dict(steps)
    done = Sweep({steps[-1][0]: [1]}, {}, set())
    for name in order:
        adjoint = done.total(name)
        done.now = {(operand, name) for operand, _ in arrows[name]}
        for operand, slope in arrows[name]:
            done.received.setdefault(operand, []).append(adjoint * slope)
            done.carried[operand, name] = f"{adjoint} · {slope} = {adjoint * slope}"
    return done


def forward_sweep(steps: Steps, seeds: Mapping[str, Any], visits: int) -> Sweep:
    """Start from the inputs' tangents, visit so many lines, and return how things stand then."""
    done = Sweep({name: [seed] for name, seed in seeds.items()}, {}, set(), DOT)
    for name, arrows in steps[:visits]:
        done.now = {(operand, name) for operand, _ in arrows}
        for operand, slope in arrows:
            share = slope * done.total(operand)
            done.received.setdefault(name, []).append(share)
            done.carried[operand, name] = f"{slope} · {done.total(operand)} = {share}"
    return done


class Drawing:
    """An SVG as a cell's output: inside a page it takes the page's colours.

    The site's build links to it as an image, gives it the caption, number and alternative text of
    the cell's metadata, and puts the drawing in the link's place. A notebook shows it as HTML, in
    the colours of its own theme.
    """

    def __init__(self, markup: str, title: str) -> None:
        self.markup, self.title = markup, title

    def __repr__(self) -> str:
        return f"<Drawing: {self.title}>"

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        if os.environ.get("BACKPROP_FIGURES") == "svg":
            kind = "image/svg+xml"
            # As an image its ink is black: JupyterLab then shows it on a light ground.
            return {kind: self.markup, "text/plain": repr(self)}, {
                kind: {"needs_background": "light"}
            }
        # A notebook has no other text that names it.
        name = escape(self.title)
        markup = self.markup.replace('aria-label=""', f'aria-label="{name}"', 1)
        markup = markup.replace("<title></title>", f"<title>{name}</title>", 1)
        return {"text/html": markup, "text/plain": repr(self)}, {}


def drawing(title: str, height: float, description: str, *content: str) -> Drawing:
    """Return a drawing as wide as all of them, which says what it shows to a screen reader."""
    markup = svg.element(
        "svg", "<title></title>", svg.element("desc", escape(description)), *content,
        class_="bp-drawn", role="img", aria_label="", xmlns="http://www.w3.org/2000/svg",
        width=450, viewBox=f"0 0 {svg.WIDTH} {height:.0f}", font_family="inherit",
        font_size=svg.FONT, text_anchor="middle",
    )  # fmt: skip
    return Drawing(markup, title)


def pyplot() -> Any:
    """Return ``matplotlib.pyplot`` in the book's style, for a figure that :func:`plotted` shows."""
    import matplotlib.pyplot as plt  # a reader without figures does not pay for it

    from backprop.book.figures.plots import use_style

    use_style()
    return plt


def plotted(figure: Any, title: str) -> Drawing:
    """Show a Matplotlib figure of about 4.6 inches as large as the drawings, and close it.

    Its words of 11 points are then legible on a phone.
    """
    import matplotlib.pyplot as plt  # a reader without figures does not pay for it

    from backprop.book.figures.inline import inline

    markup = inline(figure, "", unique=title, bbox_inches="tight", width=1.5)
    plt.close(figure)
    return Drawing(markup, title)


def spread(wanted: Sequence[float], least: float) -> list[float]:
    """Return a place for each word in the order of ``wanted``, no two nearer than ``least``.

    Neighbours that are too near form a group, which is centred on its mean.
    """
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    groups = [[float(wanted[i])] for i in order]
    k = 0
    while k < len(groups) - 1:
        left, right = (_placed(group, least) for group in groups[k : k + 2])
        if right[0] - left[-1] < least:
            groups[k : k + 2] = [groups[k] + groups[k + 1]]
            k = max(k - 1, 0)
        else:
            k += 1
    placed = [place for group in groups for place in _placed(group, least)]
    return [place for _, place in sorted(zip(order, placed, strict=True))]


def _placed(group: Sequence[float], least: float) -> list[float]:
    middle = sum(group) / len(group)
    return [middle + least * (k - (len(group) - 1) / 2) for k in range(len(group))]


def hero(graph: Graph, title: str) -> Drawing:
    """Draw values, and what a sweep finds at the inputs; what it finds on the way is asked for."""
    done = sweep(graph.steps, [name for name, _ in reversed(graph.steps)])
    done.now = set(done.carried)
    lines = dict(graph.steps)
    sums = {name: "?" if name in lines else str(done.total(name)) for name in graph.nodes}
    content = _content(graph, done, {}, sums=sums)
    parts = [
        f"{name} = {node.worked}, derivative {sums[name]}" for name, node in graph.nodes.items()
    ]
    return drawing(title, graph.height, "; ".join(parts), *content)


def swept(graph: Graph, title: str) -> Drawing:
    """Draw the finished sweep with the slope on every arrow, to follow it with a pencil."""
    done = sweep(graph.steps, [name for name, _ in reversed(graph.steps)])
    done.now = set(done.carried)
    slopes = {edge: str(slope) for edge, slope in graph.slopes.items()}
    content = _content(graph, done, slopes)
    return drawing(title, graph.height, _described(graph, done), *content)


def local(graph: Graph, title: str, words: Mapping[Edge, str]) -> Drawing:
    """Draw the evaluation alone, with ``words`` on the arrows: "slope b = 2"."""
    content = _content(graph, None, words)
    said = "; ".join(f"from {a} to {b}: {text}" for (a, b), text in words.items())
    return drawing(title, graph.height, said, *content)


def both_directions(graph: Graph, inputs: Sequence[str]) -> list[Frame]:
    """Return the frames of a forward sweep from each input, and then of one backward sweep.

    Each has a frame for its start and one for each visit.
    """
    count, frames = len(graph.steps), []
    for one in inputs:
        seeds = {name: int(name == one) for name in inputs}
        start = " and ".join(f"{dotted(name)} = {seed}" for name, seed in seeds.items())
        for k in range(count + 1):
            done = forward_sweep(graph.steps, seeds, k)
            visited = graph.steps[k - 1][0] if k else None
            words = _received(graph, done, visited) if visited else f"Start with {start}."
            if k == count:
                words += f" The derivative for {one} is found."
            frames.append(_frame(graph, done, f"Forward from {one}. {words}", visited))
    order = [name for name, _ in reversed(graph.steps)]
    for k in range(count + 1):
        done = sweep(graph.steps, order[:k])
        visited = order[k - 1] if k else None
        words = f"Start with {barred(order[0])} = 1."
        if visited:
            words = _sent(graph, done, visited)
        if k == count:
            words += " All derivatives are found."
        frames.append(_frame(graph, done, f"Backward. {words}", visited))
    return frames


def _frame(graph: Graph, done: Sweep, words: str, visited: str | None) -> Frame:
    slopes = {edge: f"slope {s}" for edge, s in graph.slopes.items()}
    content = _content(graph, done, slopes | done.carried, visited)
    words = unbroken(words)
    markup = svg.picture(svg.WIDTH, graph.height, words, _described(graph, done), *content)
    return Frame(markup, words)


def unbroken(words: str) -> str:
    """Keep equations on one line: "9 + 6 = 15" has spaces that do not break."""
    return re.sub(r" ([=+·]) ", "\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", words)


def _received(graph: Graph, done: Sweep, name: str) -> str:
    arrows = dict(graph.steps)[name]
    shares = " and ".join(f"{done.carried[x, name]} from {x}" for x, _ in arrows)
    return f"{name} receives {shares}. So {done.equation(name)}."


def _sent(graph: Graph, done: Sweep, name: str) -> str:
    arrows = dict(graph.steps)[name]
    sent = " and ".join(f"{done.carried[x, name]} to {x}" for x, _ in arrows)
    sums = ", and ".join(
        done.equation(x) if _complete(graph, done, x) else f"{x} has {done.worked(x)} so far"
        for x, _ in arrows
    )
    return f"{name} sends {sent}. So {sums}."


def _complete(graph: Graph, done: Sweep, name: str) -> bool:
    """Whether no share is missing: only then is the sum an adjoint."""
    return done.mark == DOT or all(edge in done.carried for edge in graph.labels if edge[0] == name)


def _sum(graph: Graph, done: Sweep, name: str) -> str:
    """Write what a node has received, with the letter's bar if it is all."""
    complete = _complete(graph, done, name)
    return done.equation(name) if complete else f"so far {done.worked(name)}"


def _described(graph: Graph, done: Sweep) -> str:
    parts = [f"{name} = {node.worked}" for name, node in graph.nodes.items()]
    for name in graph.nodes:
        if name in done.received:
            complete = _complete(graph, done, name)
            parts.append(("" if complete else f"at {name} ") + _sum(graph, done, name))
    parts += [f"between {a} and {b}: {words}" for (a, b), words in done.carried.items()]
    return "; ".join(parts)


def _content(
    graph: Graph,
    done: Sweep | None,
    words: Mapping[Edge, str] | None = None,
    visited: str | None = None,
    sums: Mapping[str, str] | None = None,
) -> list[str]:
    carried = done.carried if done else {}
    words = carried if words is None else words
    paint = done.paint if done else "currentColor"
    shapes = []
    for edge in graph.labels:
        start, end = ((graph.nodes[name].x, graph.nodes[name].y) for name in edge)
        thick = NOW if done and edge in done.now else USED
        if edge in carried and paint == svg.FORWARD:
            shapes.append(arrow(start, end, paint, thick))
            continue
        shapes.append(arrow(start, end, "currentColor", THIN))
        if edge in carried:
            shapes.append(arrow(end, start, paint, thick))
    for edge, label in graph.labels.items():
        if edge in words:
            product = words[edge] == carried.get(edge)
            shapes.append(_plate(label, words[edge], paint if product else "currentColor"))
    for name, node in graph.nodes.items():
        shapes.append(_node(name, node, paint if name == visited else None))
        lines = [(f"{name} = {node.worked}", svg.FORWARD)]
        if done and name in done.received:
            lines.append((sums[name] if sums else _sum(graph, done, name), paint))
        shapes += _labels(node, lines)
    return shapes


def _node(name: str, node: Node, mark: str | None) -> str:
    circle = svg.element(
        "circle", cx=float(node.x), cy=float(node.y), r=RADIUS, fill=svg.GROUND,
        stroke=mark or svg.FORWARD, stroke_width="5" if mark else "2",
    )  # fmt: skip
    letter = svg.text(node.x, node.y + 7, name, font_weight=600, font_size=20)
    return circle + letter


def _labels(node: Node, lines: Sequence[tuple[str, str]]) -> list[str]:
    x = node.x + {"start": -RADIUS, "middle": 0, "end": RADIUS}[node.anchor]
    first = {"above": -RADIUS - 34, "below": RADIUS + 19, "around": -RADIUS - 28}[node.side]
    step = 2 * RADIUS + 57 if node.side == "around" else 22
    return [
        _overlined(
            svg.text(
                x, node.y + first + step * k, words, fill, text_anchor=node.anchor, font_weight=600
            )
        )
        for k, (words, fill) in enumerate(lines)
    ]


def _overlined(markup: str) -> str:
    """Draw the bar over a letter: where a combining one lands depends on the font."""
    return re.sub(
        rf"(\w)([₀-₉]?){MACRON}", r'<tspan text-decoration="overline">\1</tspan>\2', markup
    )


def _plate(label: Label, words: str, fill: str) -> str:
    wide = svg.width(words)
    left = label.x - {"start": 0, "middle": wide / 2, "end": wide}[label.anchor]
    ground = svg.element("rect", x=left, y=label.y - 13.5, width=wide, height=18, fill=svg.GROUND)
    return ground + svg.text(
        label.x, label.y, words, fill, text_anchor=label.anchor, font_weight=600
    )


def arrow(start: tuple[float, float], end: tuple[float, float], paint: str, thick: float) -> str:
    """Draw from rim to rim, a little to the left of the line between the middles.

    The arrow back, being to the left as well, runs on the other side.
    """
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy)
    ux, uy = dx / length, dy / length
    left = (GAP * uy, -GAP * ux)
    rim = math.sqrt(RADIUS**2 - GAP**2) + 2.5
    head = 6 + 1.6 * thick
    tail = start[0] + rim * ux + left[0], start[1] + rim * uy + left[1]
    tip = end[0] - rim * ux + left[0], end[1] - rim * uy + left[1]
    return svg.pointer(tail, tip, paint, svg.fixed(thick), head, head / 2.2)


SMALL = 17
"""The radius of a node where two graphs stand side by side."""
PLACES = {"a": (26, 72), "b": (26, 158), "u": (102, 158), "s": (102, 72), "y": (176, 115)}
SLOPES = {
    ("a", "s"): (64, 64), ("a", "u"): (50, 124), ("b", "u"): (64, 178), ("u", "s"): (112, 120),
    ("s", "y"): (138, 82), ("u", "y"): (146, 154),
}  # fmt: skip
"""Where nodes and slopes of ``TWO_PRODUCTS`` stand in one half of a drawing."""


def facing(graph: Graph, seeds: Mapping[str, Any], title: str) -> Drawing:
    """Draw the graph twice: swept forward from ``seeds``, and backward from its result.

    Parameters
    ----------
    graph : Graph
        With the nodes and arrows of ``TWO_PRODUCTS``.
    seeds : mapping of str to number
        The inputs' tangents: 1 for the input from which the sweep starts, and 0.
    title : str
        What the picture shows, for those who do not see it.
    """
    (first,) = (name for name, seed in seeds.items() if seed)
    there = forward_sweep(graph.steps, seeds, len(graph.steps))
    back = sweep(graph.steps, [name for name, _ in reversed(graph.steps)])
    last = graph.steps[-1][0]
    shapes, said = [], []
    for left, done, head in (
        (0, there, f"forward from {first}"),
        (216, back, f"backward from {last}"),
    ):
        shapes.append(svg.text(left + 101, 18, head, done.paint, font_weight=600))
        for (operand, name), slope in graph.slopes.items():
            start, end = ((PLACES[k][0] + left, PLACES[k][1]) for k in (operand, name))
            if done.mark == MACRON:
                start, end = end, start
            tail, tip = svg.between(start, end, SMALL + 1, SMALL + 2)
            shapes.append(svg.pointer(tail, tip, done.paint, svg.fixed(USED), 10, 4.5))
            x, y = SLOPES[operand, name]
            shapes.append(svg.text(x + left, y, str(slope)))
        for name, (x, y) in PLACES.items():
            shapes.append(
                svg.element(
                    "circle", cx=float(x + left), cy=float(y), r=SMALL, fill=svg.GROUND,
                    stroke="currentColor", stroke_width="1.5",
                )
            )  # fmt: skip
            shapes.append(svg.text(x + left, y + 5, name, font_weight=600, font_size=16))
            found = f"{marked(name, done.mark)} = {done.total(name)}"
            foot = y + SMALL + 18 if y > 115 else y - SMALL - 8
            label = svg.text(x + left, foot, found, done.paint, font_weight=600)
            shapes.append(_overlined(label))
            said.append(f"{head}: {found}")
    return drawing(title, 204, "; ".join(said), *shapes)


def squarings(counts: Sequence[tuple[int, int, int]], title: str) -> Drawing:
    """Draw x squared again and again: two arrows a squaring, twice as many paths.

    Parameters
    ----------
    counts : sequence of (squarings, paths, arrows)
        The last stands apart, behind dots.
    title : str
        What the picture shows, for those who do not see it.
    """
    *near, far = counts
    places = [44 + 74 * k for k in range(len(near))]
    last, y, small = 358, 52, 21
    parts = []
    for x1, x2 in pairwise(places):
        parts += [_bow((x1, y), (x2, y), small, way) for way in (-1, 1)]
    dots = (places[-1] + last) / 2
    parts.append(svg.text(dots, y + 5, "· · ·", font_weight=600, font_size=20))
    columns = [*zip(places, near, strict=True), (last, far)]
    for x, (k, paths, arrows) in columns:
        circle = svg.element(
            "circle", cx=float(x), cy=float(y), r=small, fill=svg.GROUND, stroke=svg.FORWARD,
            stroke_width="2",
        )  # fmt: skip
        parts.append(circle)
        name = "last" if x == last else f"x{svg.raised(2**k)}" if k else "x"
        parts.append(svg.text(x, y + 6, name, font_weight=600, font_size=16))
        if x == last:
            parts.append(svg.text(x, y - 31, f"{k} squarings"))
        parts.append(svg.text(x, 122, f"{paths:,}", font_weight=600))
        parts.append(svg.text(x, 172, f"{arrows:,}", svg.FORWARD, font_weight=600))
    for height, words, fill in (
        (102, "paths that lead here from x", "currentColor"),
        (152, "arrows that they run along", svg.FORWARD),
    ):
        parts.append(svg.text(24, height, words, fill, text_anchor="start"))
    said = "; ".join(
        f"{k} squaring{'s' * (k != 1)}: {p:,} path{'s' * (p != 1)}, {a} arrows"
        for k, p, a in counts
    )
    return drawing(title, 186, said, *parts)


def against_nudges(
    panels: Sequence[tuple[str, Sequence[float]]], measured: Sequence[float], title: str
) -> Drawing:
    """Plot derivatives from a sweep against measured ones, a dot each: the wrong ones stand out.

    Parameters
    ----------
    panels : sequence of (name, derivatives)
        One panel each, side by side. The first are the right ones, by which the others are judged:
        a quotient is not accurate enough for this.
    measured : sequence of float
        The same derivatives as quotients of differences.
    title : str
        What the picture shows, for those who do not see it.
    """
    import numpy as np  # a drawing by hand does without it

    quotients = np.asarray(measured)
    fig, axes = pyplot().subplots(1, len(panels), figsize=(4.6, 2.7), sharex=True, sharey=True)
    for ax, (name, found) in zip(axes, panels, strict=True):
        wrong = ~np.isclose(found, panels[0][1], rtol=1e-3, atol=1e-9)
        ax.axline((0, 0), slope=1, color="0.6", linewidth=1, zorder=0)
        for which, paint in ((~wrong, "C0"), (wrong, "C1")):
            ax.plot(np.asarray(found)[which], quotients[which], "o", color=paint, markersize=3)
        ax.set_title(f"{name}\n{wrong.sum()} wrong", fontsize=11)
        ax.set_box_aspect(1)
        ax.set(xlabel="from the sweep", xticks=[-0.5, 0, 0.5], yticks=[-0.5, 0, 0.5])
    axes[0].set_ylabel("from a nudge")
    return plotted(fig, title)


def _bow(start: tuple[float, float], end: tuple[float, float], radius: float, way: int) -> str:
    """Draw one of two arrows between the same two nodes, bent up (-1) or down (1)."""
    cos, sin = math.cos(0.5), math.sin(0.5)
    x1, y1 = start[0] + radius * cos, start[1] + way * radius * sin
    x2, y2 = end[0] - (radius + 3) * cos, end[1] + way * (radius + 3) * sin
    middle, peak = (x1 + x2) / 2, y1 + way * 14
    tx, ty = x2 - middle, y2 - peak
    length = math.hypot(tx, ty)
    ux, uy = tx / length, ty / length
    x3, y3 = x2 - 8 * ux, y2 - 8 * uy
    corners = [(x2, y2), (x3 - 4 * uy, y3 + 4 * ux), (x3 + 4 * uy, y3 - 4 * ux)]
    points = " ".join(f"{svg.fixed(x)},{svg.fixed(y)}" for x, y in corners)
    route = [svg.fixed(c) for c in (x1, y1, middle, peak, x3, y3)]
    path = f"M{route[0]} {route[1]}Q{route[2]} {route[3]} {route[4]} {route[5]}"
    line = svg.element("path", d=path, fill="none", stroke="currentColor", stroke_width="1.5")
    return line + svg.element("polygon", points=points, fill="currentColor")


TWO_PRODUCTS = Graph(
    steps=[("u", [("a", 2), ("b", 3)]), ("s", [("a", 1), ("u", 1)]), ("y", [("u", 9), ("s", 6)])],
    nodes={
        "a": Node(42, 82, "3", "above", anchor="start"),
        "b": Node(42, 232, "2", "below", anchor="start"),
        "u": Node(194, 232, "3 · 2 = 6", "below"),
        "s": Node(194, 82, "3 + 6 = 9", "above"),
        "y": Node(378, 157, "6 · 9 = 54", "around", anchor="end"),
    },
    labels={
        ("a", "u"): Label(112, 174, "end"),
        ("b", "u"): Label(118, 256),
        ("a", "s"): Label(118, 69),
        ("u", "s"): Label(209, 162, "start"),
        ("u", "y"): Label(244, 239, "start"),
        ("s", "y"): Label(231, 72, "start"),
    },
    height=306,
)
"""u = ab, s = a + u, y = us at a = 3, b = 2: the example of the chapter on graphs by hand."""

UNIT = Graph(
    steps=[
        ("z", [("w₁", 3), ("w₂", 2)]),
        ("h", [("z", Decimal("0.64"))]),
        ("L", [("h", Decimal("0.8"))]),
    ],
    nodes={
        "w₁": Node(42, 84, "ln 2", "above", anchor="start"),
        "w₂": Node(42, 170, "−ln 2", "below", anchor="start"),
        "z": Node(162, 127, "ln 2", "above"),
        "h": Node(274, 127, "tanh z = 0.6", "above"),
        "L": Node(386, 127, "0.4² = 0.16", "below", anchor="end"),
    },
    labels={
        ("w₁", "z"): Label(106, 92),
        ("w₂", "z"): Label(108, 171),
        ("z", "h"): Label(218, 114),
        ("h", "L"): Label(330, 114),
    },
    height=246,
)
"""z = 3w₁ + 2w₂, h = tanh z, L = (h - 0.2)² at w₁ = ln 2, w₂ = -ln 2: a unit and its loss."""
