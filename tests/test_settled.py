"""The stored minima are minima, and a part of them is found again."""

import json

import numpy as np
import pytest

from backprop import SoftmaxCrossEntropy
from backprop.book import settled
from backprop.training.diagnostics import hessian_vector_product

FOUND = settled.stored()


@pytest.fixture(scope="module")
def end():
    return settled.settle(4, 0)


def test_the_hessian_is_that_of_the_package():
    images, labels = settled.data()
    network = settled.build(3, 1)
    network.theta[...] = np.random.default_rng(0).normal(size=network.theta.size)
    H = settled.hessian(3, network.theta)
    for u in np.random.default_rng(1).normal(size=(5, network.theta.size)):
        product = hessian_vector_product(network, SoftmaxCrossEntropy(), images, labels, u)
        np.testing.assert_allclose(H @ u, product + settled.DECAY * u, atol=1e-7)
    np.testing.assert_allclose(H, H.T, atol=1e-15)


def test_the_gradient_is_the_slope_of_the_objective():
    network, h = settled.build(4, 0), 1e-6
    theta = np.random.default_rng(0).normal(size=network.theta.size)
    _, g = settled.objective(network, theta)
    for u in np.random.default_rng(1).normal(size=(5, theta.size)):
        ahead, behind = (settled.objective(network, theta + s * h * u)[0] for s in (1, -1))
        assert g @ u == pytest.approx((ahead - behind) / (2 * h), rel=1e-6)


def test_every_stored_run_was_carried_to_a_minimum():
    assert set(FOUND) == set(settled.WIDTHS)
    for each in FOUND.values():
        assert all(len(each[name]) == settled.SEEDS for name in ("loss", "wrong"))
        assert min(each["lowest"]) > 0
        assert all(steps[-1] < 1e-8 and max(steps) < 0.01 for steps in each["steps"])


def test_a_run_is_found_again(end):
    stored = {name: values[0] for name, values in FOUND[4].items() if name != "paths"}
    assert end.loss == pytest.approx(stored["loss"], abs=2e-6)
    assert end.lowest == pytest.approx(stored["lowest"], rel=1e-2)
    assert end.wrong == stored["wrong"]
    _, g = settled.objective(settled.build(4, 0), end.theta)
    assert abs(g).max() < 1e-12


def test_newton_gives_up_where_it_does_not_converge(monkeypatch):
    monkeypatch.setattr(settled, "hessian", lambda units, theta: np.eye(theta.size))
    network = settled.build(2, 0)
    with pytest.raises(ArithmeticError, match="after 10 steps"):
        settled.newton(network, 2, network.theta.copy())


def test_an_aligned_copy_computes_the_same_and_a_copy_of_a_itself_becomes_a(end):
    other = settled.build(4, 7).theta.copy()
    twin = settled.align(end.theta, other, 4)
    assert not np.allclose(twin, other)
    a, b = (settled.objective(settled.build(4, 0), t)[0] for t in (twin, other))
    assert a == pytest.approx(b, rel=1e-12)
    into = end.theta[:260].reshape(65, 4)[:, [2, 0, 3, 1]] * [1, -1, 1, -1]
    out = (end.theta[260:300].reshape(4, 10).T[:, [2, 0, 3, 1]] * [1, -1, 1, -1]).T
    copy = np.concatenate([into.ravel(), out.ravel(), end.theta[300:]])
    np.testing.assert_allclose(settled.align(end.theta, copy, 4), end.theta)


def test_a_bent_path_starts_and_ends_where_it_should():
    start, middle, end = np.random.default_rng(0).normal(size=(3, 6))
    np.testing.assert_array_equal(settled.bezier(start, middle, end, 0.0), start)
    np.testing.assert_array_equal(settled.bezier(start, middle, end, 1.0), end)
    half = settled.bezier(start, middle, end, 0.5)
    np.testing.assert_allclose(half, (start + 2 * middle + end) / 4)


def test_paths_of_a_small_network_begin_and_end_at_its_ends(end):
    other = settled.settle(4, 1)
    found = settled.paths(4, end.theta, other.theta)
    assert tuple(found) == settled.PATHS
    for along in found.values():
        assert along.shape == settled.PLACES.shape
        assert along[[0, -1]] == pytest.approx([end.loss, other.loss])
    top = {name: along.max() for name, along in found.items()}
    assert top["bent"] < top["straight"] > top["aligned"]


def test_the_stored_paths_join_the_stored_ends():
    for each in (FOUND[units] for units in settled.JOINED):
        losses = np.array(each["loss"]).reshape(-1, 2)
        for name in settled.PATHS:
            along = np.array(each["paths"][name])
            assert along.shape == (settled.SEEDS // 2, len(settled.PLACES))
            np.testing.assert_allclose(along[:, [0, -1]], losses, atol=2e-5)


def test_the_command_writes_what_is_stored(tmp_path, monkeypatch):
    monkeypatch.setattr(settled, "WIDTHS", (2,))
    monkeypatch.setattr(settled, "JOINED", (2,))
    monkeypatch.setattr(settled, "SEEDS", 2)
    settled.main([str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())["2"]
    assert found.keys() == FOUND[16].keys()
    assert found["paths"].keys() == set(settled.PATHS) and len(found["paths"]["bent"]) == 1
