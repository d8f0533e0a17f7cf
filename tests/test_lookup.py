"""The task of looking up: what is asked was told before, and the layers pass their checks."""

import numpy as np
import pytest

from backprop.autodiff import gradcheck
from backprop.book import lookup
from backprop.layers import Dense
from backprop.losses import SoftmaxCrossEntropy


def test_each_question_was_told_before():
    batch = lookup.draw(np.random.default_rng(0), 50, 3)
    assert batch.x.shape == (50, 6, lookup.WIDTH) and (batch.asked.sum(axis=1) == 3).all()
    rows, places = np.nonzero(batch.asked)
    assert (batch.told < places).all()
    letter = batch.x[rows, places, : lookup.LETTERS]
    np.testing.assert_array_equal(letter, batch.x[rows, batch.told, : lookup.LETTERS])
    told = batch.x[rows, batch.told, lookup.LETTERS :]
    np.testing.assert_array_equal(told.argmax(axis=1), batch.digits)
    assert not batch.x[rows, places, lookup.LETTERS :].any() and (told.sum(axis=1) == 1).all()


def test_sequences_are_written_and_read():
    text = "c=5 a=3 c? b=7 b? a?"
    batch = lookup.written(text)
    assert lookup.names(batch, 0) == text.split()
    np.testing.assert_array_equal(batch.digits, [5, 7, 3])
    np.testing.assert_array_equal(batch.told, [0, 3, 1])


def test_gradients():
    rng = np.random.default_rng(2)
    layer = lookup.Tokenwise(Dense(3, 2, rng=np.random.default_rng(1)))
    gradcheck.check_layer(layer, rng.normal(size=(2, 5, 3)), rng=rng).raise_if_off()


@pytest.mark.parametrize(("divide", "slower"), [(True, 1.0), (False, 1.0), (False, 3.0)])
def test_gradients_of_wide_queries(divide, slower):
    rng = np.random.default_rng(0)
    layer = lookup.WideLook(6, np.random.default_rng(1), divide=divide, slower=slower)
    x = rng.normal(size=(2, 4, lookup.WIDTH)) / 4
    gradcheck.check_layer(layer, x, rng=rng).raise_if_off()


def test_scores_are_divided_or_not():
    batch = lookup.draw(np.random.default_rng(0), 200)
    spreads = []
    for divide in True, False:
        layer = lookup.WideLook(256, np.random.default_rng(1), divide=divide)
        layer.forward(batch.x)
        rows = layer.p[:, -1]
        W_q, W_k = layer.parameters["W_q"], layer.parameters["W_k"]
        s = (batch.x @ W_q @ (batch.x @ W_k).swapaxes(1, 2))[:, -1] / (16 if divide else 1)
        expected = np.exp(s - s.max(axis=1, keepdims=True))
        np.testing.assert_allclose(rows, expected / expected.sum(axis=1, keepdims=True), atol=1e-12)
        spreads.append(s.std())
    assert 0.7 < spreads[0] < 2 and spreads[1] > 11


def test_wide_queries_learn_with_the_division_alone():
    test = lookup.draw(np.random.default_rng(8), 100)
    divided, undivided = (
        lookup.learned(1, 256, [0, 60], test, divide=divide) for divide in (True, False)
    )
    assert divided[0] < 0.3 and undivided[0] < 0.3
    assert undivided[1] < 0.85 and divided[1] > 0.97
    slow = lookup.learned(1, 256, [0, 60], test, divide=False, slower=16)
    assert slow[0] == undivided[0] and slow[1] < 0.85  # the same first scores


def test_the_scores_of_wide_queries():
    batch = lookup.draw(np.random.default_rng(0), 3)
    start, later = lookup.scored(2, 9, [0, 4], batch, divide=False)
    layer = lookup.WideLook(9, np.random.default_rng(2), divide=False)
    layer.forward(batch.x)
    np.testing.assert_allclose(lookup.softmax(start), layer.p[batch.asked], atol=1e-12)
    assert start.shape == (12, 8) and (np.isfinite(start) == np.isfinite(later)).all()
    assert (later != start).any()


