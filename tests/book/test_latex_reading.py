"""The reader of LaTeX reads what is written, and refuses what can be read in two ways."""

import numpy as np
import pytest
import sympy as sp
from formula_values import Setting, Unknown, judge
from latex_reading import (
    Cases,
    Derivative,
    Differential,
    Large,
    Name,
    Number,
    Product,
    Quotient,
    Relation,
    Row,
    Sum,
    Transpose,
    Unreadable,
    read,
    read_one,
)

x, y, z = Name("x"), Name("y"), Name("z")
i, j, l = Name("i"), Name("j"), Name("l")  # noqa: E741  a layer's letter


@pytest.mark.parametrize(
    ("latex", "tree"),
    [
        (r"\tfrac12", Quotient(Number("1"), Number("2"))),
        (r"1{,}024.5", Number("1024.5")),
        (r"W^{(l+1)\top}", Transpose(Name("W", Sum((l, Number("1")))))),
        (r"w^{(2)}_{jk}", Name("w", Number("2"), (j, Name("k")))),
        (r"x_{i+u,\,j}", Name("x", None, (Sum((i, Name("u"))), j))),
        (r"\bar v_i", Name(r"\bar v", None, (i,))),
        (r"xy \odot z", Product(r"\odot", (Product("", (x, y)), z))),
        (r"x \cdot y/z", Product(r"\cdot", (x, Quotient(y, z)))),
        (r"\sum_j x_j y + z", Sum((Large(r"\sum", read_one(r"\sum_j x").index,
                                         Product("", (Name("x", None, (j,)), y))), z))),
        (r"\frac{\partial L}{\partial x}", Derivative(Name("L"), (x,))),
        (r"\partial L/\partial x_i", Derivative(Name("L"), (Name("x", None, (i,)),))),
        (r"\frac{\partial^2 L}{\partial x\,\partial y}", Derivative(Name("L"), (x, y))),
        (r"\frac{d}{dx} y", Derivative(y, (x,))),
        (r"dx\,y", Product("", (Differential(x), y))),
        (r"d\,x", Product("", (Name("d"), x))),
        (r"dS^\top", Transpose(Differential(Name("S")))),
        (r"x = y = z", Relation((x, y, z), ("=", "="))),
        (r"(x,\; y)", Row((x, y))),
        (r"x \text{ if } y > 0 \text{ else } z",
         Cases(((x, Relation((y, Number("0")), (">",))), (z, None)))),
        (r"\underbrace{x}_{\text{first}} \cdot y", Product(r"\cdot", (x, y))),
        (r"\bigl(x\bigr)", x),
    ],
)  # fmt: skip
def test_a_formula_has_this_tree(latex, tree):
    assert read_one(latex) == tree


@pytest.mark.parametrize(
    "latex",
    ["x/yz", "x/y/z", r"\frac{x", "(x", r"\unheard x", "x_i_j", "x^2^3", "x +", r"1 \cdot -x"],
)
def test_what_is_unclear_is_refused(latex):
    with pytest.raises(Unreadable):
        read(latex)


@pytest.mark.parametrize(
    ("latex", "count"),
    [
        (r"x = y, \quad y = z .", 2),
        (r"\begin{aligned} x &= y \\ &= z \end{aligned}", 1),
        (r"\begin{aligned} x &= y \\ y &= z \end{aligned}", 2),
        (r"\begin{aligned} x &= y & y &= z \\ z &= 1 & z &= x \end{aligned}", 4),
        (r"\begin{aligned} x &= (y \\ &- z) \end{aligned}", 1),
        (r"\begin{aligned} x &= y + {} \\ & z \end{aligned}", 1),
        (r"x = \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", 1),
        ("x, y", 2),
    ],
)
def test_a_display_has_so_many_statements(latex, count):
    assert len(read(latex)) == count


