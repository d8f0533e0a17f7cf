"""Critical points: gradients and Hessians against the package's, and searches that find them."""

from math import factorial

import numpy as np
import pytest

from backprop import Dense, MeanSquaredError, Sequential, Tanh
from backprop.autodiff import tape
from backprop.book import critical

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(5, 3)), rng.normal(size=5)
CORNERS = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
XOR = np.array([-1.0, 1.0, 1.0, -1.0])
UNIT_X, UNIT_Y = np.array([-1.0, 1.0, 5.0]), np.array([-0.8, 0.8, -0.8])


@pytest.mark.parametrize("units", [1, 2, 4])
def test_loss_and_gradient_are_those_of_the_package(units):
    net = critical.OneHidden(X, Y, units, 0.1)
    layers = [Dense(3, units, rng=rng), Tanh(), Dense(units, 1, rng=rng)]
    network, loss = Sequential(layers), MeanSquaredError()
    assert network.theta.size == net.size
    thetas = rng.normal(size=(3, net.size))
    for theta, value, g in zip(thetas, net.loss(thetas), net.gradient(thetas), strict=True):
        network.theta[...] = theta
        plain = loss.forward(network.forward(X), Y[:, None])
        network.backward(loss.backward())
        assert value == pytest.approx(plain + 0.05 * theta @ theta, rel=1e-12)
        np.testing.assert_allclose(g, network.dtheta + 0.1 * theta, rtol=1e-9, atol=1e-12)
        error = network.forward(X)[:, 0] - Y
        np.testing.assert_allclose(net.residual(theta), error, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("units", [1, 3])
def test_the_hessian_is_the_slope_of_the_gradient(units):
    net = critical.OneHidden(X, Y, units, 0.01)
    thetas = rng.normal(size=(2, net.size))
    for theta, H in zip(thetas, net.hessian(thetas), strict=True):
        h = 1e-6
        slopes = [
            (net.gradient(theta + h * u) - net.gradient(theta - h * u)) / (2 * h)
            for u in np.eye(net.size)
        ]
        np.testing.assert_allclose(H, slopes, atol=1e-7)
        np.testing.assert_allclose(H, H.T)


def test_the_copies_compute_the_same():
    net = critical.OneHidden(X, Y, 3, 0.2)
    theta = rng.normal(size=net.size)
    copies = critical.orbit(net, theta)
    assert len(np.unique(copies.round(9), axis=0)) == factorial(3) * 2**3
    np.testing.assert_allclose(net.residual(copies), np.tile(net.residual(theta), (48, 1)))


def test_kinds_are_counted_once_with_their_copies():
    net = critical.OneHidden(X, Y, 2, 0.0)
    generic, zero = rng.normal(size=net.size), np.zeros(net.size)
    half = generic.copy()
    half[:-1].reshape(5, 2)[:, 1] = 0
    points = np.vstack([critical.orbit(net, p) for p in (generic, half, zero)])
    kinds, copies = critical.distinct(net, points)
    assert len(kinds) == 3 and sorted(copies) == [1, 4, 8]
    assert (np.diff(net.loss(kinds)) >= 0).all()


def test_newton_finds_all_kinds_of_points_of_xor():
    net = critical.OneHidden(CORNERS, XOR, 2, 0.003)
    starts = 1.5 * np.random.default_rng(4).normal(size=(1500, net.size))
    kinds, copies = critical.distinct(net, critical.newton(net, starts))
    index = net.index(kinds)
    assert (len(kinds), copies.sum()) == (37, 225)
    assert ((-1) ** index * copies).sum() == 1
    assert abs(net.gradient(kinds)).max() < 1e-10 and set(index) == {0, 1, 2}


def test_deflation_leads_from_known_points_to_others():
    net = critical.OneHidden(CORNERS, XOR, 2, 0.003)
    starts = 1.5 * np.random.default_rng(7).normal(size=(100, net.size))
    plain = critical.newton(net, starts)
    known = np.zeros((1, net.size))

    def hits(points):
        return (abs(points[:, None] - known).max(axis=-1).min(axis=1) < 1e-4).sum()

    away = critical.deflated(net, starts, known)
    assert hits(plain) > 20 and hits(away) == 0 and len(away) > 20
    assert abs(net.gradient(away)).max() < 1e-10
    nothing = critical.deflated(net, starts, np.empty((0, net.size)))
    np.testing.assert_allclose(nothing, plain)


@pytest.mark.parametrize("other", ["equal", "opposite", "zero", "different"])
def test_a_unit_that_equals_another_or_its_negative_halves_the_copies(other):
    net = critical.OneHidden(CORNERS, XOR, 4, 0.0)
    table = np.random.default_rng(0).normal(size=(4, 4))
    table[:, 1] = {
        "equal": table[:, 0], "opposite": -table[:, 0], "zero": 0, "different": table[:, 1]
    }[other]  # fmt: skip
    copies = np.unique(critical.orbit(net, np.append(table.ravel(), 1.0)) + 0.0, axis=0)
    assert len(copies) == (384 if other == "different" else 192)


def test_the_unit_is_that_of_autodiff():
    def loss(t):
        return ((np.tanh(t[0] * UNIT_X + t[1]) - UNIT_Y) ** 2).mean() / 2

    for theta in rng.uniform(-2, 2, (5, 2)):
        assert critical.unit_loss(theta, UNIT_X, UNIT_Y) == pytest.approx(float(loss(theta)))
        g = critical.unit_gradient(theta, UNIT_X, UNIT_Y)
        np.testing.assert_allclose(g, tape.grad(loss)(theta), atol=1e-12)
        H = critical.unit_hessian(theta, UNIT_X, UNIT_Y)
        np.testing.assert_allclose(H, tape.jacobian(tape.grad(loss))(theta), atol=1e-12)
