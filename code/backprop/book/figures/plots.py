"""The book's one style; functions take arrays, draw, and return axes.

In a notebook editor a figure is a picture: text, ticks and frames are one mid-grey on a
transparent ground. No grey reaches a contrast of 4.5 on white and on a dark page at once (the
product of the two is fixed, about 18, so the best is 4.2 on each); this one has 4.5 on white and
3.5 on a dark editor. The site draws the same figure into the page (:mod:`.inline`), where grey,
ink and paper take the page's own colours, light or dark.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from numpy.typing import ArrayLike

GREY = "#6e6e6e"
"""Colour of text, ticks and frames."""
INK, PAPER = "#1b1b1b", "#fefefe"
"""The strongest colour for lines and words, and the ground, where a figure names them.

Words that are plainly black stay so on a dark page: they stand on coloured cells."""
PANEL = "#f7f7f7"
"""What the style sheet puts, in dark mode, under a figure that is a picture on the site too."""
LARGEST = 150_000
"""Characters of SVG; a figure of more marks stays a picture."""
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Colour-blind-safe (Okabe & Ito, 2008)."""
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))
"""One line style a colour, so that the curves differ without colour as well."""
MARKERS = ("o", "s", "^", "D", "v", "P")


def use_style() -> None:
    """Set the style for every figure that follows."""
    cycle = cycler(color=COLORS) + cycler(linestyle=LINES)
    mpl.rcParams.update(
        {
            "figure.figsize": (6.4, 3.8),
            "figure.dpi": 144,
            "figure.constrained_layout.use": True,
            "figure.facecolor": "none",
            "savefig.facecolor": "none",
            "savefig.transparent": True,
            "axes.facecolor": "none",
            "axes.prop_cycle": cycle,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.edgecolor": GREY,
            "axes.labelcolor": GREY,
            "axes.titlecolor": GREY,
            "text.color": GREY,
            "xtick.color": GREY,
            "ytick.color": GREY,
            "grid.color": GREY,
            "grid.alpha": 0.25,
            "legend.frameon": False,
            "lines.linewidth": 1.8,
            "font.size": 11,
            "image.interpolation": "nearest",
            # without a salt the ids inside an SVG differ from run to run
            "svg.hashsalt": "backprop",
            "svg.fonttype": "none",
        }
    )
    if os.environ.get("BACKPROP_FIGURES") == "svg":
        _offer_svg()


def _offer_svg() -> None:
    """Let a figure that a cell shows be SVG besides: the site's build asks for it."""
    from matplotlib.figure import Figure

    from backprop.book.figures.inline import inline

    numbers = itertools.count()

    def svg(figure: Any) -> str | None:
        options: dict[str, Any] = {"dpi": 200, "bbox_inches": "tight", "width": 2}
        try:
            drawn = inline(figure, "", unique=str(next(numbers)), **options)
        except ValueError:  # a formula that is no text
            return None
        return drawn if len(drawn) <= LARGEST else None

    # A method, since Matplotlib's inline backend forgets formatters when it starts.
    Figure._repr_svg_ = svg  # type: ignore[attr-defined]


def _axes(ax: Any, **options: Any) -> Any:
    return plt.subplots(**options)[1] if ax is None else ax


def _matrix(where: str, name: str, value: ArrayLike, ndim: int) -> Any:
    array = np.asarray(value)
    if array.ndim != ndim:
        raise ValueError(f"{where}: {name} has shape {array.shape}, expected {ndim} axes")
    return array


def _text_on(red: float, green: float, blue: float, _alpha: float) -> str:
    """Black or white, whichever reads better on the colour."""
    channels = np.array([red, green, blue])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    return "black" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "white"


def _annotate(ax: Any, mesh: Any, matrix: Any, form: str) -> None:
    for (i, j), value in np.ndenumerate(matrix):
        colour = _text_on(*mesh.cmap(mesh.norm(value)))
        ax.text(j, i, format(value, form), ha="center", va="center", color=colour, fontsize=9)


