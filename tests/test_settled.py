"""The stored runs are complete and stable, and a part of them is found again."""

import json

import numpy as np
import pytest

from backprop import SoftmaxCrossEntropy
from backprop.book import settled
from backprop.training.diagnostics import hessian_vector_product

FOUND = settled.stored()


@pytest.fixture(scope="module")
def end():
    return settled.descend(4, 0, [1500])


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


def test_each_width_has_ten_stable_runs():
    for units in settled.WIDTHS:
        runs = FOUND[str(units)]
        assert len(runs) == settled.SEEDS
        for run in runs:
            assert len(run["loss"]) == len(run["lowest"]) == len(settled.MARKS)
            assert (np.diff(run["loss"]) <= 0).all()
            assert run["highest"] < 2 / settled.RATE
    for run in FOUND["watched"]:
        assert len(run["loss"]) == len(run["gradient"]) == len(settled.WATCH)


def test_runs_of_few_units_end_at_minima():
    for units in (1, 2, 4):
        assert max(run["gradient"] for run in FOUND[str(units)]) < 2e-4
        assert min(run["lowest"][-1] for run in FOUND[str(units)]) > 0


def test_the_watched_runs_are_two_of_the_stored_ones():
    for seed, watched in zip(settled.WATCHED_SEEDS, FOUND["watched"], strict=True):
        run = FOUND[str(settled.WATCHED)][seed]
        for step in set(settled.MARKS) & set(settled.WATCH):
            at, there = settled.MARKS.index(step), settled.WATCH.index(step)
            assert run["loss"][at] == watched["loss"][there]
            assert run["lowest"][at] == watched["lowest"][there]


def test_a_run_is_found_again():
    marks = [step for step in settled.MARKS if step < 1000]
    run, stored = settled.descend(2, 1, marks), FOUND["2"][1]
    np.testing.assert_allclose(run.loss, stored["loss"][: len(marks)], atol=2e-5)
    np.testing.assert_allclose(run.lowest, stored["lowest"][: len(marks)], rtol=1e-2, atol=1e-5)
    run, watched = settled.descend(2, 1, settled.WATCH[:5]), FOUND["watched"][1]
    np.testing.assert_allclose(run.gradient, watched["gradient"][:5], rtol=1e-2)


def test_a_step_is_the_rate_times_the_gradient():
    network = settled.build(3, 2)
    loss, g = settled.objective(network, network.theta)
    run = settled.descend(3, 2, [0, 1])
    np.testing.assert_allclose(run.theta, network.theta - settled.RATE * g, atol=1e-15)
    assert run.loss[0] == loss and run.loss[1] == settled.objective(network, run.theta)[0]
    _, after = settled.objective(network, run.theta)
    assert run.gradient == pytest.approx([np.linalg.norm(g), np.linalg.norm(after)])
    spectrum = np.linalg.eigvalsh(settled.hessian(3, run.theta))
    assert run.lowest[1] == pytest.approx(spectrum[0])
    assert run.highest >= spectrum[-1] - 1e-12
    images, labels = settled.data()
    assert run.wrong == (network.forward(images).argmax(axis=1) != labels).sum()


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
    other = settled.descend(4, 1, [1500])
    found = settled.paths(4, end.theta, other.theta)
    assert tuple(found) == settled.PATHS
    for along in found.values():
        assert along.shape == settled.PLACES.shape
        assert along[[0, -1]] == pytest.approx([end.loss[-1], other.loss[-1]])
    top = {name: along.max() for name, along in found.items()}
    assert top["bent"] < top["straight"] > top["aligned"]


def test_the_stored_paths_join_the_stored_ends():
    ends = np.array([run["loss"][-1] for run in FOUND[str(settled.WIDTHS[-1])]])
    for name in settled.PATHS:
        along = np.array(FOUND["paths"][name])
        assert along.shape == (settled.SEEDS, len(settled.PLACES))
        np.testing.assert_allclose(along[:, 0], ends, atol=2e-5)
        np.testing.assert_allclose(along[:, -1], np.roll(ends, -1), atol=2e-5)


def test_the_command_writes_what_is_stored(tmp_path, monkeypatch):
    for name, value in {"WIDTHS": (1, 2), "SEEDS": 2, "MARKS": (0, 5), "WATCH": (0, 3)}.items():
        monkeypatch.setattr(settled, name, value)
    settled.main([str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    assert found.keys() == {"1", "2", "paths", "watched"} and len(found["watched"]) == 2
    assert found["2"][0].keys() == FOUND["2"][0].keys() and len(found["2"]) == 2
    assert found["paths"].keys() == set(settled.PATHS) and len(found["paths"]["bent"]) == 2
