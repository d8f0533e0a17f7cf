"""Checkers of the chapter "Losses".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from backprop.activations import log_softmax, softmax
from backprop.arrays import Array, Labels
from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Verdict,
    alike,
    checker,
    distinct,
    judge,
    judge_value,
    numbers,
)

CLASSES = 10

_Z = np.array([[1.0, 0.0, -1.0], [0.5, 2.0, 0.0], [-1.0, 0.3, 0.2], [0.0, 0.1, 0.7]])
_Y = np.array([0, 2, 1, 1])


@checker
def check_by_hand(loss: Any, slopes: Any) -> Verdict:
    """Check L = -ln p₂ = ln(8/3) and p - y = (1/8, -5/8, 1/2) at z = (0, ln 3, ln 4), class 2.

    The powers are 1, 3 and 4, their sum is 8.
    """
    z = np.log([1.0, 3.0, 4.0])
    p, y = np.array([1, 3, 4]) / 8, np.array([0.0, 1.0, 0.0])
    right = math.log(8 / 3)
    about_loss = (
        (-right, "The sign: no probability is above 1, so its logarithm is never above 0.",
         "The loss is minus the logarithm."),
        (math.log2(8 / 3), "This is a logarithm to base 2.", "The loss has the natural one."),
        (math.log10(8 / 3), "This is a logarithm to base 10.", "The loss has the natural one."),
        (3 / 8, "This is a probability, and not yet its cost.", "Take minus its logarithm."),
        (5 / 8, "This is one minus a probability.", "The loss is minus a logarithm."),
        (math.log(2), "This is the cost of the most probable class.",
         "The loss looks at the class that is right."),
        (math.log(8), "This is the cost of the first class.",
         "The loss looks at the class that is right."),
        (-math.log(math.log(3) / math.log(12)), "The scores themselves were divided by their sum.",
         "Raise e to each score first."),
        (float(-np.log(p).sum()), "These are three costs, added.",
         "Only the right class counts: the other targets are 0."),
        (right / 3, "This is divided by the number of classes.", "The mean is over examples."),
        (round(right, 2), "This is nearly right. Give three digits.", ""),
    )  # fmt: skip
    more = "The powers of e are whole numbers here. What is their sum?"
    verdict = judge_value(loss, Case((), right, about_loss, more))
    if not verdict:
        return replace(verdict, message=f"The loss: {verdict.message}")
    about_slopes = (
        (y - p, "All signs are reversed.", "Prediction minus target, not the reverse."),
        (p, "These are the probabilities.", "Subtract the target."),
        (z - y, "These are scores minus targets.", "The prediction is softmax(z), not z."),
        (p - np.eye(3)[0], "The 1 was subtracted at the wrong class.", "The second is right."),
        (p - np.eye(3)[2], "The 1 was subtracted at the wrong class.", "The second is right."),
        (-y / p, "This is how the loss changes with p.", "The question is about the scores."),
        ((p - y) * p * (1 - p), "There is a factor p(1 - p) too many.",
         "It cancels against the 1/p of the logarithm."),
        ((p - y) / 3, "This is divided by the number of classes.", "The mean is over examples."),
        (y, "This is the target.", "Subtract it from the prediction."),
        ((0.13, -0.63, 0.5), "These are nearly right. Give three digits, or fractions.", ""),
        ((0.12, -0.62, 0.5), "These are nearly right. Give three digits, or fractions.", ""),
    )  # fmt: skip
    verdict = judge_value(slopes, Case((), p - y, about_slopes), "The three sum to 0.")
    found = numbers(slopes)
    if verdict.unforeseen and found is not None:
        off = [k + 1 for k in range(3) if not alike(found[k], (p - y)[k])]
        classes = f"class{'es' * (len(off) > 1)} {' and '.join(map(str, off))}"
        classes = classes if len(off) < 3 else "any of the three classes"
        hint = verdict.more or "Prediction minus target, class by class."
        return Verdict(False, f"Not right for {classes}.", hint)
    return verdict if verdict else replace(verdict, message=f"The slopes: {verdict.message}")


@checker
def check_ignorance(answer: Any) -> Verdict:
    """Check the loss -ln p_y of the answer p = 1/10 to every class: ln 10."""
    right = math.log(CLASSES)
    once = "One number per image: the cost of the right class."
    mistakes = (
        (-right, "The sign: a loss is minus a logarithm, and no probability is above 1.", ""),
        (math.log2(CLASSES), "This is a logarithm to base 2.", "The loss has the natural one."),
        (1.0, "This is a logarithm to base 10.", "The loss has the natural one."),
        (1 / CLASSES, "This is the probability of the right class, not its cost.", once),
        (1 - 1 / CLASSES, "This is how often the guess is wrong, not minus a logarithm.", once),
        (right / CLASSES, "This is divided by the number of classes.", once),
        (right * CLASSES, "This is the cost of all ten classes, added.", once),
        (0.0, "Only a probability of 1 for the right class costs nothing.", once),
        (math.log(2), "This is the loss of ignorance between two classes.", ""),
        (-math.log(1 - 1 / CLASSES), "This is the cost of the probability 0.9.", once),
        (float(CLASSES), "This is one divided by the probability.", "Take its logarithm."),
    )
    praise = (
        "A trained network should cost less on its training images, and an untrained one about as"
        " much."
    )
    return judge_value(answer, Case((), right, mistakes, once), praise)


@checker
def check_lower_loss(probabilities: Any) -> Verdict:
    """Check three probabilities of the right class: a mean of -ln p below -ln 0.51, one below ½.

    Many answers are right, such as 0.99, 0.99 and 0.4.
    """
    found = numbers(probabilities)
    if found is None or found.shape != (3,) or not np.isrealobj(found):
        return Verdict(False, "Hand over three numbers, in a list: one for each image.")
    given = found.astype(float)
    if not (np.isfinite(given).all() and (given >= 0).all() and (given <= 1).all()):
        return Verdict(False, "A probability lies between 0 and 1.")
    if (given == 0.5).any():
        return Verdict(False, "A probability of exactly ½ is a tie.", "Move it to one side.")
    if (given > 0.5).all():
        return Verdict(
            False, "All three are still read correctly.",
            "A wrong image gives the right class less than ½.",
        )  # fmt: skip
    if (given == 0).any():
        return Verdict(False, "A probability of 0 costs without limit.", "Be wrong, but not sure.")
    loss, other = float(-np.log(given).mean()), -math.log(0.51)
    if not loss < other:
        return Verdict(
            False, f"Fewer are read correctly, but your loss is {loss:.3f}, and not the lower one.",
            "Be only a little wrong once, and very sure on the other two.",
        )  # fmt: skip
    share = int((given > 0.5).sum())
    return Verdict(True, f"Your loss is {loss:.3f} with {share} of 3 read correctly.")


@checker
def check_honest(best: Any) -> Verdict:
    """Check which p has the least mean loss if a share 0.8 has y = 1: 0.8 for cross-entropy.

    0.8 for the squared error, too. The absolute error is a straight line in p, least at p = 1.
    """
    share = 0.8
    line = "Write the mean of the absolute error as a function of p. What kind of curve is it?"
    minimum = "Set the derivative of the mean with respect to p to 0."
    mistakes = (
        ([share, share, share], "Two of the three are right, and one is not.", line),
        ([1, 1, 1], "This is the best p if every image were a one.", minimum),
        ([share, 1, 1], "The first is right. The squared error is not least there.", minimum),
        ([1, share, 1], "Cross-entropy is infinite there: some images are no ones.", minimum),
        ([1, 1, share], "These are in the wrong order, or two of them are wrong.", line),
        (
            [1 - share, 1 - share, 0],
            "These are the probabilities of a zero.",
            "p belongs to y = 1.",
        ),
        ([0.5, 0.5, 0.5], "An undecided answer costs more than an honest one.", minimum),
        ([share, share, 0.5], "The last one is wrong.", line),
        ([share, share, 0], "The last one is at the wrong end.", line),
        ([80, 80, 100], "These are percentages.", "A probability lies between 0 and 1."),
    )
    praise = "Two of the three reward the honest answer. One rewards exaggeration."
    verdict = judge_value(best, Case((), [share, share, 1.0], mistakes), praise)
    if verdict or verdict.message in {m[1] for m in mistakes}:
        return verdict
    found = numbers(best)
    if found is None or found.shape != (3,):
        return Verdict(False, "Hand over three numbers, in a list: one for each loss.")
    off = [k for k, right in enumerate((share, share, 1.0)) if not alike(found[k], right)]
    losses = [("cross-entropy", "squared error", "absolute error")[k] for k in off]
    hint = " ".join([minimum] * (off != [2]) + [line] * (2 in off))
    return Verdict(False, f"Not right for the {' and the '.join(losses)}.", hint)


@checker
def check_sigmoid_twice(answer: Any) -> Verdict:
    """Check the least loss on y = 1 where σ(z) is handed over in place of z: ln(1 + 1/e).

    The second sigmoid sees at most 1, so its answer is at most σ(1) = e/(1 + e).
    """
    at_most = "The second sigmoid sees numbers between 0 and 1. Which is the best of them?"
    mistakes = (
        (0.0, "This is the least loss of the right program.", at_most),
        (math.log(2), "This is the loss where the second sigmoid sees 0.", at_most),
        (1 / (1 + math.exp(-1)), "This is a probability; the loss is minus its logarithm.", ""),
        (1 - 1 / (1 + math.exp(-1)), "This is one minus a probability.",
         "The loss is minus a logarithm."),
        (math.log(1 + math.e), "This is a loss for the target 0.", "Here the target is 1."),
        (math.exp(-1), "These are odds: the probability of a 0 divided by that of a 1.",
         "The loss is minus the logarithm of a probability."),
        (-math.log1p(math.exp(-1)), "Only the sign is wrong.", "The loss is minus a logarithm."),
        (1.0, "This is the largest number that the second sigmoid sees.",
         "What does it answer, and what does that cost?"),
        (math.log2(1 + math.exp(-1)), "This is a logarithm to base 2.",
         "The loss has the natural one."),
        (math.log10(1 + math.exp(-1)), "This is a logarithm to base 10.",
         "The loss has the natural one."),
        (-math.log(1 / (1 + math.exp(-0.5))), "This is the loss where the second sigmoid sees ½.",
         at_most),
        (round(math.log1p(math.exp(-1)), 2), "This is nearly right. Give three digits.", ""),
    )  # fmt: skip
    praise = "A training loss that stops at such a floor betrays the second sigmoid."
    return judge_value(answer, Case((), math.log1p(math.exp(-1)), mistakes, at_most), praise)


@checker
def check_log_sum_exp(function: Answer) -> Verdict:
    """Check ``function(z)``, the log-sum-exp of each row: (B, K) to (B,).

    With m the largest entry of the row, m + ln Σ e^(z - m).
    """
    row = "Take each row's own largest score out, and put it back outside of the logarithm."

    def case(z: Array, *mistakes: Any) -> Case:
        m = z.max(axis=1, keepdims=True)
        return Case((z,), m[:, 0] + np.log(np.exp(z - m).sum(axis=1)), mistakes, row)

    small, m = _Z, _Z.max(axis=1)
    right = np.log(np.exp(small).sum(axis=1))
    over = "This is {} in one row: e^z {}."
    high, low = np.array([[1000.0, 1001.0, 999.0]]), np.array([[-1000.0, -1001.0, -999.0]])
    mixed = np.array([[1000.0, 999.0], [-1000.0, -999.0]])
    wide = np.array([[1000.0, -1000.0], [-1000.0, 1000.0]])
    within = "The scores of one row lie far apart here, and e^z {}."
    lost = math.log(math.exp(-1) + 1)
    return judge(
        function,
        [
            case(
                small,
                (right[:, None], "The axis that was summed is still there."),
                (right - m, "The largest score was taken out and not put back.", row),
                (right - 2 * m, "The largest score was subtracted twice.", row),
                (right + m, "The largest score was put back, and never taken out.", row),
                (np.log(np.exp(small).sum(axis=0)), "This is one number per column."),
                (np.log(np.exp(small).sum()), "This is one number for the whole batch."),
                (np.log(np.exp(small).mean(axis=1)), "This is a mean in place of a sum."),
                (np.exp(small).sum(axis=1), "The logarithm is missing."),
                (small.sum(axis=1), "ln Σ e^z is not Σ ln e^z.", "Sum before the logarithm."),
                (m, "This is the largest score. The sum is missing.", row),
                (
                    m + (right - m) / math.log(10),
                    "This is a logarithm to base 10.",
                    "The log-sum-exp has the natural one.",
                ),
                (
                    m + (right - m) / math.log(2),
                    "This is a logarithm to base 2.",
                    "The log-sum-exp has the natural one.",
                ),
                (2 * m - right, "The largest score is added, and the logarithm subtracted.", row),
                (
                    m + np.log(np.exp(small - m[:, None]).sum()),
                    "The sum ran over the whole batch.",
                    "Sum over each row: axis=1.",
                ),
            ),
            case(high, ([np.inf], over.format("infinite", "overflows"), row)),
            case(low, ([-np.inf], over.format("minus infinity", "underflows to 0"), row)),
            case(
                mixed,
                ([1000 + lost, -np.inf], "The low row of a mixed batch underflows.", row),
                ([np.inf, -999 + lost], "The high row of a mixed batch overflows.", row),
            ),
            case(
                wide,
                ([np.inf, np.inf], within.format("overflows"), row),
                ([-np.inf, -np.inf], within.format("underflows to 0"), row),
            ),
        ],
        "Neither large nor small scores do any harm.",
        arguments="z",
    )


def _tempered(z: Array, y: Labels, temperature: float) -> Array:
    return (softmax(z / temperature) - np.eye(z.shape[1])[y]) / (temperature * len(z))


@checker
def check_temperature(function: Answer) -> Verdict:
    """Check ``function(z, y, T)``: ∂L/∂z of the mean of -ln softmax(z / T)_y, z (B, K), y (B,).

    By the chain rule (p - onehot(y)) / (T B), with p = softmax(z / T).
    """
    inner = "z/T changes 1/T times as fast as z."

    def case(z: Array, y: Labels, t: float) -> Case:
        right, hot, n = _tempered(z, y, t), np.eye(z.shape[1])[y], len(z)
        mistakes = (
            (-right, "All signs are reversed.", "The slope is prediction minus target."),
            (right * n, "The mean over the batch is missing.", "Divide by the number of rows."),
            (right * n / z.shape[1], "This is divided by the classes.", "The mean is over rows."),
            (right / z.shape[1], "This is divided by the classes, too.", "The mean is over rows."),
            (right * t, "This is the slope with respect to z/T.", inner),
            (right * t * n, "This is the slope with respect to z/T, for one example.", inner),
            (right / t, "This is divided by T twice.", inner),
            (right * t * t, "T is in the numerator.", inner),
            ((softmax(z) - hot) / (t * n), "The softmax has not seen T.",
             "The probabilities are softmax(z/T)."),
            ((softmax(z) - hot) / n, "The temperature makes no difference.",
             "The probabilities are softmax(z/T), and there is an inner derivative."),
            ((softmax(z * t) - hot) * t / n, "This is the slope for z·T.", "Divide by T."),
            ((softmax(z * t) - hot) / (t * n), "The scores were multiplied by T.",
             "The probabilities are softmax(z/T)."),
            ((softmax(z) / t - hot) / n, "T divides the probabilities.",
             "It divides the scores, before the softmax."),
            ((z / t - hot) / (t * n), "The prediction is softmax(z/T), not z/T."),
            (softmax(z / t) / (t * n), "The target is missing.", "Subtract 1 at the right class."),
            (softmax(z / t) / n, "The target is missing.", "Subtract 1 at the right class."),
            (softmax(z / t), "The target is missing.", "Subtract 1 at the right class."),
            ((softmax(z / t) - hot / t) / n, "T divides the target.",
             "It divides the whole difference: p - y."),
            ((softmax(z / t, axis=0) - hot) / (t * n), "The softmax ran down the columns.",
             "It belongs to a row: axis=1."),
        )  # fmt: skip
        # At T = 1 some of them are right.
        more = "Take T = 1 first: prediction minus target, and 1/B."
        return Case((z, y, t), right, distinct(mistakes, right), more)

    verdict = judge(function, [case(_Z, _Y, t) for t in (2.0, 0.5, 1.0)], arguments="z, y, T")
    if not verdict:
        return verdict
    far, labels = np.array([[2000.0, 0.0, 0.0], [0.0, 2000.0, 0.0]]), np.array([1, 1])
    mixed = np.array([[2000.0, 1999.0, 0.0], [-2000.0, -1999.0, -2001.0]])
    for scores, what, more in (
        (far, "scores of 2000", "e^z overflows. Subtract the largest score of each row first."),
        (mixed, "a row far below another one",
         "All its powers underflow to 0. Subtract each row's own largest score."),
    ):  # fmt: skip
        last = Case((scores, labels, 2.0), _tempered(scores, labels, 2.0))
        verdict = judge(function, [last], "And it survives large scores.")
        # NaN equals nothing, so it cannot stand among the mistakes.
        if " is nan" in verdict.message:
            return Verdict(False, f"Right for small scores, but not a number for {what}.", more)
        if not verdict:
            return verdict
    return verdict


@checker
def check_poisson_slope(function: Answer) -> Verdict:
    """Check ``function(z, y)``, ∂L/∂z per example for counts y with the mean e^z, shape of z.

    With a mean μ(z), L = μ - y ln μ + ln y!, so ∂L/∂z = μ' (1 - y/μ). This is μ - y for every y
    only if μ' = μ, and μ = 1 at z = 0 leaves e^z.
    """
    z = np.array([[0.4, 0.7], [1.0, -0.2], [-0.5, 0.3]])
    y = np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 5.0]])
    rate = np.exp(z)
    general = "Differentiate -ln P with an unknown mean μ(z). When is the result μ - y for every y?"
    mistakes = (
        (y - rate, "The sign is reversed.", "This is the slope of +ln P."),
        (1 - y / rate, "This is the slope with respect to the mean.", "Ask about the score z."),
        (1 - y / z, "This takes z itself for the mean, but z may be negative.", general),
        (z - y, "This takes z itself for the mean, but z may be negative.", general),
        (rate, "The term with y is missing.", "y z has the slope y."),
        ((rate - y) / len(z), "This is divided by B.", "The question is about one example."),
        (rate - y * z, "This is the loss without its last term.", "Differentiate it."),
        (rate * (1 - y), "y does not multiply e^z.", "ln(e^z)^y is y z."),
        (rate - 1, "The slope of y z with respect to z is not 1."),
        (1 / (1 + np.exp(-z)) - y, "This is the sigmoid; a mean may be above 1.", general),
        (np.log1p(rate) - y, "This takes softplus for the mean. It is positive, but the derivative"
         " of its loss is not μ - y.", general),
        (z**2 - y, "A square is positive, but the derivative of its loss is not μ - y.", general),
        ((rate - y) ** 2 / 2, "This is a squared error.", "Use Poisson's formula."),
        ((rate - y) * rate, "There is a factor too many.",
         "The slope of the mean cancels against the 1/μ that comes from ln P."),
        (1 / rate - y, "This mean is positive, but with it the derivative of the loss is y - μ.",
         "Does the mean rise with z?"),
        (2**z - y, "With this mean, the derivative of the loss has a factor ln 2.", general),
    )  # fmt: skip
    case = Case((z, y), rate - y, mistakes, general)
    verdict = judge(function, [case], "Prediction minus target, once more.", arguments="z, y")
    if verdict.unforeseen:
        found = numbers(function(z.copy(), y.copy()))
        mean = (found + y) / rate if found is not None else rate
        if np.allclose(mean, mean[0, 0]) and mean[0, 0] > 0:
            return Verdict(
                False, "This is prediction minus target, but its mean is not 1 at z = 0.",
                "Which constant factor is too many?",
            )  # fmt: skip
    return verdict


@checker
def check_suspects(function: Answer) -> Verdict:
    """Check ``function(z, y, n)``: the n rows with the largest losses, the largest first."""
    cost = "The loss of a row is minus the log-softmax at its class."

    def rows(key: Array, n: int) -> Sequence[int]:
        return [int(k) for k in np.argsort(-key, kind="stable")[:n]]

    def case(z: Array, y: Labels, n: int) -> Case:
        log_p = log_softmax(z)
        at = np.arange(len(y))
        loss = -log_p[at, y]
        right = rows(loss, n)
        mistakes = (
            (right[::-1], "The right rows, in the reverse order.", ""),
            (rows(-loss, n), "These are the rows that cost least.", cost),
            (rows(-log_p.max(axis=1), n), "These are the rows that the network is least sure of.",
             "It may be unsure and right. " + cost),
            (rows(log_p.max(axis=1), n), "These are the rows that the network is most sure of.",
             "It may be sure and right. " + cost),
            (rows(-z[at, y], n), "These rows have the lowest score at their class.",
             "A score means little without the others of its row. " + cost),
            (rows(z.max(axis=1) - z[at, y], n), "This is the distance to the largest score.",
             cost),
            (np.sort(loss)[::-1][:n], "These are the losses.", "Which rows have them?"),
            (rows(loss, len(y)), "These are all rows, sorted.", "Only the first n are asked for."),
            (list(y[right]), "These are the classes of the rows.", "Which rows are they?"),
            ([k + 1 for k in right], "These rows are counted from 1.", "Python counts from 0."),
            (sorted(right), "The right rows, in the order of their numbers.",
             "The largest loss comes first."),
            (np.flatnonzero(z.argmax(axis=1) != y)[:n], "These are the first rows that are"
             " misread.", cost),
        )  # fmt: skip
        kept = [m for m in mistakes if not np.array_equal(m[0], right)]
        return Case((z, y, n), right, kept, cost)

    z = np.array([
        [2.0, 1.9, 1.8], [0.1, 0.0, 0.2], [3.0, 0.0, -1.0], [-3.0, -1.0, -4.0], [1.0, 4.0, 0.0],
        [2.0, 2.5, -6.0],
    ])  # fmt: skip
    y = np.array([2, 2, 1, 0, 1, 0])
    far = np.array([[0.0, -800.0], [0.0, -900.0], [0.0, -850.0], [0.0, 5.0]])
    high = far + 900
    # A partial sort puts few rows in order by chance, but not hundreds.
    many = np.random.default_rng(0).normal(size=(600, 3)), np.arange(600) % 3
    for cases in ([case(z, y, 2), case(z, y, 3)], [case(*many, 500)]):
        verdict = judge(function, cases, arguments="z, y, n")
        if not verdict:
            return verdict
    for name, scores in (("-800", far), ("900", high)):
        last = Case(
            (scores, np.array([1, 1, 1, 1]), 3), [1, 2, 0], (),
            "Do not take the logarithm of a 0 or of an infinite sum.",
        )  # fmt: skip
        verdict = judge(function, [last], "Large scores keep their order, too.")
        if not verdict:
            message = f"Right for small scores, but not for scores of {name}."
            return replace(verdict, message=message)
    return verdict
