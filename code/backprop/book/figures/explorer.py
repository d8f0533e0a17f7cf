"""What a small network can draw: a figure whose weights the reader changes.

The picture is inline SVG and the script stands in the output itself: no server, no library, no
request. Without JavaScript the picture of the first setting and its sentence remain. The script
computes the same forward pass as :meth:`Setting.network`, and writes the output that it found,
unrounded, into ``data-output`` of the figure, where a test compares the two.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from html import escape
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from backprop.arrays import Array, Labels, check_array, check_labels
from backprop.layers import Dense, Identity, Layer, ReLU, Sigmoid, Tanh
from backprop.network import Sequential

ACTIVATIONS: dict[str, type[Layer]] = {"identity": Identity, "tanh": Tanh, "relu": ReLU}
"""What the hidden units can be switched to."""
SHOWN = {"identity": "identity", "tanh": "tanh", "relu": "ReLU"}

LIMIT, STEP = 10.0, 0.25
"""Sliders run from -LIMIT to LIMIT in steps that binary fractions hold exactly."""
LOW, HIGH = -0.2, 1.2
"""The window on both axes: the unit square and a margin."""
SIDE, LEFT, TOP, ROWS = 400, 26, 4, 100
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


@dataclass(frozen=True, eq=False)
class Task:
    """Points of two classes, and one setting that gets every one right.

    Attributes
    ----------
    x : array, shape (n, 2)
        Coordinates inside the window, -0.2 to 1.2.
    y : integer array, shape (n,)
        0 or 1.
    solution : Setting

    Raises
    ------
    TypeError
        If ``x`` is no floating or ``y`` no integer array.
    ValueError
        If a shape or class is wrong, a point lies outside the window, or ``solution`` gets a
        point wrong.
    """

    x: Array
    y: Labels
    solution: Setting

    def __post_init__(self) -> None:
        check_array("Task", "x", self.x, (None, 2))
        check_labels("Task", "y", self.y, len(self.x), 2)
        if not len(self.x):
            raise ValueError("Task: x has no row, expected a point or more")
        outside = ~((self.x >= LOW) & (self.x <= HIGH)).all(axis=1)
        if outside.any():
            raise ValueError(
                f"Task: x holds the point {self.x[outside][0].tolist()},"
                f" expected coordinates from {LOW} to {HIGH}"
            )
        right = self.right(self.solution)
        if not right.all():
            raise ValueError(
                f"Task: solution gets {right.sum()} of {right.size} points right, expected all"
            )

    def right(self, setting: Setting) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return for each point whether the output is on its class's side of 1/2, shape (n,)."""
        outputs = setting.network().forward(self.x)[:, 0]
        correct: np.ndarray[tuple[int], np.dtype[np.bool_]] = (outputs > 0.5) == (self.y == 1)
        return correct


