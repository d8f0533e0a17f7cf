"""The checkers of "Two heads": right answers in several forms, and ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

from fractions import Fraction

import numpy as np
import pytest
from checker_cases import both_hints, each_right, each_wrong

from backprop.book.exercises import heads_and_masks as ex
from backprop.layers import (
    blockwise_attention,
    blockwise_attention_vjp,
    dot_product_attention,
)

MASKED = [15 / 32, -15 / 32, 0]
SUMS, OUTPUT = [[8, 1], [3, 1.25], [4, 1.75]], 16 / 7


def two_heads(Q, K, V):
    half = Q.shape[1] // 2
    parts = (slice(half), slice(half, None))
    return np.hstack([dot_product_attention(Q[:, c], K[:, c], V[:, c])[0] for c in parts])


def by_the_layer(Q, K, V):
    """Let the axis of the heads be a batch."""
    q, k, v = (of.reshape(len(of), 2, -1).swapaxes(0, 1) for of in (Q, K, V))
    return np.concatenate(list(dot_product_attention(q, k, v)[0]), axis=1)


def heads_with(what):
    """Return two heads with a mistake."""

    def wrong(Q, K, V):
        width = Q.shape[1]
        half = width // 2
        cut = [np.s_[:, :half], np.s_[:, half:]]
        if what == "odd":
            cut = [np.s_[:, ::2], np.s_[:, 1::2]]
        elif what == "exchanged":
            cut = cut[::-1]
        factor = {"wide": 0.5**0.5, "plain": half**0.5}.get(what, 1.0)
        of_q = [cut[0]] * 2 if what == "left looks" else cut
        if what == "values":
            of_q = [np.s_[:, :]] * 2
        heads = [dot_product_attention(factor * Q[c], K[c], V[v])[0]
                 for c, v in zip(of_q, cut, strict=True)]  # fmt: skip
        if what == "one":
            return dot_product_attention(Q, K, V)[0]
        if what in ("left", "right"):
            return heads[what == "right"]
        if what == "sum":
            return heads[0] + heads[1]
        if what == "mean":
            return (heads[0] + heads[1]) / 2
        if what == "below":
            return np.vstack(heads)
        if what == "rows":
            return np.vstack([dot_product_attention(Q[r], K, V)[0] for r in
                              (np.s_[: len(Q) // 2], np.s_[len(Q) // 2 :])])  # fmt: skip
        if what == "none":
            return None
        return np.hstack(heads) + (what == "more")

    return wrong


def window(n, w):
    i, j = np.mgrid[:n, :n]
    return (j <= i) & (j > i - w)


def by_triangles(n, w):
    return np.tri(n, dtype=bool) & ~np.tri(n, k=-w, dtype=bool)


def window_with(what):
    """Return a window with a mistake."""

    def wrong(n, w):
        i, j = np.mgrid[:n, :n]
        allowed = window(n, w)
        return {
            "later": allowed.T, "more": (j <= i) & (j >= i - w), "itself": (j < i) & (j > i - w),
            "before": (j < i) & (j >= i - w), "both": abs(i - j) < w, "all": j <= i,
            "open": j > i - w, "not": ~allowed, "ones": np.ones((n, n), bool), "first": j < w,
            "stays": (j <= i) & (j < w), "numbers": allowed * 1.0, "none": None,
            "bias": np.where(allowed, 0, -np.inf), "list": allowed[0], "odd": allowed ^ (j == 0),
        }[what]  # fmt: skip

    return wrong


def reached(layer, x):
    pairs = []
    for t, dx in enumerate(errors(layer, x)):
        pairs += [(t, s) for s in range(t + 1, len(x)) if dx[s].any()]
    return pairs


def errors(layer, x):
    """Return what an error at each output alone sends to the tokens."""
    y = layer.forward(x)
    for t in range(len(x)):
        dz = np.zeros_like(y)
        dz[t] = np.arange(1, y.shape[1] + 1)
        yield layer.backward(dz)


def by_changes(layer, x):
    """Change tokens instead."""
    before, pairs = layer.forward(x), set()
    for s in range(1, len(x)):
        other = x.copy()
        other[s] += 1
        moved = abs(layer.forward(other) - before)[:s].max(axis=1) > 1e-9
        pairs |= {(int(t), s) for t in np.flatnonzero(moved)}
    return pairs


def by_ones(layer, x, columns=np.s_[:]):
    """Send a row of ones, which some layers cancel, or ones in some columns."""
    y, pairs = layer.forward(x), []
    for t in range(len(x)):
        dz = np.zeros_like(y)
        dz[t, columns] = 1
        dx = layer.backward(dz)
        pairs += [(t, s) for s in range(t + 1, len(x)) if abs(dx[s]).max() > 1e-12]
    return pairs


def reached_with(what):
    """Return a search with a mistake."""

    def wrong(layer, x):
        pairs, n = reached(layer, x), len(x)
        late = [(t, s) for t in range(n) for s in range(t + 1, n)]
        if what == "all":
            return [(t, s) for t, dx in enumerate(errors(layer, x))
                    for s in range(n) if dx[s].any() or s <= t]  # fmt: skip
        if what == "in place":
            x += 1
        if what == "backward":
            layer.x = None
            return layer.backward(x)
        return {
            "itself": pairs + [(t, t) for t in range(n)], "ones": by_ones(layer, x),
            "one column": by_ones(layer, x, np.s_[:1]),
            "swapped": [(s, t) for t, s in pairs], "others": [q for q in late if q not in pairs],
            "first": [q for q in pairs if q[0] == 0], "last": [q for q in pairs if q[1] == n - 1],
            "next": [q for q in pairs if q[1] == q[0] + 1], "none": [], "late": late,
            "together": late if pairs else [], "from 1": [(t + 1, s + 1) for t, s in pairs],
            "flag": bool(pairs), "flat": [t for t, _ in pairs] or [0], "nothing": None,
            "half": [(0.5, 1)], "in place": pairs,
        }[what]  # fmt: skip

    return wrong


def block_errors(Q, K, V, Y, log_sums, dY):
    P = np.exp(Q @ K.T - log_sums[:, None])
    return P * (dY @ V.T - (dY * Y).sum(axis=1, keepdims=True))


def by_queries(Q, K, V, Y, log_sums, dY):
    rows = zip(Q, Y, log_sums, dY, strict=True)
    return [[np.exp(q @ k - s) * (dy @ v - dy @ y) for k, v in zip(K, V, strict=True)]
            for q, y, s, dy in rows]  # fmt: skip


def errors_with(what):
    """Return errors of a block with a mistake."""

    def wrong(Q, K, V, Y, log_sums, dY):
        E, right = np.exp(Q @ K.T), block_errors(Q, K, V, Y, log_sums, dY)
        P, alone, dP = E / np.exp(log_sums)[:, None], E / E.sum(axis=1)[:, None], dY @ V.T
        mean = np.einsum("ij,ij->i", dY, Y)[:, None]
        return {
            "mean": P * dP, "block mean": P * (dP - (P * dP).sum(axis=1)[:, None]),
            "alone": alone * (dP - mean),
            "softmax": alone * (dP - (alone * dP).sum(axis=1)[:, None]),
            "differences": dP - mean, "powers": E * (dP - mean), "plus": P * (dP + mean),
            "one mean": P * (dP - mean.sum()), "divided": right / 2**0.5,
            "scaled": E ** (0.5**0.5) / np.exp(log_sums)[:, None] * (dP - mean),
            "P": P, "dP": dP, "minus": -right, "turned": right.T, "added": right.sum(axis=0),
            "none": None, "more": right + 1,
        }[what]  # fmt: skip

    return wrong


RIGHT = {
    ex.check_reached: [(reached,), (lambda f, x: np.array(reached(f, x)),)],
    ex.check_masked: [(2.5, MASKED), (Fraction(5, 2), [0.469, -0.469, 0])],
    ex.check_window: [(window,), (by_triangles,)],
    ex.check_heads: [(two_heads,), (by_the_layer,)],
    ex.check_running: [(SUMS, OUTPUT), (np.array(SUMS), 2.286),
                       ([(8, 1), (3, Fraction(5, 4)), (4, Fraction(7, 4))], Fraction(16, 7))],
    ex.check_joined: [([9, 3], 2), ((9.0, 3.0), Fraction(12, 6)), (np.array([9, 3]), 2.0)],
    ex.check_block_errors: [(block_errors,), (by_queries,)],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_reached: [
        ((reached_with("swapped"),), "exchanged"), ((reached_with("all"),), "own token"),
        ((reached_with("others"),), "no error connects"),
        ((reached_with("itself"),), "greater than i"),
        ((reached_with("ones"),), "may cancel"),
        ((reached_with("one column"),), "fill all columns"), ((by_changes,), "token was changed"),
        ((reached_with("first"),), "first output"),
        ((reached_with("last"),), "last token alone"), ((reached_with("next"),), "next token"),
        ((reached_with("none"),), "nothing was found"), ((reached_with("late"),), "not reach all"),
        ((reached_with("together"),), "not reach all"), ((reached_with("from 1"),), "no place 5"),
        ((reached_with("flag"),), "list of pairs"), ((reached_with("flat"),), "list of pairs"),
        ((reached_with("nothing"),), "None"), ((reached_with("half"),), "whole number"),
        ((reached_with("in place"),), "changed its argument"),
        ((reached_with("backward"),), "call forward first"),
        ((True,), "function itself"), ((lambda x: x,), "2 arguments"),
    ],
    ex.check_masked: [
        ((2, MASKED), "after the softmax"), ((4, MASKED), "without the mask"),
        ((20, MASKED), "not divided"), ((2.22, MASKED), "set to 0"),
        ((3.33, MASKED), "was read"), ((0, MASKED), "5, 3 and 0"),
        ((2.5, [0.9375, -0.9375, 0]), "slopes of y"),
        ((2.5, [-0.469, 0.469, 0]), "downhill"), ((2.5, [0, -2.4, 2.4]), "without the mask"),
        ((2.5, [0, -3, 0]), "has changed"), ((2.5, [1.25, 0, 0]), "taken away"),
        ((2.5, [0.469, -0.469]), "third entry"), ((2.5, None), "None"),
        ((2.5, MASKED[:2]), "third entry"),
        ((2.5, [0.375, -0.375, 0]), "without the mask"), ((2.5, [2, 0, 5]), "at the weights"),
        ((2.5, [0.3125, 0.1875, 0]), "at the values"), ((2.5, [0.75, -1.25, 3.75]), "missing"),
        ((2.5, [0.234, -0.234, 0]), "too much"),
    ],
    ex.check_window: [
        ((window_with("later"),), "later tokens"), ((window_with("more"),), "too many"),
        ((window_with("itself"),), "sees itself"), ((window_with("before"),), "sees itself"),
        ((window_with("both"),), "j <= i"), ((window_with("all"),), "All earlier"),
        ((window_with("open"),), "j <= i"), ((window_with("not"),), "forbidden"),
        ((window_with("ones"),), "Everything"), ((window_with("first"),), "first w"),
        ((window_with("stays"),), "first w"), ((window_with("numbers"),), "True and False"),
        ((window_with("bias"),), "True and False"), ((window_with("none"),), "None"),
        ((window_with("list"),), "shape"), ((window_with("odd"),), "Row i"),
        ((np.tri(3, dtype=bool),), "function itself"), ((lambda n: n,), "2 arguments"),
    ],
    ex.check_heads: [
        ((heads_with("one"),), "one head"), ((heads_with("wide"),), "half as many"),
        ((heads_with("plain"),), "not divided"), ((heads_with("exchanged"),), "exchanged"),
        ((heads_with("odd"),), "Every other"), ((heads_with("left"),), "left head alone"),
        ((heads_with("right"),), "right head alone"), ((heads_with("sum"),), "own columns"),
        ((heads_with("mean"),), "own columns"), ((heads_with("below"),), "one below"),
        ((heads_with("left looks"),), "left columns"), ((heads_with("values"),), "one head"),
        ((heads_with("rows"),), "one head"), ((heads_with("none"),), "None"),
        ((heads_with("more"),), "left halves"), ((heads_with("more"),), "Y[0, 0]"),
        ((np.ones((2, 4)),), "function itself"), ((lambda Q: Q,), "3 arguments"),
    ],
    ex.check_running: [
        (([[16, 2], [24, 10], [32, 14]], OUTPUT), "sums of e^s"),
        (([[8, 1], [9, 2], [10, 2.5]], 4), "not rescaled"),
        (([[8, 1], [9, 1.25], [10, 1.75]], 4), "sum with the values"),
        (([[8, 1], [3, 2], [4, 2.5]], 1.6), "sum of the powers"),
        (([[8, 1], [33, 5], [34, 5.5]], 4), "8/2"),
        (([[8, 1], [3, 1.25], [8, 3.5]], 4), "taken for the largest"),
        (([[8, 1], [3, 1.25], [5, 2.25]], 4), "third power"),
        (([[1, 8], [1.25, 3], [1.75, 4]], OUTPUT), "exchanged"),
        (([4, 1.75], OUTPUT), "last sums alone"),
        (([[2, 0.25], [3, 1.25], [4, 1.75]], OUTPUT), "from the start"),
        (([[8, 3, 4], [1, 1.25, 1.75]], OUTPUT), "Rows and columns"),
        ((SUMS, 4), "first sum"), ((SUMS, 3.667), "plain mean"), ((SUMS, 0.4375), "upside down"),
        ((SUMS, None), "None"), ((SUMS,), "2 answers"),
    ],
    ex.check_joined: [
        (([17, 5], 2), "Neither"), (([41, 11], 2), "6/2"), (([27, 9], 2), "larger top"),
        (([54, 18], 2), "sums of e^s"), (([3, 9], 2), "exchanged"),
        (([17, 3], 2), "with the values"), (([9, 5], 2), "total is not"),
        (([4, 1], 2), "first block alone"), (([13.67, 3.667], 2), "second block was rescaled"),
        (([8, 4], 2), "2/6"), (([9, 3], -2), "downhill"), (([9, 3], 5), "not taken away"),
        (([9, 3], 12), "weight is missing"), (([9, 3], 0.333), "at the output is missing"),
        (([9, 3], 0.167), "This is the weight"), (([9, 3], 6), "divided by the total"),
        (([9, 3], 3.75), "second block alone"), (([9, 3], 3), "weight is that"),
        (([9, 3], 2.5), "output is that"), (([9, 3], 1), "error at the value"),
        (([9, 3], 7), "9/3"), (([9, 3], None), "None"), (([9, 3],), "2 answers"),
    ],
    ex.check_block_errors: [
        ((errors_with("mean"),), "not taken away"),
        ((errors_with("block mean"),), "this block alone"),
        ((errors_with("alone"),), "sum to 1"),
        ((errors_with("softmax"),), "sum to 1"),
        ((errors_with("differences"),), "weights are missing"),
        ((errors_with("powers"),), "not subtracted"),
        ((errors_with("plus"),), "is added"),
        ((errors_with("one mean"),), "One mean"),
        ((errors_with("scaled"),), "scores are divided"),
        ((errors_with("divided"),), "errors are divided"),
        ((errors_with("P"),), "These are the weights"),
        ((errors_with("dP"),), "errors at the weights"),
        ((errors_with("minus"),), "downhill"),
        ((errors_with("turned"),), "exchanged"),
        ((errors_with("added"),), "Give each query a row"),
        ((errors_with("none"),), "None"),
        ((errors_with("more"),), "weights again"),
        ((errors_with("more"),), "dS[0, 0]"),
        ((np.ones((2, 2)),), "function itself"), ((lambda Q: Q,), "6 arguments"),
    ],
}  # fmt: skip


@each_right(RIGHT)
def test_right_answers(check, answer):
    assert check(*answer), check(*answer)


@each_wrong(WRONG_ANSWERS)
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert hint in second, second
    assert second.startswith(first)


@pytest.mark.parametrize("check", WRONG_ANSWERS)
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    assert len(WRONG_ANSWERS[check]) >= 10 and len(RIGHT[check]) >= 2


def test_the_expected_numbers_are_right():
    powers, values = np.array([5.0, 3.0, 0.0]), np.array([4.0, 0.0, 10.0])
    p = powers / powers.sum()
    assert p @ values == pytest.approx(2.5)
    J = np.diag(p) - np.outer(p, p)
    np.testing.assert_allclose(J @ (0.5 * values), MASKED, atol=1e-14)
    powers, values, top = np.array([2.0, 8.0, 4.0]), np.array([8.0, 1.0, 2.0]), 0
    for k, sums in enumerate(SUMS, start=1):
        top = powers[:k].max()
        assert sums == pytest.approx([powers[:k] @ values[:k] / top, powers[:k].sum() / top])
    assert OUTPUT == pytest.approx(powers @ values / powers.sum())
    first, second = (2.0, 2.0, 2.0), (6.0, 3.0, 3.0)  # powers of two blocks
    blocks = [(np.array(e), np.array(v)) for e, v in ((first, (2, 4, 6)), (second, (2, 5, 1)))]
    triples = [(e.max(), e @ v / e.max(), e.sum() / e.max()) for e, v in blocks]
    np.testing.assert_allclose(triples, [(2, 12, 3), (6, 5, 2)])
    e, v = (np.concatenate(of) for of in zip(*blocks, strict=True))
    assert (e @ v / 6, e.sum() / 6) == pytest.approx((9, 3))
    p = e / e.sum()
    assert (p * 6 * (v - p @ v))[4] == pytest.approx(2)


def test_the_errors_of_all_blocks_are_those_of_the_package():
    rng = np.random.default_rng(0)
    Q, K, V, dY = (rng.normal(size=of) for of in ((3, 4), (5, 4), (5, 2), (3, 2)))
    Y, log_sums = blockwise_attention(Q, K, V)
    parts = [block_errors(Q / 2, K[of], V[of], Y, log_sums, dY) for of in (slice(2), slice(2, 5))]
    dS = np.hstack(parts)
    dQ, dK, _ = blockwise_attention_vjp(Q, K, V, Y, log_sums, dY)
    np.testing.assert_allclose(dS @ K / 2, dQ, atol=1e-14)
    np.testing.assert_allclose(dS.T @ Q / 2, dK, atol=1e-14)
