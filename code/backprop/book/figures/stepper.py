"""A figure that the reader steps through, on a static page and in a notebook alike.

The frames are inline SVG and the script is in the output itself. Without JavaScript every frame
shows, one below another. Colours follow the page (``currentColor`` and the theme's variables), so
that light and dark both read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import product
from typing import Any, Literal, TypedDict

from backprop.book.figures import embed, svg

Node = tuple[int, int]
"""(layer, unit), both from 0."""
Edge = tuple[int, int, int]
"""(layer, i, j): from unit i of the layer to unit j of the next."""


@dataclass(frozen=True)
class Frame:
    """One picture and what it says.

    Attributes
    ----------
    svg : str
        A whole ``<svg>`` element with ``role="img"`` and a ``<title>``.
    caption : str
        Plain text.
    """

    svg: str
    caption: str

    def __post_init__(self) -> None:
        svg = self.svg.lstrip()
        if not svg.startswith("<svg") or 'role="img"' not in svg or "<title>" not in svg:
            raise ValueError(
                f"Frame: svg starts with {svg[:40]!r}, "
                'expected an <svg> element with role="img" and a <title>'
            )


def computed(svg: str, caption: str) -> Frame:
    """Make a frame of a picture whose numbers come from training.

    They are not the same to the last digit on every machine, so the picture is marked as such:
    unlike the caption, it is not compared between machines.

    Parameters
    ----------
    svg : str
        As in :class:`Frame`.
    caption : str
        Plain text.
    """
    return Frame(svg.replace("<svg ", '<svg class="bp-drawn" ', 1), caption)


def drawn(fig: Any, title: str, caption: str) -> Frame:
    """Make a frame of a Matplotlib figure, and close it.

    Text stays text, in the page's font, so that it is read out and stays sharp. The drawing is
    marked as such: unlike the caption, it is not compared between machines.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        About 4.4 inches wide, so that its text is legible on a phone.
    title : str
        What the picture shows, for those who do not see it.
    caption : str
        Plain text.

    Returns
    -------
    Frame
    """
    import matplotlib.pyplot as plt  # a reader without figures does not pay for it

    from backprop.book.figures.inline import inline

    markup = inline(fig, title, unique=title + caption)
    plt.close(fig)
    return Frame(markup, caption)


class Stepper:
    """Frames with buttons, a slider and the arrow keys; display it as a cell's last line.

    Parameters
    ----------
    name : str
        Unique on its page: the HTML id ``stepper-name`` derives from it, so that the output is
        the same in every run.
    frames : sequence of Frame
        At least one.
    title : str
        What a screen reader calls the figure.
    label : str
        What the slider moves: a frame, or a quantity such as "learning rate". Not "step", which
        the captions may count themselves.
    values : sequence of str, optional
        That quantity's value in each frame; without it, "1 of 7" and so on.
    start : int
        The frame that shows at first, counted from 1: the one that the text speaks of.

    Raises
    ------
    ValueError
        If ``name`` is not letters, digits and hyphens, there is no frame, ``values`` has
        another length than ``frames``, or ``start`` is none of them.
    """

    def __init__(
        self,
        name: str,
        frames: Sequence[Frame],
        title: str,
        *,
        label: str = "Frame",
        values: Sequence[str] | None = None,
        start: int = 1,
    ) -> None:
        embed.check_name("Stepper", name)
        if not frames:
            raise ValueError("Stepper: frames is empty, expected at least one")
        self.name = name
        self.frames = tuple(frames)
        self.title = title
        self.label = label
        self.values = tuple(values or (f"{k} of {len(frames)}" for k in range(1, len(frames) + 1)))
        if len(self.values) != len(frames):
            raise ValueError(
                f"Stepper: values has {len(self.values)} entries, expected {len(frames)}, "
                "one a frame"
            )
        if start not in range(1, len(frames) + 1):
            raise ValueError(f"Stepper: start is {start}, expected 1 to {len(frames)}")
        self.start = start

    def __repr__(self) -> str:
        """One line for terminals, and for the comparison of outputs."""
        return f"Stepper({self.name!r}, {len(self.frames)} frames)"

    def _repr_html_(self) -> str:
        figures = [
            f'<figure data-name="{escape(f"{self.label} {value}")}">{frame.svg}'
            f"<figcaption>{escape(frame.caption)}</figcaption></figure>"
            for frame, value in zip(self.frames, self.values, strict=True)
        ]
        controls = (
            '<div class="bp-controls" hidden><button type="button">Previous</button>'
            f'<input type="range" min="1" max="{len(self.frames)}" value="{self.start}" step="1" '
            f'aria-label="{escape(self.label)}: {escape(self.title)}">'
            '<button type="button">Next</button></div>'
        )
        words = '<p class="bp-live" aria-live="polite" hidden></p>'
        return embed.figure(
            "stepper", self.name, self.title, "\n".join([controls, *figures, words])
        )


class Step(TypedDict, total=False):
    """What one step adds to the drawing; text stays in the steps that follow."""

    node_text: Mapping[Node, str]
    bias_text: Mapping[Node, str]
    edge_text: Mapping[Edge, str]
    highlight_nodes: set[Node]
    highlight_edges: set[Edge]
    direction: Literal["forward", "backward"]
    caption: str


MARGIN = 52
"""From the left and right end to the middle of the outermost units."""


class _Drawing:
    """Where the units are, and the text gathered so far, forward and backward apart."""

    def __init__(
        self, sizes: Sequence[int], steps: Sequence[Step], labels: Mapping[Node, str]
    ) -> None:
        self.sizes = sizes
        self.labels = labels
        self.texts = {kind: svg.blank() for kind in ("node", "bias", "edge")}
        for number, step in enumerate(steps):
            self.check(number, step)
        self.below = 17 + svg.LINE * _most_lines(steps)
        self.row = max(112, 2 * svg.RADIUS + self.below + 10)

    def check(self, number: int, step: Step) -> None:
        nodes = {*step.get("node_text", ()), *step.get("bias_text", ())}
        nodes |= step.get("highlight_nodes", set())
        edges = {*step.get("edge_text", ())} | step.get("highlight_edges", set())
        n = self.sizes
        for layer, i in nodes:
            if not (0 <= layer < len(n) and 0 <= i < n[layer]):
                raise ValueError(
                    f"network_steps: steps[{number}] names the unit {(layer, i)}, "
                    f"expected one of sizes {list(n)}"
                )
        for layer, i, j in edges:
            if not (0 <= layer < len(n) - 1 and 0 <= i < n[layer] and 0 <= j < n[layer + 1]):
                raise ValueError(
                    f"network_steps: steps[{number}] names the edge {(layer, i, j)}, "
                    f"expected one of sizes {list(n)}"
                )
        if step.get("direction", "forward") not in ("forward", "backward"):
            raise ValueError(
                f"network_steps: steps[{number}] has direction {step['direction']!r}, "
                "expected 'forward' or 'backward'"
            )

    def add(self, step: Step) -> None:
        direction = step.get("direction", "forward")
        self.texts["node"][direction].update(step.get("node_text", {}))
        self.texts["bias"][direction].update(step.get("bias_text", {}))
        self.texts["edge"][direction].update(step.get("edge_text", {}))

    def place(self, layer: int, unit: int) -> tuple[float, float]:
        x = MARGIN + layer * (svg.WIDTH - 2 * MARGIN) / (len(self.sizes) - 1)
        first = svg.RADIUS + 8 + (max(self.sizes) - self.sizes[layer]) / 2 * self.row
        return x, first + unit * self.row

    def edge(self, key: Edge, mark: str | None) -> tuple[str, list[str]]:
        """The line of a connection, and the plates of its text."""
        k, i, j = key
        (x1, y1), (x2, y2) = self.place(k, i), self.place(k + 1, j)
        line = svg.element(
            "line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=mark or "currentColor",
            stroke_width=4 if mark else 1,
            stroke_dasharray="8 4" if mark == svg.BACKWARD else None,
        )  # fmt: skip
        # Off the middle, where edges of a layer cross; texts of two edges that end in one unit
        # stay as far apart as the units they leave.
        part, shift = (0.3, 14) if self.sizes[k + 1] > 1 else (0.5, 0)
        x, y = x1 + part * (x2 - x1) + shift, y1 + part * (y2 - y1)
        words = svg.both_ways(self.texts["edge"], key, "currentColor")
        return line, svg.stack(x, y - (len(words) - 1) * svg.LINE / 2, words)

    def node(self, key: Node, mark: str | None) -> tuple[str, list[str]]:
        """The circle of a unit with its name, and below it the bias and the unit's values."""
        x, y = self.place(*key)
        words = svg.both_ways(self.texts["bias"], key, "currentColor")
        words += svg.both_ways(self.texts["node"], key, svg.FORWARD)
        disc = svg.disc(x, y, self.labels[key], mark)
        return disc, svg.stack(x, y + svg.RADIUS + 12, words)

    def describe(self) -> str:
        def edge(key: Edge) -> str:
            k, i, j = key
            return f"edge {self.labels[k, i]} to {self.labels[k + 1, j]}"

        names = {
            "node": lambda key: self.labels[key],
            "bias": lambda key: f"bias of {self.labels[key]}",
            "edge": edge,
        }
        return svg.described(self.texts, names)

    def draw(self, step: Step, title: str) -> str:
        color = svg.BACKWARD if step.get("direction") == "backward" else svg.FORWARD
        nodes, edges = step.get("highlight_nodes", ()), step.get("highlight_edges", ())
        parts = [
            self.edge((k, i, j), color if (k, i, j) in edges else None)
            for k in range(len(self.sizes) - 1)
            for i, j in product(range(self.sizes[k]), range(self.sizes[k + 1]))
        ]
        parts += [self.node(key, color if key in nodes else None) for key in _units(self.sizes)]
        # Words last, above every line.
        shapes = [shape for shape, _ in parts] + [word for _, words in parts for word in words]
        height = 2 * svg.RADIUS + 8 + (max(self.sizes) - 1) * self.row + self.below
        return svg.picture(svg.WIDTH, height, title, self.describe(), *shapes)


