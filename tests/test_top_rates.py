"""The stored losses are those of the package's training, and a part of them is found again."""

import json

import numpy as np
import pytest

from backprop import SGD, ReLU, SoftmaxCrossEntropy, load_digits
from backprop.book import top_rates

LAST, OTHERS, BIG, ADAM, HERO = top_rates.stored()
SHAPE = 3, len(top_rates.TOPS), len(top_rates.STARTS)


def test_all_that_is_promised_is_stored():
    assert set(LAST) == set(top_rates.SHAPES) and set(HERO) == set(top_rates.HERO)
    assert set(OTHERS) == set(top_rates.OTHERS)
    assert set(BIG) == set(ADAM) == set(top_rates.BOTH)
    assert len(top_rates.ADAM_TOPS) == len(top_rates.TOPS)
    parts = LAST, OTHERS, BIG, ADAM
    assert all(losses.shape == SHAPE for part in parts for losses in part.values())
    times = top_rates.STEPS // top_rates.EVERY + 1
    assert all(losses.shape == (2, SHAPE[2], times) for losses in HERO.values())
    assert (top_rates.TOPS[0], top_rates.TOPS[8], top_rates.TOPS[-1]) == (0.02, 0.32, 1.3)


def test_the_courses_end_where_the_shapes_do():
    for words, (name, top) in top_rates.HERO.items():
        at = top_rates.TOPS.index(top)
        np.testing.assert_array_equal(HERO[words][..., -1], LAST[name][1:, at])


@pytest.mark.parametrize(
    ("name", "top", "batch"),
    [
        ("constant", 0.02, 2),
        ("1/t", 0.08, 2),
        ("exponential", 0.08, 2),
        ("1/t, 1000", 0.08, 2),
        ("exponential, 0.3", 0.08, 2),
        ("cosine", 0.08, 2),
        ("cosine", 0.16, 32),
        ("linear", 0.08, 2),
        ("restarts", 0.08, 2),
        ("constant-then-decay", 0.08, 2),
    ],
)
def test_runs_are_found_again(name, top, batch):
    found = top_rates.courses(name, [top], (0, 7), batch)[:, 0, :, -1]
    stored = ({**LAST, **OTHERS} if batch == 2 else BIG)[name][:, top_rates.TOPS.index(top), [0, 7]]
    np.testing.assert_allclose(found, stored, atol=0.01)  # another CPU may round otherwise


@pytest.mark.parametrize("name", top_rates.BOTH)
def test_runs_by_adam_are_found_again(name):
    found = top_rates.by_adam(name, [top_rates.ADAM_TOPS[4]], (0, 7))[:, 0]
    np.testing.assert_allclose(found, ADAM[name][:, 4, [0, 7]], atol=0.01)


def test_validation_chose_the_constants_of_two_shapes():
    for shape in ("1/t", "exponential"):
        found = {
            name: np.median(part[name][0], axis=1).min()
            for part in (LAST, OTHERS)
            for name in part
            if name.split(",")[0] == shape
        }
        assert len(found) == 4 and min(found, key=found.get) == shape
    ends = [shape(top_rates.STEPS) for name, shape in top_rates.OTHERS.items() if "exp" in name]
    np.testing.assert_allclose(ends, (0.3, 0.03, 0.01))
    assert [top_rates.SHAPES["1/t"](t) for t in (0, 300)] == [1, 0.5]


def test_restarts_fill_the_run():
    plan = [top_rates.SHAPES["restarts"](t) for t in range(top_rates.STEPS)]
    assert plan[-1] < 1e-4
    assert [t for t, rate in enumerate(plan) if rate == 1] == [0, 143, 429]


def test_a_course_is_that_of_the_package(monkeypatch):
    monkeypatch.setattr(top_rates, "STEPS", 50)
    found = top_rates.courses("constant", [0.1], (3,))[1:, 0, 0]
    (x, y), _, test = top_rates.digits(3)
    network, loss, seen = top_rates.build(3), SoftmaxCrossEntropy(), []
    optimizer = SGD(network, 0.1)
    sets = test, (x, y)
    seen.append([loss.forward(network.forward(a), b) for a, b in sets])
    for k in range(2):
        batches = np.random.default_rng(3000 + k).integers(1000, size=(25, 2))
        for batch in batches:
            loss.forward(network.forward(x[batch]), y[batch])
            network.backward_parameters(loss.backward())
            optimizer.step()
        seen.append([loss.forward(network.forward(a), b) for a, b in sets])
    np.testing.assert_allclose(found.T, np.fmin(seen, top_rates.GUESSING))


def test_the_digits_of_a_start_are_those_of_the_data_set():
    train, validation, test = top_rates.digits(1)
    assert [len(x) for x, _ in (train, validation, test)] == [1000, 347, 450]
    whole = load_digits(seed=1)
    np.testing.assert_array_equal(np.concatenate([train[0], validation[0]]), whole.x_train)


def test_a_deeper_network_has_the_units_that_were_asked_for():
    network = top_rates.build(0, 3, ReLU)
    assert sum(isinstance(layer, ReLU) for layer in network.layers) == 3
    assert network.theta.size == 65 * 32 + 2 * 33 * 32 + 33 * 10


def test_a_lost_run_counts_as_guessing():
    network = top_rates.build(0)
    network.theta[...] = np.nan
    assert top_rates.ends(network, *top_rates.digits(0)[:2]) == pytest.approx(2 * [np.log(10)])


def test_validation_chooses_and_the_test_judges():
    losses = np.array([[[3, 3, 9], [2, 2, 9], [4, 1, 9]], [[1, 2, 3], [7, 8, 9], [4, 5, 6]]])
    assert top_rates.chosen(losses) == 1  # medians 3, 2 and 4
    np.testing.assert_array_equal(top_rates.at_best(losses), [7, 8, 9])


def test_the_command_writes_what_is_stored(tmp_path, monkeypatch):
    monkeypatch.setattr(top_rates, "STEPS", 50)
    monkeypatch.setattr(top_rates, "TOPS", (0.02, 0.04))
    monkeypatch.setattr(top_rates, "ADAM_TOPS", (0.001,))
    top_rates.main([str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    assert set(found["last"]) == set(LAST) and set(found["others"]) == set(OTHERS)
    assert np.shape(found["last"]["step"]) == (3, 2, 10)
    assert np.shape(found["adam"]["cosine"]) == (3, 1, 10)
    assert np.shape(found["hero"]["large"]) == (2, 10, 3)