def curves(
    series: Mapping[str, ArrayLike],
    *,
    ylabel: str,
    xlabel: str = "epoch",
    start: int = 1,
    ax: Any = None,
) -> Any:
    """Draw runs that differ by their seed: the median, and the band from least to largest.

    Parameters
    ----------
    series : mapping of str to array, shape (seeds, steps)
        One entry a curve; the key is its label. One run alone may have shape (steps,).
    ylabel, xlabel : str
        What is drawn, with its unit.
    start : int
        Number of the first step.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If an entry has more than two axes.
    """
    ax = _axes(ax)
    for k, (label, values) in enumerate(series.items()):
        runs = _matrix("curves", f"series[{label!r}]", np.atleast_2d(np.asarray(values)), 2)
        steps = np.arange(start, start + runs.shape[1])
        (line,) = ax.plot(
            steps,
            np.median(runs, axis=0),
            label=label,
            marker=MARKERS[k % len(MARKERS)],
            markersize=4,
            markevery=max(1, len(steps) // 10),
        )
        if len(runs) > 1:
            low, high = runs.min(axis=0), runs.max(axis=0)
            ax.fill_between(steps, low, high, alpha=0.12, color=line.get_color(), linewidth=0)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return ax


def image_grid(images: ArrayLike, titles: Sequence[str] = (), *, ncols: int = 6) -> Any:
    """Draw images side by side, each under its title, on one common scale of grey.

    Parameters
    ----------
    images : array, shape (n, height, width)
        Non-negative: 0 is white, the largest value black. With negative values a diverging map
        symmetric about zero is used instead.
    titles : sequence of str
        One an image, or none at all.
    ncols : int
        Images in a row.

    Returns
    -------
    array of matplotlib.axes.Axes, shape (rows, ncols)

    Raises
    ------
    ValueError
        If ``images`` has not three axes or ``titles`` has another length.
    """
    stack = _matrix("image_grid", "images", images, 3)
    if len(titles) not in (0, len(stack)):
        raise ValueError(f"image_grid: titles has {len(titles)} entries, expected {len(stack)}")
    ncols = min(ncols, len(stack))
    rows = -(-len(stack) // ncols)
    height = 1.5 if len(titles) else 1.2
    _, axes = plt.subplots(rows, ncols, figsize=(1.2 * ncols, height * rows), squeeze=False)
    limit = float(np.abs(stack).max()) or 1.0
    signed = bool(stack.min() < 0)
    for ax in axes.flat:
        ax.axis("off")
    for k, (ax, image) in enumerate(zip(axes.flat, stack, strict=False)):
        ax.imshow(
            image,
            cmap="RdBu_r" if signed else "gray_r",
            vmin=-limit if signed else 0,
            vmax=limit,
        )
        if len(titles):
            ax.set_title(titles[k], fontsize=9)
    return axes


def weights_grid(W: ArrayLike, image_shape: tuple[int, int], *, ncols: int = 8) -> Any:
    """Draw each unit's incoming weights as an image, red positive, blue negative, white zero.

    Parameters
    ----------
    W : array, shape (n_in, n_out)
        One column a unit.
    image_shape : tuple of int
        (height, width) with height · width = n_in.
    ncols : int
        Images in a row.

    Returns
    -------
    array of matplotlib.axes.Axes, shape (rows, ncols)

    Raises
    ------
    ValueError
        If ``W`` is not a matrix or its rows do not fill the image.
    """
    weights = _matrix("weights_grid", "W", W, 2)
    if weights.shape[0] != image_shape[0] * image_shape[1]:
        raise ValueError(
            f"weights_grid: W has shape {weights.shape}, "
            f"expected ({image_shape[0] * image_shape[1]}, *) for images of {image_shape}"
        )
    n_out = weights.shape[1]
    ncols = min(ncols, n_out)
    rows = -(-n_out // ncols)
    figure, axes = plt.subplots(rows, ncols, figsize=(ncols + 0.8, rows), squeeze=False)
    limit = float(np.abs(weights).max()) or 1.0
    for ax in axes.flat:
        ax.axis("off")
    for ax, column in zip(axes.flat, weights.T, strict=False):
        mesh = ax.imshow(column.reshape(image_shape), cmap="RdBu_r", vmin=-limit, vmax=limit)
    figure.colorbar(mesh, ax=axes, label="weight", shrink=0.8)
    return axes


def confusion(matrix: ArrayLike, classes: Sequence[Any], *, ax: Any = None) -> Any:
    """Draw a confusion matrix: row i, column j counts images of class i taken for class j.

    Parameters
    ----------
    matrix : array of int, shape (classes, classes)
        Counts. The colour shows the share of the row, the number the count.
    classes : sequence
        The classes' names, in order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the matrix is not square with one row a class.
    """
    counts = _matrix("confusion", "matrix", matrix, 2)
    n = len(classes)
    if counts.shape != (n, n):
        raise ValueError(f"confusion: matrix has shape {counts.shape}, expected {(n, n)}")
    side = max(3.2, 0.5 * n)
    ax = _axes(ax, figsize=(side + 0.6, side))
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    mesh = ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (i, j), count in np.ndenumerate(counts):
        colour = _text_on(*mesh.cmap(mesh.norm(share[i, j])))
        ax.text(j, i, str(count), ha="center", va="center", color=colour, fontsize=9)
    ax.set_xticks(range(n), [str(c) for c in classes])
    ax.set_yticks(range(n), [str(c) for c in classes])
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.grid(False)
    ax.figure.colorbar(mesh, ax=ax, label="share of the true class", shrink=0.8)
    return ax


def heatmap_matrix(
    matrix: ArrayLike,
    *,
    annotate: bool = True,
    form: str = ".2f",
    xlabel: str = "column",
    ylabel: str = "row",
    label: str = "value",
    ax: Any = None,
) -> Any:
    """Draw a matrix entry by entry, on a diverging map symmetric about zero.

    Parameters
    ----------
    matrix : array, shape (m, n)
        What to draw.
    annotate : bool
        Write each entry into its cell, formatted by ``form``.
    xlabel, ylabel, label : str
        What columns, rows and entries are, with the unit.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If ``matrix`` has not two axes.
    """
    values = _matrix("heatmap_matrix", "matrix", matrix, 2)
    ax = _axes(ax)
    limit = float(np.abs(values).max()) or 1.0
    mesh = ax.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    if annotate:
        _annotate(ax, mesh, values, form)
    ax.set_xticks(range(values.shape[1]))
    ax.set_yticks(range(values.shape[0]))
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.grid(False)
    ax.figure.colorbar(mesh, ax=ax, label=label)
    return ax


def error_curve(
    h: ArrayLike,
    errors: Mapping[str, ArrayLike],
    *,
    slopes: Mapping[str, tuple[float, float, float]] | None = None,
    xlabel: str = "step h",
    ylabel: str = "relative error",
    ax: Any = None,
) -> Any:
    """Draw errors over the step, both logarithmic, with straight lines of known slope.

    Parameters
    ----------
    h : array, shape (n,)
        The steps.
    errors : mapping of str to array, shape (n,)
        One entry a curve. An exact 0 has no logarithm and is left out.
    slopes : mapping of str to (slope, h0, error0), optional
        Reference lines ``error0 · (h / h0) ** slope``, by label.
    xlabel, ylabel : str
        What is drawn, with its unit.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If an entry has another shape than ``h``.
    """
    steps = _matrix("error_curve", "h", h, 1)
    ax = _axes(ax)
    seen: list[Any] = []
    for k, (label, values) in enumerate(errors.items()):
        curve = np.asarray(values, dtype=np.float64)
        if curve.shape != steps.shape:
            raise ValueError(
                f"error_curve: errors[{label!r}] has shape {curve.shape}, expected {steps.shape}"
            )
        positive = np.where(curve > 0, curve, np.nan)
        seen.append(positive[np.isfinite(positive)])
        ax.loglog(steps, positive, label=label, marker=MARKERS[k % len(MARKERS)], markersize=4)
    for label, (slope, h0, error0) in (slopes or {}).items():
        line = error0 * (steps / h0) ** slope
        ax.loglog(steps, line, color=GREY, linewidth=1, linestyle=(0, (1, 2)), label=label)
    measured: Any = np.concatenate([np.ravel(part) for part in seen]) if seen else np.array([])
    if measured.size:
        # a reference line must not stretch the axis far beyond what was measured
        ax.set_ylim(measured.min() / 5, measured.max() * 5)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return ax


def contours(
    f_values: ArrayLike,
    xs: ArrayLike,
    ys: ArrayLike,
    *,
    levels: int | Sequence[float],
    xlabel: str = "θ₁",
    ylabel: str = "θ₂",
    label: str = "loss L",
    form: str = ".2g",
    ax: Any = None,
) -> Any:
    """Draw where a function of two variables takes each of some values, lighter where it is lower.

    Parameters
    ----------
    f_values : array, shape (len(xs), len(ys))
        ``f_values[i, j]`` is f(xs[i], ys[j]), as ``diagnostics.loss_surface`` returns it and
        ``np.meshgrid(xs, ys, indexing="ij")`` lays it out.
    xs, ys : arrays, shape (n,)
        Increasing; the grid's places to the right and upwards.
    levels : int or increasing sequence of float
        The values; a number asks for about so many round ones.
    xlabel, ylabel, label : str
        What the axes and the value are, with the unit. ``label`` "" draws no colour bar.
    form : str
        Format of the values that are written on the lines; "" writes none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise. Right angles look right only after
        ``ax.set_aspect("equal")``.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If ``f_values`` has another shape.
    """
    x, y = _matrix("contours", "xs", xs, 1), _matrix("contours", "ys", ys, 1)
    values = _matrix("contours", "f_values", f_values, 2)
    if values.shape != (x.size, y.size):
        raise ValueError(
            f"contours: f_values has shape {values.shape}, expected {(x.size, y.size)},"
            " one row for each of xs and one column for each of ys"
        )
    ax = _axes(ax)
    # Matplotlib counts rows upwards. A picture of the areas, unlike paths, stays small in an SVG.
    filled = ax.contourf(x, y, values.T, levels, cmap="Blues", alpha=0.4, extend="both", zorder=0)
    ax.set_rasterization_zorder(0.5)
    lines = ax.contour(
        x, y, values.T, filled.levels, colors=GREY, linewidths=0.9, linestyles="-", zorder=1
    )
    if form:
        ax.clabel(lines, fmt=lambda v: format(v, form), fontsize=10.5, colors=INK)
    if label:
        ax.figure.colorbar(filled, ax=ax, label=label, format=f"{{x:{form or '.2g'}}}")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.grid(False)
    return ax


def network_diagram(
    sizes: Sequence[int],
    *,
    labels: Sequence[str] = (),
    most: int = 6,
    ax: Any = None,
) -> Any:
    """Draw a network as layers of circles and their connections, input on the left.

    Parameters
    ----------
    sizes : sequence of int
        Units in each layer, the input first.
    labels : sequence of str
        One a layer, written below it; the default is its number of units.
    most : int
        A larger layer shows this many units, and dots for the rest.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If a size is not positive or ``labels`` has another length.
    """
    if not sizes or min(sizes) < 1:
        raise ValueError(f"network_diagram: sizes is {list(sizes)}, expected positive integers")
    if len(labels) not in (0, len(sizes)):
        raise ValueError(f"network_diagram: labels has {len(labels)}, expected {len(sizes)}")
    ax = _axes(ax)
    heights = []
    for size in sizes:
        shown = min(size, most)
        y = np.arange(shown, dtype=np.float64)
        y += y >= shown // 2 if size > most else 0.0
        heights.append(y.mean() - y)
    low = min(float(y.min()) for y in heights)
    for k, (left, right) in enumerate(pairwise(heights)):
        for a in left:
            for b in right:
                ax.plot([k, k + 1], [a, b], color=GREY, linewidth=0.7, linestyle="-", zorder=1)
    for k, (size, y) in enumerate(zip(sizes, heights, strict=True)):
        color = COLORS[k % len(COLORS)]
        ax.scatter([k] * len(y), y, s=320, color=PAPER, edgecolor=color, linewidth=2, zorder=2)
        if size > most:
            ax.text(k, (y[most // 2 - 1] + y[most // 2]) / 2, "⋮", ha="center", va="center")
        text = labels[k] if labels else f"{size} units" if size > 1 else "1 unit"
        ax.text(k, low - 0.8, text, ha="center", va="top")
    ax.set(xlim=(-0.5, len(sizes) - 0.5), ylim=(low - 1.6, -low + 0.6))
    ax.axis("off")
    return ax


def both_passes(
    forward: Sequence[ArrayLike], backward: Sequence[ArrayLike], *, classes: Sequence[Any]
) -> Any:
    """Draw one image's way through a network above, and its error's way back below.

    Parameters
    ----------
    forward : (image, hidden, output)
        Image of shape (height, width), activations of shape (n,), probabilities of the classes.
    backward : (image, hidden, output)
        ∂L/∂(each of the three), in the same shapes. Each is drawn on its own scale, symmetric
        about zero: red where more would raise the loss, blue where it would lower it.
    classes : sequence
        The classes' names, in the order of the probabilities.

    Returns
    -------
    array of matplotlib.axes.Axes, shape (2, 3)

    Raises
    ------
    ValueError
        If the shapes of the two passes differ, or ``classes`` has another length.
    """
    rows = [[np.asarray(a, dtype=np.float64) for a in row] for row in (forward, backward)]
    for name, up, down in zip(("image", "hidden", "output"), *rows, strict=True):
        if up.shape != down.shape:
            raise ValueError(
                f"both_passes: backward {name} has shape {down.shape}, expected {up.shape}"
            )
    if rows[0][2].shape != (len(classes),):
        raise ValueError(
            f"both_passes: classes has {len(classes)} entries, expected {rows[0][2].size}"
        )
    _, axes = plt.subplots(
        2, 3, figsize=(6.4, 4.6), width_ratios=[3, 1.1, 3], gridspec_kw={"wspace": 0.25}
    )
    titles = (("image x", "hidden a", "probabilities p"), ("∂L/∂x", "∂L/∂a", "∂L/∂z = p − y"))
    axes[0, 0].imshow(rows[0][0], cmap="gray_r", vmin=0)
    for ax, values, aspect in (
        (axes[1, 0], rows[1][0], "equal"),
        (axes[0, 1], rows[0][1][:, None], "auto"),
        (axes[1, 1], rows[1][1][:, None], "auto"),
    ):
        limit = float(np.abs(values).max()) or 1.0
        ax.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect=aspect)
    for ax in axes[:, :2].flat:
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
        for side in ("top", "right"):
            ax.spines[side].set_visible(True)
    for output, names, line in zip((rows[0][2], rows[1][2]), titles, axes, strict=True):
        # In the lower row the bars take the map's ends: red raises the loss, blue lowers it.
        red = (output > 0) & (line[2] is axes[1, 2])
        line[2].bar(range(len(output)), output, color=np.where(red, "#b2182b", COLORS[0]))
        line[2].set_xticks(range(len(output)), [str(c) for c in classes])
        line[2].axhline(0, color=GREY, linewidth=0.8)
        for ax, title in zip(line, names, strict=True):
            ax.set_title(title, fontsize=11)
    blue, orange = COLORS[0], COLORS[1]
    for line, color, backwards in ((axes[0], blue, False), (axes[1], orange, True)):
        # The hidden strip is narrower, so the same gap is more of its own width.
        for ax, ends in ((line[0], (1.06, 1.3)), (line[1], (1.16, 1.78))):
            start, end = reversed(ends) if backwards else ends
            ax.annotate(
                "",
                (end, 0.5),
                (start, 0.5),
                xycoords="axes fraction",
                textcoords="axes fraction",
                arrowprops={"arrowstyle": "-|>", "color": color, "lw": 2},
                annotation_clip=False,
            )
    return axes