def both():
    """Return the network that learns everything, and the one that may not learn where to look."""
    return [lookup.attention(np.random.default_rng(0), fixed=fixed) for fixed in (False, True)]


def test_where_to_look_stays_fixed_and_all_else_learns():
    _, start = both()
    ended = lookup.trained(0, 3, fixed=True)
    before, after = (network.layers[0].parameters for network in (start, ended))
    moved = {}
    for name in ("W_qkv", "b_qkv"):
        parts = zip(*(np.split(p[name], 3, axis=-1) for p in (before, after)), strict=True)
        moved |= {name[0] + of: (a != b).any() for of, (a, b) in zip("qkv", parts, strict=True)}
    moved |= {name[0] + "o": (before[name] != after[name]).any() for name in ("W_o", "b_o")}
    for name, value in start.layers[1].parameters.items():
        moved["last " + name] = (value != ended.layers[1].parameters[name]).any()
    assert {name for name, has in moved.items() if not has} == {"Wq", "bq", "Wk", "bk"}


def test_both_networks_start_alike_and_have_the_same_gradients():
    whole, fixed = both()
    assert whole.theta.size == fixed.theta.size == 1224
    batch = lookup.draw(np.random.default_rng(1), 5)
    np.testing.assert_array_equal(fixed.forward(batch.x), whole.forward(batch.x))
    _, dz = lookup.errors(whole, SoftmaxCrossEntropy(), batch)
    np.testing.assert_array_equal(fixed.backward(dz), whole.backward(dz))
    for name, gradient in whole.layers[0].gradients.items():
        found = fixed.layers[0].gradients[name]
        learns = slice(2 * lookup.WIDTH if name.endswith("qkv") else 0, None)
        np.testing.assert_array_equal(found[..., learns], gradient[..., learns])
        assert name.endswith("o") or not found[..., : 2 * lookup.WIDTH].any()


def test_only_questions_send_errors():
    network, batch = lookup.attention(np.random.default_rng(7)), lookup.written("a=1 b=2 b? a?")
    value, dz = lookup.errors(network, SoftmaxCrossEntropy(), batch)
    assert value > 0 and dz[batch.asked].any(axis=1).all() and not dz[~batch.asked].any()


def test_attention_learns():
    test = lookup.draw(np.random.default_rng(8), 100)
    first, last = (
        (lookup.answers(lookup.trained(0, steps), test) == test.digits).mean() for steps in (0, 60)
    )
    assert first < 0.3 and last > 0.95


def test_what_was_told_most_often():
    # "5" is right for two of the three questions, and is two of the three digits told.
    batch = lookup.written("a=5 b=5 c=3 a? b? c?")
    most = lookup.most_told(batch)
    assert most.shape == (3, lookup.DIGITS)
    assert [row.nonzero()[0].tolist() for row in most] == [[5], [5], [5]]
    most = lookup.most_told(lookup.written("a=5 a? b=3 b?"))
    assert [row.nonzero()[0].tolist() for row in most] == [[5], [3, 5]]


def test_what_is_watched_is_what_is_trained():
    one = lookup.written("a=1 b=2 b? a?")
    for steps, look in zip((0, 3), lookup.watched(1, [0, 3], one), strict=True):
        network = lookup.trained(1, steps)
        assert look.said == lookup.answers(network, one).tolist()
        np.testing.assert_array_equal(look.P, network.layers[0].p[0, 0])
        np.testing.assert_allclose(look.P.sum(axis=1), 1)
        assert not np.triu(look.P, 1).any()
        z = network.forward(one.x)[one.asked]
        powers = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(look.sure, powers[[0, 1], [2, 1]])
        np.testing.assert_array_equal(look.dS, lookup.score_errors(network, one)[1][0])
        assert look.alone == lookup.alone(network, one.x).tolist()


