"""The figures of the chapter on losses: what they say follows from the formulas."""

import re
import xml.etree.ElementTree as ET

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.integrate import quad

from backprop.book.figures import loss_curves
from backprop.book.figures.plots import use_style
from backprop.losses import BinaryCrossEntropy, Huber

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def style():
    use_style()
    yield
    assert not plt.get_fignums(), "a figure was left open"


def words(markup):
    return " ".join("".join(t.itertext()) for t in ET.fromstring(markup).iter(f"{SVG}text"))


def test_the_hero_says_the_two_slopes():
    p = 1 / (1 + np.exp(4))
    said = words(loss_curves.hero("t").markup).replace("−", "-")
    for slope in (p - 1, (p - 1) * p * (1 - p)):
        assert f"slope {slope:.2f}" in said


def test_losses_and_slopes_are_those_of_the_package():
    z = np.array([[-3.0], [0.5], [2.0]])
    loss = BinaryCrossEntropy()
    for k, row in enumerate(z):
        value = loss.forward(row[None], np.ones((1, 1)))
        assert np.isclose(loss_curves.losses_at(row)[0], value)
        assert np.isclose(loss_curves.slopes_at(row)[0], loss.backward()), k
    ahead, behind = (loss_curves.losses_at(z + h)[1] for h in (1e-6, -1e-6))
    assert np.allclose(loss_curves.slopes_at(z)[1], (ahead - behind) / 2e-6)


@pytest.mark.parametrize("d", [0.5, 1.0, 3.0])
def test_hubers_density_has_the_area_one(d):
    half, _ = quad(lambda r: np.exp(-loss_curves.huber(np.array(r), d)), 0, np.inf)
    assert np.isclose(2 * half, loss_curves.huber_area(d))
    r = np.array([[-4.0, 0.3, 2.0]])
    value = Huber(d).forward(r, np.zeros((1, 3)))
    assert np.isclose(loss_curves.huber(r, d).sum(), value)


def test_the_densities_are_named():
    said = words(loss_curves.densities("t").markup)
    assert all(name in said for name in ("Gauss", "Laplace", "Huber, d = 1"))


def test_every_product_of_a_caption_holds():
    frames = loss_curves.slider([0.01, 0.2, 0.5, 0.95])
    for frame in frames:
        said = frame.caption.replace("−", "-")
        error, factor, product = re.search(r"= (-[\d.]+) · ([\d.]+) = (-[\d.]+)\.", said).groups()
        assert np.isclose(float(error) * float(factor), float(product), rtol=1e-12)
        times = float(re.search(r"is ([\d.]+) times", said)[1])
        assert np.isclose(times, 1 / float(factor), rtol=5e-3)


def test_every_run_is_drawn():
    found = np.linspace(0, 1, 2 * 3 * 4).reshape(2, 3, 4)
    rates = [0.1, 1, 10]
    markup = loss_curves.recovery(
        dict.fromkeys(loss_curves.NAMES, found), ["½", "0.1"], rates, "t"
    ).markup
    assert markup.count("<use") >= 2 * found.size
    with pytest.raises(ValueError, match=r"expected \(2, 3, runs\)"):
        loss_curves.recovery({"squared error": found[:1]}, ["½", "0.1"], rates, "t")
