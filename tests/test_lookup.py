"""The task of looking up: what is asked was told before, and the layers pass their checks."""

from functools import partial
from itertools import permutations

import numpy as np
import pytest

from backprop.autodiff import gradcheck
from backprop.book import lookup
from backprop.layers import Dense
from backprop.losses import SoftmaxCrossEntropy

LOOK, READ, ASK = (partial(lookup.partly, learns=part) for part in lookup.PARTS)
BUILDS = (lookup.attention, LOOK, READ, ASK)


def test_each_question_was_told_before():
    batch = lookup.draw(np.random.default_rng(0), 50, 3)
    assert batch.x.shape == (50, 6, lookup.WIDTH) and (batch.asked.sum(axis=1) == 3).all()
    rows, places = np.nonzero(batch.asked)
    assert (batch.told < places).all()
    letter = batch.x[rows, places, : lookup.LETTERS]
    np.testing.assert_array_equal(letter, batch.x[rows, batch.told, : lookup.LETTERS])
    told = batch.x[rows, batch.told, lookup.LETTERS :]
    np.testing.assert_array_equal(told.argmax(axis=1), batch.y)
    assert not batch.x[rows, places, lookup.LETTERS :].any() and (told.sum(axis=1) == 1).all()


def test_sequences_are_written_and_read():
    text = "c=5 a=3 c? b=7 b? a?"
    batch = lookup.written(text)
    assert lookup.names(batch, 0) == text.split()
    np.testing.assert_array_equal(batch.y, [5, 7, 3])
    np.testing.assert_array_equal(batch.told, [0, 3, 1])


def test_gradients():
    rng = np.random.default_rng(2)
    layer = lookup.Tokenwise(Dense(3, 2, rng=np.random.default_rng(1)))
    gradcheck.check_layer(layer, rng.normal(size=(2, 5, 3)), rng=rng).raise_if_off()


@pytest.mark.parametrize("learns", lookup.PARTS)
def test_only_what_is_named_learns(learns):
    start = lookup.attention(np.random.default_rng(0))
    build = partial(lookup.partly, learns=learns)
    ended = lookup.trained(build, 0.03, 0, steps=3)
    before, after = (network.layers[0].parameters for network in (start, ended))
    moved = {}
    for name in ("W_qkv", "b_qkv"):
        parts = zip(*(np.split(p[name], 3, axis=-1) for p in (before, after)), strict=True)
        moved |= {name[0] + of: (a != b).any() for of, (a, b) in zip("qkv", parts, strict=True)}
    moved |= {name[0] + "o": (before[name] != after[name]).any() for name in ("W_o", "b_o")}
    # A bias of the keys adds the same to all scores of a query: its gradient is rounding.
    del moved["bk"]
    for name, value in start.layers[1].parameters.items():
        moved["last " + name] = (value != ended.layers[1].parameters[name]).any()
    read = {"Wv", "bv", "Wo", "bo"}
    named = {"look": {"Wq", "bq", "Wk"}, "read": read, "ask": {"Wq", "bq"} | read}[learns]
    assert {name for name, has in moved.items() if has} == named | {"last W", "last b"}


@pytest.mark.parametrize("learns", lookup.PARTS)
def test_what_learns_in_part_starts_as_the_whole(learns):
    whole, part = (
        build(np.random.default_rng(0))
        for build in (lookup.attention, partial(lookup.partly, learns=learns))
    )
    batch = lookup.draw(np.random.default_rng(1), 5)
    np.testing.assert_array_equal(part.forward(batch.x), whole.forward(batch.x))
    _, dz = lookup.errors(whole, SoftmaxCrossEntropy(), batch)
    np.testing.assert_array_equal(part.backward(dz), whole.backward(dz))


@pytest.mark.parametrize("learns", ["", "listen"])
def test_what_learns_must_be_a_part(learns):
    with pytest.raises(ValueError, match="expected one of"):
        lookup.partly(np.random.default_rng(0), learns)


