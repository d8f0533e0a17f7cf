"""The style's promises, measured; and that the functions draw the numbers they are given."""

import io
import re
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from backprop.book.figures import plots as plotting


@pytest.fixture(autouse=True)
def style():
    with mpl.rc_context():
        mpl.use("agg")
        plotting.use_style()
        yield
        plt.close("all")


def luminance(color):
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_text_is_legible_on_every_ground():
    assert contrast(plotting.GREY, "white") >= 4.5
    assert contrast(plotting.GREY, plotting.PANEL) >= 4.5
    assert contrast(plotting.GREY, "#121212") >= 3


def test_style_sheet_has_the_same_panel():
    css = Path(__file__).parent.parent / "book/_static/custom.css"
    assert re.findall(r"background-color: (#\w+);", css.read_text()) == [plotting.PANEL]


def test_the_site_draws_the_neutral_colours_legibly_on_its_grounds():
    css = (Path(__file__).parent.parent / "book/_static/custom.css").read_text()
    light, dark = re.findall(r"--bp-ink: (#\w+);", css)
    (blue,) = re.findall(r"--bp-blue: (#\w+);", css)
    assert contrast(light, "white") >= 4.5 and contrast(dark, "#121212") >= 4.5
    assert contrast(blue, "#121212") >= 4.5
    assert min(contrast(color, "#121212") for color in plotting.COLORS[1:]) >= 3


def offered(monkeypatch, value):
    """What IPython offers of a figure that a cell shows."""
    formatter = pytest.importorskip("IPython.core.formatters").SVGFormatter()
    monkeypatch.delattr(Figure, "_repr_svg_", raising=False)
    monkeypatch.setenv("BACKPROP_FIGURES", value)
    plotting.use_style()
    figures = [plt.subplots()[0] for _ in range(2)]
    found = [formatter(figure) for figure in figures]
    monkeypatch.delattr(Figure, "_repr_svg_", raising=False)
    return found


def test_a_figure_is_offered_as_svg_where_the_build_asks_and_only_there(monkeypatch):
    assert offered(monkeypatch, "") == [None, None]
    first, second = offered(monkeypatch, "svg")
    assert first.startswith('<svg class="bp-drawn" role="img" aria-label=""')
    assert 'width="9' in first and "<title></title>" in first
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (first, second)]
    assert ids[0] and ids[0].isdisjoint(ids[1]), "two equal figures on one page"


def test_a_figure_of_many_marks_stays_a_picture(monkeypatch):
    monkeypatch.setattr(plotting, "LARGEST", 1000)
    assert offered(monkeypatch, "svg") == [None, None]


def test_curves_draw_median_and_band():
    runs = np.array([[3.0, 1.0], [9.0, 0.0], [4.0, 8.0]])  # medians that are no means
    ax = plotting.curves({"a": runs, "b": runs[0]}, ylabel="loss")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [4, 1])
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [1, 2])
    (band,) = ax.collections
    box = band.get_paths()[0].get_extents()
    assert (box.ymin, box.ymax) == (0, 9)
    assert ax.get_xlabel() == "epoch" and ax.get_ylabel() == "loss"
    looks = [(line.get_color(), line.get_linestyle(), line.get_marker()) for line in ax.lines]
    assert all(one != other for one, other in zip(*looks, strict=True))


def test_image_grid_and_weights_grid():
    axes = plotting.image_grid(np.ones((5, 2, 3)), list("abcde"), ncols=3)
    assert axes.shape == (2, 3) and axes[1, 1].get_title() == "e"
    W = np.array([[1.0, -3.0], [2.0, 0.5]])
    axes = plotting.weights_grid(W, (1, 2))
    image = axes[0, 1].images[0]
    np.testing.assert_array_equal(image.get_array(), [[-3.0, 0.5]])
    assert image.get_clim() == (-3.0, 3.0)


def test_confusion_and_heatmap_write_every_entry():
    ax = plotting.confusion([[8, 2], [0, 0]], ["zero", "one"])
    assert [t.get_text() for t in ax.texts] == ["8", "2", "0", "0"]
    np.testing.assert_allclose(ax.images[0].get_array(), [[0.8, 0.2], [0, 0]])
    assert ax.get_ylabel() == "true class"
    ax = plotting.heatmap_matrix([[1.0, -4.0]])
    assert [t.get_text() for t in ax.texts] == ["1.00", "-4.00"]
    image = ax.images[0]
    for text, value in zip(ax.texts, [1.0, -4.0], strict=True):
        assert contrast(text.get_color(), image.cmap(image.norm(value))) >= 4.5
    assert not plotting.heatmap_matrix([[1.0]], annotate=False).texts


