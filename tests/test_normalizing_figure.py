"""The figures of the chapter on normalization: their numbers, and that they draw."""

import numpy as np

from backprop.book.figures import normalizing


def test_the_terms_add_up_to_the_gradient_of_the_layer():
    for last in (15.0, 22.0, 200.0):
        x = np.array([*normalizing.COLUMN[:3], last])
        d, shift, stretch, s = normalizing.terms(x, normalizing.SLOPES)
        np.testing.assert_allclose(
            (d + shift + stretch) / s, normalizing.gradient(x, normalizing.SLOPES), atol=1e-12
        )


def test_the_column_by_hand():
    found = normalizing.gradient(normalizing.COLUMN, normalizing.SLOPES)
    np.testing.assert_allclose(found, [0.22, -0.34, -0.06, 0.18])


def test_the_parts_are_perpendicular_and_add_up():
    d, shift, stretch, _ = normalizing.terms(normalizing.COLUMN, normalizing.SLOPES)
    parts = np.array([d + shift + stretch, -stretch, -shift])
    np.testing.assert_allclose(parts.sum(axis=0), d)
    np.testing.assert_allclose(parts @ parts.T, np.diag([5, 9, 16]), atol=1e-12)


def test_the_steps_leave_the_rays_at_right_angles_and_halve():
    weights = np.array([0.6, -0.3])
    slope = normalizing.weight_slopes(weights)
    np.testing.assert_allclose(slope @ weights, 0, atol=1e-12)
    np.testing.assert_allclose(normalizing.weight_slopes(2 * weights), slope / 2)
    long = np.linalg.norm(normalizing.walk(weights, 0.2, 12), axis=1)
    assert (np.diff(long) > 0).all()


def test_a_run_settles_if_its_length_is_free_and_jumps_if_it_is_reset():
    start = np.array([np.cos(2.4), np.sin(2.4)])
    free = normalizing.walk(start, 0.5, 12, d=normalizing.ABOVE)
    assert abs(free[-1, 0] / free[-1, 1]) < 0.05
    assert 2.3 < np.linalg.norm(free[1]) < 2.8
    kept = normalizing.walk(start, 0.5, 12, d=normalizing.ABOVE, reset=True)
    assert len(kept) == 25
    np.testing.assert_allclose(np.linalg.norm(kept[::2], axis=1), 1)
    across = kept[::2, 0]
    assert (across[1:] * across[:-1] < 0).all() and abs(across[-1]) > 0.3
    np.testing.assert_allclose(kept[1], free[1])


def test_reset_weights_end_in_a_cycle_of_two_angles():
    for start in (2.4, 1.9, 0.3):
        kept = normalizing.walk(
            (np.cos(start), np.sin(start)), 0.5, 60, d=normalizing.ABOVE, reset=True
        )
        last = np.sort(np.arctan2(kept[-3::2, 1], kept[-3::2, 0]))
        np.testing.assert_allclose(last, [normalizing.CYCLE, np.pi - normalizing.CYCLE])
    assert round(np.degrees(normalizing.CYCLE)) == 63


def test_the_loss_of_the_two_weights():
    for weights in ((0.6, -0.3), (1.0, 2.0)):
        x = normalizing.INPUTS @ weights
        loss = np.dot(normalizing.ABOVE, (x - x.mean()) / x.std())
        np.testing.assert_allclose(loss, -6 * weights[1] / np.linalg.norm(weights))


def test_they_draw():
    drawn = normalizing.parts("t").markup
    assert all(f">{words}<" in drawn for words in ("−2.1", "−1.7", "−0.3", "0.9", "15"))
    assert ">forever<" in normalizing.rays("t").markup
    assert "examples" in normalizing.shared("t").markup


def test_the_losses_are_drawn_up_to_the_first_median_that_overflows():
    runs = np.array([[0.4, 0.2, np.inf], [0.3, 0.1, np.inf], [0.03, np.inf, 2.0]])
    found = {arm: np.ones((3, 3)) for arm, *_ in normalizing.TOLERATED}
    drawn = normalizing.by_rate("t", [0.1, 1, 10], {**found, "plain": runs}).markup
    assert all(f">{words}<" in drawn for words in ("plain", "overflow:"))
    drawn = normalizing.by_rate("t", [0.1, 1, 10], found).markup
    assert "overflow" not in drawn
    assert all(f">{words}<" in drawn for *_, words, _ in normalizing.TOLERATED)
    assert ">guessing: 2.30<" in drawn


def test_the_effective_rates_are_drawn_with_reset_lengths_where_these_lose():
    found = {1.0: np.full((2, 4), 0.5), 100.0: np.array([[50, 1, 1, 1], [50, 2, 2, 2]])}
    drawn = normalizing.braking("t", found, {1: 0.03, 100: 0.06}, {1: 0.04, 100: 2.1}).markup
    assert all(f">{words}<" in drawn for words in ("1: 0.03", "100: 0.06", "100: 2.1"))
    assert ">1: 0.04<" not in drawn