STYLE = """
.bp-explorer{--bp-one:#b34e00;max-width:34rem;margin:1rem auto;color:inherit}
.bp-explorer svg{display:block;width:100%;height:auto;cursor:crosshair}
.bp-explorer .bp-controls[hidden],.bp-explorer .bp-panel[hidden]{display:none}
.bp-explorer fieldset{border:0;margin:0 0 .25rem;padding:0;display:flex;flex-wrap:wrap;
gap:0 1rem;align-items:center;min-width:0}
.bp-explorer legend{float:left;font-weight:600;font-size:1em;margin:0;padding:0;width:auto}
.bp-explorer fieldset label{display:inline-flex;align-items:center;gap:.35rem;margin:0;
min-height:2rem}
.bp-explorer .bp-row{display:flex;align-items:center;gap:.5rem}
.bp-explorer .bp-row label{display:flex;flex:1;align-items:center;gap:.5rem;margin:0;
min-height:2rem;min-width:0}
.bp-explorer .bp-row label span{flex:0 0 11.5em}
.bp-explorer .bp-row input{flex:1;min-width:3rem}
.bp-explorer .bp-value{flex:0 0 3.5em;text-align:right;font-variant-numeric:tabular-nums}
.bp-explorer button{font:inherit;color:inherit;background:transparent;
border:1px solid currentColor;border-radius:.3rem;padding:.25rem .7rem;min-height:2.5rem;
margin:.4rem .5rem 0 0}
.bp-explorer :focus-visible{outline:3px solid #56b4e9;outline-offset:2px}
.bp-explorer .bp-live{min-height:6em;margin:.5rem 0 0;color:inherit;text-align:start}
.bp-explorer .bp-cross{display:none}.bp-explorer .bp-wrong .bp-cross{display:inline}
.bp-explorer .bp-unit.bp-chosen line{stroke-width:4}
@media (max-width:30rem){.bp-explorer .bp-row label span{flex-basis:9.5em}}
html[data-theme="dark"] .bp-explorer{--bp-one:#f0a04b;--bp-ground:var(--pst-color-background)}
html[data-theme="light"] .bp-explorer{--bp-ground:var(--pst-color-background)}
html[data-theme="dark"] .bd-content div.cell_output
.text_html:has(.bp-explorer):not(:has(table.dataframe)){background:transparent;
color:var(--pst-color-text-base);padding:0}
@media print{.bp-explorer .bp-controls{display:none}}
"""

