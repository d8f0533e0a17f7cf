"""The frames of a computation that runs forward through a graph, and of adjoints that run back.

``stepper.network_steps`` draws layers, all of whose units are connected. Here the nodes stand where
the caller puts them and are joined by the edges that there are.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from typing import Literal, TypedDict

from backprop.book.figures import svg
from backprop.book.figures.stepper import Frame

Place = tuple[float, float]
"""(column, row), the first of each 0; fractions are places in between."""
Edge = tuple[str, str]
"""From an argument to what is computed from it."""
ROW, MARGIN, HEAD = 76, 46, 9


class GraphStep(TypedDict, total=False):
    """What one step adds to the drawing; text stays until a step begins ``afresh``."""

    node_text: Mapping[str, str]
    edge_text: Mapping[Edge, str]
    highlight_nodes: set[str]
    highlight_edges: set[Edge]
    direction: Literal["forward", "backward"]
    afresh: bool
    caption: str


def graph_steps(
    nodes: Mapping[str, Place], edges: Sequence[Edge], steps: Sequence[GraphStep]
) -> list[Frame]:
    """Build one frame for each step over one graph.

    Parameters
    ----------
    nodes : mapping of str to (column, row)
        The name, which is drawn in the circle (at most four characters), and the place.
    edges : sequence of (str, str)
        Drawn as arrows from the first to the second; all of them point to a later node, in the
        order of ``nodes``, since nothing is computed from what comes after it.
    steps : sequence of GraphStep
        Each adds ``node_text`` and ``edge_text`` to what the earlier ones wrote, unless it is
        ``afresh``. Text of a "backward" step stands below that of a "forward" step and does not
        replace it; the edges that it highlights are dashed, and their arrows turn round.
        ``highlight_nodes`` and ``highlight_edges`` are marked in this frame alone.

    Returns
    -------
    list of Frame
        420 units wide, text of 14 units: legible on a phone.

    Raises
    ------
    ValueError
        If an edge joins no two nodes, stands there twice or points back; if a step names a node,
        an edge or a direction that is not there.
    """
    _check_edges(nodes, edges)
    texts = _nothing()
    frames = []
    for number, step in enumerate(steps):
        _check_step(number, step, nodes, edges)
        if step.get("afresh"):
            texts = _nothing()
        direction = step.get("direction", "forward")
        texts["node"][direction].update(step.get("node_text", {}))
        texts["edge"][direction].update(step.get("edge_text", {}))
        caption = step.get("caption", "")
        title = f"{direction.capitalize()}: {caption}"
        frames.append(Frame(_draw(nodes, edges, step, texts, title), caption))
    return frames


def worked_sum(products: Sequence[tuple[float, float]], digits: int = 3) -> str:
    """Write a sum of products as a reader works it out: "3 × 5 + 2 × 1 = 17".

    Parameters
    ----------
    products : sequence of (factor, factor)
        At least one.
    digits : int
        Significant digits of every number.

    Raises
    ------
    ValueError
        If there is no product, or the numbers as they are written do not give the sum as it is
        written, up to one unit of its last digit; more digits then help.
    """
    if not products:
        raise ValueError("worked_sum: products is empty, expected at least one")
    written = [tuple(f"{float(factor):.{digits}g}" for factor in pair) for pair in products]
    total = f"{float(sum(a * b for a, b in products)):.{digits}g}"
    worked = sum((Decimal(a) * Decimal(b) for a, b in written), Decimal(0))
    _, figures, exponent = Decimal(total).as_tuple()
    unit = Decimal(1).scaleb(int(exponent) + len(figures) - digits)
    if abs(worked - Decimal(total)) > unit:
        raise ValueError(
            f"worked_sum: {written} gives {worked}, not {total}: more than {digits} digits are"
            " needed"
        )
    words = " + ".join(f"{a} × {b}" for a, b in written) + f" = {total}"
    return words.replace("-", "−").replace("+ −", "− ")


def _nothing() -> dict[str, svg.Texts]:
    return {"node": svg.blank(), "edge": svg.blank()}


def _check_edges(nodes: Mapping[str, Place], edges: Sequence[Edge]) -> None:
    if not nodes:
        raise ValueError("graph_steps: nodes is empty, expected at least one")
    order = {name: k for k, name in enumerate(nodes)}
    for k, (start, end) in enumerate(edges):
        if not order.get(start, len(nodes)) < order.get(end, -1):
            raise ValueError(
                f"graph_steps: edges[{k}] is {(start, end)}, expected two of the nodes"
                f" {list(nodes)}, the earlier one first"
            )
        if (start, end) in edges[:k]:
            raise ValueError(f"graph_steps: edges[{k}], {(start, end)}, stands there already")


def _check_step(
    number: int, step: GraphStep, nodes: Mapping[str, Place], edges: Sequence[Edge]
) -> None:
    named: list[tuple[str, Hashable, Sequence[Hashable]]] = [
        *(("node", x, list(nodes)) for x in step.get("node_text", {})),
        *(("node", x, list(nodes)) for x in step.get("highlight_nodes", ())),
        *(("edge", x, edges) for x in step.get("edge_text", {})),
        *(("edge", x, edges) for x in step.get("highlight_edges", ())),
        ("direction", step.get("direction", "forward"), ["forward", "backward"]),
    ]
    for kind, value, known in named:
        if value not in known:
            raise ValueError(
                f"graph_steps: steps[{number}] has the {kind} {value!r}, expected one of"
                f" {list(known)}"
            )


def _draw(
    nodes: Mapping[str, Place],
    edges: Sequence[Edge],
    step: GraphStep,
    texts: Mapping[str, svg.Texts],
    title: str,
) -> str:
    last = max(column for column, _ in nodes.values()) or 1
    height = max(row for _, row in nodes.values()) * ROW + 2 * svg.RADIUS + 58
    at = {
        name: (MARGIN + column * (svg.WIDTH - 2 * MARGIN) / last, svg.RADIUS + 8 + row * ROW)
        for name, (column, row) in nodes.items()
    }
    color = svg.BACKWARD if step.get("direction") == "backward" else svg.FORWARD
    shapes: list[str] = []
    words: list[str] = []
    for edge in edges:
        mark = color if edge in step.get("highlight_edges", ()) else None
        start, end = at[edge[0]], at[edge[1]]
        shapes.append(
            _arrow(end, start, mark) if mark == svg.BACKWARD else _arrow(start, end, mark)
        )
        words += _beside(start, end, svg.both_ways(texts["edge"], edge, "currentColor"))
    for name, (x, y) in at.items():
        mark = color if name in step.get("highlight_nodes", ()) else None
        shapes.append(svg.disc(x, y, name, mark))
        below = svg.both_ways(texts["node"], name, svg.FORWARD)
        words += svg.stack(x, y + svg.RADIUS + 11, below)
    return svg.picture(svg.WIDTH, height, title, _describe(texts), *shapes, *words)


def _arrow(start: Place, end: Place, mark: str | None) -> str:
    """Draw from rim to rim; an arrow that is marked for the way back is dashed."""
    size = HEAD * (1.5 if mark else 1)
    return svg.pointer(
        *svg.between(start, end, svg.RADIUS, svg.RADIUS + 3),
        mark or "currentColor", 4 if mark else 1, size, size / 2,
        stroke_dasharray="8 4" if mark == svg.BACKWARD else None,
    )  # fmt: skip


def _beside(start: Place, end: Place, lines: Sequence[tuple[str, str]]) -> list[str]:
    """Return the words of an arrow, above its middle and so far off that they do not touch it."""
    if not lines:
        return []
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy)
    # The normal that points up, and to the right of an arrow that runs straight up or down.
    side = -1 if dx < 0 or (dx == 0 and dy > 0) else 1
    nx, ny = side * dy / length, -side * dx / length
    wide = max(svg.width(words) for words, _ in lines)
    high = len(lines) * svg.LINE
    away = (wide * abs(nx) + high * abs(ny)) / 2 + 3
    x, y = (start[0] + end[0]) / 2 + away * nx, (start[1] + end[1]) / 2 + away * ny
    return svg.stack(x, y - (high - svg.LINE) / 2, lines)


def _describe(texts: Mapping[str, svg.Texts]) -> str:
    return svg.described(texts, {"node": str, "edge": lambda e: f"edge {e[0]} to {e[1]}"})
