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
    return settled.descend(settled.build(4, 0), [1500])


@pytest.fixture(scope="module")
def minimum():
    return settled.settle(2, settled.build(2, 0).theta)


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
        assert max(run["highest"] for run in runs) < 2 / settled.RATE
    for run in FOUND["watched"]:
        assert len(run["entropy"]) == len(run["decay"]) == len(run["gradient"])
        assert len(run["gradient"]) == len(settled.WATCH)
        assert (np.diff(np.add(run["entropy"], run["decay"])) < 3e-5).all()
        assert run["highest"] < 2 / settled.RATE


def test_runs_of_two_units_and_most_of_three_end_at_minima():
    assert max(run["gradient"] for run in FOUND["2"]) < 2e-4
    assert min(run["lowest"] for run in FOUND["2"]) > 0
    arrived = [run["lowest"] > 0 and run["gradient"] < 2e-4 for run in FOUND["3"]]
    assert sum(arrived) == 7


def test_each_run_leads_on_to_a_minimum():
    for units, points in FOUND["rest"].items():
        assert sum(point["runs"] for point in points) == settled.SEEDS
        assert max(point["gradient"] for point in points) < 1e-12
        assert min(point["lowest"] for point in points) > 0
        losses = [point["loss"] for point in points]
        assert losses == sorted(losses)
        before = sorted(run["entropy"] + run["decay"] for run in FOUND[units])
        assert losses[0] < before[0] + 2e-5


def test_copies_settle_to_one_point_and_other_ends_to_others():
    ends = [settled.settle(2, settled.build(2, seed).theta) for seed in (0, 9)]
    turned = ends[0].copy()
    turned[:130:2] *= -1
    turned[130:140] *= -1
    found = settled.rest(2, [ends[0], turned, ends[1]])
    assert [point["runs"] for point in found] == [1, 2]
    stored = [[point["loss"], point["lowest"], point["wrong"]] for point in FOUND["rest"]["2"]]
    for point in found:
        assert any(point["wrong"] == wrong and point["loss"] == pytest.approx(loss, abs=1e-6)
                   and point["lowest"] == pytest.approx(lowest, rel=0.02)
                   for loss, lowest, wrong in stored)  # fmt: skip
        assert point["gradient"] < 1e-12


def test_a_unit_more_is_added_at_minima_and_leads_to_lower_ones():
    assert FOUND["more"].keys() == {str(n) for n in settled.GROWN}
    for every in FOUND["more"].values():
        assert len(every) == settled.SEEDS
        for each in every:
            assert each["gradient"] < 1e-12 and each["lowest"] > 0
            assert each["after"] < each["loss"] and each["steepest"] > settled.DECAY
    again, stored = settled.grown(2, 0), FOUND["more"]["2"][0]
    assert again["loss"] == pytest.approx(stored["loss"], abs=1e-6)
    assert again["steepest"] == pytest.approx(stored["steepest"], abs=1e-5)


def test_the_weaker_decay_leads_to_minima_of_its_own():
    assert FOUND["weak"].keys() == {str(n) for n in settled.WEAK_WIDTHS}
    for units, every in FOUND["weak"].items():
        assert len(every) == settled.SEEDS
        assert all(each["gradient"] < 1e-12 and each["lowest"] > 0 for each in every)
        strong = [each["loss"] for each in FOUND["more"][units]]
        assert max(each["loss"] for each in every) < min(strong)
    again = settled.weaker(3, 0)
    assert again["loss"] == pytest.approx(FOUND["weak"]["3"][0]["loss"], abs=1e-6)
    theta = settled.build(2, 0).theta
    gap = settled.hessian(2, theta) - settled.hessian(2, theta, 0.0)
    np.testing.assert_allclose(gap, settled.DECAY * np.eye(len(theta)), atol=1e-12)


def test_a_run_is_found_again():
    run, watched = (
        settled.descend(settled.build(2, 1), settled.WATCH[:5]),
        FOUND["watched"][1],
    )
    np.testing.assert_allclose(run.entropy, watched["entropy"][:5], atol=2e-5)
    np.testing.assert_allclose(run.decay, watched["decay"][:5], atol=2e-5)
    np.testing.assert_allclose(run.lowest, watched["lowest"][:5], rtol=1e-2, atol=1e-5)
    np.testing.assert_allclose(run.gradient, watched["gradient"][:5], rtol=1e-2)


