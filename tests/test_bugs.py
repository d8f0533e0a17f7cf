"""The program with ten places for a bug is right without one, and each bug is what it says."""

import numpy as np
import pytest

from backprop import Dense, Dropout, ReLU, Sequential, Sigmoid, SoftmaxCrossEntropy
from backprop.autodiff import gradcheck
from backprop.book import bugs

SETTINGS = {
    "full": {}, "first": {"steps": 1}, "one": {"examples": 1}, "widths": {"widths": (4, 6, 5, 3)},
    "no dropout": {"dropout": False}, "active": {"lift": 10.0},
}  # fmt: skip
MISSED = {
    "full": {10}, "first": {7, 10}, "one": {5, 6, 10}, "widths": {4, 10}, "no dropout": {8, 9, 10},
    "active": {3, 10},
}  # fmt: skip


def number(bug):
    return int(bug.split()[0])


def test_the_right_program_is_the_packages():
    rng = np.random.default_rng(0)
    network = Sequential([
        Dense(4, 5, rng=rng), Sigmoid(), Dropout(0.5, rng=rng),
        Dense(5, 5, rng=rng), ReLU(), Dense(5, 3, rng=rng),
    ])  # fmt: skip
    loss, x, y = SoftmaxCrossEntropy(), rng.normal(size=(6, 4)), rng.integers(3, size=6)
    value = loss.forward(network.forward(x), y)
    network.backward(loss.backward())
    theta, mask = list(network.parameters.values()), network.named["dropout1"].mask
    hot = np.eye(3)[y]
    assert bugs.loss(theta, x, hot, mask) == pytest.approx(value, rel=1e-12)
    ours = bugs.backward(bugs.RIGHT, theta, x, hot, mask)
    for a, b in zip(ours, network.gradients.values(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)


def test_a_stack_of_complex_steps_is_the_packages_complex_step():
    rng = np.random.default_rng(0)
    theta, mask = bugs.start(rng, 4, 5, 5, 3), bugs.draw_mask(rng, (6, 5))
    x, y = rng.normal(size=(6, 4)), np.eye(3)[rng.integers(3, size=6)]
    for k, old in enumerate(theta):

        def changed(t, k=k):
            return bugs.loss([*theta[:k], t, *theta[k + 1 :]], x, y, mask)

        one_by_one = gradcheck.complex_step(changed, old)
        np.testing.assert_allclose(bugs.complex_steps(changed, old), one_by_one, 1e-12, 1e-15)


def test_there_are_ten_and_each_exchanges_one_piece():
    assert [number(bug) for bug in bugs.BUGS] == list(range(1, 11))
    assert all(len(pieces) == 1 and set(pieces) <= set(bugs.RIGHT) for pieces in bugs.BUGS.values())


@pytest.mark.parametrize("setting", SETTINGS)
def test_each_setting_of_the_check_is_blind_to_what_the_chapter_says(setting):
    options, seeds = SETTINGS[setting], range(3)
    right = [bugs.check(bugs.program(), seed, **options) for seed in seeds]
    assert max(right) < 1e-11
    unseen = {
        number(bug)
        for bug in bugs.BUGS
        if max(bugs.check(bugs.program(bug), seed, **options) for seed in seeds) < bugs.TOLERANCE
    }
    assert unseen == MISSED[setting]


def test_another_learning_rate_holds_for_a_while_and_shows_what_it_scales():
    usual, errors = bugs.RATE, []
    for rate in (1e-3, 1e-5):
        with bugs.learning_rate(rate):
            errors.append(bugs.check(bugs.program("1 early update"), 0))
    assert usual == bugs.RATE
    assert abs(errors[1] / errors[0] - 0.01) < 1e-4  # bug 1 is proportional to the rate


def test_training_starts_at_a_guess_and_learns():
    from backprop import load_digits

    losses, scores = bugs.train(bugs.program(), range(2), load_digits(), epochs=2)
    assert losses.shape == (2, 3) and (losses[:, 2] < losses[:, 0]).all() and scores.shape[2] == 10


@pytest.mark.parametrize("bug", [None, *bugs.BUGS])
def test_a_stack_of_runs_does_what_each_run_does_alone(bug):
    from backprop import load_digits

    digits, q = load_digits(), bugs.program(bug)
    together, _ = bugs.train(q, range(3), digits, epochs=1, rescaled=bug == "3 ReLU slope 1")
    for seed in range(3):
        alone, _ = bugs.train(
            q, [seed], digits, epochs=1, rescaled=bug == "3 ReLU slope 1", course=False
        )
        np.testing.assert_allclose(alone[0, -1], together[seed, -1], rtol=1e-9)
    assert len({float(run[-1]) for run in together}) == 3 or np.isnan(together).any()


def test_one_run_of_a_stack_is_the_steps_of_one_run():
    from backprop import load_digits

    digits, rng = load_digits(), np.random.default_rng(1)
    x, y, kept = digits.x_train, np.eye(10)[digits.y_train], [np.zeros(())] * 6
    theta = bugs.start(rng, 64, 20, 20, 10)
    order = rng.permutation(len(x))
    for i in range(0, len(x), 50):
        rows = order[i : i + 50]
        mask = bugs.draw_mask(rng, (len(rows), 20))
        theta, kept = bugs.step(bugs.RIGHT, theta, x[rows], y[rows], mask, kept)
    losses, _ = bugs.train(bugs.program(), range(3), digits, epochs=1)
    assert losses[1, -1] == pytest.approx(bugs.loss(theta, x, y, np.ones((1, 20))), rel=1e-9)


def test_a_rescaled_gradient_keeps_its_direction_and_has_the_right_length():
    rng = np.random.default_rng(0)
    theta, mask = bugs.start(rng, 4, 5, 5, 3), bugs.draw_mask(rng, (6, 5))
    x, y = rng.normal(size=(6, 4)), np.eye(3)[rng.integers(3, size=6)]
    q, kept = bugs.program("3 ReLU slope 1"), [np.zeros(())] * 6
    right = bugs.backward(bugs.RIGHT, theta, x, y, mask)
    wrong = bugs.backward(q, theta, x, y, mask)
    _, used = bugs.step(q, theta, x, y, mask, kept, rescaled=True)
    for g, b, r in zip(used, wrong, right, strict=True):
        assert np.linalg.norm(g) == pytest.approx(np.linalg.norm(r), rel=1e-12)
        assert (g * b).sum() == pytest.approx(np.linalg.norm(g) * np.linalg.norm(b), rel=1e-12)
    assert not np.allclose(used[0], right[0]) and not np.allclose(used[0], wrong[0])
    assert bugs.right_length([np.zeros(2)], [np.ones(2)])[0].tolist() == [0, 0]
    two = bugs.right_length([np.array([[1.0, 0], [0, 2.0]])], [np.array([[3.0, 4], [1, 0]])], 1)
    assert two[0].tolist() == [[5, 0], [0, 1]]  # each run is scaled by itself
