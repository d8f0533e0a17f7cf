"""What a small network can draw: a figure whose weights the reader changes.

The picture is inline SVG, and the script is in the output itself. Without JavaScript the picture
of the first setting and its sentence remain. The script computes the same forward pass as
:meth:`Setting.network`, and writes the output that it found, unrounded, into ``data-output`` of
the figure, where a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import ArrayLike

from backprop.arrays import Array, Labels, check_array, check_labels
from backprop.book.figures import embed, regions, svg
from backprop.layers import Dense, Identity, Layer, ReLU, Sigmoid, Tanh
from backprop.network import Sequential

ACTIVATIONS: dict[str, type[Layer]] = {"identity": Identity, "tanh": Tanh, "relu": ReLU}
"""What the hidden units can be switched to."""
SHOWN = {"identity": "identity", "tanh": "tanh", "relu": "ReLU"}
IN_WORDS = SHOWN | {"identity": "the identity"}
PARTS = ("unit 1", "unit 2", "unit 3", "output", "diamond")
"""What has sliders of its own."""
DESCRIPTION = (
    "The shaded region is where the output exceeds one half. Circles are points of class 0,"
    " squares of class 1; a point on the wrong side is crossed out. Each line is where a hidden"
    " unit's z is 0, its number on the side where z is positive."
)

KEY = (
    ("", "○ should be 0"),
    ("bp-one", "■ should be 1"),
    ("", "✕ is on the wrong side"),
    ("bp-one", "shaded: the output exceeds ½"),
    ("", "lines 1 to 3: z = 0 of a hidden unit, its number where z > 0"),
    ("bp-read", "◇ where the output below is read"),
)
"""What the marks of the picture mean, and the class that gives the words their colour."""

LIMIT, STEP = 10.0, 0.25
"""Sliders run from -LIMIT to LIMIT in steps that binary fractions hold exactly."""
WINDOW = regions.Window()
POINT = (0.5, 0.5)
"""Where the output is read off at first."""


@dataclass(frozen=True, eq=False)
class Setting:
    """A 2-3-1 network, a = σ(φ(x W1 + b1) W2 + b2), as the sliders can be set.

    Attributes
    ----------
    activation : {"identity", "tanh", "relu"}
        φ of the hidden units; the output's is the sigmoid.
    W1, b1, W2, b2 : array_like, shapes (2, 3), (3,), (3, 1), (1,)
        Multiples of 0.25 between -10 and 10.

    Raises
    ------
    ValueError
        If the activation is unknown, a shape differs, or no slider can stand at an entry.
    """

    activation: str
    W1: ArrayLike
    b1: ArrayLike
    W2: ArrayLike
    b2: ArrayLike

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            raise ValueError(
                f"Setting: activation is {self.activation!r}, expected one of {list(ACTIVATIONS)}"
            )
        shapes = {"W1": (2, 3), "b1": (3,), "W2": (3, 1), "b2": (1,)}
        for name, shape in shapes.items():
            value = np.asarray(getattr(self, name), np.float64)
            check_array("Setting", name, value, shape)
            off = ~((np.abs(value) <= LIMIT) & (value % STEP == 0))
            if off.any():
                raise ValueError(
                    f"Setting: {name} holds {value[off][0]}, expected multiples of {STEP}"
                    f" from {-LIMIT:g} to {LIMIT:g}"
                )
            object.__setattr__(self, name, value)

    def arrays(self) -> tuple[Array, Array, Array, Array]:
        """Return copies of W1, b1, W2, b2, float64."""
        W1, b1, W2, b2 = (np.array(p, float) for p in (self.W1, self.b1, self.W2, self.b2))
        return W1, b1, W2, b2

    @property
    def theta(self) -> Array:
        """The 13 parameters in the order of ``Sequential.theta``."""
        return np.concatenate([p.ravel() for p in self.arrays()])

    def network(self) -> Sequential:
        """Return the network made of the package's layers."""
        rng = np.random.default_rng(0)
        hidden = ACTIVATIONS[self.activation]()
        network = Sequential([Dense(2, 3, rng=rng), hidden, Dense(3, 1, rng=rng), Sigmoid()])
        network.theta[...] = self.theta
        return network

    def logit(self, x: Array) -> Array:
        """Return z of the output at points of shape (n, 2): shape (n,), positive in class 1."""
        for layer in self.network().layers[:3]:
            x = layer.forward(x)
        return x[:, 0]


