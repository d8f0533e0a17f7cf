"""Checkers of the chapter "Losses"."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backprop.activations import softmax
from backprop.book.exercises.verdict import Case, Verdict, judge, judge_value
from backprop.losses import BinaryCrossEntropy, SoftmaxCrossEntropy

CLASSES = 10

_Z = np.array([[1.0, 0.0, -1.0], [0.5, 2.0, 0.0], [-1.0, 0.3, 0.2], [0.0, 0.1, 0.7]])
_Y = np.array([0, 2, 1, 1])


def check_ignorance(answer: Any) -> Verdict:
    """Judge the loss -ln p_y of the answer p = 1/10 to every class."""
    right = math.log(CLASSES)
    mistakes = (
        (-right, "The sign: a loss is minus a logarithm, and no probability is above 1."),
        (math.log2(CLASSES), "This is log2 10; the loss has the natural logarithm."),
        (1.0, "This is log10 10; the loss has the natural logarithm."),
        (1 / CLASSES, "This is the probability of the right class, not its cost."),
        (1 - 1 / CLASSES, "This is how often the guess is wrong, not minus a logarithm."),
        (right / CLASSES, "The average of the logarithms was divided by the classes once more."),
    )
    praise = "Any trained network must cost less, and an untrained one about as much."
    return judge_value(answer, Case((), right, mistakes), praise)


def check_log_sum_exp(function: Any) -> Verdict:
    """Judge ``function(z)``, the log-sum-exp of each row: (N, K) to (N,)."""

    def case(z: Any, *mistakes: tuple[Any, str]) -> Case:
        m = z.max(axis=1, keepdims=True)
        return Case((z,), m[:, 0] + np.log(np.exp(z - m).sum(axis=1)), mistakes)

    small, m = _Z, _Z.max(axis=1)
    right = np.log(np.exp(small).sum(axis=1))
    over = "This is {} in one row: e^z {}. Take a suitable number out of the row first."
    high, low = np.array([[1000.0, 1001.0]]), np.array([[-1000.0, -1001.0]])
    mixed = np.array([[1000.0, 999.0], [-1000.0, -999.0]])
    lost = math.log(math.exp(-1) + 1)
    return judge(
        function,
        [
            case(
                small,
                (right[:, None], "The axis that was summed is still there: expected shape (4,)."),
                (right - m, "The largest logit was taken out and not put back."),
                (right - 2 * m, "The largest logit was subtracted twice; put it back with +."),
                (np.log(np.exp(small).sum(axis=0)), "This is one number a column, not a row."),
                (np.log(np.exp(small).sum()), "This is one number for the whole batch."),
                (np.exp(small).sum(axis=1), "The logarithm is missing."),
            ),
            case(high, ([np.inf], over.format("infinite", "overflows"))),
            case(low, ([-np.inf], over.format("minus infinity", "underflows to 0"))),
            case(
                mixed,
                (
                    [1000 + lost, -np.inf],
                    "One maximum for the whole batch: the low row underflows. "
                    "Each row needs its own.",
                ),
            ),
        ],
        "Neither large nor small logits overflow.",
    )


def check_poisson_slope(function: Any) -> Verdict:
    """Judge ``function(z, y)``, ∂L/∂z per example for counts y with the mean e^z, shape of z."""
    z, y = np.array([[0.0], [1.0], [-0.5]]), np.array([[2.0], [0.0], [1.0]])
    rate = np.exp(z)
    mistakes = (
        (y - rate, "The sign is turned round: this is the slope of +log p."),
        (1 - y / rate, "This is the slope against the mean e^z; the question is about z."),
        (z - y, "The prediction is e^z, not z."),
        (rate, "The term with y is missing: y z has the slope y."),
        ((rate - y) / len(z), "This is divided by N; the question is about one example."),
    )
    return judge(
        function, [Case((z, y), rate - y, mistakes)], "Prediction minus target, once more."
    )


def check_cross_entropy_slope(function: Any) -> Verdict:
    """Judge ``function(z, y)``, ∂L/∂z of softmax cross-entropy: z (N, K), y (N,) of classes."""

    def slope(z: Any, y: Any) -> Any:
        loss = SoftmaxCrossEntropy()
        loss.forward(z, y)
        return loss.backward()

    z, y = _Z, _Y
    right, one_hot = slope(z, y), np.eye(z.shape[1])[y]
    p = softmax(z)
    wrong_axis = (softmax(z, axis=0) - one_hot) / len(z)
    squared = p * (p - one_hot)
    squared -= p * squared.sum(axis=1, keepdims=True)
    mistakes = (
        (-right, "The sign is turned round: the slope is prediction minus target."),
        (right * len(z), "The mean over the batch is missing: divide by the number of rows."),
        (right / z.shape[1], "This divides by the rows and the classes; the mean is over rows."),
        ((z - one_hot) / len(z), "The prediction is softmax(z), not z."),
        (p / len(z), "The target is missing: subtract 1 at the right class."),
        (wrong_axis, "The softmax ran down the columns: it belongs to a row, axis=1."),
        (squared / len(z), "This is the slope of the squared error after a softmax."),
    )
    verdict = judge(function, [Case((z, y), right, mistakes)])
    if not verdict:
        return verdict
    far, labels = np.array([[1000.0, 0.0], [0.0, 1000.0]]), np.array([1, 1])
    verdict = judge(
        function, [Case((far, labels), slope(far, labels))], "And it survives large logits."
    )
    # NaN equals nothing, so it cannot stand among the mistakes.
    if " is nan" in verdict.message:
        return Verdict(
            False, "Not a number for logits of 1000: e^z overflows. Subtract the largest logit "
            "of each row first."
        )  # fmt: skip
    return verdict


def check_sigmoid_twice(answer: Any) -> Verdict:
    """Judge the least loss on y = 1 when ``BinaryCrossEntropy`` is handed σ(z) in place of z."""
    loss = BinaryCrossEntropy()
    one = np.ones((1, 1))
    mistakes = (
        (0.0, "This is the least loss of the right program. The second sigmoid sees at most 1."),
        (math.log(2), "This is what the loss says at σ(z) = 0; a large z does better."),
        (1 / (1 + math.exp(-1)), "This is the probability; the loss is minus its logarithm."),
        (math.log(1 + math.e), "This is the loss for y = 0 at σ(z) = 1."),
    )
    return judge_value(
        answer,
        Case((), loss.forward(one, one), mistakes),
        "A training loss that stops at such a floor betrays the second sigmoid.",
    )
