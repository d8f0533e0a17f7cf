"""Ten switches for the ten faults of the article's listing: what the program then does.

A reader can also let the figure hide one fault, ask for readings, and name the fault.

The picture is inline SVG, the script and the stored results are in the output itself. Without
JavaScript the picture of the first setting and its sentence remain. The script's ``view`` says the
same as this module's, which a test compares for every subset.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from backprop.book import ten_faults
from backprop.book.figures import embed, svg
from backprop.book.ten_faults import DROPPED, FIXES, SCORE, STOPS, TRAINED

LEFT, RIGHT, TOP, FOOT = 40.0, 412.0, 30.0, 126.0
"""The panel of the loss: updates from left to right, and the losses 0 and 1 at FOOT and TOP."""
LOW, HIGH, SAID = 112.0, 292.0, 306.0
"""Where the axes of the shares and of the cosine begin and end, and where numbers are written."""
ROWS = {"printed": 182.0, "new": 206.0, "own": 230.0, "cosine": 284.0, "ratio": 308.0}
"""The height of each row's middle."""
NAMES = {
    "printed": "printed", "new": "new images", "own": "own images", "cosine": "cosine",
    "ratio": "ratio",
}  # fmt: skip
OVER = ten_faults.OVER
STOPPED, UNKEPT, ABOVE = "stops at the first update", "not kept", "above the picture"
"""What stands in the panel where there is no curve."""
HIDDEN = tuple(range(3, 11))
"""The faults that the figure may hide: the first two would give themselves away."""
READINGS = {
    "loss": "loss", "printed": "printed", "new images": "new", "own images": "own",
    "compass": "cosine ratio",
}  # fmt: skip
"""What a reader can ask for, and which rows it opens."""
WHY = {
    3: "Both readings of the compass scatter, so the formula is wrong: it holds the slope of a"
    " sigmoid that the forward pass lacks.",
    4: "The cosine is −1 in every draw, so a sign is wrong.",
    5: "The cosine is 1 and the ratio is 5, the number of examples, so a mean is missing.",
    6: "The gradient is right, but the first loss is well above ¼, so the start is too large.",
    7: "The gradient is right, and only its own images are learned, so look at the data: they are"
    " coins.",
    8: "The loss falls as it should, but the honest scores are anything, so the loss asks for"
    " something else than was meant.",
    9: "The honest scores are as good as they should be, and the printed one is ½, so the score is"
    " wrong.",
    10: "All readings are those of the mended program. What is left is what no reading shows.",
}
"""What tells each hidden fault."""
DESCRIPTION = (
    "Above, the median loss of ten runs over 100 updates. Below, the share of right answers in each"
    " run: as the program prints it, on new images, and on its own training images; then the range"
    " of the compass."
)


def row(left_in: Iterable[int]) -> int:
    """Return in which row of the stored results a subset of the faults stands."""
    inside = set(left_in)
    return sum((fault in inside) << k for k, fault in enumerate(reversed(TRAINED)))


def loss_words(value: int | None) -> str:
    """Write a loss, given in thousandths, or None where it is not finite."""
    if value is None:
        return "NaN"
    if value >= OVER:
        return "over 1,000"
    if value == 0:
        return "below 0.001"
    return svg.fixed(value / 1000, 3 if value < 100 else 2 if value < 10_000 else 0)


