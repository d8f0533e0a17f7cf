"""The figures of the chapter on losses: what they say follows from the formulas."""

import xml.etree.ElementTree as ET
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawing_cases import check_words

from backprop.book.figures import loss_curves
from backprop.book.figures.plots import use_style
from backprop.losses import BinaryCrossEntropy, MeanAbsoluteError, MeanSquaredError

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def style():
    use_style()
    yield
    assert not plt.get_fignums(), "a figure was left open"


def words(markup):
    return " ".join("".join(t.itertext()) for t in ET.fromstring(markup).iter(f"{SVG}text"))


def test_the_hero_says_the_two_slopes():
    p = 0.02
    said = words(loss_curves.hero("t").markup).replace("−", "-")
    for slope in (p - 1, (p - 1) * p * (1 - p)):
        assert f"slope {slope:.2f}" in said
    assert "cross-entropy" in said and "squared error" in said


def test_losses_and_slopes_are_those_of_the_package():
    z = np.array([[-3.0], [0.5], [2.0]])
    loss = BinaryCrossEntropy()
    for k, row in enumerate(z):
        value = loss.forward(row[None], np.ones((1, 1)))
        assert np.isclose(loss_curves.losses_at(row)[0], value)
        assert np.isclose(loss_curves.slopes_at(row)[0], loss.backward()), k
    ahead, behind = (loss_curves.losses_at(z + h)[1] for h in (1e-6, -1e-6))
    assert np.allclose(loss_curves.slopes_at(z)[1], (ahead - behind) / 2e-6)


def test_the_rules_are_the_losses_of_the_package():
    r = np.array([[-4.0, 0.3, 2.0]])
    losses = (MeanSquaredError(), MeanAbsoluteError())
    for rule, loss in zip(loss_curves.rules(), losses, strict=True):
        assert np.isclose(rule.loss(r).sum(), loss.forward(r, np.zeros((1, 3))))
        assert np.allclose(rule.slope(r), loss.backward())


def test_no_guess_is_better_than_the_best():
    tried = np.linspace(1, 10, 9001)
    for rule, best in zip(loss_curves.rules(), (3.6, 2.1), strict=True):
        found = rule.best(loss_curves.TIMES)
        assert np.isclose(found, best)
        assert (rule.excess(tried, loss_curves.TIMES, found) >= -1e-9).all()
        errors = np.subtract.outer([4.0, found], loss_curves.TIMES)
        above = np.subtract(*rule.loss(errors).sum(axis=1))
        assert np.isclose(rule.excess([4.0], loss_curves.TIMES, found)[0], above)
        before, after = rule.pull([found - 1e-6, found + 1e-6], loss_curves.TIMES)
        assert before < 0 < after


def test_the_watches_show_what_the_sums_are_made_of():
    drawing = loss_curves.watches("t")
    said = ["".join(t.itertext()) for t in ET.fromstring(drawing.markup).iter(f"{SVG}text")]
    assert "five times: 2.0, 2.1, 2.1, 2.2 and 9.6 s" in said
    assert {"3.6", "2.1", "5a − 18", "−3", "1"} <= set(said)
    assert {"squared", "absolute"} <= set(said)
    assert drawing.markup.count("<circle") == len(loss_curves.TIMES)


def test_words_of_the_watches_are_inside_and_clear_of_each_other():
    check_words(loss_curves.watches("t").markup, 0.55, above=10)


def texts(markup):
    return Counter("".join(t.itertext()) for t in ET.fromstring(markup).iter(f"{SVG}text"))


def test_the_marks_say_when_the_median_passes_nine_tenths_and_how_many_times_that_is():
    def rising(n):  # in one of three runs late, in one early
        return np.arange(200)[:, None] / n * np.array([0.5, 1, 2])

    panels = {
        "from 2 %": {"one loss": rising(20), "another": rising(80)},
        "from 0.1 %": {"one loss": rising(40), "another": rising(160)},
    }
    said = texts(loss_curves.corrections(panels, "t").markup)
    assert said["one loss"] == said["another"] == said["from 2 %"] == said["from 0.1 %"] == 1
    assert said["19"] == said["73"] == said["37"] == said["145"] == 1
    assert said["4 times"] == 2