def test_the_half_that_learns_has_the_gradient_of_the_whole():
    whole = lookup.attention(np.random.default_rng(0))
    batch = lookup.draw(np.random.default_rng(1), 5)
    _, dz = lookup.errors(whole, SoftmaxCrossEntropy(), batch)
    dx = whole.backward(dz)
    found = 0
    for build in (LOOK, READ):
        network = build(np.random.default_rng(0))
        network.forward(batch.x)
        np.testing.assert_array_equal(network.backward(dz), dx)
        found = found + network.layers[0].gradients["W_qkv"]
    np.testing.assert_array_equal(found, whole.layers[0].gradients["W_qkv"])


@pytest.mark.parametrize("build", BUILDS)
def test_the_size_and_that_nothing_is_seen_early(build):
    network = build(np.random.default_rng(3))
    assert network.theta.size == 1224
    sizes = lookup.reach(network, lookup.draw(np.random.default_rng(4), 1).x[0])
    assert not sizes[~np.tri(8, dtype=bool)].any() and (np.diag(sizes) > 0).all()


def test_reach_is_the_size_of_jacobians():
    network = lookup.attention(np.random.default_rng(5), causal=False)
    x = lookup.draw(np.random.default_rng(6), 1, 2).x[0]
    sizes = lookup.reach(network, x)
    J = np.zeros((4, 8, 4, lookup.WIDTH))
    for s, i in np.ndindex(4, lookup.WIDTH):
        up, down = x.copy(), x.copy()
        up[s, i] += 1e-5
        down[s, i] -= 1e-5
        J[:, :, s, i] = (network.forward(up[None])[0] - network.forward(down[None])[0]) / 2e-5
    np.testing.assert_allclose(sizes, np.sqrt((J**2).sum(axis=(1, 3))), rtol=1e-6)


def test_only_questions_send_errors():
    network, batch = lookup.attention(np.random.default_rng(7)), lookup.written("a=1 b=2 b? a?")
    value, dz = lookup.errors(network, SoftmaxCrossEntropy(), batch)
    assert value > 0 and dz[batch.asked].any(axis=1).all() and not dz[~batch.asked].any()


def test_one_rotation_matches_letters_and_two_do_not():
    batch = lookup.written("a=1 b=2 b? a?")
    match, wild = (lookup.rotated(np.random.default_rng(0), matched=m) for m in (True, False))
    start = READ(np.random.default_rng(0))
    for network in (match, wild, start):
        network.forward(batch.x)
    layer, other = match.layers[0], wild.layers[0]
    # The answer and the question itself have the letter, so they share nearly all the weight.
    np.testing.assert_allclose(layer.p[0, 0, 2], [0, 0.5, 0.5, 0], atol=1e-4)
    np.testing.assert_allclose(layer.p[0, 0, 3], [0.5, 0, 0, 0.5], atol=1e-4)
    assert other.p[0, 0, 2, 1] < 0.4 or other.p[0, 0, 3, 0] < 0.4
    np.testing.assert_array_equal(layer.k, other.k)
    for found in (layer, other):  # all as long as the tokens, or 40 times
        length = np.linalg.norm(batch.x, axis=-1)
        np.testing.assert_allclose(np.linalg.norm(found.k[:, 0], axis=-1), length)
        np.testing.assert_allclose(np.linalg.norm(found.q[:, 0], axis=-1), 40 * length)
        np.testing.assert_array_equal(found.v, start.layers[0].v)


@pytest.mark.parametrize("matched", [True, False])
def test_rotations_stay_and_see_the_same_sequences(matched):
    rngs = [np.random.default_rng(0) for _ in range(2)]
    fixed = lookup.rotated(rngs[0], matched=matched).layers[0].parameters["W_qkv"][:, :32].copy()
    READ(rngs[1])
    assert rngs[0].random() == rngs[1].random()
    build = partial(lookup.rotated, matched=matched)
    after = lookup.trained(build, 0.03, 0, steps=2).layers[0].parameters["W_qkv"]
    np.testing.assert_array_equal(after[:, :32], fixed)


def test_attention_learns():
    test = lookup.draw(np.random.default_rng(8), 100, 2)
    first, last = (
        lookup.share_right(lookup.trained(lookup.attention, 0.03, 0, steps=steps, n=2), test)
        for steps in (0, 60)
    )
    assert first < 0.5 < 0.95 < last


