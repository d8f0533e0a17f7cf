"""The book's one style; functions take arrays, draw, and return axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler

from backprop.arrays import Array

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Colour-blind-safe (Okabe & Ito, 2008)."""


def use_style() -> None:
    """Set the style for every figure that follows."""
    lines = cycler(color=COLORS) + cycler(linestyle=["-", "--", "-.", ":", "-", "--"])
    mpl.rcParams.update(
        {
            "figure.figsize": (6.4, 3.8),
            "figure.dpi": 144,
            "figure.constrained_layout.use": True,
            "axes.prop_cycle": lines,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.3,
            "font.size": 11,
        }
    )


def curves(series: Mapping[str, Array], *, xlabel: str, ylabel: str, ax: Any = None) -> Any:
    """Draw each array, shape (seeds, steps), as its median and the band from least to largest."""
    ax = ax or plt.subplots()[1]
    for label, runs in series.items():
        steps = np.arange(1, runs.shape[1] + 1)
        (line,) = ax.plot(steps, np.median(runs, axis=0), label=label)
        ax.fill_between(
            steps, runs.min(axis=0), runs.max(axis=0), alpha=0.2, color=line.get_color()
        )
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return ax


def image_grid(images: Array, titles: Sequence[str], *, columns: int = 6) -> Any:
    """Draw images, shape (n, height, width), each under its title; return the axes."""
    rows = -(-len(images) // columns)
    _, axes = plt.subplots(rows, columns, figsize=(1.2 * columns, 1.5 * rows), squeeze=False)
    limit = float(np.abs(images).max())
    signed = bool(images.min() < 0)
    for ax in axes.flat:
        ax.axis("off")
    for ax, image, title in zip(axes.flat, images, titles, strict=False):
        ax.imshow(
            image, cmap="RdBu_r" if signed else "gray_r", vmin=-limit if signed else 0, vmax=limit
        )
        ax.set_title(title, fontsize=9)
    return axes