def _units(sizes: Sequence[int]) -> list[Node]:
    return [(k, i) for k, size in enumerate(sizes) for i in range(size)]


def _most_lines(steps: Sequence[Step]) -> int:
    """How many lines stand below a unit in the end, where there are most."""
    lines = set()
    for step in steps:
        direction = step.get("direction", "forward")
        lines |= {(node, "value", direction) for node in step.get("node_text", {})}
        lines |= {(node, "bias", direction) for node in step.get("bias_text", {})}
    return max(Counter(node for node, _, _ in lines).values(), default=0)


def network_steps(
    sizes: Sequence[int],
    steps: Sequence[Step],
    *,
    node_labels: Mapping[Node, str] | None = None,
) -> list[Frame]:
    """Build the frames of values that run forward through a network and of errors that run back.

    Parameters
    ----------
    sizes : sequence of int
        Units in each layer, the input first; drawn in full, so two to four layers of few units.
    steps : sequence of Step
        Each adds ``edge_text`` ``{(layer, i, j): text}`` on the connections and, below the units,
        ``bias_text`` and ``node_text`` ``{(layer, i): text}`` to what the earlier ones wrote.
        Text of a ``direction`` "backward" step stands below that of a "forward" step and does
        not replace it. ``highlight_nodes`` and ``highlight_edges`` are marked in this frame
        alone. ``caption`` says what happens. A reader can recompute a unit only where every
        weight and bias that enters it is shown.
    node_labels : mapping of (layer, i) to str
        The quantity's name inside the circle, at most four characters; the default is x, a, y
        with the unit's number.

    Returns
    -------
    list of Frame
        One per step.

    Raises
    ------
    ValueError
        If a step names a unit, an edge or a direction that is not there.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"network_steps: sizes is {list(sizes)}, expected two layers or more")
    letters = ["x", *"a" * (len(sizes) - 2), "y"]
    labels = {(k, i): f"{letters[k]}{i + 1}" for k, i in _units(sizes)}
    drawing = _Drawing(sizes, steps, labels | dict(node_labels or {}))
    frames = []
    for step in steps:
        drawing.add(step)
        caption = step.get("caption", "")
        title = f"{step.get('direction', 'forward').capitalize()}: {caption}"
        frames.append(Frame(drawing.draw(step, title), caption))
    return frames