ARRAYS = Setting(
    "a test",
    shapes={"x": (4, 3), "W": (3, 2), "b": (1, 2)},
    words=("z = xW + b", r"L = \sum_{i,k} z_{ik}^3"),
    means={r"\delta": r"\partial L/\partial z"},
)
PRODUCT = Setting(
    "a test",
    shapes={"x": (4, 3), "W": (3, 2)},
    words=("q = xW", r"L = \sum_{i,k} q_{ik}^3"),
)
LETTERS = Setting("a test", words=(r"y = x^2 + \ln x",), positive=("x",))


@pytest.mark.parametrize(
    ("setting", "latex", "holds"),
    [
        (LETTERS, r"\frac{dy}{dx} = 2x + \frac1x", True),
        (LETTERS, r"\frac{dy}{dx} = 2x - \frac1x", False),
        (LETTERS, r"\frac{d^2y}{dx^2} = 2 - 1/x^2", True),
        (ARRAYS, r"\partial L/\partial W = x^\top \delta", True),
        (ARRAYS, r"\partial L/\partial W = \delta^\top x", False),
        (PRODUCT, r"\partial L/\partial W = x^\top\,\frac{\partial L}{\partial (xW)}", True),
        (PRODUCT, r"\partial L/\partial W = 2 x^\top\,\frac{\partial L}{\partial (xW)}", False),
        (ARRAYS, r"\partial L/\partial W = x\,\delta", False),
        (ARRAYS, r"\partial L/\partial x = \delta\, W^\top", True),
        (ARRAYS, r"\partial L/\partial b_k = \sum_i \delta_{ik}", True),
        (ARRAYS, r"\partial L/\partial b = \delta", False),
        (ARRAYS, r"\delta_{ik} = 3 z_{ik}^2", True),
        (ARRAYS, r"\delta_{ki} = 3 z_{ik}^2", False),
        (ARRAYS, r"\delta = 3 z \odot z", True),
        (ARRAYS, r"\frac{\partial L}{\partial W_{jk}} = \sum_i x_{ij}\,\delta_{ik}", True),
        (ARRAYS, r"\frac{\partial L}{\partial W_{jk}} = \sum_i x_{ij}\,\delta_{ij}", False),
    ],
)
def test_an_equation_is_judged(setting, latex, holds):
    assert judge(setting, read_one(latex)).holds is holds


def test_an_unknown_letter_is_no_verdict():
    with pytest.raises(Unknown):
        judge(ARRAYS, read_one(r"\partial L/\partial W = Q"))


def test_scalars_are_proved_and_not_sampled():
    assert judge(LETTERS, read_one(r"\frac{dy}{dx} = 2x + \frac1x")).how == "proved"
    f = Setting("a test", words=("u = g(x)", "y = f(u)"), functions={"f": "any", "g": "any"})
    assert judge(f, read_one(r"\frac{dy}{dx} = f'(u)\, g'(x)", f.called)).how == "proved"
    assert not judge(f, read_one(r"\frac{dy}{dx} = f'(x)\, g'(x)", f.called)).holds


def test_numbers_of_an_example_do_not_stand_in_for_a_proof():
    at_two = Setting("a test", words=("y = x^2",), example={"x": 2})
    assert judge(at_two, read_one(r"\frac{dy}{dx} = 2x = 4")).holds
    assert not judge(at_two, read_one(r"\frac{dy}{dx} = x^2 = 4")).holds
    assert not judge(at_two, read_one(r"\frac{dy}{dx} = 2x = 5")).holds


def test_the_judge_differentiates_like_sympy():
    a, b = sp.symbols("a b", real=True)
    written = sp.latex(sp.diff(sp.exp(a * b) * sp.tanh(a), a))
    latex = written.replace(r"\left", "").replace(r"\right", "")
    setting = Setting("a test", words=(r"y = e^{ab} \tanh(a)",))
    right = read_one(latex)
    assert judge(setting, Relation((read_one(r"\partial y/\partial a"), right), ("=",))).holds


def test_broadcasting_is_between_numbers_rows_and_columns_alone():
    shapes = Setting("a test", shapes={"x": (4, 3), "y": (4, 2)})
    assert not judge(shapes, read_one("x + y = x")).holds
    assert np.shape(np.zeros((4, 3)) + np.zeros((1, 3))) == (4, 3)