def span(values: Sequence[int]) -> str:
    """Write the range of hundredths."""
    low, high = (_hundredths(end) for end in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _hundredths(value: int) -> str:
    if value >= 1000:
        return svg.fixed(value / 100, 0)
    return svg.fixed(value / 100, 2).replace("-", "−")


def listed(numbers: Sequence[int]) -> str:
    """Write numbers with commas and one "and"."""
    words = [str(n) for n in numbers]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def curve(losses: Sequence[int | None]) -> str:
    """Return the SVG path of a loss in thousandths, up to where it leaves the picture."""
    points = []
    for update, loss in zip(ten_faults.KEPT, losses, strict=True):
        x = LEFT + update / ten_faults.KEPT[-1] * (RIGHT - LEFT)
        lost = loss is None or loss > 1000
        y = TOP - 8 if lost else FOOT - (loss or 0) / 1000 * (FOOT - TOP)
        points.append(f"{svg.fixed(x)} {svg.fixed(y)}")
        if lost:
            break
    return f"M{'L'.join(points)}" if len(points) > 1 else ""


def view(left_in: Iterable[int], found: dict[str, Any] | None = None) -> dict[str, Any]:
    """Say what the figure shows for a subset of the faults.

    Parameters
    ----------
    left_in : iterable of int
        The faults that are not mended.
    found : dict, optional
        Results in the form of :func:`backprop.book.ten_faults.told`.

    Returns
    -------
    dict
        The curve's ``path``, the words that stand in its ``panel`` instead, the hundredths of the
        ``marks``, the ``words`` of each row, and the sentences that are ``seen`` and ``heard``.
    """
    inside = sorted(set(left_in))
    head = f"Left in: {listed(inside)}." if inside else "All ten faults are mended."
    if STOPS in inside:
        shapes = f"({784 + (10 not in inside)},100) ({200 if 7 in inside else 90},2)"
        said = (
            f"{head} The program stops at its first update: “operands could not be broadcast"
            f" together with shapes {shapes}”."
        )
        empty: dict[str, Sequence[int]] = {"printed": [], "new": [], "own": [], "cosine": []}
        words = dict.fromkeys(["loss", *NAMES], "–")
        return {"path": "", "panel": STOPPED, "marks": empty, "words": words, "seen": said,
                "heard": ""}  # fmt: skip
    stored, k = found or ten_faults.stored(), row(inside)
    losses, compass = stored["losses"][k], stored["compass"][k]
    marks = {
        "printed": stored["listing" if SCORE in inside else "new"][k],
        "new": stored["new"][k], "own": stored["own"][k], "cosine": compass[:2],
    }  # fmt: skip
    words = {name: span(values) for name, values in marks.items()} | {"ratio": span(compass[2:])}
    kept = DROPPED not in inside
    words["loss"] = " → ".join(map(loss_words, (losses[0], losses[-1]))) if kept else UNKEPT
    path = curve(losses) if kept else ""
    heard = [f"loss {words['loss']}", *(f"{NAMES[name]} {words[name]}" for name in NAMES)]
    return {
        "path": path, "panel": "" if path else ABOVE if kept else UNKEPT, "marks": marks,
        "words": words, "seen": head, "heard": f" {'; '.join(heard)}.".replace("→", "then"),
    }  # fmt: skip


def prompt() -> str:
    """Say what a reader who looks for a hidden fault must know."""
    words = view([])["words"]
    return (
        f"One of the faults {HIDDEN[0]} to {HIDDEN[-1]} is left in, and hidden. All mended, the"
        f" loss would be {words['loss']}, each score {words['new']}, and the compass 1 and 1."
    )


class TenSwitches:
    """What the listing does with the faults that the reader leaves in; a cell's last line.

    Parameters
    ----------
    left_in : iterable of int
        The faults that are not mended at first.
    title : str
        What a screen reader calls the figure.
    name : str
        Unique on its page: the HTML id ``switches-name`` derives from it.

    Raises
    ------
    ValueError
        If ``name`` is not letters, digits and hyphens, or a fault is none of the ten.
    """

    def __init__(self, left_in: Iterable[int], title: str, name: str = "faults") -> None:
        embed.check_name("TenSwitches", name)
        self.left_in, self.title, self.name = sorted(set(left_in)), title, name
        unknown = [fault for fault in self.left_in if fault not in range(1, len(FIXES) + 1)]
        if unknown:
            raise ValueError(f"TenSwitches: left_in holds {unknown[0]!r}, expected 1 to 10")

    def __repr__(self) -> str:
        """One line for terminals, and for the comparison of outputs."""
        return f"TenSwitches({self.left_in})"

    def _repr_html_(self) -> str:
        shown = view(self.left_in)
        words = (
            f'<p class="bp-live" aria-live="polite"><span class="bp-seen">{escape(shown["seen"])}'
            f'</span><span class="bp-heard">{escape(shown["heard"])}</span></p>'
        )
        body = "\n".join([self._controls(), self._picture(shown), words])
        return embed.figure("switches", self.name, self.title, body, self._data())

    def _data(self) -> dict[str, Any]:
        # Texts inside the text: without blanks they weigh less.
        rows = {name: json.dumps(ten_faults.stored()[name], separators=(",", ":")) for name in
                ("losses", "listing", "new", "own", "compass")}  # fmt: skip
        frame = {"left": LEFT, "right": RIGHT, "top": TOP, "foot": FOOT, "low": LOW, "high": HIGH}
        return {
            "frame": frame, "trained": TRAINED, "kept": ten_faults.KEPT, "over": OVER,
            "names": NAMES, "rows": rows, "hidden": HIDDEN, "why": WHY, "prompt": prompt(),
        }  # fmt: skip

    def _controls(self) -> str:
        boxes = "".join(
            f'<label><input type="checkbox" value="{k}"{"" if k in self.left_in else " checked"}>'
            f"{k} {escape(fix)}</label>"
            for k, fix in enumerate(FIXES, 1)
        )
        asks = "".join(_button(words, rows) for words, rows in READINGS.items())
        choices = "".join(_button(f"{k} {FIXES[k - 1]}", k) for k in HIDDEN)
        return (
            f'<div class="bp-controls" hidden><fieldset><legend>Mended:</legend>{boxes}</fieldset>'
            f"<fieldset hidden><legend>Ask for:</legend>{asks}</fieldset>"
            f"<fieldset hidden><legend>What is not mended?</legend>{choices}</fieldset>"
            '<button type="button">Mend all</button><button type="button">Mend none</button>'
            '<button type="button">Hide a fault</button>'
            '<button type="button" hidden>Back to the switches</button></div>'
        )

    def _picture(self, shown: dict[str, Any]) -> str:
        path = svg.element(
            "path", class_="bp-curve", d=shown["path"], fill="none", stroke=svg.FORWARD,
            stroke_width="2.5",
        )  # fmt: skip
        middle = (LEFT + RIGHT) / 2
        panel = svg.text(middle, (TOP + FOOT) / 2, shown["panel"], svg.BACKWARD, font_weight=600,
                         class_="bp-panel")  # fmt: skip
        content = [
            *_axes(), path, panel, *_rows(shown["marks"]),
            _said("loss", RIGHT, 16, shown["words"]["loss"], "end"),
            *(_said(name, SAID, y + 5, shown["words"][name]) for name, y in ROWS.items()),
        ]  # fmt: skip
        return svg.picture(svg.WIDTH, 322, self.title, DESCRIPTION, *content)


def _button(words: str, value: str | int) -> str:
    return f'<button type="button" value="{value}" aria-pressed="false">{escape(words)}</button>'


def _said(name: str, x: float, y: float, words: str, anchor: str = "start") -> str:
    paint = svg.BACKWARD if name == "printed" else svg.FORWARD
    return svg.text(x, y, words, paint, text_anchor=anchor, class_="bp-said", data_row=name)


def _label(x: float, y: float, words: str, anchor: str = "start", bold: bool = False) -> str:
    return svg.text(x, y, words, text_anchor=anchor, font_weight=600 if bold else None)


def _line(x1: float, y1: float, x2: float, y2: float, dashes: str | None = None) -> str:
    return svg.element(
        "line", x1=x1, y1=y1, x2=x2, y2=y2, stroke="currentColor", stroke_dasharray=dashes,
        stroke_opacity=None if dashes else "0.4",
    )  # fmt: skip


def _axes() -> list[str]:
    """Draw what stays: the panel of the loss, the rows' names, axes and their numbers."""
    quarter, half = FOOT - (FOOT - TOP) / 4, (LOW + HIGH) / 2
    first, last, cosine = ROWS["printed"] - 10, ROWS["own"] + 10, ROWS["cosine"]
    return [
        _label(4, 16, "loss", bold=True),
        *(_label(LEFT - 6, y + 5, words, "end") for y, words in
          ((TOP, "1"), (quarter, "¼"), (FOOT, "0"))),
        _line(LEFT, FOOT, RIGHT, FOOT), _line(LEFT, TOP, LEFT, FOOT),
        _line(LEFT, quarter, RIGHT, quarter, "2 3"),
        _label(LEFT, FOOT + 17, "update 1"), _label(RIGHT, FOOT + 17, "100", "end"),
        _label(4, first - 6, "share right", bold=True),
        *(_label(x, first - 6, words, "middle") for x, words in
          ((LOW, "0"), (half, "½"), (HIGH, "1"))),
        *(_line(x, first, x, last) for x in (LOW, HIGH)), _line(half, first, half, last, "2 3"),
        _label(4, cosine - 16, "compass", bold=True),
        *(_label(x, cosine - 16, words, "middle") for x, words in
          ((LOW, "−1"), (half, "0"), (HIGH, "1"))),
        *(_line(x, cosine - 10, x, cosine + 10) for x in (LOW, half, HIGH)),
        *(_label(4, y + 5, NAMES[name]) for name, y in ROWS.items()),
        *(_line(LOW, y, HIGH, y) for name, y in ROWS.items() if name != "ratio"),
    ]  # fmt: skip


def _rows(marks: dict[str, Sequence[int]]) -> list[str]:
    """Draw ticks for what is printed, dots for what is right, and a bar for the cosines."""
    parts = []
    for name in ("printed", "new", "own"):
        shift = [f"translate({svg.fixed(LOW + v / 100 * (HIGH - LOW))} 0)" for v in marks[name]]
        shift += [""] * (ten_faults.STARTS - len(shift))
        parts.append(
            svg.element("g", *(_mark(name, move) for move in shift), class_="bp-marks",
                        data_row=name)
        )  # fmt: skip
    x1, x2 = _bar(marks["cosine"])
    parts.append(
        svg.element("line", class_="bp-bar", x1=x1, x2=x2, y1=ROWS["cosine"], y2=ROWS["cosine"],
                    stroke=svg.FORWARD, stroke_width="9",
                    visibility="visible" if marks["cosine"] else "hidden")
    )  # fmt: skip
    return parts


def _bar(ends: Sequence[int]) -> tuple[float, float]:
    """Return where the bar of the cosines begins and ends: never too narrow to be seen."""
    low, high = (LOW + (v + 100) / 200 * (HIGH - LOW) for v in ends or (0, 0))
    return low - 2.5, high + 2.5


def _mark(name: str, move: str) -> str:
    y = ROWS[name]
    settings = {"transform": move or None, "visibility": "visible" if move else "hidden"}
    if name == "printed":
        return svg.element("line", x1=0.0, x2=0.0, y1=y - 7, y2=y + 7, stroke=svg.BACKWARD,
                           stroke_width="2.5", **settings)  # fmt: skip
    return svg.element("circle", cx=0.0, cy=y, r="4.5", fill=svg.FORWARD, fill_opacity="0.55",
                       **settings)  # fmt: skip
