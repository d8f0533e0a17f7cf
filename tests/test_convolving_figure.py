"""What the figures of "Convolution" draw is what Conv2d does, and their words can be read."""

import re

import numpy as np
import pytest
from drawing_cases import check_words

from backprop import AvgPool2d, Conv2d, MaxPool2d
from backprop.book.figures import convolving, svg

RNG = np.random.default_rng(0)


def layer_passes(x, W, dz):
    layer = Conv2d(1, 1, W.shape, rng=np.random.default_rng(0))
    layer.parameters["W"][...] = W
    z = layer.forward(np.asarray(x, float)[None, None])
    dx = layer.backward(np.asarray(dz, float)[None, None])
    return z[0, 0], layer.gradients["W"][0, 0], dx[0, 0]


def told(frame):
    return float(frame.caption.rsplit("= ", 1)[1].replace(convolving.MINUS, "-"))


def test_the_frames_tell_what_the_layer_computes():
    z, dW, dx = layer_passes(convolving.IMAGE, convolving.FILTER, convolving.ERROR)
    frames = convolving.by_hand()
    sums = [told(frame) for frame in frames if " = " in frame.caption]
    seen = convolving.ringed(convolving.ERROR, (2, 2))
    reached = convolving.slide(seen != 0, np.ones((2, 2))) > 0
    np.testing.assert_allclose(sums, [*z.ravel(), *dW.ravel(), *dx[reached]])
    assert len(frames) == 9 + 4 + 2 + 7 and not dx[~reached].any()


def numbers(frame, left, columns):
    """Return the numbers that stand in the grid between two places, from top to bottom."""
    words = re.findall(r'<text x="([\d.]+)" y="([\d.]+)"[^>]*>([\u2212\d]+)<', frame.svg)
    right = left + convolving.CELL * columns
    return [float(w.replace(convolving.MINUS, "-")) for x, _, w in words if left < float(x) < right]


def test_the_stamps_add_up_to_the_gradient_of_the_image():
    _, _, dx = layer_passes(convolving.IMAGE, convolving.FILTER, convolving.ERROR)
    last = convolving.by_hand()[14]
    stamped = convolving.slide(convolving.ringed(convolving.ERROR != 0, (2, 2)), np.ones((2, 2)))
    assert "add up" in last.caption
    np.testing.assert_allclose(numbers(last, convolving.LEFT, 4), dx[stamped > 0])


def test_the_weights_that_one_pixel_met_are_the_turned_filter():
    markup = convolving.turning("title").markup
    words = re.findall(r'<text x="([\d.]+)" y="([\d.]+)"[^>]*>([\u2212\d]+)<', markup)
    last = [w for x, _, w in words if float(x) > 340]
    turned = convolving.FILTER[::-1, ::-1].ravel()
    assert last == [f"{w}".replace("-", convolving.MINUS) for w in turned]
    m, n = convolving.PIXEL
    for place in np.ndindex(3, 3):  # each output that the pixel reaches is drawn, with its weight
        window = np.zeros((4, 4))
        window[place[0] : place[0] + 2, place[1] : place[1] + 2] = convolving.FILTER
        assert (f">z{svg.lowered(*place)}<" in markup) == bool(window[m, n])
    bold = re.findall(r'font-weight="600">([\u2212\d]+)<', markup)
    assert bold == last
    check_words(markup, 0.52)


def test_each_sum_of_a_caption_is_right():
    for frame in convolving.by_hand():
        if " = " in frame.caption:
            worked = frame.caption.split(": ", 1)[1].replace(convolving.MINUS, "-")
            left, right = worked.replace("·", "*").split(" = ")
            assert eval(left) == int(right)


@pytest.mark.parametrize("frame", convolving.by_hand()[::3])
def test_the_words_of_the_frames_can_be_read(frame):
    check_words(frame.svg, 0.52)


def test_sliding_is_the_forward_pass_and_the_turned_filter_the_backward_pass():
    x, W, dz = RNG.normal(size=(5, 6)), RNG.normal(size=(3, 2)), RNG.normal(size=(3, 5))
    z, dW, dx = layer_passes(x, W, dz)
    np.testing.assert_allclose(convolving.slide(x, W), z)
    np.testing.assert_allclose(convolving.slide(x, dz), dW)
    ring = convolving.ringed(dz, W.shape)
    np.testing.assert_allclose(convolving.slide(ring, W[::-1, ::-1]), dx)


def test_the_matrix_is_that_of_the_layer():
    markup = convolving.toeplitz("title").markup
    large = np.array([
        layer_passes(unit.reshape(4, 4), convolving.FILTER, np.zeros((3, 3)))[0].ravel()
        for unit in np.eye(16)
    ])  # fmt: skip
    found = np.zeros((16, 9))
    words = re.findall(r'<text x="([\d.]+)" y="([\d.]+)"[^>]*font-weight="600">([−\d]+)<', markup)
    for x, y, word in words:
        row, column = (float(y) - 5 - 28) / 17 - 0.5, (float(x) - 104) / 24 - 0.5
        found[round(row), round(column)] = float(word.replace("−", "-"))
    np.testing.assert_array_equal(found, large)
    check_words(markup, 0.5)


def test_the_pictures_of_digits_can_be_read():
    image, W, dz = RNG.random((8, 8)), RNG.normal(size=(3, 3)), RNG.normal(size=(6, 6))
    drawn = convolving.hero(image, W, dz, (2, 3), "title").markup
    z, _, dx = layer_passes(image, W, dz)
    assert f"gives {z[2, 3]:.2f}" in drawn and f"gives {dx[3, 4]:.3f}" in drawn
    for number in (z[2, 3], dx[3, 4]):
        assert f">marked: {number:.3g}<".replace("-", convolving.MINUS) in drawn
    check_words(drawn, 0.55)


def test_a_moving_digit_is_read_in_each_place():
    maps, moves = RNG.random((3, 4, 16, 16)), ("In place", "1 right", "2 right")
    frames = convolving.travelling(
        RNG.random((3, 16, 16)), RNG.normal(size=(4, 5, 5)), maps,
        {"the MLP": np.eye(10)[[3, 7, 4]], "the other": np.full((3, 10), 0.02) + 0.8 * (
            np.arange(10) == 3)}, moves, 3,
    )  # fmt: skip
    said = "1 right: the MLP reads 7, wrong (over 99 %); the other reads 3, right (82 %)"
    assert f"<title>{said}</title>" in frames[1].svg
    assert [frame.caption for frame in frames] == [f"{move}." for move in moves]
    for t, frame in enumerate(frames):
        assert frame.svg.count("<circle") == 4 and f">{maps[t, 2].max():.2f}<" in frame.svg
        check_words(frame.svg, 0.55)
    assert ">7, wrong<" in frames[1].svg and ">3, right<" in frames[1].svg


def test_drops_write_both_medians():
    rows = {"one": ([0.91, 0.95, 0.97], [0.4, 0.42, 0.47]), "two": ([0.98] * 3, [0.95] * 3)}
    markup = convolving.drops(rows, "title").markup
    assert all(f">{number}<" in markup for number in (95, 42, 98))


def test_pooling_sends_back_what_the_layers_do():
    markup = convolving.pooling("title").markup
    x, dz = (np.asarray(a, float)[None, None] for a in (convolving.IMAGE, convolving.POOLED_ERROR))
    for layer in (MaxPool2d(2), AvgPool2d(2)):
        layer.forward(x)
        sent = layer.backward(dz).ravel().tolist()
        assert ", ".join(f"{n:g}".replace("-", convolving.MINUS) for n in sent) in markup
    check_words(markup, 0.52)
