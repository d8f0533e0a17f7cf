"""A ravine that the reader crosses: two sliders set the rates, and bars show what is left.

The picture is inline SVG, and the script is in the output itself. Without JavaScript the picture
of the first setting and its sentence remain. The script's ``view`` says the same as this module's,
which a test compares for every setting.
"""

from __future__ import annotations

from html import escape
from typing import Any, NamedTuple

from backprop.book.figures import embed, svg

FLAT, STEEP = 0.003, 1.0
"""The curvatures of the two directions."""
FAR, STEPS = 100.0, 1000
"""V at the start in each direction, and the length of a run."""
TASKS = {1.0: 89, 0.1: 26}
"""The noise τ² of the flat direction, and the loss in thousandths to come below."""
HIGHEST, EVERY = 30, 100
"""Top rates are 1 to HIGHEST twentieths; the fall begins at a multiple of EVERY."""

LEFT, RIGHT, TOP, FOOT = 34.0, 412.0, 26.0, 126.0
"""The panel of the rates: steps from left to right, and the rates 0 and 1.5 at FOOT and TOP."""
BAR, WIDE = 4.0, 160.0
"""Where the bars begin, and the loss in thousandths that ends at RIGHT."""
DESCRIPTION = (
    "Above, the rate over 1,000 steps. Below, the mean loss at the end as one bar of three parts:"
    " what is left of the start and the noise let in, both of the flat direction, and the loss in"
    " the steep one. A dashed line marks the loss to come below."
)


class Parts(NamedTuple):
    """What a plan leaves in the ravine: parts of the last mean loss.

    Attributes
    ----------
    start, noise : float
        In the flat direction, what is left of the loss before the first step, and what noise has
        been let in and kept.
    steep : float
        All of the loss in the steep direction.
    """

    start: float
    noise: float
    steep: float


def plan(top: float, begin: int) -> list[float]:
    """Return the rates of a run: ``top``, and from step ``begin`` on a straight fall towards 0.

    A fall that begins at ``STEPS`` never does, so the rate is constant; one that begins at 0 is
    linear decay.
    """
    return [top if t < begin else top * (STEPS - t) / (STEPS - begin) for t in range(STEPS)]


def parts(rates: list[float], noise: float) -> Parts:
    """Return what is left after these rates, by V ← (1 - ηλ)² V + η² τ².

    Parameters
    ----------
    rates : list of float
        One for each step.
    noise : float
        τ² in the flat direction; in the steep one it is 1.
    """
    start, let_in, steep = FAR, 0.0, FAR
    for rate in rates:
        keep, forget, squared = 1 - rate * FLAT, 1 - rate * STEEP, rate * rate
        start = keep * keep * start
        let_in = keep * keep * let_in + squared * noise
        steep = forget * forget * steep + squared
    return Parts(FLAT / 2 * start, FLAT / 2 * let_in, STEEP / 2 * steep)


def view(noise: float, top: float, begin: int) -> dict[str, Any]:
    """Say what the figure shows for a setting.

    Parameters
    ----------
    noise : float
        One of ``TASKS``.
    top : float
        The top rate.
    begin : int
        The step at which the fall begins.

    Returns
    -------
    dict
        The ``path`` of the rates, the ``bars`` as places and widths, the place of the ``mark`` at
        the loss to come below, the ``words`` that stand in the picture, and the sentence that is
        ``seen``.
    """
    rates = plan(top, begin)
    found = parts(rates, noise)
    task, total = TASKS[noise], 1000 * (found.start + found.noise + found.steep)
    bars, end = [], BAR
    unit = (RIGHT - BAR) / max(WIDE, total)  # a longer bar is drawn smaller
    for part in found:
        place = end + 1000 * part * unit
        bars.append([svg.fixed(end), svg.fixed(place - end)])
        end = place
    area = 0.0
    for rate in rates:
        area += rate
    three = [svg.fixed(1000 * part) for part in found]
    told = said(total, task)
    verdict = "below" if total < task else "not below"
    words = {
        "area": f"Ση = {svg.fixed(area, 0)}", "start": f"flat: start left {three[0]}",
        "noise": f"noise let in {three[1]}", "steep": f"steep {three[2]}",
        "total": f"total {told}", "task": f"below {task}",
    }  # fmt: skip
    seen = f"The last rate is {svg.fixed(rates[-1], 3)}. The total {told} is {verdict} {task}."
    if total > WIDE:
        seen += " The bar and the mark are drawn smaller, to fit."
    return {
        "path": _path(top, begin), "bars": bars, "mark": svg.fixed(BAR + task * unit),
        "words": words, "seen": seen, "total": total,
    }  # fmt: skip


