"""The formulas of the appendix: complete, proved, and able to convict a wrong derivative."""

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

from backprop import activations, losses
from backprop.book import tables

FORMULAS = {**tables.ACTIVATIONS, "softmax": tables.SOFTMAX, **tables.LOSSES}


def test_every_activation_and_loss_has_a_formula():
    assert set(tables.ACTIVATIONS) == set(activations.ACTIVATIONS)
    exported = {name for name in losses.__all__ if isinstance(getattr(losses, name), type)}
    assert set(tables.LOSSES) == exported - {"Loss"}


@pytest.mark.parametrize("name", FORMULAS)
def test_the_short_form_is_proved_and_another_is_not(name):
    formula = FORMULAS[name]
    assert formula.proved
    off = tuple(s + sp.Rational(1, 1000) for s in formula.short)
    assert not replace(formula, short=off).proved


@pytest.mark.parametrize("name", tables.ACTIVATIONS)
def test_formula_and_package_are_the_same_function(name):
    z = np.concatenate([-np.linspace(0.25, 4, 6), np.linspace(0.25, 4, 6)])
    phi, phi_prime = activations.ACTIVATIONS[name]
    expr = tables.meaning(tables.ACTIVATIONS[name].expr)
    values = [float(expr.subs(tables.Z, sp.Float(t, 30))) for t in z]
    np.testing.assert_allclose(phi(z), values, rtol=1e-14)
    np.testing.assert_allclose(phi_prime(z), tables.slope(name, z), rtol=1e-14, atol=1e-16)
    assert tables.slope(name, z.reshape(3, 4)).shape == (3, 4)


def test_softmax_jacobian():
    z = np.array([0.5, -1.0, 2.0, 0.0])
    jacobian = tables.softmax_jacobian(z)
    p = activations.softmax(z)
    rows = [activations.softmax_vjp(p, v) for v in np.eye(4)]
    np.testing.assert_allclose(jacobian, rows, rtol=1e-14)


@pytest.mark.parametrize("name", tables.LOSSES)
@pytest.mark.parametrize("seed", range(3))
def test_losses_agree_with_the_package(name, seed):
    rng = np.random.default_rng(seed)
    z, y = 2 * rng.normal(size=(3, 4)), 2 * rng.normal(size=(3, 4))
    if name in ("SoftmaxCrossEntropy", "Hinge"):
        y = rng.integers(4, size=3)
    elif name == "BinaryCrossEntropy":
        z, y = z[:, :1], rng.uniform(size=(3, 1))
    loss = getattr(losses, name)()
    loss.forward(z, y)
    exact = tables.loss_gradient(name, z, y)
    np.testing.assert_allclose(loss.backward(), exact, rtol=1e-13, atol=1e-16)


def test_soft_targets():
    rng = np.random.default_rng(0)
    z, t = rng.normal(size=(3, 4)), rng.dirichlet(np.ones(4), size=3)
    loss = losses.SoftmaxCrossEntropy()
    loss.forward(z, t)
    exact = tables.loss_gradient("SoftmaxCrossEntropy", z, t)
    np.testing.assert_allclose(loss.backward(), exact, rtol=1e-13, atol=1e-16)


def test_tables_link_each_row_and_refuse_what_is_not_proved():
    text = tables.table(tables.ACTIVATIONS, r"\phi(z)", r"\phi'(z)")._repr_markdown_()
    lines = text.splitlines()
    assert len(lines) == 2 + len(tables.ACTIVATIONS)
    assert "[Leaky ReLU](#derivative-of-leaky-relu)" in text
    text = tables.table({"softmax": tables.SOFTMAX, **tables.LOSSES}, "L").text
    assert r"\frac{\partial L}{\partial z_{y}} = -[m + z_{k} - z_{y} > 0]" in text
    assert r"\max(0, m + z_{k} - z_{y})" in text and "[j = k]" in text
    # A bar inside a formula would end the cell.
    assert {line.count("|") for line in text.splitlines()} == {4}
    wrong = replace(tables.ACTIVATIONS["tanh"], short=(1 - sp.tanh(tables.Z),))
    with pytest.raises(AssertionError, match="short form of tanh is not proved"):
        tables.table({"tanh": wrong}, "L")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tanh", "tanh"),
        ("leaky_relu", "leaky-relu"),
        ("SoftmaxCrossEntropy", "softmax-cross-entropy"),
        ("GaussianKL", "gaussian-kl"),
    ],
)
def test_labels(name, expected):
    assert tables.label(name) == f"derivative-of-{expected}"
