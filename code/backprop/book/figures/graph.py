"""The frames of a computation that runs forward through a graph, and of adjoints that run back.

``stepper.network_steps`` draws layers, all of whose units are connected. Here the nodes stand where
the caller puts them and are joined by the edges that there are.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from html import escape
from typing import Any, Literal, TypedDict

from backprop.book.figures.stepper import BACKWARD, FONT, FORWARD, GROUND, RADIUS, WIDTH, Frame

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


Texts = dict[str, dict[Any, str]]


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
    texts: dict[str, Texts] = {"node": _blank(), "edge": _blank()}
    frames = []
    for number, step in enumerate(steps):
        _check_step(number, step, nodes, edges)
        if step.get("afresh"):
            texts = {"node": _blank(), "edge": _blank()}
        direction = step.get("direction", "forward")
        texts["node"][direction].update(step.get("node_text", {}))
        texts["edge"][direction].update(step.get("edge_text", {}))
        caption = step.get("caption", "")
        title = f"Step {number + 1} of {len(steps)}, {direction}: {caption}"
        frames.append(Frame(_draw(nodes, edges, step, texts, title), caption))
    return frames


def _blank() -> Texts:
    return {"forward": {}, "backward": {}}


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
    texts: Mapping[str, Texts],
    title: str,
) -> str:
    last = max(column for column, _ in nodes.values()) or 1
    height = max(row for _, row in nodes.values()) * ROW + 2 * RADIUS + 58
    at = {
        name: (MARGIN + column * (WIDTH - 2 * MARGIN) / last, RADIUS + 8 + row * ROW)
        for name, (column, row) in nodes.items()
    }
    color = BACKWARD if step.get("direction") == "backward" else FORWARD
    shapes: list[str] = []
    words: list[str] = []
    for edge in edges:
        hot = edge in step.get("highlight_edges", ())
        start, end = at[edge[0]], at[edge[1]]
        back = hot and color == BACKWARD
        tail, head = (end, start) if back else (start, end)
        shapes.append(_arrow(tail, head, color if hot else "", back))
        # Off the middle, where wide text would cover the head of an arrow that rises steeply.
        x, y = (0.55 * a + 0.45 * b for a, b in zip(start, end, strict=True))
        words += _pair(x, y - 3, texts["edge"], edge, "currentColor")
    for name, (x, y) in at.items():
        hot = name in step.get("highlight_nodes", ())
        shapes.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS}" fill="{GROUND}" '
            f'stroke="{color if hot else "currentColor"}" stroke-width="{4 if hot else 1.5}"/>'
        )
        words.append(
            f'<text x="{x:.1f}" y="{y + 5:.1f}" fill="currentColor" font-weight="600">'
            f"{escape(name)}</text>"
        )
        words += _pair(x, y + RADIUS + 16, texts["node"], name, FORWARD)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'font-family="inherit" font-size="{FONT}" text-anchor="middle">'
        f"<title>{escape(title)}</title><desc>{escape(_describe(texts))}</desc>"
        + "".join(shapes + words)
        + "</svg>"
    )


def _arrow(start: Place, end: Place, color: str, dashed: bool) -> str:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy)
    ux, uy = dx / length, dy / length
    x1, y1 = start[0] + RADIUS * ux, start[1] + RADIUS * uy
    x2, y2 = end[0] - (RADIUS + 3) * ux, end[1] - (RADIUS + 3) * uy
    size = HEAD * (1.5 if color else 1)
    x3, y3 = x2 - size * ux, y2 - size * uy
    paint = color or "currentColor"
    corners = [(x2, y2), (x3 - size / 2 * uy, y3 + size / 2 * ux)]
    corners.append((x3 + size / 2 * uy, y3 - size / 2 * ux))
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x3:.1f}" y2="{y3:.1f}" stroke="{paint}" '
        f'stroke-width="{4 if color else 1}"' + (' stroke-dasharray="8 4"' if dashed else "") + "/>"
        f'<polygon points="{points}" fill="{paint}"/>'
    )


def _pair(x: float, y: float, texts: Texts, key: Any, color: str) -> list[str]:
    """Write the text of the way forward, and below it that of the way back."""
    words = []
    for direction, paint in (("forward", color), ("backward", BACKWARD)):
        if key in texts[direction]:
            words.append(
                f'<text x="{x:.1f}" y="{y:.1f}" fill="{paint}" stroke="{GROUND}" '
                'stroke-width="5" stroke-linejoin="round" paint-order="stroke">'
                f"{escape(texts[direction][key])}</text>"
            )
            y += 17
    return words


def _describe(texts: Mapping[str, Texts]) -> str:
    parts = [f"{name}: {text}" for kept in texts["node"].values() for name, text in kept.items()]
    parts += [
        f"edge {start} to {end}: {text}"
        for kept in texts["edge"].values()
        for (start, end), text in kept.items()
    ]
    return "; ".join(parts) or "No value yet."