def said(total: float, task: float) -> str:
    """Write a total with one decimal, or with two where one would hide its side of the task."""
    return svg.fixed(total, 2 if svg.fixed(total) == svg.fixed(task) else 1)


def _path(top: float, begin: int) -> str:
    """Return the SVG path of the area below the rates."""
    high = svg.fixed(FOOT - top / (HIGHEST / 20) * (FOOT - TOP))
    bend = svg.fixed(LEFT + begin / STEPS * (RIGHT - LEFT))
    return (
        f"M{svg.fixed(LEFT)} {svg.fixed(FOOT)}V{high}H{bend}L{svg.fixed(RIGHT)} {svg.fixed(FOOT)}"
    )


def named(begin: int) -> str:
    """Return the words beside the second slider."""
    return "never" if begin == STEPS else f"step {begin}"


class Ravine:
    """The ravine under the reader's hands; a cell's last line.

    Parameters
    ----------
    title : str
        What a screen reader calls the figure.
    top : float
        The top rate at first, a multiple of 1/20 up to ``HIGHEST / 20``.
    begin : int
        Where the fall begins at first, a multiple of ``EVERY`` up to ``STEPS``.
    noise : float
        The flat direction's τ² at first, one of ``TASKS``.
    name : str
        Unique on its page: the HTML id ``ravine-name`` derives from it.

    Raises
    ------
    ValueError
        If ``name`` is not letters, digits and hyphens, or a slider cannot stand at a value.
    """

    def __init__(
        self, title: str, *, top: float, begin: int, noise: float = 1.0, name: str = "two"
    ) -> None:
        embed.check_name("Ravine", name)
        if round(20 * top, 9) not in range(1, HIGHEST + 1):
            raise ValueError(
                f"Ravine: top is {top}, expected a multiple of 0.05 up to {HIGHEST / 20}"
            )
        if begin not in range(0, STEPS + 1, EVERY):
            raise ValueError(
                f"Ravine: begin is {begin}, expected a multiple of {EVERY} up to {STEPS}"
            )
        if noise not in TASKS:
            raise ValueError(f"Ravine: noise is {noise}, expected one of {list(TASKS)}")
        self.title, self.name = title, name
        self.top, self.begin, self.noise = top, begin, noise

    def __repr__(self) -> str:
        """One line for terminals, and for the comparison of outputs."""
        return f"Ravine(top={self.top}, begin={self.begin}, noise={self.noise})"

    def _repr_html_(self) -> str:
        shown = view(self.noise, self.top, self.begin)
        words = f'<p class="bp-live" aria-live="polite">{escape(shown["seen"])}</p>'
        body = "\n".join([self._controls(), self._picture(shown), words])
        frame = {
            "left": LEFT, "right": RIGHT, "top": TOP, "foot": FOOT, "bar": BAR, "wide": WIDE,
            "highest": HIGHEST / 20,
        }  # fmt: skip
        data = {
            "frame": frame, "flat": FLAT, "steep": STEEP, "far": FAR, "steps": STEPS,
            "tasks": [[noise, task] for noise, task in TASKS.items()],
            "start": [self.noise, self.top, self.begin],
        }  # fmt: skip
        return embed.figure("ravine", self.name, self.title, body, data, sliders=True)

    def _controls(self) -> str:
        radios = "".join(
            f'<label><input type="radio" name="ravine-{self.name}-noise" value="{k}"'
            f"{' checked' if noise == self.noise else ''}>{noise:g}</label>"
            for k, noise in enumerate(TASKS)
        )
        rows = "".join(
            f'<div class="bp-row"><label><span>{label}</span><input type="range" min="{low}"'
            f' max="{high}" step="{step}" value="{value}"></label>'
            f'<span class="bp-value" aria-hidden="true">{said}</span></div>'
            for label, low, high, step, value, said in (
                ("top rate", 1, HIGHEST, 1, round(20 * self.top), svg.fixed(self.top, 2)),
                ("fall begins", 0, STEPS, EVERY, self.begin, named(self.begin)),
            )
        )
        return (
            '<div class="bp-controls" hidden><fieldset><legend>τ²<sub>flat</sub> =</legend>'
            f'{radios}</fieldset>{rows}<button type="button">Start again</button></div>'
        )

    def _picture(self, shown: dict[str, Any]) -> str:
        words, y = shown["words"], 205.0
        paints = (svg.FORWARD, svg.BACKWARD, "currentColor")
        bars = [
            svg.element("rect", class_="bp-part", x=x, width=width, y=y, height=26.0, fill=paint,
                        fill_opacity="0.55" if paint != "currentColor" else "0.35")
            for (x, width), paint in zip(shown["bars"], paints, strict=True)
        ]  # fmt: skip
        mark = svg.element(
            "g",
            svg.element("line", x1=0.0, x2=0.0, y1=y - 5, y2=y + 44, stroke="currentColor",
                        stroke_width="2", stroke_dasharray="4 3"),
            _said("task", 6, y + 42, words["task"]),
            class_="bp-task", transform=f"translate({shown['mark']} 0)",
        )  # fmt: skip
        area = svg.element(
            "path", class_="bp-rates", d=shown["path"], fill="currentColor", fill_opacity="0.14",
            stroke="currentColor", stroke_width="2.5",
        )  # fmt: skip
        return svg.picture(
            svg.WIDTH, 256, self.title, DESCRIPTION, *_axes(), area,
            _said("area", RIGHT, 16, words["area"], "end", font_weight=600),
            _said("start", BAR, y - 10, words["start"], paint=svg.FORWARD),
            _said("noise", 180, y - 10, words["noise"], paint=svg.BACKWARD),
            _said("steep", RIGHT, y - 10, words["steep"], "end"),
            *bars, mark, _said("total", RIGHT, y + 42, words["total"], "end", font_weight=600),
        )  # fmt: skip


