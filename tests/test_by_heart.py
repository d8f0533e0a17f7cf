"""A hundred digits with wrong labels: what a run sees, and how a strength is chosen."""

from dataclasses import replace

import numpy as np
import pytest

from backprop.book import by_heart
from backprop.book.by_heart import Recipe, best, chosen, few, run
from backprop.book.figures import overfitting
from backprop.book.figures.by_hand import spread


def test_a_fifth_of_the_labels_is_wrong_and_no_test_label():
    spoilt, right = few(3), few(3, 0)
    assert len(spoilt.x) == len(spoilt.validation[0]) == by_heart.DIGITS
    assert np.array_equal(spoilt.y != right.y, spoilt.wrong) and spoilt.wrong.sum() == 20
    assert (spoilt.validation[1] != right.validation[1]).sum() == 20
    assert np.array_equal(spoilt.test[1], right.test[1]) and not right.wrong.any()
    images = np.concatenate([spoilt.x, spoilt.validation[0], spoilt.test[0]])
    assert len(np.unique(images, axis=0)) == len(images)


def test_a_run_ends_in_use_and_repeats():
    seen = run(Recipe(dropout=0.5), 1)
    again = run.__wrapped__(Recipe(dropout=0.5), 1)
    assert np.array_equal(seen.network.theta, again.network.theta)
    x, y = few(1).test
    assert seen.accuracy == (seen.network.forward(x).argmax(axis=1) == y).mean()
    assert len(seen.new) == by_heart.UPDATES // by_heart.EVERY + 1
    assert seen.stopped == seen.new[seen.validation.argmin()] == seen.frozen("new")[-1]
    last = seen.validation.argmin()
    assert np.array_equal(seen.frozen("wrong")[: last + 1], seen.wrong[: last + 1])
    assert (seen.frozen("wrong")[last:] == seen.wrong[last]).all()


def test_looking_does_not_change_the_run(monkeypatch):
    # Looks in training mode would draw masks, and with them other batches.
    usual = run(Recipe(dropout=0.5), 2)
    monkeypatch.setattr(by_heart, "EVERY", 40)
    assert np.array_equal(run.__wrapped__(Recipe(dropout=0.5), 2).network.theta,
                          usual.network.theta)  # fmt: skip


def test_the_first_look_is_in_use():
    looks = [run(Recipe(dropout=rate), 4) for rate in (0.0, 0.9)]
    assert looks[0].new[0] == looks[1].new[0] and looks[0].validation[0] == looks[1].validation[0]


def test_a_plain_network_learns_the_wrong_labels_by_heart():
    assert run(Recipe(), 0).wrong[-1] >= 0.9 and run(Recipe(), 0).right[-1] >= 0.97
    assert run(Recipe(dropout=0.8), 0).wrong[-1] <= 0.6


def test_the_validation_loss_chooses():
    recipe = chosen("decay", 0)
    losses = {s: run(Recipe(decay=s), 0).validation[-1] for s in by_heart.STRENGTHS["decay"]}
    assert recipe == Recipe(decay=min(losses, key=losses.get))
    weak = Recipe(dropout=0.5)
    assert best([replace(weak, decay=100.0), weak], 0) == weak


@pytest.mark.parametrize("places", [[1.0, 1.0, 1.0], [3.0, 0.0, 2.9], [0.0, 5.0, 10.0]])
def test_words_are_spread_and_keep_their_order(places):
    moved = spread(places, 2.0)
    assert np.diff(np.sort(moved)).min() > 2 - 1e-6
    assert np.array_equal(np.argsort(moved, kind="stable"), np.argsort(places, kind="stable"))
    assert np.isclose(np.mean(moved), np.mean(places))


def test_figures_name_what_they_show():
    gains = {"first": {"one": [1.0, 2.0], "two": [-1.0, 0.0]}, "second": {"one": [1], "two": [0.5]}}
    markup = overfitting.strips("t", gains, "points").markup
    assert all(word in markup for word in ("first", "second", "one", "two", "points"))
    shares = {"a": np.ones(64), "b": np.zeros(64)}
    assert "always" in overfitting.kept("t", np.zeros(64), shares, 1e-5).markup


def test_the_mean_over_the_masks_rises_with_the_rate():
    frames = overfitting.noise()
    assert len(frames) == len(overfitting.CHANCES)
    for frame, rate in zip(frames, overfitting.CHANCES, strict=True):
        added = 4 * rate / (1 - rate)  # half of p/(1 - p) times 2² + 2²
        assert f">added: {added:.3g}<" in frame.svg and f"mean loss {added + 0.5:.3g}<" in frame.svg
    assert "0.25 · 12.5 + 0.5 · 0.5 + 0.25 · 4.5 = 4.5." in frames[-1].caption


def test_a_sieve_reports_the_medians_of_what_is_fitted():
    c = np.array([0.5, 0.1])
    split = c, np.array([0.6, 0.2]), np.array([0.1, 0.3])
    frames = overfitting.sieve([split, split, (c, 0 * c, 0 * c)], 0.5)
    assert len(frames) == len(overfitting.STEPS)
    # one step: a quarter and a twentieth of the way; a decay of 2: a fifth and 1/21
    assert "fitted 16 % of the right labels and 4 % of the errors" in frames[0].caption
    assert "λ = 1/(ηt) = 2 fits 13 % and 3 %" in frames[0].caption
    assert ">errors: 4% fitted<" in frames[0].svg


def test_a_mask_multiplies_both_ways():
    markup = overfitting.masked([3, 1], [2, 0], 5, "t").markup
    assert all(f">{number}</text>" in markup for number in ("6", "5", "10", "· 2", "· 0"))
    assert "[10, 0]" in markup and ">loss: 5<" in markup


def test_frames_report_the_medians():
    frames = overfitting.rates()
    assert len(frames) == len(overfitting.RATES)
    wrong = np.median([run(Recipe(dropout=0.8), seed).wrong[-1] for seed in range(10)])
    assert f"and {100 * wrong:.0f} % of the wrong ones" in frames[3].caption
    assert ["Dotted" in frame.caption for frame in frames] == [False, True, True, True, True]