@dataclass(frozen=True, eq=False)
class Task:
    """Points of two classes, and settings that get every one right.

    Attributes
    ----------
    x : array, shape (n, 2)
        Coordinates inside the window, -0.2 to 1.2.
    y : integer array, shape (n,)
        0 or 1.
    solutions : sequence of Setting
        One for each activation that has a solution, the usual one first: a reader who has chosen
        another is shown the first, and told that the activation changes.

    Raises
    ------
    TypeError
        If ``x`` is no floating or ``y`` no integer array.
    ValueError
        If a shape or class is wrong, a point lies outside the window, there is no solution, two
        have the same activation, or one gets a point wrong.
    """

    x: Array
    y: Labels
    solutions: Sequence[Setting]

    def __post_init__(self) -> None:
        check_array("Task", "x", self.x, (None, 2))
        check_labels("Task", "y", self.y, len(self.x), 2)
        if not len(self.x):
            raise ValueError("Task: x has no row, expected a point or more")
        outside = ~((self.x >= WINDOW.low) & (self.x <= WINDOW.high)).all(axis=1)
        if outside.any():
            raise ValueError(
                f"Task: x holds the point {self.x[outside][0].tolist()},"
                f" expected coordinates from {WINDOW.low} to {WINDOW.high}"
            )
        self._check_solutions()

    def _check_solutions(self) -> None:
        activations = [solution.activation for solution in self.solutions]
        if not activations or len(set(activations)) < len(activations):
            raise ValueError(
                f"Task: solutions has the activations {activations}, expected one or more,"
                " each once"
            )
        for k, solution in enumerate(self.solutions):
            right = self.right(solution)
            if not right.all():
                raise ValueError(
                    f"Task: solutions[{k}] gets {right.sum()} of {right.size} points right,"
                    " expected all"
                )

    @property
    def straight(self) -> bool:
        """Whether a straight line has all of class 1 on one side and all of class 0 on the other.

        If none has, no network with the identity gets every point right.
        """
        from scipy.optimize import linprog  # a reader without figures does not pay for it

        sign = np.where(self.y == 1, 1.0, -1.0)
        rows = -sign[:, None] * np.column_stack([self.x, np.ones(len(self.x))])
        found = linprog(np.zeros(3), rows, -np.ones(len(self.x)), bounds=(None, None))
        return bool(found.success)

    def right(self, setting: Setting) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return for each point whether the output is on its class's side of 1/2, shape (n,)."""
        outputs = setting.network().forward(self.x)[:, 0]
        correct: np.ndarray[tuple[int], np.dtype[np.bool_]] = (outputs > 0.5) == (self.y == 1)
        return correct


