"""The figures of a sweep by hand: a small graph on which every number can be recomputed.

Each arrow is drawn twice, side by side: thin, from operand to result, for the evaluation; and,
once the backward sweep has used it, in another colour, from result to operand.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

from backprop.book.figures import svg
from backprop.book.figures.stepper import Frame

Steps = Sequence[tuple[str, Sequence[tuple[str, Any]]]]
"""The lines of an evaluation in order: (name, its arrows as (operand, slope))."""
Edge = tuple[str, str]
MACRON = "\N{COMBINING MACRON}"
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
    """How far a backward sweep has come: what each node has received, what each arrow carried.

    Attributes
    ----------
    received : dict of str to list
        The shares, in the order of their arrival; the result's is the 1 of the start.
    carried : dict of (operand, result) to str
        The product on each arrow in use, written out: "15 · 2 = 30".
    now : set of (operand, result)
        The arrows of the last visit.
    """

    received: dict[str, list[Any]]
    carried: dict[Edge, str]
    now: set[Edge]

    def adjoint(self, name: str) -> Any:
        """Return the sum so far."""
        return sum(self.received.get(name, []))

    def worked(self, name: str) -> str:
        """Write the sum so far as it is computed: "9 + 6 = 15"."""
        shares = self.received.get(name, [])
        total = str(self.adjoint(name))
        return f"{' + '.join(map(str, shares))} = {total}" if len(shares) > 1 else total


def barred(name: str) -> str:
    """Return the adjoint's name: the letter with a bar."""
    return name + MACRON


def sweep(steps: Steps, order: Sequence[str]) -> Sweep:
    """Visit the nodes in ``order``, from the result on, and return how things stand then."""
    arrows = dict(steps)
    done = Sweep({steps[-1][0]: [1]}, {}, set())
    for name in order:
        adjoint = done.adjoint(name)
        done.now = {(operand, name) for operand, _ in arrows[name]}
        for operand, slope in arrows[name]:
            done.received.setdefault(operand, []).append(adjoint * slope)
            done.carried[operand, name] = f"{adjoint} · {slope} = {adjoint * slope}"
    return done


class Drawing:
    """An SVG as a cell's output: inside a page it takes the page's colours.

    The site's build gets it as an image, to which the cell's metadata give a caption, a number and
    the alternative text; a notebook gets it as HTML.
    """

    def __init__(self, markup: str, title: str) -> None:
        self.markup, self.title = markup, title

    def __repr__(self) -> str:
        return f"<Drawing: {self.title}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        if os.environ.get("BACKPROP_FIGURES") == "svg":
            return {"image/svg+xml": self.markup, "text/plain": repr(self)}
        title = svg.element("title", escape(self.title))
        named = self.markup.replace("<title></title>", title, 1)
        return {"text/html": named, "text/plain": repr(self)}


def _drawing(title: str, width: float, height: float, description: str, *content: str) -> Drawing:
    markup = svg.element(
        "svg", "<title></title>", svg.element("desc", escape(description)), *content,
        class_="bp-drawn", role="img", aria_label="", xmlns="http://www.w3.org/2000/svg",
        width=540, viewBox=f"0 0 {width:.0f} {height:.0f}", font_family="inherit",
        font_size=svg.FONT, text_anchor="middle",
    )  # fmt: skip
    return Drawing(markup, title)


def hero(graph: Graph, title: str) -> Drawing:
    """Draw the finished sweep: values, adjoints and the product on every arrow."""
    order = [name for name, _ in reversed(graph.steps)]
    done = sweep(graph.steps, order)
    done.now = set()
    content = _content(graph, done)
    return _drawing(title, svg.WIDTH, graph.height, _described(graph, done), *content)


def local(graph: Graph, title: str, words: Mapping[Edge, str]) -> Drawing:
    """Draw the evaluation alone, with ``words`` on the arrows: "b = 2" for a slope."""
    content = _content(graph, None, words)
    said = "; ".join(f"slope from {a} to {b}: {text}" for (a, b), text in words.items())
    return _drawing(title, svg.WIDTH, graph.height, said, *content)


def sweep_frames(graph: Graph) -> list[Frame]:
    """Return the frames of a backward sweep: the start, one for each visit, and the result."""
    order = [name for name, _ in reversed(graph.steps)]
    result = order[0]
    inputs = [name for name in graph.nodes if name not in order]
    frames = []
    for k in range(len(order) + 2):
        done = sweep(graph.steps, order[:k])
        if k == 0:
            words = f"The slopes are on the arrows. Start: {barred(result)} = 1."
        elif k <= len(order):
            words = _said(graph, done, order[k - 1])
        else:
            found = " and ".join(f"{barred(name)} = {done.adjoint(name)}" for name in inputs)
            words = f"Every arrow was used once: {found}."
            done.now = set()
        slopes = {edge: str(s) for edge, s in graph.slopes.items()}
        visited = order[k - 1] if 0 < k <= len(order) else None
        content = _content(graph, done, slopes | done.carried, visited)
        said = _described(graph, done)
        markup = svg.picture(svg.WIDTH, graph.height, words, said, *content)
        frames.append(Frame(markup, words))
    return frames