def test_the_weight_on_the_answer():
    batch = lookup.draw(np.random.default_rng(3), 20)
    network = lookup.attention(np.random.default_rng(0))
    network.layers[0].parameters["W_qkv"][:] = 0  # all scores are equal
    even = (1 / (1 + np.nonzero(batch.asked)[1])).mean()
    assert lookup.weight_on_answer(network, batch) == pytest.approx(even)
    taught = lookup.trained(partial(lookup.partly, learns="look"), 0.03, 0, steps=200)
    assert lookup.weight_on_answer(taught, batch) > 0.95


def test_rules_that_do_not_look_at_letters():
    # "5" is right for two of the three questions, and is two of the three digits told.
    batch = lookup.written("a=5 b=5 c=3 a? b? c?")
    right = lookup.levels(batch)
    assert right["blind"] == 1 / 8 and right["most told"] == pytest.approx(2 / 3)
    # The first question can only be for a, and the second only for b.
    assert lookup.levels(lookup.written("a=5 a? b=3 b?"))["no letters"] == 1
    assert lookup.levels(lookup.written("a=5 a? b=3 b?"))["most told"] == pytest.approx(3 / 4)


def test_no_rule_without_letters_is_better():
    """The likeliest digit, by enumerating all ways to pair what is told with what is asked."""
    rng = np.random.default_rng(4)
    batch = lookup.draw(rng, 30, 3)
    right, answers = 0, iter(batch.y)
    for tokens, asked in zip(batch.x, batch.asked, strict=True):
        digits = tokens[~asked, lookup.LETTERS :].argmax(axis=1)
        at, places = np.nonzero(~asked)[0], np.nonzero(asked)[0]
        for k in range(3):
            votes = np.zeros(lookup.DIGITS)
            for order in permutations(range(3)):  # order[i] is what the i-th question asks for
                if all(at[order[i]] < places[i] for i in range(k + 1)):
                    votes[digits[order[k]]] += 1
            right += votes.argmax() == next(answers)
    assert lookup.levels(batch)["no letters"] == pytest.approx(right / batch.y.size)


def test_what_is_watched_is_what_is_trained():
    test, one = lookup.draw(np.random.default_rng(8), 50), lookup.written("a=1 b=2 b? a?")
    seen = lookup.watched(lookup.attention, 0.03, 1, [0, 3], test, one.x[0])
    for steps, (right, sizes) in zip((0, 3), seen, strict=True):
        network = lookup.trained(lookup.attention, 0.03, 1, steps=steps)
        assert right == lookup.share_right(network, test)
        np.testing.assert_array_equal(sizes, lookup.reach(network, one.x[0]))


def test_two_letters_are_asked_for_in_turn():
    x, y = lookup.ask_two(np.random.default_rng(0), 50, 3)
    assert x.shape == (50, 4, lookup.PAIRED) and (x.sum(axis=2) == 2).all()
    told, asks = x[:, :-1], x[:, -1]
    letters, digits = told[..., : lookup.LETTERS], told[..., 2 * lookup.LETTERS :].argmax(axis=2)
    assert not told[..., lookup.LETTERS : 2 * lookup.LETTERS].any()
    for k in range(2):
        asked = asks[:, k * lookup.LETTERS : (k + 1) * lookup.LETTERS]
        where = (letters @ asked[:, :, None])[..., 0]
        assert (where.sum(axis=1) == 1).all()
        np.testing.assert_array_equal(digits[np.arange(50), where.argmax(axis=1)], y[:, k])
    assert (asks[:, : lookup.LETTERS] * asks[:, lookup.LETTERS : 2 * lookup.LETTERS]).sum() == 0


@pytest.mark.parametrize("rate", [0.01, 0.03])
def test_two_heads_find_both_digits_and_one_does_not(rate):
    *one, both = lookup.two_digits(1, 0, rate)
    assert both < 0.4 and max(one) > 0.6 > min(one)
    assert lookup.two_digits(2, 0, rate)[2] > 0.98