class DecisionRegions:
    """The decision regions of a 2-3-1 network under the reader's hands; a cell's last line.

    The reader chooses the points, the hidden units' activation, and with sliders the weights and
    bias of each unit; the picture shows where the output exceeds 1/2, the line z = 0 of every
    hidden unit with its number on the side where z > 0, and which points are wrong.

    Parameters
    ----------
    name : str
        Unique on its page: the HTML id ``explorer-name`` derives from it, so that the output is
        the same in every run.
    tasks : mapping of str to Task
        Sets of points by the name that the reader sees; the first is shown first.
    start : Setting
        Where the sliders stand at first.
    title : str
        What a screen reader calls the figure.

    Raises
    ------
    ValueError
        If ``name`` is not letters, digits and hyphens, or there is no task.
    """

    def __init__(self, name: str, tasks: Mapping[str, Task], start: Setting, title: str) -> None:
        embed.check_name("DecisionRegions", name)
        if not tasks:
            raise ValueError("DecisionRegions: tasks is empty, expected at least one")
        self.name = name
        self.tasks = dict(tasks)
        self.start = start
        self.title = title

    def __repr__(self) -> str:
        """One line for terminals, and for the comparison of outputs."""
        return f"DecisionRegions({self.name!r}, {', '.join(self.tasks)})"

    def sentence(self) -> str:
        """What the figure says below the picture at first, with and without JavaScript."""
        task = next(iter(self.tasks.values()))
        network, x = self.start.network(), np.array([POINT])
        hidden = network.layers[1].forward(network.layers[0].forward(x))
        output = network.forward(x).item()
        parts = [
            f"{task.right(self.start).sum()} of {len(task.x)} points right.",
            f"At the diamond, x = ({_listed(x)}): hidden a = ({_listed(hidden)}),",
            f"output {_shown(output, 3)}.",
        ]
        W1, b1, W2, b2 = self.start.arrays()
        if self.start.activation == "identity":
            (w1, w2), b = (W1 @ W2)[:, 0].tolist(), (b1 @ W2 + b2).item()
            parts += [
                "With the identity, all of this is one unit, σ(z) with z =",
                f"{_shown(w1)} x₁ + {_shown(w2)} x₂ + {_shown(b)}: one straight line at most."
                .replace("+ −", "− "),
            ]  # fmt: skip
        idle = [f"unit {j + 1}" for j in range(3) if W2[j, 0] == 0]
        if idle:
            parts.append(f"No effect, because the weight to the output is 0: {', '.join(idle)}.")
        return " ".join(parts)

    def region(self) -> str:
        """Return the SVG path of the region where the output exceeds 1/2 at first."""
        return regions.region(self.start.logit, WINDOW)

    def _repr_html_(self) -> str:
        words = f'<p class="bp-live" aria-live="polite">{escape(self.sentence())}</p>'
        body = "\n".join([self._controls(), self._picture(), _key(), words])
        return embed.figure("explorer", self.name, self.title, body, self._data(), sliders=True)

    def _data(self) -> dict[str, object]:
        tasks = [
            {
                "x": task.x.tolist(),
                "y": task.y.tolist(),
                "solutions": {s.activation: s.theta.tolist() for s in task.solutions},
                "straight": task.straight,
            }
            for task in self.tasks.values()
        ]
        start = {"activation": self.start.activation, "theta": self.start.theta.tolist()}
        return {
            "frame": WINDOW.geometry(), "names": IN_WORDS, "tasks": tasks, "start": start,
            "point": POINT,
        }  # fmt: skip

    def _controls(self) -> str:
        tasks = [(str(k), name) for k, name in enumerate(self.tasks)]
        parts = [(str(k), name) for k, name in enumerate(PARTS)]
        panels = [
            f'<div class="bp-panel" data-part="{k}"{" hidden" if k else ""}>{panel}</div>'
            for k, panel in enumerate(self._panels())
        ]
        return "".join([
            '<div class="bp-controls" hidden>',
            self._radios("task", "Points:", tasks, "0"),
            self._radios("activation", "Hidden units:", list(SHOWN.items()), self.start.activation),
            self._radios("part", "Set:", parts, "0"),
            *panels,
            '<button type="button">Start again</button>',
            '<button type="button">Show a solution</button></div>',
        ])  # fmt: skip

    def _radios(
        self, sets: str, legend: str, options: Sequence[tuple[str, str]], chosen: str
    ) -> str:
        inputs = "".join(
            f'<label><input type="radio" name="explorer-{self.name}-{sets}" data-sets="{sets}" '
            f'value="{value}"{" checked" if value == chosen else ""}>{escape(label)}</label>'
            for value, label in options
        )
        return f"<fieldset><legend>{legend}</legend>{inputs}</fieldset>"

    def _panels(self) -> list[str]:
        """The sliders of each hidden unit, of the output and of the diamond."""
        weights = f'min="{-LIMIT:g}" max="{LIMIT:g}" step="{STEP:g}"'
        theta = self.start.theta.tolist()
        labels = {
            k: f"unit {j + 1}, {what}"
            for j in range(3)
            for k, what in ((j, "weight of x₁"), (3 + j, "weight of x₂"), (6 + j, "bias"))
        }
        labels |= {9 + j: f"output, weight of unit {j + 1}" for j in range(3)}
        labels[12] = "output, bias"
        rows = {k: _slider(k, label, theta[k], weights) for k, label in labels.items()}
        panels = [rows[j] + rows[3 + j] + rows[6 + j] for j in range(3)]
        panels.append("".join(rows[k] for k in range(9, 13)))
        places = f'min="{WINDOW.low:g}" max="{WINDOW.high:g}" step="0.05"'
        place = [
            _slider(13 + k, f"diamond, {x}", POINT[k], places) for k, x in enumerate(("x₁", "x₂"))
        ]
        return [*panels, "".join(place)]

    def _picture(self) -> str:
        W1, b1, _, _ = self.start.arrays()
        lines = [regions.unit_line(j, [*W1[:, j].tolist(), b1[j].item()], WINDOW) for j in range(3)]
        tasks = [
            regions.marks(zip(t.x, t.y, t.right(self.start), strict=True), k == 0, WINDOW)
            for k, t in enumerate(self.tasks.values())
        ]
        path = svg.element(
            "path", class_="bp-region", fill=regions.CLASS_ONE, fill_opacity=".3", d=self.region()
        )
        return svg.picture(
            WINDOW.left + WINDOW.side + 4, WINDOW.top + WINDOW.side + 26, self.title, DESCRIPTION,
            path, regions.axes(WINDOW), *lines, *tasks, regions.probe(POINT, WINDOW),
            font_size=16, fill="currentColor",
        )  # fmt: skip


def _key() -> str:
    words = "".join(
        f'<span class="{kind}">{escape(said)}</span>' if kind else f"<span>{escape(said)}</span>"
        for kind, said in KEY
    )
    return f'<p class="bp-key">{words}</p>'


def _slider(at: int, label: str, value: float, bounds: str) -> str:
    return (
        f'<div class="bp-row"><label><span>{label}</span><input type="range" {bounds} '
        f'value="{value:g}" data-at="{at}"></label>'
        f'<span class="bp-value" aria-hidden="true">{_shown(value)}</span></div>'
    )


def _shown(value: float, digits: int = 2) -> str:
    text = svg.fixed(value, digits)
    return (text.replace("-", "") if float(text) == 0 else text).replace("-", "−")


def _listed(values: Array) -> str:
    return ", ".join(_shown(v) for v in values.ravel().tolist())
