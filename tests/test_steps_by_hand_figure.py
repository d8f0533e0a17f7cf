"""The 2-2-1 network worked by hand: every number on its figures follows from the others."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from drawing_cases import check_words

from backprop import Dense, MeanSquaredError, Sequential, Sigmoid
from backprop.book.figures import steps_by_hand as steps

SVG = "{http://www.w3.org/2000/svg}"
ROWS = [("x", 0, [1, 6]), ("a⁽¹⁾", 1, [2, 4, 5]), ("δ⁽²⁾", 3, [4, 5])]


def texts(markup):
    return ["".join(t.itertext()) for t in ET.fromstring(markup).iter(f"{SVG}text")]


def pictures():
    drawn = [f("t").markup for f in (steps.hero, steps.nine_products, steps.routes)]
    return [*drawn, steps.lifetimes("t", ROWS, 7).markup, *(f.svg for f in steps.frames())]


def network():
    e, rng = steps.ROUND, np.random.default_rng(0)
    found = Sequential([Dense(2, 2, rng=rng), Sigmoid(), Dense(2, 1, rng=rng), Sigmoid()])
    found.theta = np.concatenate([e.W1.ravel(), e.b1, e.W2, [e.b2]])
    return found


def test_the_numbers_are_those_of_the_package():
    e, net, loss = steps.ROUND, network(), MeanSquaredError()
    assert np.allclose(loss.forward(net.forward(e.x[None]), np.array([[e.y]])), e.loss, rtol=1e-14)
    dx = net.backward(loss.backward())
    found = [e.derivative(k) for k in steps.EDGES] + [e.bias(u)[1] for u in steps.UNITS]
    order = [0, 1, 2, 3, 6, 7, 4, 5, 8]
    assert np.allclose(np.array(found)[order], net.dtheta, rtol=1e-13, atol=0)
    assert np.allclose([e.sent(0), e.sent(1)], dx, rtol=1e-13)
    new = e.updated(0.5)
    expected = net.theta - 0.5 * net.dtheta
    assert np.allclose([*new.W1.ravel(), *new.b1, *new.W2, new.b2], expected, rtol=1e-14)


def test_the_activations_are_round():
    e = steps.ROUND
    assert np.allclose([*e.a1, e.a2, e.loss, e.delta2], [0.8, 0.4, 0.6, 0.08, -0.096], rtol=1e-14)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize("markup", pictures())
def test_every_equation_on_a_picture_holds(markup):
    for words in texts(markup):
        worked = re.sub(r"^[^=:]*[=:](?=.*=)", "", words)  # the name in front
        left, _, right = worked.rpartition("=")
        if not left.strip() or re.search(r"[^\W\dσ]", left):
            continue
        left = left.replace("½", "0.5").replace("·", "*").replace("−", "-").replace("²", "**2")
        value = eval(left.strip().lstrip("="), {"σ": sigmoid})
        assert abs(value - float(right.replace("−", "-"))) < 1.01e-4, words


def test_the_equations_are_found():
    counts = [sum(" = " in words for words in texts(f.svg)) for f in steps.frames()]
    assert len(counts) == 9 and min(counts[:-1]) >= 4
    *_, update = steps.frames()
    words = [w for w in texts(update.svg) if w not in "−="][3:]
    assert len(words) == 9 * 4
    for _, old, step, new in zip(*[iter(words)] * 4, strict=True):
        step = step.removeprefix("1 · ").strip("()")
        old, step, new = (float(w.replace("−", "-")) for w in (old, step, new))
        assert abs(old - step - new) < 1.01e-4
    products = [w for w in texts(steps.nine_products("t").markup) if w.startswith("= ")]
    assert len(products) == 9


def test_the_nine_products_are_the_derivatives():
    e = steps.ROUND
    described = ET.fromstring(steps.nine_products("t").markup).find(f"{SVG}desc").text
    found = dict(part.split(": ") for part in described.split("; "))
    assert len(found) == 9
    for label, slope in [(steps.name(k), e.derivative(k)) for k in steps.EDGES] + [
        (steps.bias_name(u), e.bias(u)[1]) for u in steps.UNITS
    ]:
        product, _, result = found[label].rpartition(" = ")
        assert result == steps.shown(slope)
        assert np.isclose(eval(product.replace("·", "*").replace("−", "-")), slope, atol=1e-12)


@pytest.mark.parametrize("markup", pictures())
def test_words_are_inside_and_clear_of_each_other(markup):
    def wide(said):
        return 0.64 * len(said) - 0.26 * len(re.findall(r"[₁₂⁽⁾¹²·.() ]", said))

    check_words(markup, wide)


def test_the_hero_shows_values_and_derivatives():
    words = texts(steps.hero("t").markup)
    for label in ("x₁", "a₁⁽¹⁾", "a⁽²⁾", "δ = −0.0307", "−0.0614", "0.1382", "L = 0.08, y = 1"):
        assert label in words


def test_numbers_are_written():
    assert [steps.shown(v) for v in (-0.03072, 2.0, -1e-9, 0.1)] == ["−0.0307", "2", "0", "0.1"]
    assert steps.factor(-3.0) == "(−3)" and steps.plus(-0.5) == "− 0.5"


def test_what_comes_back_over_two_routes_is_added():
    words = texts(steps.routes("t").markup)
    for label in ("0.6 · (−0.0307) = −0.0184", "0.8 · 0.0691 = 0.0553", "δ⁽²⁾ = −0.096"):
        assert label in words
    assert "∂L/∂x₁ = −0.0184 + 0.0553 = 0.0369" in words
    assert "∂L/∂x₂ = 0.4 · (−0.0307) + (−0.6) · 0.0691 = −0.0538" in texts(steps.frames()[7].svg)


def test_the_arms_of_the_experiment_are_drawn():
    runs = {arm: np.linspace(0.2, 0, 12).reshape(2, 6) for arm in ("one", "two", "three")}
    panels = dict.fromkeys(("small", "middle", "large"), runs)
    words = " ".join(texts(steps.descents(panels, (5, 6, 6), 0.02, "t").markup))
    for label in (*runs, *panels, "training loss", "updates"):
        assert len(re.findall(rf"\b{label}\b", words)) == 1
