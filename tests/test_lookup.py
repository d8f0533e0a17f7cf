"""The task of looking up: what is asked was told before, and the layers pass their checks."""

from functools import partial

import numpy as np
import pytest

from backprop.autodiff import gradcheck
from backprop.book import lookup
from backprop.layers import Dense
from backprop.losses import SoftmaxCrossEntropy

LOOK, READ = (partial(lookup.half, look=look) for look in (True, False))
BUILDS = (lookup.attention, lookup.recurrent, LOOK, READ)


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


def test_padding_is_written_and_read():
    batch = lookup.written("pad pad c=5 c?")
    assert lookup.names(batch, 0) == ["pad", "pad", "c=5", "c?"] and not batch.x[0, :2].any()
    np.testing.assert_array_equal(batch.asked, [[False, False, False, True]])
    np.testing.assert_array_equal(batch.told, [2])


def test_gradients():
    rng = np.random.default_rng(2)
    layer = lookup.Tokenwise(Dense(3, 2, rng=np.random.default_rng(1)))
    gradcheck.check_layer(layer, rng.normal(size=(2, 5, 3)), rng=rng).raise_if_off()


@pytest.mark.parametrize(("build", "learning"), [(LOOK, "qk"), (READ, "vo")])
def test_one_half_learns_and_the_other_keeps_its_start(build, learning):
    start, ended = (
        lookup.attention(np.random.default_rng(0)),
        lookup.trained(build, 0.03, 0, steps=3),
    )
    before, after = (network.layers[0].parameters for network in (start, ended))
    moved = {}
    for name in ("W_qkv", "b_qkv"):
        parts = zip(*(np.split(p[name], 3, axis=-1) for p in (before, after)), strict=True)
        moved |= {name[0] + of: (a != b).any() for of, (a, b) in zip("qkv", parts, strict=True)}
    moved |= {name[0] + "o": (before[name] != after[name]).any() for name in ("W_o", "b_o")}
    # A bias of the keys adds the same to all scores of a query: its gradient is rounding.
    del moved["bk"]
    assert {name for name, has in moved.items() if has} == {
        letter + of for of in learning for letter in "Wb" if letter + of in moved
    }
    assert np.count_nonzero(start.theta == lookup.trained(build, 0.03, 0, steps=0).theta) == 1224


@pytest.mark.parametrize(
    ("build", "size"), [(lookup.looking_alone, 1088), (lookup.linear_alone, 136)]
)
def test_what_is_still_keeps_its_start(build, size):
    start, ended = (
        lookup.attention(np.random.default_rng(0)),
        lookup.trained(build, 0.03, 0, steps=3),
    )
    batch = lookup.draw(np.random.default_rng(1), 5)
    begun = build(np.random.default_rng(0))
    np.testing.assert_array_equal(begun.forward(batch.x), start.forward(batch.x))
    _, dz = lookup.errors(start, SoftmaxCrossEntropy(), batch)
    np.testing.assert_array_equal(begun.backward(dz), start.backward(dz))
    assert ended.theta.size == size and (ended.theta != begun.theta).any()
    for old, new in zip(start.layers, ended.layers, strict=True):
        if isinstance(new, lookup.Still):
            kept = new.layer.parameters
            assert all((kept[name] == value).all() for name, value in old.parameters.items())


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
def test_sizes_are_alike_and_nothing_is_seen_early(build):
    network = build(np.random.default_rng(3))
    assert 1200 < network.theta.size < 1300
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


def test_padding_is_not_reached_and_reaches_nothing():
    network = lookup.attention(np.random.default_rng(5))
    padded, plain = lookup.written("pad c=5 b=1 c? b?"), lookup.written("c=5 b=1 c? b?")
    sizes = lookup.reach(network, padded.x[0], padded.x[0].any(axis=1))
    assert not sizes[0].any() and not sizes[:, 0].any()
    np.testing.assert_allclose(sizes[1:, 1:], lookup.reach(network, plain.x[0]))
    whole = lookup.reach(network, plain.x[0], np.ones(4, bool))
    np.testing.assert_array_equal(whole, lookup.reach(network, plain.x[0]))


def test_only_questions_send_errors():
    network, batch = lookup.attention(np.random.default_rng(7)), lookup.written("a=1 b=2 b? a?")
    value, dz = lookup.errors(network, SoftmaxCrossEntropy(), batch)
    assert value > 0 and dz[batch.asked].any(axis=1).all() and not dz[~batch.asked].any()


def test_attention_learns_and_the_best_rate_is_chosen():
    test = lookup.draw(np.random.default_rng(8), 100, 2)
    network, seen = lookup.learning(lookup.attention, 0.03, 0, [0, 60], test, 2)
    assert seen[0] < 0.5 < 0.95 < seen[1] == lookup.share_right(network, test)
    again = lookup.trained(lookup.attention, 0.03, 0, steps=60, n=2)
    np.testing.assert_array_equal(again.theta, network.theta)
    assert lookup.tuned(lookup.attention, (1e-6, 0.03), (0,), steps=60, n=2) == 0.03


def test_what_is_watched_is_what_is_trained():
    test, one = lookup.draw(np.random.default_rng(8), 50), lookup.written("a=1 b=2 b? a?")
    seen = lookup.watched(lookup.recurrent, 0.03, 1, [0, 3], test, one.x[0])
    for steps, (right, sizes) in zip((0, 3), seen, strict=True):
        network = lookup.trained(lookup.recurrent, 0.03, 1, steps=steps)
        assert right == lookup.share_right(network, test)
        np.testing.assert_array_equal(sizes, lookup.reach(network, one.x[0]))


def test_one_token_asks_for_two_letters():
    x, y = lookup._two_asked(np.random.default_rng(0), 20)
    for tokens, digits in zip(x, y, strict=True):
        told = {
            row[: lookup.LETTERS].argmax(): row[-lookup.DIGITS :].argmax() for row in tokens[:4]
        }
        first, second = tokens[4, : lookup.LETTERS], tokens[4, lookup.LETTERS : 2 * lookup.LETTERS]
        assert first.sum() == second.sum() == 1 and not tokens[4, -lookup.DIGITS :].any()
        assert [told[first.argmax()], told[second.argmax()]] == digits.tolist()
        assert len(told) == 4 and first.argmax() != second.argmax()


def test_two_heads_read_two_places():
    size, one = lookup.two_at_once(1, 0.01, 0, test=200)
    same, two = lookup.two_at_once(2, 0.01, 0, test=200)
    assert size == same == 2800 and one < 0.4 and two > 0.99