def _said(
    name: str, x: float, y: float, words: str, anchor: str = "start", paint: str = "currentColor",
    **attributes: Any,
) -> str:  # fmt: skip
    return svg.text(x, y, words, paint, text_anchor=anchor, class_="bp-said", data_part=name,
                    **attributes)  # fmt: skip


def _axes() -> list[str]:
    """Draw what stays: the panel of the rates with its numbers, and the bars' heading."""

    def label(x: float, y: float, words: str, anchor: str = "start", **more: Any) -> str:
        return svg.text(x, y, words, text_anchor=anchor, **more)

    def line(x2: float, y2: float) -> str:
        return svg.element("line", x1=LEFT, y1=FOOT, x2=x2, y2=y2, stroke="currentColor",
                           stroke_opacity="0.4")  # fmt: skip

    numbers = [
        label(LEFT - 6, FOOT - rate / (HIGHEST / 20) * (FOOT - TOP) + 5, f"{rate:g}", "end")
        for rate in (0, 0.5, 1, 1.5)
    ]
    return [
        *numbers, line(RIGHT, FOOT), line(LEFT, TOP), label(BAR, 12, "rate", font_weight=600),
        label(LEFT, FOOT + 17, "step 0"), label(RIGHT, FOOT + 17, "1,000", "end"),
        label(BAR, 174, "mean loss at the end, in thousandths", font_weight=600),
    ]  # fmt: skip