def test_c_holds_the_second_derivatives_that_a_zero_unit_adds(minimum):
    theta = minimum
    network = settled.build(2, 0)
    network.theta[...] = theta
    U, s, Vt = settled.openings(network)
    zero = settled.widened(theta, np.zeros(65), np.zeros(10))
    H = settled.hessian(3, zero.theta)
    into, out = np.arange(65) * 3 + 2, 195 + 20 + np.arange(10)
    np.testing.assert_allclose(H[np.ix_(into, out)], U * s @ Vt, atol=1e-12)
    new = np.concatenate([into, out])
    np.testing.assert_allclose(np.delete(H[new], new, axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(
        np.linalg.eigvalsh(H[np.ix_(new, new)])[:9], settled.DECAY - s[:9], atol=1e-12
    )


def test_a_zero_unit_changes_nothing_and_a_small_one_goes_down(minimum):
    theta = minimum
    images, _ = settled.data()
    old = settled.build(2, 0)
    old.theta[...] = theta
    zero = settled.widened(theta, np.zeros(65), np.zeros(10))
    np.testing.assert_allclose(zero.forward(images), old.forward(images))
    loss, _ = settled.objective(old, theta)
    wide = settled.opened(theta)
    way = wide.theta - zero.theta
    assert np.linalg.norm(way) == pytest.approx(np.sqrt(2) * settled.SMALL)
    s = settled.openings(old)[1]
    low = settled.DECAY - s[0]
    fall = settled.objective(wide, wide.theta)[0] - loss
    assert fall == pytest.approx(low / 2 * way @ way, rel=0.05)


def test_a_step_is_the_rate_times_the_gradient():
    network = settled.build(3, 2)
    loss, g = settled.objective(network, network.theta)
    run = settled.descend(settled.build(3, 2), [0, 1])
    np.testing.assert_allclose(run.theta, network.theta - settled.RATE * g, atol=1e-15)
    losses = np.add(run.entropy, run.decay)
    assert list(losses) == pytest.approx(
        [loss, settled.objective(network, run.theta)[0]], rel=1e-12
    )
    assert run.decay[1] == pytest.approx(settled.DECAY / 2 * run.theta @ run.theta)
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
    other = settled.descend(settled.build(4, 1), [1500])
    found = settled.paths(4, end.theta, other.theta)
    assert tuple(found) == settled.PATHS
    for along in found.values():
        assert along.shape == settled.PLACES.shape
        assert along[[0, -1]] == pytest.approx([end.entropy[-1], other.entropy[-1]])
    top = {name: along.max() for name, along in found.items()}
    assert top["bent"] < top["aligned"] < top["straight"]
    network = settled.build(4, 0)
    network.theta[...] = (end.theta + other.theta) / 2
    images, labels = settled.data()
    entropy = settled.SoftmaxCrossEntropy().forward(network.forward(images), labels)
    assert found["straight"][20] == pytest.approx(entropy)


def test_the_stored_paths_join_the_stored_ends():
    ends = np.array([run["entropy"] for run in FOUND[str(settled.WIDTHS[-1])]])
    for name in settled.PATHS:
        along = np.array(FOUND["paths"][name])
        assert along.shape == (settled.SEEDS, len(settled.PLACES))
        np.testing.assert_allclose(along[:, 0], ends, atol=2e-5)
        np.testing.assert_allclose(along[:, -1], np.roll(ends, -1), atol=2e-5)


@pytest.mark.long
def test_the_command_writes_what_is_stored(tmp_path, monkeypatch):
    small = {"WIDTHS": (1, 2), "SEEDS": 2, "MARKS": (0, 5), "WATCH": (0, 3), "GROWN": (1, 2),
             "WEAK_WIDTHS": (1,)}  # fmt: skip
    for name, value in small.items():
        monkeypatch.setattr(settled, name, value)
    settled.main([str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    assert found.keys() == {"1", "2", "more", "paths", "rest", "watched", "weak"}
    assert len(found["watched"]) == 2
    assert found["paths"].keys() == set(settled.PATHS) and len(found["paths"]["bent"]) == 2
    assert found["2"][0].keys() == FOUND["2"][0].keys() and len(found["2"]) == 2
    assert found["rest"]["2"][0].keys() == FOUND["rest"]["2"][0].keys()
    assert found["more"].keys() == {"1", "2"} and len(found["more"]["2"]) == 2
    assert found["more"]["2"][0].keys() == FOUND["more"]["2"][0].keys()
    assert found["weak"].keys() == {"1"} and len(found["weak"]["1"]) == 2
    assert found["weak"]["1"][0].keys() == FOUND["weak"]["3"][0].keys()