def test_error_curve_is_logarithmic_with_its_slopes():
    h = np.logspace(-8, -1, 8)
    ax = plotting.error_curve(h, {"central": h**2}, slopes={"slope 2": (2, 1e-1, 1e-2)})
    assert ax.get_xscale() == ax.get_yscale() == "log"
    np.testing.assert_allclose(ax.lines[1].get_ydata(), ax.lines[0].get_ydata())
    assert np.isnan(plotting.error_curve(h, {"exact": 0 * h}).lines[0].get_ydata()).all()


def test_network_diagram_draws_small_layers_whole_and_large_ones_short():
    ax = plotting.network_diagram([2, 3, 1])
    assert [len(c.get_offsets()) for c in ax.collections] == [2, 3, 1]
    assert len(ax.lines) == 2 * 3 + 3
    ax = plotting.network_diagram([784, 2], labels=["pixels", "classes"])
    assert [t.get_text() for t in ax.texts] == ["⋮", "pixels", "classes"]


def test_figures_are_transparent_and_repeat(tmp_path):
    files = [tmp_path / name for name in ("a.svg", "b.svg")]
    for path in files:
        plotting.curves({"a": np.arange(4.0)}, ylabel="y").figure.savefig(
            path, metadata={"Date": None}
        )
    assert files[0].read_bytes() == files[1].read_bytes()
    figure = plotting.heatmap_matrix([[1.0]]).figure
    figure.canvas.draw()
    assert np.asarray(figure.canvas.buffer_rgba())[0, 0, 3] == 0


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match=r"W has shape \(4, 2\), expected \(9, \*\)"):
        plotting.weights_grid(np.ones((4, 2)), (3, 3))
    with pytest.raises(ValueError, match="titles has 1 entries, expected 2"):
        plotting.image_grid(np.ones((2, 3, 3)), ["a"])
    with pytest.raises(ValueError, match=r"matrix has shape \(2, 3\)"):
        plotting.confusion(np.ones((2, 3)), "ab")
    with pytest.raises(ValueError, match=r"errors\['e'\] has shape \(3,\)"):
        plotting.error_curve(np.ones(2), {"e": np.ones(3)})
    with pytest.raises(ValueError, match="expected 2 axes"):
        plotting.heatmap_matrix(np.ones(3))
    with pytest.raises(ValueError, match="sizes is"):
        plotting.network_diagram([0])
    with pytest.raises(ValueError, match="labels has 1, expected 2"):
        plotting.network_diagram([1, 2], labels=["a"])


def test_both_passes_draws_its_numbers_and_refuses_other_shapes():
    rng = np.random.default_rng(0)
    image, hidden, output = rng.random((5, 5)), rng.normal(size=4), np.array([0.2, 0.8])
    error = np.array([-0.8, 0.8])
    axes = plotting.both_passes((image, hidden, output), (-image, hidden, error), classes=(0, 1))
    assert [bar.get_height() for bar in axes[0, 2].patches] == pytest.approx(output)
    assert [bar.get_height() for bar in axes[1, 2].patches] == pytest.approx(error)
    np.testing.assert_array_equal(axes[1, 0].images[0].get_array(), -image)
    # red where more raises the loss, another colour where it lowers it
    colours = [bar.get_facecolor() for bar in axes[1, 2].patches]
    assert colours[0] != colours[1]
    with pytest.raises(ValueError, match=r"backward hidden has shape \(3,\), expected \(4,\)"):
        plotting.both_passes((image, hidden, output), (image, hidden[:3], error), classes=(0, 1))
    with pytest.raises(ValueError, match="classes has 3 entries, expected 2"):
        plotting.both_passes((image, hidden, output), (image, hidden, error), classes=(0, 1, 2))


def test_contours_put_the_first_index_to_the_right():
    xs, ys = np.linspace(0, 2, 5), np.linspace(10, 13, 4)
    ax = plotting.contours(xs[:, None] + 0 * ys, xs, ys, levels=[0.5, 1.5], xlabel="x, m")
    lines = ax.collections[1]
    # f = x: the contours stand upright, at x = 0.5 and at 1.5.
    for path, level in zip(lines.get_paths(), [0.5, 1.5], strict=True):
        np.testing.assert_allclose(path.vertices[:, 0], level)
        assert np.ptp(path.vertices[:, 1]) == 3
    assert {t.get_text() for t in ax.texts} == {"0.5", "1.5"}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x, m", "θ₂")
    drawing = io.StringIO()
    ax.figure.savefig(drawing, format="svg")
    assert drawing.getvalue().count("<image") == 1
    assert len(ax.figure.axes) == 2 and ax.figure.axes[1].get_ylabel() == "loss L"


def test_contours_without_numbers_and_refusing_a_transposed_grid():
    f = np.arange(12.0).reshape(4, 3)
    ax = plotting.contours(f, range(4), range(3), levels=3, label="", form="")
    assert not ax.texts and len(ax.figure.axes) == 1
    with pytest.raises(ValueError, match=r"f_values has shape \(3, 4\), expected \(4, 3\)"):
        plotting.contours(f.T, range(4), range(3), levels=3)
