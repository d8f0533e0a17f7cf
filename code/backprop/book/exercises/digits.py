"""Checkers of the chapter "Handwritten digits"."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backprop.activations import softmax
from backprop.book.exercises.verdict import Case, Verdict, judge, judge_value

RATE, DOUBT = 0.01, 0.05


def check_images_without_error(answer: Any) -> Verdict:
    """Judge the least N for which a program wrong in 1 % of all cases errs with 95 %."""
    right = math.ceil(math.log(DOUBT) / math.log(1 - RATE))
    mistakes = (
        (math.ceil(1 / RATE), "On so many images it makes one error on average, "
                              "and often none: (1 - 0.01)^100 is more than a third."),
        (right - 1, "Just not enough: the probability of no error is still above 0.05."),
        (right + 1, "It is enough, but one image fewer is enough as well. (The rule of thumb "
                    "3/q rounds ln 20 up.)"),
        (math.ceil(math.log(DOUBT / 2) / math.log(1 - RATE)),
         "This asks for 0.025, one end of a two-sided interval; here it is 0.05 at one end."),
        (math.ceil(math.log(1 - DOUBT) / math.log(1 - RATE)),
         "Here the probability of no error is 0.95; it has to be at most 0.05."),
        (math.log(DOUBT) / math.log(1 - RATE), "Round up to a whole number of images."),
    )  # fmt: skip
    praise = "The 90 images of this chapter's test set are too few to show even that."
    return judge_value(answer, Case((), right, mistakes), praise)


def check_balanced_accuracy(function: Any) -> Verdict:
    """Judge ``function(matrix)``, balanced accuracy of a confusion matrix (K, K), rows true."""
    matrix = np.array([[90, 10, 0], [1, 8, 1], [0, 5, 15]])
    hits = matrix.diagonal()
    recall, precision = hits / matrix.sum(axis=1), hits / matrix.sum(axis=0)
    mistakes = (
        (hits.sum() / matrix.sum(), "This is the plain accuracy: the large class counts most."),
        (precision.mean(), "The columns were summed. A column holds what was answered; the "
                           "accuracy of a class is a share of its row."),
        (recall, "This is the accuracy of each class; the question asks for their mean."),
        (hits.mean() / matrix.sum(axis=1).mean(),
         "This is the mean of the hits over the mean of the rows, the plain accuracy again."),
        (1 - recall.mean(), "This is the balanced error: one minus the answer."),
        (recall.sum(), "The sum of the classes' accuracies still has to be divided by K."),
    )  # fmt: skip
    never = np.array([[50, 0], [5, 0]])
    return judge(
        function,
        [Case((matrix,), recall.mean(), mistakes), Case((never,), 0.5)],
        "A network that always gives the same answer scores 1/K.",
    )


def check_temperature_slope(function: Any) -> Verdict:
    """Judge ``function(z, y)``, ∂L/∂T at T = 1 of the mean loss: z (B, K), y (B,) of classes."""
    z = np.array([[1.0, 0.0, -1.0], [0.5, 2.0, 0.0], [-1.0, 0.3, 0.2], [0.0, 0.1, 0.7]])
    y = np.array([0, 2, 1, 1])
    p, one_hot = softmax(z), np.eye(3)[y]
    each = ((one_hot - p) * z).sum(axis=1)
    mistakes = (
        (-each.mean(), "The sign is turned round: the derivative of z/T is -z/T²."),
        (each, "This is one number an example; the loss is their mean."),
        (each.sum(), "This is the sum over the batch; the loss is a mean."),
        (each.mean() / 3, "This divides by the classes as well; the mean is over the rows."),
        ((p * z).sum(axis=1).mean(), "The target's term is missing: the bracket is p - y."),
        (-(one_hot * z).sum(axis=1).mean(), "The term with p is missing: the bracket is p - y."),
        ((p - one_hot).sum(axis=1).mean(), "Each p - y has to be multiplied by its -z."),
    )
    return judge(
        function,
        [Case((z, y), each.mean(), mistakes)],
        "Where it is negative, a temperature above 1 lowers the loss.",
    )