SCRIPT = """
document.querySelectorAll('[id="%(identity)s"]').forEach(function (root) {
  if (root.classList.contains('bp-on')) return;
  var given = %(data)s, low = %(low)s, high = %(high)s, side = %(side)s, rows = %(rows)s;
  var left = %(left)s, top = %(top)s, now = {task: 0};
  var phi = {
    identity: function (z) { return z; },
    tanh: Math.tanh,
    relu: function (z) { return Math.max(0, z); }
  };
  function all(selector) { return Array.prototype.slice.call(root.querySelectorAll(selector)); }
  function hidden(x1, x2) {
    var t = now.theta, f = phi[now.activation];
    return [0, 1, 2].map(function (j) { return f(x1 * t[j] + x2 * t[3 + j] + t[6 + j]); });
  }
  function before(a) {
    var t = now.theta;
    return a[0] * t[9] + a[1] * t[10] + a[2] * t[11] + t[12];
  }
  function across(x1) { return left + (x1 - low) / (high - low) * side; }
  function down(x2) { return top + (high - x2) / (high - low) * side; }
  function text(v, digits) {
    var s = v.toFixed(digits);
    return (Number(s) === 0 ? s.replace('-', '') : s).replace('-', '\\u2212');
  }
  function regions() {
    var width = high - low, path = '', r, c, z, last, start, cross, y;
    for (r = 0; r < rows; r++) {
      start = null;
      y = 'V' + (top + (r + 1) * side / rows);
      for (c = 0; c <= rows; c++) {
        z = before(hidden(low + c * width / rows, high - (r + 0.5) * width / rows));
        cross = c === 0 ? left : left + (c - 1 + last / (last - z)) * side / rows;
        if (z > 0 && start === null) start = cross.toFixed(1);
        if (start !== null && (z <= 0 || c === rows)) {
          if (z > 0) cross = left + side;
          path += 'M' + start + ' ' + (top + r * side / rows) + 'H' + cross.toFixed(1) + y +
            'H' + start + 'Z';
          start = null;
        }
        last = z;
      }
    }
    return path;
  }
  function crossing(u, v, b) {
    var ends = [];
    [low, high].forEach(function (x) {
      if (v !== 0 && -(u * x + b) / v >= low && -(u * x + b) / v <= high)
        ends.push([x, -(u * x + b) / v]);
      if (u !== 0 && -(v * x + b) / u > low && -(v * x + b) / u < high)
        ends.push([-(v * x + b) / u, x]);
    });
    return ends.length < 2 ? null : ends;
  }
  function lines() {
    all('.bp-unit').forEach(function (group, j) {
      var u = now.theta[j], v = now.theta[3 + j], ends = crossing(u, v, now.theta[6 + j]);
      group.setAttribute('visibility', ends ? 'visible' : 'hidden');
      group.classList.toggle('bp-chosen', String(j) === now.part);
      if (!ends) return;
      var line = group.querySelector('line'), word = group.querySelector('text');
      var length = Math.hypot(u, v), x = 0.7 * ends[0][0] + 0.3 * ends[1][0];
      line.setAttribute('x1', across(ends[0][0]).toFixed(1));
      line.setAttribute('y1', down(ends[0][1]).toFixed(1));
      line.setAttribute('x2', across(ends[1][0]).toFixed(1));
      line.setAttribute('y2', down(ends[1][1]).toFixed(1));
      word.setAttribute('x', (across(x) + 14 * u / length).toFixed(1));
      word.setAttribute('y',
        (down(0.7 * ends[0][1] + 0.3 * ends[1][1]) - 14 * v / length + 6).toFixed(1));
    });
  }
  function show() {
    var t = now.theta, task = given.tasks[now.task], right = 0;
    var a = hidden(now.point[0], now.point[1]), output = 1 / (1 + Math.exp(-before(a)));
    root.querySelector('.bp-region').setAttribute('d', regions());
    lines();
    all('.bp-task').forEach(function (group, k) {
      group.setAttribute('visibility', k === now.task ? 'visible' : 'hidden');
      if (k !== now.task) return;
      Array.prototype.forEach.call(group.children, function (mark, i) {
        var x = task.x[i], good = (before(hidden(x[0], x[1])) > 0) === (task.y[i] === 1);
        mark.classList.toggle('bp-wrong', !good);
        right += good;
      });
    });
    root.querySelector('.bp-probe').setAttribute('transform',
      'translate(' + across(now.point[0]).toFixed(1) + ' ' + down(now.point[1]).toFixed(1) + ')');
    all('.bp-panel').forEach(function (panel) { panel.hidden = panel.dataset.part !== now.part; });
    all('input[type=range]').forEach(function (input) {
      var k = Number(input.dataset.at), value = k < 13 ? t[k] : now.point[k - 13];
      input.value = value;
      input.closest('.bp-row').querySelector('.bp-value').textContent = text(value, 2);
    });
    all('input[type=radio]').forEach(function (input) {
      input.checked = String(now[input.dataset.sets]) === input.value;
    });
    root.dataset.output = output;
    root.dataset.right = right;
    var words = right + ' of ' + task.x.length + ' points right. At the cross, x = (' +
      now.point.map(function (v) { return text(v, 2); }).join(', ') + '): hidden a = (' +
      a.map(function (v) { return text(v, 2); }).join(', ') + '), output ' + text(output, 3) +
      '.';
    if (now.activation === 'identity') {
      var w = [0, 3].map(function (k) {
        return t[k] * t[9] + t[k + 1] * t[10] + t[k + 2] * t[11];
      });
      words += ' With the identity all of this is one unit, \\u03c3(z) with z = ' +
        text(w[0], 2) + ' x\\u2081 + ' + text(w[1], 2) + ' x\\u2082 + ' +
        text(before([t[6], t[7], t[8]]), 2) + ': one straight line at most.';
      words = words.replace(/\\+ \\u2212/g, '\\u2212 ');
    }
    root.querySelector('.bp-live').textContent = words;
  }
  function take(setting) {
    now.theta = setting.theta.slice();
    now.activation = setting.activation;
  }
  function restart() { take(given.start); now.point = given.point.slice(); }
  all('input[type=range]').forEach(function (input) {
    input.addEventListener('input', function () {
      var k = Number(input.dataset.at);
      if (k < 13) now.theta[k] = Number(input.value); else now.point[k - 13] = Number(input.value);
      show();
    });
  });
  all('input[type=radio]').forEach(function (input) {
    input.addEventListener('change', function () {
      var sets = input.dataset.sets;
      now[sets] = sets === 'task' ? Number(input.value) : input.value;
      show();
    });
  });
  var buttons = root.querySelectorAll('button');
  buttons[0].addEventListener('click', function () { restart(); show(); });
  buttons[1].addEventListener('click', function () {
    take(given.tasks[now.task].solution);
    show();
  });
  var svg = root.querySelector('svg');
  svg.addEventListener('click', function (event) {
    var at = new DOMPoint(event.clientX, event.clientY).matrixTransform(
      svg.getScreenCTM().inverse());
    now.point = [(at.x - left) / side, 1 - (at.y - top) / side].map(function (v) {
      return Math.max(low, Math.min(high, Math.round((low + v * (high - low)) * 20) / 20));
    });
    show();
  });
  root.addEventListener('keydown', function (event) { event.stopPropagation(); });
  now.part = '0';
  restart();
  root.classList.add('bp-on');
  root.querySelector('.bp-controls').hidden = false;
  show();
});
"""


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
        if not re.fullmatch(r"[A-Za-z0-9-]+", name):
            raise ValueError(
                f"DecisionRegions: name is {name!r}, expected letters, digits and hyphens"
            )
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
        output = network.forward(x)
        hidden = network.layers[1].forward(network.layers[0].forward(x))
        words = (
            f"{task.right(self.start).sum()} of {len(task.x)} points right. At the cross, x = ("
            f"{_listed(x)}): hidden a = ({_listed(hidden)}), output {_shown(output.item(), 3)}."
        )
        if self.start.activation == "identity":
            W1, b1, W2, b2 = self.start.arrays()
            weights, bias = W1 @ W2, b1 @ W2 + b2
            words += (
                f" With the identity all of this is one unit, σ(z) with z ="
                f" {_shown(weights[0, 0])} x₁ + {_shown(weights[1, 0])} x₂ + {_shown(bias[0])}:"
                " one straight line at most."
            ).replace("+ −", "− ")
        return words

    def _repr_html_(self) -> str:
        identity = f"explorer-{self.name}"
        script = SCRIPT % {
            "identity": identity, "data": self._data(), "low": LOW, "high": HIGH,
            "side": SIDE, "rows": ROWS, "left": LEFT, "top": TOP,
        }  # fmt: skip
        return (
            f'<div class="bp-explorer" id="{identity}" role="group" '
            f'aria-label="{escape(self.title)}">\n<style>{STYLE}</style>\n'
            f"{self._controls(identity)}\n{self._svg()}\n"
            f'<p class="bp-live" aria-live="polite">{escape(self.sentence())}</p>\n'
            f"<script>{script}</script>\n</div>"
        )

    def _data(self) -> str:
        def setting(s: Setting) -> dict[str, object]:
            return {"activation": s.activation, "theta": s.theta.tolist()}

        tasks = [
            {"x": t.x.tolist(), "y": t.y.tolist(), "solution": setting(t.solution)}
            for t in self.tasks.values()
        ]
        return json.dumps({"tasks": tasks, "start": setting(self.start), "point": POINT})

    def _controls(self, identity: str) -> str:
        def radios(sets: str, legend: str, options: Sequence[tuple[str, str]], chosen: str) -> str:
            inputs = "".join(
                f'<label><input type="radio" name="{identity}-{sets}" data-sets="{sets}" '
                f'value="{value}"{" checked" if value == chosen else ""}>{escape(label)}</label>'
                for value, label in options
            )
            return f"<fieldset><legend>{legend}</legend>{inputs}</fieldset>"

        def slider(at: int, label: str, value: float, bounds: str) -> str:
            return (
                f'<div class="bp-row"><label><span>{label}</span><input type="range" {bounds} '
                f'value="{value:g}" data-at="{at}"></label>'
                f'<span class="bp-value" aria-hidden="true">{_shown(value)}</span></div>'
            )

        theta = self.start.theta
        bounds = f'min="{-LIMIT:g}" max="{LIMIT:g}" step="{STEP:g}"'
        window = f'min="{LOW:g}" max="{HIGH:g}" step="0.05"'
        parts = [
            [(j, f"unit {j + 1}, weight of x₁"), (3 + j, f"unit {j + 1}, weight of x₂"),
             (6 + j, f"unit {j + 1}, bias")]
            for j in range(3)
        ]  # fmt: skip
        parts.append(
            [(9 + j, f"output, weight of unit {j + 1}") for j in range(3)] + [(12, "output, bias")]
        )
        panels = ["".join(slider(k, label, theta[k], bounds) for k, label in p) for p in parts]
        panels.append(slider(13, "cross, x₁", POINT[0], window))
        panels[-1] += slider(14, "cross, x₂", POINT[1], window)
        names = ["unit 1", "unit 2", "unit 3", "output", "cross"]
        return (
            '<div class="bp-controls" hidden>'
            + radios("task", "Points:", [(str(k), t) for k, t in enumerate(self.tasks)], "0")
            + radios("activation", "Hidden units:", list(SHOWN.items()), self.start.activation)
            + radios("part", "Set:", [(str(k), name) for k, name in enumerate(names)], "0")
            + "".join(
                f'<div class="bp-panel" data-part="{k}"{" hidden" if k else ""}>{panel}</div>'
                for k, panel in enumerate(panels)
            )
            + '<button type="button">Start again</button>'
            '<button type="button">Show a solution</button></div>'
        )

    def _svg(self) -> str:
        ground = "var(--bp-ground, var(--jp-layout-color0, Canvas))"
        halo = f'stroke="{ground}" stroke-width="5" stroke-linejoin="round" paint-order="stroke"'
        units = []
        dashes = ("", "10 5", "2 5")
        for j, dash in enumerate(dashes):
            units.append(
                f'<g class="bp-unit{" bp-chosen" if j == 0 else ""}" {self._line(j)[0]}>'
                f'<line {self._line(j)[1]} stroke="currentColor" stroke-width="2" '
                f'stroke-dasharray="{dash}" stroke-linecap="round"/>'
                f'<text {self._line(j)[2]} {halo} font-weight="600">{j + 1}</text></g>'
            )
        tasks = []
        for k, task in enumerate(self.tasks.values()):
            marks = []
            for (x1, x2), y, good in zip(task.x, task.y, task.right(self.start), strict=True):
                x, v = _across(x1), _down(x2)
                shape = (
                    f'<rect x="{_fixed(x - 7)}" y="{_fixed(v - 7)}" width="14" height="14" '
                    f'fill="var(--bp-one)" stroke="{ground}" stroke-width="1.5"/>'
                    if y
                    else f'<circle cx="{_fixed(x)}" cy="{_fixed(v)}" r="7" fill="{ground}" '
                    'stroke="currentColor" stroke-width="2.5"/>'
                )
                marks.append(
                    f'<g class="bp-mark{"" if good else " bp-wrong"}">{shape}'
                    f'<path class="bp-cross" d="M{_fixed(x - 13)} {_fixed(v - 13)}'
                    'l26 26m0 -26l-26 26" stroke="currentColor" stroke-width="2.5"/></g>'
                )
            hidden = ' visibility="hidden"' if k else ""
            tasks.append(f'<g class="bp-task"{hidden}>{"".join(marks)}</g>')
        square = (
            f'<rect x="{LEFT}" y="{TOP}" width="{SIDE}" height="{SIDE}" fill="none" '
            'stroke="currentColor" opacity=".5"/>'
        )
        bottom = TOP + SIDE + 19
        ticks = "".join(
            f'<text x="{_fixed(_across(v))}" y="{bottom}">{v}</text>'
            f'<text x="14" y="{_fixed(_down(v) + 5)}">{v}</text>'
            for v in (0, 1)
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + SIDE + 4} '
            f'{TOP + SIDE + 26}" role="img" font-family="inherit" font-size="16" '
            f'fill="currentColor" text-anchor="middle"><title>{escape(self.title)}</title>'
            "<desc>The shaded region is where the output exceeds one half. Circles are points of "
            "class 0, squares of class 1; a point on the wrong side is crossed out. Each line is "
            "where a hidden unit's z is 0, its number on the side where z is positive.</desc>"
            f'<path class="bp-region" fill="var(--bp-one)" fill-opacity=".3" d="{self.region()}"/>'
            f'{square}{ticks}<text x="{_fixed(_across(0.5))}" y="{bottom}">x₁</text>'
            f'<text x="13" y="{_fixed(_down(0.5) + 5)}">x₂</text>{"".join(units)}{"".join(tasks)}'
            f'<path class="bp-probe" d="M-9 0H9M0 -9V9" stroke="currentColor" stroke-width="2.5" '
            f'transform="translate({_fixed(_across(POINT[0]))} {_fixed(_down(POINT[1]))})"/></svg>'
        )

    def region(self) -> str:
        """Return the SVG path of the region where z > 0 at the output, row by row.

        In each of the rows z is computed at the edges of square cells; where its sign changes,
        the end of the run is interpolated.
        """
        edges = LOW + np.arange(ROWS + 1) * (HIGH - LOW) / ROWS
        layers = self.start.network().layers[:3]
        path = []
        for r in range(ROWS):
            z: Array = np.full((ROWS + 1, 2), HIGH - (r + 0.5) * (HIGH - LOW) / ROWS)
            z[:, 0] = edges
            for layer in layers:
                z = layer.forward(z)
            v = z[:, 0]
            ends = [LEFT] if v[0] > 0 else []
            ends += [
                LEFT + (c + a / (a - b)) * SIDE / ROWS
                for c, (a, b) in enumerate(pairwise(v.tolist()))
                if (a > 0) != (b > 0)
            ]
            ends += [LEFT + SIDE] if v[-1] > 0 else []
            above, below = TOP + r * SIDE // ROWS, TOP + (r + 1) * SIDE // ROWS
            path += [
                f"M{_fixed(a)} {above}H{_fixed(b)}V{below}H{_fixed(a)}Z"
                for a, b in zip(ends[::2], ends[1::2], strict=True)
            ]
        return "".join(path)

    def _line(self, j: int) -> tuple[str, str, str]:
        """Visibility, ends and place of the number of unit j's line, as SVG attributes."""
        W1, b1, _, _ = self.start.arrays()
        (u, v), b = W1[:, j].tolist(), b1[j].item()
        ends = []
        for x in (LOW, HIGH):
            if v and LOW <= -(u * x + b) / v <= HIGH:
                ends.append((x, -(u * x + b) / v))
            if u and LOW < -(v * x + b) / u < HIGH:
                ends.append((-(v * x + b) / u, x))
        if len(ends) < 2:
            return 'visibility="hidden"', "", ""
        (x1, y1), (x2, y2) = ends[:2]
        length = float(np.hypot(u, v))
        x = _across(0.7 * x1 + 0.3 * x2) + 14 * u / length
        y = _down(0.7 * y1 + 0.3 * y2) - 14 * v / length + 6
        return (
            'visibility="visible"',
            f'x1="{_fixed(_across(x1))}" y1="{_fixed(_down(y1))}" x2="{_fixed(_across(x2))}" '
            f'y2="{_fixed(_down(y2))}"',
            f'x="{_fixed(x)}" y="{_fixed(y)}"',
        )


def _across(x1: float) -> float:
    return LEFT + (x1 - LOW) / (HIGH - LOW) * SIDE


def _down(x2: float) -> float:
    return TOP + (HIGH - x2) / (HIGH - LOW) * SIDE


def _fixed(value: float, digits: int = 1) -> str:
    """Write a number as JavaScript's ``toFixed`` does: ties go away from zero."""
    unit = Decimal(1).scaleb(-digits)
    return str(Decimal(float(value)).quantize(unit, rounding=ROUND_HALF_UP))


def _shown(value: float, digits: int = 2) -> str:
    text = _fixed(value, digits)
    return (text.replace("-", "") if float(text) == 0 else text).replace("-", "−")


def _listed(values: Array) -> str:
    return ", ".join(_shown(v) for v in values.ravel().tolist())
