"""A figure that the reader steps through, on a static page and in a notebook alike.

The frames are inline SVG and the script is a few lines in the output itself: no server, no
library, no request. Without JavaScript every frame shows, one below another. Colours follow the
page (``currentColor`` and the theme's variables), so that light and dark both read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from io import StringIO
from typing import Any, Literal, TypedDict

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

    buffer = StringIO()
    # The salt, here the words, makes the ids the same in every run and unique to the frame.
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": title + caption}):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        fig.savefig(buffer, format="svg", dpi=100, transparent=True, metadata=nothing)
    plt.close(fig)
    svg = buffer.getvalue()
    unique = hashlib.sha256((title + caption).encode()).hexdigest()[:8]
    svg = re.sub(r'(\bid="|"#|url\(#)', rf"\g<1>{unique}-", svg[svg.index("<svg") :])
    # Matplotlib's style element would rule the whole page.
    unwanted = r'<metadata>.*?</metadata>|<style.*?</style>|font-family: [^;"]*;?'
    svg = re.sub(unwanted, "", svg, flags=re.S)
    svg = svg.replace("xlink:href", "href").replace(
        'xmlns:xlink="http://www.w3.org/1999/xlink"', ""
    )
    head = f'<svg class="bp-drawn" role="img" aria-label="{escape(title)}" stroke-linejoin="round" '
    # What nothing refers to needs no id; two equal images would share theirs.
    used = set(re.findall(r'(?:"|\()#([^")]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda m: m[0] if m[1] in used else "", svg)
    # A tenth of a unit is less than can be seen.
    svg = re.sub(r"\s*\n\s*", " ", re.sub(r"(?<=\d\.\d)\d+", "", svg)).replace("> <", "><")
    end = svg.index(">") + 1
    opening = re.sub(r' (?:width|height)="[^"]*"', "", svg[4:end])
    return Frame(head + opening + f"<title>{escape(title)}</title>" + svg[end:].strip(), caption)


STYLE = """
.bp-stepper{max-width:34rem;margin:1rem auto}
.bp-stepper figure{margin:0 0 1.5rem}
.bp-stepper svg{display:block;width:100%;height:auto}
.bp-stepper .bp-controls{display:flex;gap:.5rem;align-items:center;margin-bottom:.5rem}
.bp-stepper .bp-controls[hidden],.bp-stepper .bp-live[hidden]{display:none}
.bp-stepper .bp-controls button{font:inherit;color:inherit;background:transparent;
border:1px solid currentColor;border-radius:.3rem;padding:.25rem .7rem;min-height:2.5rem}
.bp-stepper .bp-controls button[aria-disabled=true]{border-style:dashed;cursor:not-allowed}
.bp-stepper .bp-controls input{flex:1;min-width:3rem}
.bp-stepper .bp-controls :focus-visible{outline:3px solid #56b4e9;outline-offset:2px}
.bp-stepper .bp-live{min-height:4.5em;margin:.25rem 0 0}
.bp-stepper.bp-on figure{display:none;margin:0}
.bp-stepper.bp-on figure.bp-now{display:block}
.bp-stepper.bp-on figcaption{display:none}
@media print{.bp-stepper.bp-on figure,.bp-stepper.bp-on figcaption{display:block}
.bp-stepper .bp-controls,.bp-stepper .bp-live{display:none}}
"""

SCRIPT = """
document.querySelectorAll('[id="%s"]').forEach(function (root) {
  if (root.classList.contains('bp-on')) return;
  var frames = root.querySelectorAll('figure'), last = frames.length - 1, now = 0;
  var buttons = root.querySelectorAll('button'), range = root.querySelector('input');
  var live = root.querySelector('.bp-live');
  var names = Array.prototype.map.call(frames, function (f) { return f.dataset.name; });
  function show(k) {
    now = Math.max(0, Math.min(last, k));
    frames.forEach(function (f, i) { f.classList.toggle('bp-now', i === now); });
    range.value = now + 1;
    range.setAttribute('aria-valuetext', names[now]);
    buttons[0].setAttribute('aria-disabled', now === 0);
    buttons[1].setAttribute('aria-disabled', now === last);
    live.textContent = names[now] + '. ' +
      frames[now].querySelector('figcaption').textContent;
  }
  buttons[0].addEventListener('click', function () { show(now - 1); });
  buttons[1].addEventListener('click', function () { show(now + 1); });
  range.addEventListener('input', function () { show(range.value - 1); });
  root.addEventListener('keydown', function (event) {
    var to = {ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last}[event.key];
    if (to === undefined) return;
    event.preventDefault(); event.stopPropagation(); show(to);
  });
  root.classList.add('bp-on');
  root.querySelector('.bp-controls').hidden = live.hidden = false;
  show(0);
});
"""


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
        What the slider moves: a step, or a quantity such as "learning rate".
    values : sequence of str, optional
        That quantity's value in each frame; without it, "1 of 7" and so on.

    Raises
    ------
    ValueError
        If ``name`` is not letters, digits and hyphens, there is no frame, or ``values`` has
        another length than ``frames``.
    """

    def __init__(
        self,
        name: str,
        frames: Sequence[Frame],
        title: str,
        *,
        label: str = "Step",
        values: Sequence[str] | None = None,
    ) -> None:
        if not re.fullmatch(r"[A-Za-z0-9-]+", name):
            raise ValueError(f"Stepper: name is {name!r}, expected letters, digits and hyphens")
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

    def __repr__(self) -> str:
        """One line for terminals, and for the comparison of outputs."""
        return f"Stepper({self.name!r}, {len(self.frames)} frames)"

    def _repr_html_(self) -> str:
        identity = f"stepper-{self.name}"
        figures = "\n".join(
            f'<figure data-name="{escape(f"{self.label} {value}")}">{frame.svg}'
            f"<figcaption>{escape(frame.caption)}</figcaption></figure>"
            for frame, value in zip(self.frames, self.values, strict=True)
        )
        return (
            f'<div class="bp-stepper" id="{identity}" role="group" '
            f'aria-label="{escape(self.title)}">\n<style>{STYLE}</style>\n'
            '<div class="bp-controls" hidden>'
            '<button type="button">Previous</button>'
            f'<input type="range" min="1" max="{len(self.frames)}" value="1" step="1" '
            f'aria-label="{escape(self.label)}: {escape(self.title)}">'
            '<button type="button">Next</button></div>\n'
            f'{figures}\n<p class="bp-live" aria-live="polite" hidden></p>\n'
            f"<script>{SCRIPT % identity}</script>\n</div>"
        )


class Step(TypedDict, total=False):
    """What one step adds to the drawing; text stays in the steps that follow."""

    node_text: Mapping[Node, str]
    edge_text: Mapping[Edge, str]
    highlight_nodes: set[Node]
    highlight_edges: set[Edge]
    direction: Literal["forward", "backward"]
    caption: str


WIDTH, RADIUS, ROW, MARGIN = 420, 23, 112, 52
# 14 units of 420 are more than 11 px where the figure is 340 px wide, as on a phone.
FONT = 14
FORWARD = "var(--bp-forward, #0072B2)"
BACKWARD = "var(--bp-backward, #B34E00)"
GROUND = "var(--bp-ground, var(--jp-layout-color0, var(--colab-primary-surface-color, Canvas)))"


@dataclass
class _Drawing:
    """Where the units are, and the text gathered so far, forward and backward apart."""

    sizes: Sequence[int]
    labels: Mapping[Node, str]
    nodes: dict[str, dict[Node, str]] = field(
        default_factory=lambda: {"forward": {}, "backward": {}}
    )
    edges: dict[str, dict[Edge, str]] = field(
        default_factory=lambda: {"forward": {}, "backward": {}}
    )

    @property
    def height(self) -> int:
        return max(self.sizes) * ROW + 16

    def place(self, layer: int, unit: int) -> tuple[float, float]:
        x = MARGIN + layer * (WIDTH - 2 * MARGIN) / max(1, len(self.sizes) - 1)
        y = self.height / 2 + (unit - (self.sizes[layer] - 1) / 2) * ROW - 14
        return x, y

    def check(self, number: int, step: Step) -> None:
        nodes = set(step.get("node_text", {})) | set(step.get("highlight_nodes", ()))
        edges = set(step.get("edge_text", {})) | set(step.get("highlight_edges", ()))
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

    def text(self, x: float, y: float, words: str, color: str, weight: str = "400") -> str:
        return (
            f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}" font-weight="{weight}" '
            f'stroke="none">{escape(words)}</text>'
        )

    def halo(self, x: float, y: float, words: str, color: str) -> str:
        return (
            f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}" stroke="{GROUND}" stroke-width="5" '
            f'stroke-linejoin="round" paint-order="stroke">{escape(words)}</text>'
        )

    def describe(self) -> str:
        def name(node: Node) -> str:
            return self.labels.get(node, f"unit {node[1] + 1} of layer {node[0]}")

        parts = [
            f"{name(node)}: {text}"
            for texts in self.nodes.values()
            for node, text in sorted(texts.items())
        ]
        parts += [
            f"edge {name((k, i))} to {name((k + 1, j))}: {text}"
            for texts in self.edges.values()
            for (k, i, j), text in sorted(texts.items())
        ]
        return "; ".join(parts) or "No value yet."

    def draw(self, step: Step, title: str) -> str:
        color = BACKWARD if step.get("direction") == "backward" else FORWARD
        hot_nodes = step.get("highlight_nodes", set())
        hot_edges = step.get("highlight_edges", set())
        lines, words = [], []
        for k in range(len(self.sizes) - 1):
            for i in range(self.sizes[k]):
                for j in range(self.sizes[k + 1]):
                    (x1, y1), (x2, y2) = self.place(k, i), self.place(k + 1, j)
                    hot = (k, i, j) in hot_edges
                    lines.append(
                        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                        f'stroke="{color if hot else "currentColor"}" '
                        f'stroke-width="{4 if hot else 1}"'
                        + (' stroke-dasharray="8 4"' if hot and color == BACKWARD else "")
                        + "/>"
                    )
                    # Off the middle, where edges of a layer cross; texts of two edges that end
                    # in one unit stay as far apart as the units they leave.
                    part, shift = (0.3, 14) if self.sizes[k + 1] > 1 else (0.5, 0)
                    x, y = x1 + part * (x2 - x1) + shift, y1 + part * (y2 - y1)
                    if (k, i, j) in self.edges["forward"]:
                        words.append(
                            self.halo(x, y - 4, self.edges["forward"][k, i, j], "currentColor")
                        )
                    if (k, i, j) in self.edges["backward"]:
                        words.append(
                            self.halo(x, y + 13, self.edges["backward"][k, i, j], BACKWARD)
                        )
        for k, size in enumerate(self.sizes):
            for i in range(size):
                x, y = self.place(k, i)
                hot = (k, i) in hot_nodes
                lines.append(
                    f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS}" fill="{GROUND}" '
                    f'stroke="{color if hot else "currentColor"}" '
                    f'stroke-width="{4 if hot else 1.5}"/>'
                )
                label = self.labels.get((k, i), "")
                words.append(self.text(x, y + 5, label, "currentColor", "600"))
                below = y + RADIUS + 17
                if (k, i) in self.nodes["forward"]:
                    words.append(self.halo(x, below, self.nodes["forward"][k, i], FORWARD))
                    below += 17
                if (k, i) in self.nodes["backward"]:
                    words.append(self.halo(x, below, self.nodes["backward"][k, i], BACKWARD))
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" '
            f'role="img" font-family="inherit" font-size="{FONT}" text-anchor="middle">'
            f"<title>{escape(title)}</title><desc>{escape(self.describe())}</desc>"
            + "".join(lines + words)
            + "</svg>"
        )


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
        Each adds ``node_text`` ``{(layer, i): text}`` and ``edge_text`` ``{(layer, i, j): text}``
        to what the earlier ones wrote. Text of a ``direction`` "backward" step stands below that
        of a "forward" step and does not replace it. ``highlight_nodes`` and ``highlight_edges``
        are marked in this frame alone. ``caption`` says what happens.
    node_labels : mapping of (layer, i) to str
        The quantity's name inside the circle, at most four characters; the default is x, h, y
        with the unit's number.

    Returns
    -------
    list of Frame
        One a step.

    Raises
    ------
    ValueError
        If a step names a unit, an edge or a direction that is not there.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"network_steps: sizes is {list(sizes)}, expected two layers or more")
    last = len(sizes) - 1
    labels: dict[Node, str] = {
        (k, i): f"{'x' if k == 0 else 'y' if k == last else 'h'}{i + 1}"
        for k, size in enumerate(sizes)
        for i in range(size)
    }
    drawing = _Drawing(sizes, labels | dict(node_labels or {}))
    frames = []
    for number, step in enumerate(steps):
        drawing.check(number, step)
        direction = step.get("direction", "forward")
        drawing.nodes[direction].update(step.get("node_text", {}))
        drawing.edges[direction].update(step.get("edge_text", {}))
        caption = step.get("caption", "")
        title = f"Step {number + 1} of {len(steps)}, {direction}: {caption}"
        frames.append(Frame(drawing.draw(step, title), caption))
    return frames