def test_what_a_value_says_is_what_the_token_says_alone():
    network = lookup.trained(3, 4)
    x = lookup.tokens("a=1 b=2 b?")
    attends, linear = network.layers
    network.forward(x[None])
    o = attends.v[0, 0] @ attends.parameters["W_o"] + attends.parameters["b_o"]
    expected = linear.forward(o[None])[0].argmax(axis=1)
    np.testing.assert_array_equal(lookup.alone(network, x), expected)


def test_errors_at_scores_are_slopes_of_the_own_loss():
    one = lookup.written("a=1 b=2 b? a?")
    network = lookup.trained(2, 12)
    _, dS = lookup.score_errors(network, one)
    attends, linear = network.layers
    q, k, v = (part[0, 0] for part in (attends.q, attends.k, attends.v))
    W_o, b_o = attends.parameters["W_o"], attends.parameters["b_o"]

    def loss(S, t, digit):
        E = np.exp(S) * np.tri(4)
        o = E / E.sum(axis=1, keepdims=True) @ v
        z = linear.forward((o @ W_o + b_o)[None])[0, t]
        return np.log(np.exp(z).sum()) - z[digit]

    S = q @ k.T / 4
    for t, digit in ((2, 2), (3, 1)):
        for j in range(4):
            step = np.zeros((4, 4))
            step[t, j] = 1e-5
            slope = (loss(S + step, t, digit) - loss(S - step, t, digit)) / 2e-5
            assert slope == pytest.approx(dS[0, t, j], abs=1e-8)
    assert not dS[0, :2].any() and not np.triu(dS[0], 1).any()
    np.testing.assert_allclose(dS.sum(axis=2), 0, atol=1e-12)


def test_what_is_learned_first():
    assert lookup.FACTS.shape == (64, lookup.WIDTH) and (lookup.FACTS.sum(axis=1) == 2).all()
    batch = lookup.draw(np.random.default_rng(8), 20)
    found = lookup.learns_first(1, [0, 7], batch)
    for steps, (own, gains, most, weight) in zip((0, 7), found, strict=True):
        network = lookup.trained(1, steps)
        P, dS = lookup.score_errors(network, batch)
        weights, fell, furthest, questions = [], 0, 0, zip(*np.nonzero(batch.asked), strict=True)
        for (row, t), match in zip(questions, batch.told, strict=True):
            weights.append(P[row, t, match])
            fell += dS[row, t, match] < 0
            furthest += dS[row, t].argmin() == match
        assert weight == pytest.approx(np.mean(weights)) and gains == fell / len(weights)
        assert most == furthest / len(weights)
        said = [
            lookup.alone(network, lookup.tokens(f"{letter}={digit}"))[0] == digit
            for letter in lookup.ALPHABET
            for digit in range(lookup.DIGITS)
        ]
        assert own == np.mean(said)


def test_what_is_compared_adds_up_to_the_scores():
    network = lookup.trained(1, 20)
    attends, _ = network.layers
    attends.parameters["b_qkv"][:] = 0
    x = lookup.tokens("b=3 c=5 b?")
    network.forward(x[None])
    M = lookup.compared(network)
    assert M.shape == (16, 16) and np.argmax(M) % 17 == 0
    scores = np.log(attends.p[0, 0, 2])
    found = [M[1, 1] + M[1, 8 + 3], M[1, 2] + M[1, 8 + 5], M[1, 1]]
    np.testing.assert_allclose(scores - scores[2], np.array(found) - found[2], atol=1e-12)


def test_what_the_errors_ask_of_pairs_is_what_the_queries_learn_from():
    network, batch = lookup.trained(1, 5), lookup.draw(np.random.default_rng(4), 6)
    dM = lookup.wanted(network, batch)
    _, dz = lookup.errors(network, lookup.SoftmaxCrossEntropy(), batch)
    network.backward_parameters(dz)
    attends = network.layers[0]
    W_k = attends.parameters["W_qkv"][:, 16:32]
    found = attends.gradients["W_qkv"][:, :16]
    np.testing.assert_allclose(found, dM @ W_k / 4, atol=1e-12)


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


