"""The checkers of "Computational graphs": right answers, recognised mistakes, and no answers."""

import numpy as np
import pytest

from backprop.autodiff import gradcheck
from backprop.book.exercises import computational_graphs as ex


def order(parents):
    found = []

    def visit(node):
        if node not in found:
            for parent in parents[node]:
                visit(parent)
            found.append(node)

    for node in parents:
        visit(node)
    return found


def norm_vjp(g, a, x):
    return g * x / a


def cost(n):
    return 3 * (n - 1)


FUNCTIONS = [(ex.check_order, order), (ex.check_norm_vjp, norm_vjp), (ex.check_product_cost, cost)]
functions = pytest.mark.parametrize(("check", "answer"), FUNCTIONS)


@functions
def test_right_answers(check, answer):
    assert check(answer).right


def test_the_expected_values_are_derivatives():
    def y(x):
        return (x[0] + x[1]) ** 2 * x[0]

    assert ex.check_adjoints(gradcheck.complex_step(y, np.array([1.0, 2.0])))
    x = np.array([0.3, -1.2, 0.7])
    a = np.sqrt((x * x).sum())
    numeric = gradcheck.complex_step(lambda p: 2 * np.sqrt((p * p).sum()), x)
    assert np.allclose(norm_vjp(2.0, a, x), numeric, rtol=1e-12)


def test_another_order_is_right_too():
    assert ex.check_order(lambda parents: order(dict(reversed(parents.items()))))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ([9, 6], "path over v is missing"),
        ([6, 6], "also stands in y itself"),
        ([6, 15], "changed places"),
        ([12, 3], "v stands twice"),
    ],
)
def test_mistakes_in_the_adjoints(answer, hint):
    verdict = ex.check_adjoints(answer)
    assert not verdict and hint in verdict.message


@pytest.mark.parametrize(
    ("check", "answer", "hint"),
    [
        (ex.check_order, lambda p: order(p)[::-1], "order is reversed"),
        (ex.check_order, lambda p: order(p)[1:], "nodes are missing"),
        (ex.check_order, lambda p: [*order(p), *order(p)[:1]], "once for each of its uses"),
        (ex.check_order, sorted, "Some edges point back"),
        (ex.check_norm_vjp, lambda g, a, x: x / a, "g is missing"),
        (ex.check_norm_vjp, lambda g, a, x: 2 * g * x, "root has a rate"),
        (ex.check_norm_vjp, lambda g, a, x: 2 * g * x / a, "cancels"),
        (ex.check_norm_vjp, lambda g, a, x: g * x / (2 * a), "x² has the rate"),
        (ex.check_norm_vjp, lambda g, a, x: g * x, "rate is missing"),
        (ex.check_norm_vjp, lambda g, a, x: g * a, "shape of x"),
        (ex.check_product_cost, lambda n: 2 * (n - 1), "way back alone"),
        (ex.check_product_cost, lambda n: n - 1, "product alone"),
        (ex.check_product_cost, lambda n: n * (n - 1), "from the beginning"),
        (ex.check_product_cost, lambda n: (2 * n + 1) * (n - 1), "forward mode"),
        (ex.check_product_cost, lambda n: 3 * n, "n factors"),
    ],
)
def test_mistakes_are_recognised(check, answer, hint):
    verdict = check(answer)
    assert not verdict and hint in verdict.message


@functions
def test_what_is_no_answer(check, answer):
    def broken(*_):
        raise RuntimeError("no idea")

    assert "no idea" in check(broken).message
    assert "without calling it" in check(3).message


def test_wrong_shapes():
    assert "shape" in ex.check_adjoints([15.0]).message
    assert "shape" in ex.check_norm_vjp(lambda g, a, x: np.zeros(7)).message