def _said(graph: Graph, done: Sweep, name: str) -> str:
    arrows = dict(graph.steps)[name]
    sent = ", and to ".join(f"{x}: {done.carried[x, name]}" for x, _ in arrows)
    sums = ", ".join(f"{barred(x)} = {done.worked(x)}" for x, _ in arrows)
    return f"Visit {name}. It sends to {sent}. So far {sums}."


def _described(graph: Graph, done: Sweep) -> str:
    parts = [f"{name} = {node.worked}" for name, node in graph.nodes.items()]
    parts += [f"{barred(n)} = {done.worked(n)}" for n in graph.nodes if n in done.received]
    parts += [f"{b} sends to {a}: {words}" for (a, b), words in done.carried.items()]
    return "; ".join(parts)


def _content(
    graph: Graph,
    done: Sweep | None,
    words: Mapping[Edge, str] | None = None,
    visited: str | None = None,
) -> list[str]:
    carried = done.carried if done else {}
    words = carried if words is None else words
    shapes = []
    for edge in graph.labels:
        start, end = (graph.nodes[name] for name in edge)
        shapes.append(arrow((start.x, start.y), (end.x, end.y), "currentColor", 1.2))
        if edge in carried:
            thick = 4.5 if done and edge in done.now else 2.2
            shapes.append(arrow((end.x, end.y), (start.x, start.y), svg.BACKWARD, thick))
    for edge, label in graph.labels.items():
        if edge in words:
            fill = svg.BACKWARD if edge in carried else "currentColor"
            shapes.append(_plate(label, words[edge], fill))
    for name, node in graph.nodes.items():
        shapes.append(_node(name, node, svg.BACKWARD if name == visited else svg.FORWARD))
        lines = [(f"{name} = {node.worked}", svg.FORWARD)]
        if done and name in done.received:
            lines.append((f"{barred(name)} = {done.worked(name)}", svg.BACKWARD))
        shapes += _labels(node, lines)
    return shapes


def _node(name: str, node: Node, rim: str) -> str:
    circle = svg.element(
        "circle", cx=float(node.x), cy=float(node.y), r=RADIUS, fill=svg.GROUND, stroke=rim,
        stroke_width="4" if rim == svg.BACKWARD else "2",
    )  # fmt: skip
    letter = svg.text(node.x, node.y + 7, name, font_weight=600, font_size=20)
    return circle + letter


def _labels(node: Node, lines: Sequence[tuple[str, str]]) -> list[str]:
    x = node.x + {"start": -RADIUS, "middle": 0, "end": RADIUS}[node.anchor]
    first = {"above": -RADIUS - 30, "below": RADIUS + 19, "around": -RADIUS - 12}[node.side]
    step = 2 * RADIUS + 31 if node.side == "around" else 18
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
    return re.sub(rf"(\w){MACRON}", r'<tspan text-decoration="overline">\1</tspan>', markup)


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
    x1, y1 = start[0] + rim * ux + left[0], start[1] + rim * uy + left[1]
    x2, y2 = end[0] - rim * ux + left[0], end[1] - rim * uy + left[1]
    x3, y3 = x2 - head * ux, y2 - head * uy
    half = head / 2.2
    corners = [(x2, y2), (x3 - half * uy, y3 + half * ux), (x3 + half * uy, y3 - half * ux)]
    points = " ".join(f"{svg.fixed(x)},{svg.fixed(y)}" for x, y in corners)
    line = svg.element(
        "line", x1=x1, y1=y1, x2=x3, y2=y3, stroke=paint, stroke_width=svg.fixed(thick)
    )
    return line + svg.element("polygon", points=points, fill=paint)


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
        name = "y" if x == last else f"x{_raised(str(2**k))}" if k else "x"
        parts.append(svg.text(x, y + 6, name, font_weight=600, font_size=16))
        if x == last:
            parts.append(svg.text(x, y - 31, f"{k} squarings"))
        parts.append(svg.text(x, 122, f"{paths:,}", svg.BACKWARD, font_weight=600))
        parts.append(svg.text(x, 172, f"{arrows:,}", svg.FORWARD, font_weight=600))
    for height, words, fill in (
        (102, "paths that lead here from x", svg.BACKWARD),
        (152, "arrows that they run along", svg.FORWARD),
    ):
        parts.append(svg.text(24, height, words, fill, text_anchor="start"))
    said = "; ".join(f"{k} squarings: {p:,} paths, {a} arrows" for k, p, a in counts)
    return _drawing(title, svg.WIDTH, 186, said, *parts)


def _raised(digits: str) -> str:
    return digits.translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


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
        "a": Node(46, 92, "3", "above", anchor="start"),
        "b": Node(46, 248, "2", "below", anchor="start"),
        "u": Node(206, 248, "3 · 2 = 6", "below"),
        "s": Node(206, 92, "3 + 6 = 9", "above"),
        "y": Node(370, 170, "6 · 9 = 54", "around", anchor="end"),
    },
    labels={
        ("a", "u"): Label(112, 168),
        ("b", "u"): Label(126, 274),
        ("a", "s"): Label(126, 78),
        ("u", "s"): Label(206, 174),
        ("u", "y"): Label(264, 246, "start"),
        ("s", "y"): Label(258, 99, "start"),
    },
    height=312,
)
"""u = ab, s = a + u, y = us at a = 3, b = 2: the example of the chapter on graphs by hand."""
