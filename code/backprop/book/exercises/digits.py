"""Checkers of the chapter "Handwritten digits"."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Mistakes,
    Verdict,
    alike,
    checker,
    distinct,
    judge,
    judge_value,
)


@checker
def check_weight(derivative: Any, new_w: Any) -> Verdict:
    """Check ∂L/∂w = x a (1 - a) Σ (p_k - y_k) v_k = 0.03, and w = 0.1 - 2 · 0.03 = 0.04.

    Here x = 0.5, a = ½, v = (0.3, -0.1), p = (0.6, 0.4), y = (0, 1), w = 0.1 and η = 2.
    """
    x, quarter, v0, v1 = 0.5, 0.25, 0.3, -0.1
    w, eta = 0.1, 2.0

    def pair(first: float) -> tuple[float, float]:
        return first, w - eta * first

    chain = (
        "Output, outgoing weight, slope of the sigmoid, ink: a product, summed over the outputs."
    )
    heard = 0.6 * v0 - 0.6 * v1
    right = pair(x * quarter * heard)
    if alike(derivative, right[0]):
        chain = "The derivative is right. From w, subtract the learning rate times it."
    mistakes: Mistakes = [
        (pair(x * quarter * (-0.4 * v0 + 0.4 * v1)), "This takes the image for a 0.",
         "Its target is (0, 1): what is p - y?"),
        (pair(-right[0]), "The sign of the derivative is wrong.", "It is p - y, not y - p."),
        ((-right[0], right[1]), "The second is right. The sign of the derivative is wrong.",
         "It is p - y, not y - p."),
        ((right[0], w + eta * right[0]), "The slope is right. The step goes uphill.",
         "Descent subtracts."),
        ((right[0], w - right[0]), "The slope is right. The new w is not.",
         "What is the learning rate?"),
        ((right[0], -eta * right[0]), "The slope is right. That is the change of w, not w.", ""),
        (pair(quarter * heard), "The ink is missing.", "A derivative of a weight is the value at"
         " its start times the error at its end."),
        ((quarter * heard, right[1]), "The second is right. The first is δ of the unit.",
         "The ink is missing."),
        (pair(x * heard), "The slope of the sigmoid is missing.", "At a = ½, what is a (1 - a)?"),
        (pair(heard), "Two factors are missing.", "The slope of the sigmoid, and the ink."),
        ((heard, right[1]), "The second is right. The first lacks two factors.",
         "The slope of the sigmoid, and the ink."),
        (pair(x * 0.5 * heard), "The slope of the sigmoid is not its value.",
         "It is a (1 - a)."),
        (pair(x * quarter * 0.6 * v0), "This hears from output 0 only.", "Both outputs count."),
        (pair(-x * quarter * 0.6 * v1), "This hears from output 1 only.", "Both outputs count."),
        (pair(x * quarter * (0.6 * v0 + 0.6 * v1)), "This is half of the derivative.",
         "p - y is negative at the output of the 1, and with one image there is no mean."),
        (pair(x * quarter * (0.6 * v0 + 0.4 * v1)), "This uses p where p - y is meant.",
         "Subtract the target (0, 1)."),
        ((w - eta * right[0], right[0]), "The two have changed places.", ""),
    ]  # fmt: skip
    praise = "Output errors, weighted by the outgoing weights, times slope, times ink."
    return judge_value((derivative, new_w), Case((), right, mistakes, chain), praise)


@checker
def check_still(parameters: Any, still: Any) -> Verdict:
    """Check 784·100 + 100 + 100·10 + 10 = 79,510 parameters and 67·100 = 6,700 that never move."""
    total, fixed = 79_510, 6_700
    each = "Every blank pixel sends a weight to each hidden unit."
    both = (
        "Each layer has weights and biases. Every blank pixel sends a weight to each hidden unit."
    )
    if alike(parameters, total):
        both = f"The first is right. {each}"
    elif alike(still, fixed):
        both = "The second is right. Each layer has weights and biases."
    mistakes: Mistakes = [
        ((79_400, fixed), "The second is right. The biases are missing from the first.", ""),
        ((79_410, fixed), "The second is right. The first lacks the biases of a layer.", ""),
        ((79_500, fixed), "The second is right. The first lacks the biases of a layer.", ""),
        ((78_702, fixed), "The second is right. The first is that of a network 784-100-2.", ""),
        ((78_400, fixed), "The second is right. That is the first layer's weights only.", ""),
        ((total, 67), "The first is right. Those are pixels, not weights.", each),
        ((total, 67_000), "The first is right. The second is too large by far.",
         "A blank pixel is connected to the hidden units only."),
        ((total, 670), "The first is right. The second is too small.", each),
        ((total, 67 * 110), "The first is right. The second is too large.",
         "A blank pixel is connected to the hidden units only."),
        ((total, 6_767), "The first is right. A pixel has no bias.", each),
        ((total, 6_800), "The first is right. Do biases of hidden units stay?",
         "A bias multiplies 1, not the ink."),
        ((total, 78_400 - fixed),
         "The first is right. Those are the first layer's weights that do move.", ""),
        ((total, total - fixed), "The first is right. Those are the ones that do move.", ""),
        ((total, 0), "The first is right. Some weights never move.",
         "What does an image add to a weight at a pixel without ink?"),
        ((fixed, total), "The two have changed places.", ""),
    ]  # fmt: skip
    found = judge_value((parameters, still), Case((), [total, fixed], mistakes, both))
    if found:
        return Verdict(True, "Where there is never any ink, nothing is added.")
    return found


X = np.array([[0.0, 0.5, 1.0], [1.0, 0.25, 0.0]])
DELTA = np.array([[0.2, -0.1], [0.4, 0.3]])


@checker
def check_update(update: Answer) -> Verdict:
    """Check ``update(x, delta, learning_rate)``: -η xᵀδ, shape (n_in, n_out); δ contains 1/B."""

    def case(x: Array, delta: Array, eta: float) -> Case:
        g = x.T @ delta
        mistakes: Mistakes = [
            (eta * g, "Such a step climbs.", "Descent subtracts the gradient."),
            (g, "This is the gradient, not the change.", "Times -η."),
            (-g, "The learning rate is missing.", ""),
            (-eta * g.T, "It is the transpose.", "One row for each pixel, one column for each"
             " unit: the shape of W."),
            (-eta * g / len(x), "The mean is taken twice.", "delta contains 1/B already."),
            (-eta * g * len(x), "The factor 1/B is undone.", "delta contains it, and it stays."),
            (-eta * np.outer(x[0], delta[0]), "This is the first image alone.", "Add all images."),
            (-eta * np.outer(x.mean(axis=0), delta.mean(axis=0)),
             "The images are averaged before they are multiplied.",
             "Each image has its own error."),
            (-eta * np.outer(x.sum(axis=0), delta.sum(axis=0)),
             "The images are added up before they are multiplied.",
             "Each image has its own error."),
        ]  # fmt: skip
        right = -eta * g
        more = "Column j is the sum over the images of delta[n, j] times x[n]."
        return Case((x, delta, eta), right, distinct(mistakes, right), more)

    cases = [case(X, DELTA, 0.2), case(X[:1], DELTA[:1], 2.0)]
    return judge(update, cases, "A sum of images in every column.", "x, delta, learning_rate")


@checker
def check_output_error(output_error: Answer) -> Verdict:
    """Check ``output_error(p, labels)``: (p - onehot) / B, shape (B, K)."""

    def case(p: Array, labels: Array) -> Case:
        onehot = np.eye(p.shape[1])[labels]
        right = (p - onehot) / len(p)
        whole_columns = p.copy()
        whole_columns[:, labels] -= 1
        whole_columns /= len(p)
        mistakes: Mistakes = [
            (p - onehot, "The loss is a mean over the batch.", "Divide by B."),
            (-right, "The sign is wrong.", "delta is +∂L/∂z; the optimizer subtracts."),
            ((p - onehot) / p.size, "This divides by the classes, too.", "Divide by B only."),
            ((p - onehot) / p.shape[1], "This divides by the number of classes.",
             "Divide by B, the number of rows."),
            (p / len(p), "The target is missing.", "Subtract 1 at the label."),
            ((onehot - p) / len(p) ** 2, "The mean is taken twice.", ""),
            ((p - onehot).mean(axis=0), "The rows are mixed.", "One row for each image."),
            (((p - onehot) * p * (1 - p)) / len(p), "There is a slope too many.",
             "Softmax and cross-entropy together leave p - y."),
            (whole_columns, "This subtracts 1 in whole columns.",
             "In each row, only the entry at its own label changes."),
            ((p - labels[:, None]) / len(p), "This subtracts the number of the class.",
             "Subtract 1 at the label."),
            (-onehot / p / len(p), "That is ∂L/∂p.", "The derivative at the logits is asked for."),
        ]  # fmt: skip
        more = "At the logits, softmax and cross-entropy together leave p - y."
        return Case((p, labels), right, distinct(mistakes, right), more)

    cases = [
        case(np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]), np.array([0, 1])),
        case(np.array([[0.5, 0.25, 0.25]]), np.array([2])),
    ]
    return judge(output_error, cases, "What does each row add up to?", "p, labels")


@checker
def check_factor(times: Any) -> Verdict:
    """Check how much larger tanh makes the first step at z = 0: 1 / ¼ = 4 times."""
    mistakes: Mistakes = [
        (1, "The slopes of the two differ at 0.", "σ'(0) = σ(0) (1 - σ(0)); what is tanh'(0)?"),
        (2, "tanh is a stretched sigmoid: twice as tall, and twice as steep in z.",
         "tanh z = 2 σ(2z) - 1: differentiate it at 0."),
        (0.25, "It is the other way round.", "Which of the two is steeper at 0?"),
        (16, "Only one hidden layer lies on the way.", "One slope, once."),
        (0, "tanh(0) = 0 is the value. The slope counts.", "The outgoing weights do not move in"
         " this step, but the first layer does."),
        (0.5, "It is larger, not smaller.", "Which of the two is steeper at 0?"),
        (8, "Too much.", "Compare the two slopes at 0."),
        (3, "Not that.", "Compare the two slopes at 0: a quotient, not a difference."),
        (0.75, "This is a difference.", "A quotient is asked for."),
    ]  # fmt: skip
    more = "Only the slope of the activation function differs. What is it at 0?"
    praise = "The slope at 0 is 1 for tanh and ¼ for the sigmoid."
    return judge_value(times, Case((), 4, mistakes, more), praise)


@checker
def check_bytes(times: Any) -> Verdict:
    """Check that ink 255 times larger acts like a rate 255² = 65,025 times larger."""
    twice = "The ink is in the derivative of the weight, and in the weighted sum."
    mistakes: Mistakes = [
        (255, "The ink counts twice.", twice),
        (1 / 255, "The ink counts twice, and the first network needs the larger rate.", twice),
        (1 / 255**2, "It is the other way round.", "Which of the two changes more in a step?"),
        (1, "The two steps are far from equal.", twice),
        (510, "This adds the two factors.", "One multiplies what the other has multiplied."),
        (254, "How many times larger is 255 than 1?", twice),
        (256, "Bytes have 256 values, but the largest is 255.", twice),
        (256**2, "Bytes have 256 values, but the largest is 255.", ""),
        (255**3, "The ink counts twice, not three times.", "The weights were divided by 255 to"
         " start equal. Is this a part of the step?"),
        (16**2, "That is the largest ink of these images, squared.", "Here it is 255."),
        (-(255**2), "A learning rate is positive.", ""),
    ]  # fmt: skip
    more = f"How does the change of a weighted sum depend on the ink? {twice}"
    praise = "Once in the derivative, once when the changed weight is used."
    return judge_value(times, Case((), 255**2, mistakes, more), praise)


@checker
def check_moved(moved: Answer) -> Verdict:
    """Check ``moved(x, dx, eps)``: clip(x + eps sign(dx), 0, 1)."""

    def case(x: Array, dx: Array, eps: float) -> Case:
        right = np.clip(x + eps * np.sign(dx), 0, 1)
        size = np.linalg.norm(dx)
        mistakes: Mistakes = [
            (x + eps * np.sign(dx), "Some pixels leave the range from 0 to 1.", "Clip them."),
            (np.clip(x - eps * np.sign(dx), 0, 1), "This lowers the loss.",
             "The gradient points uphill."),
            (np.clip(x + eps * dx, 0, 1), "The sizes of dx should make no difference.",
             "Its signs are meant."),
            (np.clip(x + eps * dx / size, 0, 1), "Every pixel moves by eps.",
             "The signs of dx are meant, not its direction."),
            (np.clip(x + np.sign(dx), 0, 1), "eps makes no difference.", ""),
            (np.clip(eps * np.sign(dx), 0, 1), "The image itself is missing.", ""),
            (x + eps * np.clip(np.sign(dx), 0, 1), "The signs are clipped, not the pixels.", ""),
            (np.clip(x + eps * np.abs(np.sign(dx)), 0, 1), "Every pixel gets darker.",
             "Some have to get lighter."),
            (np.clip(x + eps, 0, 1), "Every pixel gets darker.", "What is dx for?"),
            (np.clip(x + eps * np.where(dx < 0, -1, 1), 0, 1),
             "Where dx is 0, the pixel stays.", "np.sign(0) is 0."),
            (np.clip(x + eps * np.where(dx > 0, 1, -1), 0, 1),
             "Where dx is 0, the pixel stays.", "np.sign(0) is 0."),
            (np.clip(x + eps * (dx > 0), 0, 1), "Some pixels have to get lighter.",
             "What if dx is negative?"),
            (np.clip(x + eps * dx / np.abs(dx).max(), 0, 1), "Every pixel moves by eps.",
             "The sizes of dx should make no difference."),
            (np.minimum(x + eps * np.sign(dx), 1), "Some pixels fall below 0.",
             "Clip at both ends."),
            (np.maximum(x + eps * np.sign(dx), 0), "Some pixels rise above 1.",
             "Clip at both ends."),
            (np.clip(x + 0.1 * np.sign(dx), 0, 1), "This moves by 0.1, whatever eps is.", ""),
        ]  # fmt: skip
        more = "The sign of dx counts, not its size, and no pixel leaves the range from 0 to 1."
        return Case((x, dx, eps), right, distinct(mistakes, right), more)

    x = np.array([[0.0, 0.5, 1.0], [0.98, 0.02, 0.5]])
    dx = np.array([[-2.0, 0.3, 0.1], [4.0, -0.01, 0.0]])
    cases = [case(x[:1], dx[:1], 0.1), case(x, dx, 0.25)]
    return judge(moved, cases, "Every pixel with a slope moves by eps at most.", "x, dx, eps")