def test_two_heads_find_both_digits_and_one_does_not():
    x, y = lookup.ask_two(np.random.default_rng(10**6), 2000)
    one, two = (lookup.both_digits(lookup.trained_for_two(heads, 0), x) == y for heads in (1, 2))
    assert one.all(axis=1).mean() < 0.4 < 0.98 < two.all(axis=1).mean()


def test_what_is_named_of_two_digits():
    x, y = lookup.ask_two(np.random.default_rng(1), 200)
    network = lookup.trained_for_two(1, 0, steps=30)
    said, found = lookup.both_digits(network, x), lookup.named(network, x, y)
    first, second = 100 * (said == y).mean(axis=0)
    assert [found["better digit"], found["other digit"]] == [max(first, second), min(first, second)]
    assert found["both digits"] == 100 * (said == y).all(axis=1).mean() <= found["other digit"]
    assert found["one digit twice"] == 100 * (said[:, 0] == said[:, 1]).mean()


def test_weights_on_the_two_tokens_asked_for():
    _, x = lookup.one_for_two()
    network = lookup.trained_for_two(2, 0, steps=10)
    (on_b, on_c) = lookup.weights_for_two(network, x)[0]
    assert [on_b, on_c] == network.layers[0].p[0, 0, -1, [0, 2]].tolist()
    second = lookup.weights_for_two(network, x, head=1)[0]
    assert second.tolist() == network.layers[0].p[0, 1, -1, [0, 2]].tolist()
    assert not np.allclose(second, [on_b, on_c])
    many, _ = lookup.ask_two(np.random.default_rng(2), 20)
    both = lookup.weights_for_two(network, many)
    assert both.shape == (20, 2) and (0 < both).all() and (both.sum(axis=1) < 1).all()


def test_the_question_for_two_is_one_of_those_that_are_drawn():
    names, x = lookup.one_for_two()
    drawn, _ = lookup.ask_two(np.random.default_rng(0), 1)
    assert x.shape == drawn.shape and x.sum(axis=2)[0].tolist() == drawn.sum(axis=2)[0].tolist()
    assert names == ["b=7", "a=3", "c=5", "f=1", "b c?"]
    assert x[0, 0, [1, 2 * lookup.LETTERS + 7]].sum() == 2 == x[0, 4, [1, lookup.LETTERS + 2]].sum()


def test_tokens_are_written_wherever_a_letter_is_asked_for():
    x = lookup.tokens("b? b=7")
    assert x.shape == (2, lookup.WIDTH) and x.sum(axis=1).tolist() == [1, 2]
    assert x[:, 1].tolist() == [1, 1] and x[1, lookup.LETTERS + 7] == 1


def test_a_letter_is_told_again_and_its_later_digit_counts():
    for places in False, True:
        x, y = lookup.tell_again(np.random.default_rng(0), 50, places=places)
        assert x.shape == (50, 5, lookup.WIDTH + 5 * places)
        assert not x[:, -1, lookup.LETTERS : lookup.WIDTH].any()
        for tokens, digit in zip(x, y, strict=True):
            letter = tokens[-1, : lookup.LETTERS].argmax()
            told = np.flatnonzero(tokens[:-1, letter])
            assert len(told) == 2 and tokens[told[1], lookup.LETTERS + digit] == 1
            assert tokens[told[0], lookup.LETTERS + digit] == 0
        if places:
            np.testing.assert_array_equal(x[7, :, lookup.WIDTH :], np.eye(5))


def test_order_is_seen_with_places_only():
    shares = []
    for places in False, True:
        x, y = lookup.tell_again(np.random.default_rng(10**6), 1000, places=places)
        network = lookup.trained_on_last(0, places=places)
        shares.append((network.forward(x)[:, -1].argmax(axis=1) == y).mean())
    assert 0.4 < shares[0] < 0.6 and shares[1] > 0.95
