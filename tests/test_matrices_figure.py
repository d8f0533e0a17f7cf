"""The figures of "Matrix form" and "Broadcasting": the numbers follow from those they are given."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from backprop.book.figures import matrices, svg

SVG = "{http://www.w3.org/2000/svg}"


def parts(drawing, name):
    return list(ET.fromstring(drawing.markup).iter(SVG + name))


def texts(drawing):
    return ["".join(t.itertext()) for t in parts(drawing, "text")]


def test_the_factors_of_each_product_fit():
    for formula, sums, left, right, result, _ in matrices.PANELS:
        assert left[1][1] == right[1][0] and result[1] == left[1][0] + right[1][1], formula
        assert sums[-1] == left[1][1], "the sum runs over the letter that vanishes"
    drawing = matrices.products("t")
    cells = sum(
        np.prod([matrices.SIZES[c] for c in array[1]])
        for panel in matrices.PANELS
        for array in panel[2:5]
    )
    assert len(parts(drawing, "rect")) == cells
    bold = [t.text for t in parts(drawing, "tspan") if t.get("font-weight") == "700"]
    assert bold == [letter for panel in matrices.PANELS for letter in 2 * panel[1][-1]]
    assert {"∂L/∂W = xᵀ δ", "adds over the examples i", "x i×j", "∂L/∂b"} <= set(texts(drawing))


def test_two_outer_products_add_up():
    x, delta = np.array([[1, 2, 0], [3, 1, -1]]), np.array([[1, -2], [2, 1]])
    drawing = matrices.outer_products(x, delta, "t")
    shown = [int(t.replace("−", "-")) for t in texts(drawing) if re.fullmatch(r"−?\d+", t)]
    wanted = []
    for n in range(2):
        wanted += [*x[n], *delta[n], *np.outer(x[n], delta[n]).ravel()]
    assert shown == [*wanted, *(x.T @ delta).ravel()]
    with pytest.raises(ValueError, match="3 and 2 rows, expected 2"):
        matrices.outer_products(np.ones((3, 2)), delta, "t")


def test_copies_and_sums():
    row, column, g = [1, 2, 4], [0, 3], np.array([[2, -1, 3], [1, 2, -1]])
    drawing = matrices.copies(row, column, g, "t")
    shown = [int(t.replace("−", "-")) for t in texts(drawing) if re.fullmatch(r"−?\d+", t)]
    of_row = [*row, *row, *row, *g.ravel(), 3, 1, 2]
    of_column = [0, 0, 0, 3, 3, 3, *column, *g.ravel(), 4, 2]
    assert shown == of_row + of_column
    assert "column sums [3, 1, 2] and the row sums [4, 2]" in drawing.markup
    with pytest.raises(ValueError, match=r"shape \(3, 2\), expected \(2, 3\)"):
        matrices.copies(row, column, g.T, "t")


def test_every_output_minus_every_target():
    p, y = np.array([0.9, 0.2, 0.6]), np.array([1.0, 0, 1])
    drawing = matrices.differences(p, y, "t")
    shown = [t.replace("−", "-") for t in texts(drawing)]
    numbers = [float(t) for t in shown if re.fullmatch(r"-?[\d.]+", t)]
    assert np.allclose(numbers, [*p, *y, *np.subtract.outer(p, y).ravel()])
    found = [float(t.split()[-1]) for t in shown if t.startswith("mean square")]
    assert np.allclose(found, [np.mean((p - y) ** 2), np.mean((p[:, None] - y) ** 2)], atol=0.005)
    with pytest.raises(ValueError, match=r"shape \(2,\), expected \(3,\)"):
        matrices.differences(p, y[:2], "t")


def test_where_each_output_is_pulled():
    p, y = np.array([0.9, 0.2, 0.6]), np.array([1.0, 0, 1])
    drawing = matrices.pulls(p, y, "t")
    zero, one = (
        next(float(t.get("x")) for t in parts(drawing, "text") if t.text == end) for end in "01"
    )
    tips = [
        float(polygon.get("points").split(",")[0]) for polygon in parts(drawing, "polygon")
    ]  # the first corner of an arrow's head is its tip
    wanted = [end for target in y for end in (target, y.mean())]
    assert np.allclose((np.array(tips) - zero) / (one - zero), wanted, atol=0.002)
    places = [float(circle.get("cx")) for circle in parts(drawing, "circle")]
    assert np.allclose((np.array(places) - zero) / (one - zero), p, atol=0.002)
    assert {"μ = 0.67", "p₂ = 0.2, y₂ = 0"} <= set(texts(drawing))
    with pytest.raises(ValueError, match=r"shape \(2,\), expected \(3,\)"):
        matrices.pulls(p, y[:2], "t")


def test_paths_through_a_row():
    p, g = np.array([0.5, 0.3, 0.2]), np.array([2.0, 1, 3])
    drawing = matrices.row_paths(p, g, "t")
    shown = [t.replace("−", "-") for t in texts(drawing)]
    numbers = [float(t) for t in shown if re.fullmatch(r"-?[\d.]+", t)]
    sigmoid = [0.21, 0.5, 2, 0.3, 1, 0.21, 0.2, 3]
    softmax = [-0.27, 0.5, 2, -0.15, 0.3, 1, 0.21, 0.2, 3, -0.06]
    assert numbers == sigmoid + softmax
    J = np.diag(p) - np.outer(p, p)
    assert np.allclose(J[1], [-0.15, 0.21, -0.06]) and np.isclose(J[1] @ g, -0.27)
    assert np.isclose(p[1] * (1 - p[1]) * g[1], 0.21)
    assert len(parts(drawing, "polygon")) == 1 + 3, "one path, and three"
    with pytest.raises(ValueError, match=r"shapes \(3,\) and \(2,\)"):
        matrices.row_paths(p, g[:2], "t")


def test_two_layers_send_back_what_the_equations_say():
    shown = texts(matrices.two_layers("t"))
    assert {"∂L/∂W⁽¹⁾ = xᵀ δ⁽¹⁾", "∂L/∂W⁽²⁾ = a⁽¹⁾ᵀ δ⁽²⁾", "∂L/∂b⁽¹⁾ = 1ᵀ δ⁽¹⁾"} <= set(shown)
    for name, back in zip(matrices.FORTH, matrices.BACK, strict=True):
        wanted = {"z": "δ" + name[1:], "a": "∂L/∂" + name}.get(name[0], "")
        assert back == wanted, "an error or gradient stands beside its value"
    for (down, up), name in zip(matrices.STEPS[1:-1], matrices.FORTH[1:], strict=False):
        wanted = f"⊙ φ′({name})" if down == "φ" else f"{down.split(' + ')[0]}ᵀ"
        assert up == wanted, "the way back has the slope or the transpose of the way there"


@pytest.mark.parametrize(
    "drawing",
    [
        matrices.two_layers("t"),
        matrices.row_paths([0.5, 0.3, 0.2], [2, 1, 3], "t"),
        matrices.products("t"),
        matrices.outer_products(np.eye(2, 3), np.eye(2), "t"),
        matrices.copies([1, 2, 4], [0, 3], np.ones((2, 3)), "t"),
        matrices.differences([0.9, 0.2, 0.6], [1, 0, 1], "t"),
        matrices.pulls([0.9, 0.2, 0.6], [1, 0, 1], "t"),
    ],
)
def test_nothing_leaves_the_frame(drawing):
    width, height = map(float, ET.fromstring(drawing.markup).get("viewBox").split()[2:])
    assert width == svg.WIDTH
    for rect in parts(drawing, "rect"):
        x, y, w, h = (float(rect.get(k)) for k in ("x", "y", "width", "height"))
        assert x >= 0 and y >= 0 and x + w <= width and y + h <= height
    for text in parts(drawing, "text"):
        size = float(text.get("font-size", svg.FONT))
        wide = 0.58 * size * len("".join(text.itertext()))
        before = {"start": 0, "end": 1}.get(text.get("text-anchor"), 0.5) * wide
        left = float(text.get("x")) - before
        assert left >= -1 and left + wide <= width + 1, "".join(text.itertext())
        assert float(text.get("y")) <= height - 3
