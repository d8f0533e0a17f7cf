"""Every loss against differences, SymPy, autograd and PyTorch, and far out in float32."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop.autodiff import gradcheck
from backprop.book import symbolic
from backprop.losses import (
    BinaryCrossEntropy,
    GaussianKL,
    Hinge,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    SoftmaxCrossEntropy,
)

few = settings(derandomize=True, deadline=None, max_examples=20)
EXACT = {"rtol": 1e-10, "atol": 1e-13}


def away_from(kink, shape, rng):
    """Differences whose distance to ±kink and to 0 is far above a finite-difference step."""
    part = rng.uniform(0.05, 0.95, shape)
    outside = rng.integers(2, size=shape)
    return rng.choice([-1, 1], shape) * (kink * part + outside * kink)


def probabilities(shape, rng):
    p = rng.uniform(0.1, 1, shape)
    return p / p.sum(axis=1, keepdims=True)


def hinge_scores(batch, classes, y, rng):
    """Scores whose every z_k - z_y + 1 is at least 0.05 from the kink."""
    z = rng.normal(size=(batch, classes))
    excess = away_from(1, z.shape, rng)
    rows = np.arange(batch)
    at_y = z[rows, y].copy()
    z = excess - 1 + at_y[:, None]
    z[rows, y] = at_y
    return z


LOSSES = {
    "squared": lambda: MeanSquaredError(),
    "absolute": lambda: MeanAbsoluteError(),
    "huber": lambda: Huber(0.7),
    "binary": lambda: BinaryCrossEntropy(),
    "softmax": lambda: SoftmaxCrossEntropy(),
    "smoothed": lambda: SoftmaxCrossEntropy(label_smoothing=0.1),
    "weighted": lambda: SoftmaxCrossEntropy(class_weights=np.array([0.3, 2.0, 1.1, 0.7, 5.0])),
    "both": lambda: SoftmaxCrossEntropy(0.2, np.array([0.3, 2.0, 1.1, 0.7, 5.0])),
    "soft": lambda: SoftmaxCrossEntropy(),
    "hinge": lambda: Hinge(),
    "kl": lambda: GaussianKL(),
}


def case(name, batch, n, seed):
    """The loss of that name with an input and a target away from its kinks."""
    rng = np.random.default_rng(seed)
    if name in ("weighted", "both"):
        n = 5
    if name == "binary":
        n = 1
    if name == "kl":
        n *= 2
    z = 3 * rng.normal(size=(batch, n))
    y = rng.normal(size=(batch, n))
    if name in ("absolute", "huber"):
        y = z - away_from(0.7, z.shape, rng)
    elif name == "binary":
        y = rng.uniform(size=(batch, 1))
    elif name == "soft":
        y = probabilities(z.shape, rng)
    elif name in ("softmax", "smoothed", "weighted", "both", "hinge"):
        y = rng.integers(n, size=batch)
        if name == "hinge":
            z = hinge_scores(batch, n, y, rng)
    return LOSSES[name](), z, y


shapes = given(batch=st.integers(1, 5), n=st.integers(1, 5), seed=st.integers(0, 9999))


@pytest.mark.parametrize("name", LOSSES)
@few
@shapes
def test_gradient(name, batch, n, seed):
    loss, z, y = case(name, batch, n, seed)
    gradcheck.check_loss(loss, z, y).raise_if_off()
    loss.forward(z, y)
    exact = gradcheck.complex_step(lambda t: loss.forward(t, y), z)
    analytic = loss.backward()
    np.testing.assert_allclose(analytic, exact, rtol=1e-9, atol=1e-14)


def torch_loss(torch, name, z, y):
    F = torch.nn.functional
    labels = torch.from_numpy(y) if y.dtype.kind == "i" else None
    target = torch.from_numpy(y)
    weights = torch.tensor([0.3, 2.0, 1.1, 0.7, 5.0], dtype=torch.float64)
    batch, n = z.shape
    if name == "squared":
        return 0.5 * F.mse_loss(z, target, reduction="sum") / batch
    if name == "absolute":
        return F.l1_loss(z, target, reduction="sum") / batch
    if name == "huber":
        return F.huber_loss(z, target, reduction="sum", delta=0.7) / batch
    if name == "binary":
        return F.binary_cross_entropy_with_logits(z, target)
    if name == "soft":
        return F.cross_entropy(z, target)
    if name == "hinge":
        return n * F.multi_margin_loss(z, labels)
    if name == "kl":
        (m1, s1), (m2, s2) = z.chunk(2, 1), target.chunk(2, 1)
        normal = torch.distributions.Normal
        first, second = normal(m1, torch.exp(s1 / 2)), normal(m2, torch.exp(s2 / 2))
        return torch.distributions.kl_divergence(first, second).sum() / batch
    smoothing = {"smoothed": 0.1, "both": 0.2}.get(name, 0.0)
    weight = weights if name in ("weighted", "both") else None
    return F.cross_entropy(z, labels, weight=weight, label_smoothing=smoothing)


@pytest.mark.parametrize("name", LOSSES)
@few
@shapes
def test_against_pytorch(name, batch, n, seed):
    torch = pytest.importorskip("torch", reason="peers: install torch to compare the losses")
    loss, z, y = case(name, batch, n, seed)
    tensor = torch.tensor(z, requires_grad=True)
    theirs = torch_loss(torch, name, tensor, y)
    theirs.backward()
    assert loss.forward(z, y) == pytest.approx(theirs.item(), rel=1e-10, abs=1e-12)
    np.testing.assert_allclose(loss.backward(), tensor.grad.numpy(), **EXACT)


def log_softmax(z):
    return z - anp.log(anp.sum(anp.exp(z), axis=1, keepdims=True))


AUTOGRAD = {
    "squared": lambda z, y: anp.sum((z - y) ** 2) / 2 / len(y),
    "absolute": lambda z, y: anp.sum(anp.abs(z - y)) / len(y),
    "binary": lambda z, y: anp.mean(anp.log(1 + anp.exp(z)) - y * z),
    "softmax": lambda z, y: -anp.mean(log_softmax(z)[np.arange(len(y)), y]),
    "soft": lambda z, y: -anp.sum(y * log_softmax(z)) / len(y),
    "kl": lambda z, y: anp.sum(
        y[:, 2:] - z[:, 2:] - 1 + anp.exp(z[:, 2:] - y[:, 2:])
        + (z[:, :2] - y[:, :2]) ** 2 * anp.exp(-y[:, 2:])
    ) / 2 / len(y),
}  # fmt: skip


@pytest.mark.parametrize("name", AUTOGRAD)
def test_against_autograd(name):
    loss, z, y = case(name, 4, 4 if name != "kl" else 2, 7)
    assert loss.forward(z, y) == pytest.approx(AUTOGRAD[name](z, y), rel=1e-12)
    np.testing.assert_allclose(loss.backward(), autograd.grad(AUTOGRAD[name])(z, y), rtol=1e-11)


def expression(name, z, y):
    """The loss of two examples in SymPy, from its definition; y holds numbers."""
    if name == "squared":
        return sum((z[i] - y[i]) ** 2 for i in range(4)) / 4
    if name == "absolute":
        return sum(sp.Abs(z[i] - y[i]) for i in range(4)) / 2
    if name == "huber":
        d = sp.Rational(7, 10)
        r = [z[i] - y[i] for i in range(4)]
        return (
            sum(
                sp.Piecewise((t**2 / 2, sp.Abs(t) <= d), (d * (sp.Abs(t) - d / 2), True)) for t in r
            )
            / 2
        )
    if name == "kl":
        m1, s1, m2, s2 = z[:, 0], z[:, 1], y[:, 0], y[:, 1]
        each = [
            (s2[i] - s1[i] + (sp.exp(s1[i]) + (m1[i] - m2[i]) ** 2) / sp.exp(s2[i]) - 1) / 2
            for i in range(2)
        ]
        return sum(each) / 2
    rows = range(2)
    if name == "hinge":
        return (
            sum(sp.Max(0, 1 + z[i, k] - z[i, y[i]]) for i in rows for k in range(2) if k != y[i])
            / 2
        )
    p = [[sp.exp(z[i, k]) / sum(sp.exp(z[i, j]) for j in range(2)) for k in range(2)] for i in rows]
    if name == "soft":
        return -sum(y[i, k] * sp.log(p[i][k]) for i in rows for k in range(2)) / 2
    return -sum(sp.log(p[i][y[i]]) for i in rows) / 2


@pytest.mark.parametrize(
    "name", ["squared", "absolute", "huber", "softmax", "soft", "hinge", "kl"]
)  # fmt: skip
def test_against_sympy(name):
    loss, z, y = case(name, 2, 1 if name == "kl" else 2, 3)
    Z = sp.Matrix(2, 2, lambda i, k: sp.Symbol(f"z{i}{k}", real=True))
    target = [int(k) for k in y] if y.dtype.kind == "i" else sp.Matrix(y.tolist())
    L = expression(name, Z, target)
    at = symbolic.values(Z, z)
    assert loss.forward(z, y) == pytest.approx(float(L.subs(at)), rel=1e-12)
    exact = [float(sp.diff(L, v).subs(at).doit()) for v in Z]
    np.testing.assert_allclose(loss.backward().ravel(), exact, rtol=1e-11, atol=1e-15)


# Far out, in float32. Each line: what the derivative is there, from the formula.


def extreme(*rows):
    return np.array(rows, np.float32)


@pytest.fixture(autouse=True)
def no_silent_overflow():
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        yield


@pytest.mark.parametrize(
    ("loss", "z", "y", "value", "delta"),
    [
        (MeanSquaredError(), [[1e4], [-1e4]], extreme([-1e4], [-1e4]), 1e8, [[1e4], [0]]),
        (MeanAbsoluteError(), [[1e4], [-1e4]], extreme([0], [-1e4]), 5e3, [[0.5], [0]]),
        (Huber(2.0), [[1e4], [-1e4]], extreme([0], [0]), 19998, [[1], [-1]]),
        (BinaryCrossEntropy(), [[1e4], [-1e4]], extreme([0], [1]), 1e4, [[0.5], [-0.5]]),
        (BinaryCrossEntropy(), [[1e4], [-1e4]], extreme([1], [0]), 0, [[0], [0]]),
        (BinaryCrossEntropy(), [[80.0]], extreme([1]), np.exp(-80.0), [[-np.exp(-80.0)]]),
        (BinaryCrossEntropy(), [[-80.0]], extreme([0]), np.exp(-80.0), [[np.exp(-80.0)]]),
        (SoftmaxCrossEntropy(), [[1e4, -1e4]], np.array([1]), 2e4, [[1, -1]]),
        (SoftmaxCrossEntropy(), [[1e4, -1e4]], np.array([0]), 0, [[0, 0]]),
        (
            SoftmaxCrossEntropy(), [[0, 80.0]], np.array([1]),
            None, [[np.exp(-80.0), -np.exp(-80.0)]],
        ),
        (SoftmaxCrossEntropy(0.1), [[1e4, -1e4]], np.array([1]), 1.9e4, [[0.95, -0.95]]),
        (
            SoftmaxCrossEntropy(class_weights=np.array([1.0, 3.0])), [[1e4, -1e4], [1e4, -1e4]],
            np.array([0, 1]), 1.5e4, [[0, 0], [0.75, -0.75]],
        ),
        (Hinge(), [[1e4, -1e4]], np.array([1]), 20001, [[1, -1]]),
        (Hinge(), [[1e4, -1e4]], np.array([0]), 0, [[0, 0]]),
        (GaussianKL(), [[1e4, 0]], extreme([0, 0]), 5e7, [[1e4, 0]]),
        (GaussianKL(), [[0, -1e4]], extreme([0, 0]), 4999.5, [[0, -0.5]]),
    ],
)  # fmt: skip
def test_extremes_in_float32(loss, z, y, value, delta):
    z = np.array(z, np.float32)
    got = loss.forward(z, y)
    if value is not None:
        assert got == pytest.approx(value, rel=1e-5)
    dz = loss.backward()
    assert dz.dtype == np.float32 and dz.shape == z.shape
    np.testing.assert_allclose(dz, np.array(delta, np.float32), rtol=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_float32_stays_and_agrees(name):
    loss, z, y = case(name, 6, 5, 1)
    single = loss.forward(z.astype(np.float32), y if y.dtype.kind == "i" else y.astype(np.float32))
    delta = loss.backward().copy()
    assert delta.dtype == np.float32
    assert single == pytest.approx(loss.forward(z, y), rel=1e-5)
    np.testing.assert_allclose(delta, loss.backward(), rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_a_target_or_an_output_of_another_size_comes_between(name):
    loss, z, y = case(name, 4, 3, 1)
    first = loss.forward(z, y), loss.backward().copy()
    other, z2, y2 = case(name, 2, 2, 5)
    loss.forward(z2, y2)
    np.testing.assert_array_equal(loss.backward().shape, z2.shape)
    assert loss.forward(z, y) == first[0]
    np.testing.assert_array_equal(loss.backward(), first[1])
    assert other.forward(z2, y2) == loss.forward(z2, y2)


@pytest.mark.parametrize("name", LOSSES)
def test_the_input_is_left_as_it_was(name):
    loss, z, y = case(name, 4, 3, 2)
    z0, y0 = z.copy(), y.copy()
    loss.forward(z, y)
    loss.backward()
    np.testing.assert_array_equal(z, z0)
    np.testing.assert_array_equal(y, y0)


def test_a_kink_has_the_derivative_that_the_docstring_says():
    loss = MeanAbsoluteError()
    assert loss.forward(np.array([[2.0]]), np.array([[2.0]])) == 0
    assert loss.backward().item() == 0
    loss = Huber(1.0)
    assert loss.forward(np.array([[1.0]]), np.array([[0.0]])) == 0.5
    assert loss.backward().item() == 1.0
    loss = Hinge(2.0)
    assert loss.forward(np.array([[0.0, 2.0]]), np.array([1])) == 0
    np.testing.assert_array_equal(loss.backward(), [[0, 0]])


INF = np.inf


@pytest.mark.parametrize(
    ("loss", "z", "y", "value", "delta"),
    [
        # a class that is masked out: target 0 at a logit of -∞
        (SoftmaxCrossEntropy(), [[0, 0, -INF]], [[0.5, 0.5, 0]], np.log(2), [[0, 0, 0]]),
        (SoftmaxCrossEntropy(), [[0, 0, -INF]], [[1, 0, 0]], np.log(2), [[-0.5, 0.5, 0]]),
        (SoftmaxCrossEntropy(), [[0, 0, -INF]], [0], np.log(2), [[-0.5, 0.5, 0]]),
        (SoftmaxCrossEntropy(), [[0, -INF]], [1], INF, [[1, -1]]),
        (SoftmaxCrossEntropy(), [[0, -INF]], [[0.5, 0.5]], INF, [[0.5, -0.5]]),
        (SoftmaxCrossEntropy(0.5), [[0, -INF]], [0], INF, [[0.25, -0.25]]),
        (SoftmaxCrossEntropy(), [[INF, 0]], [0], 0, [[0, 0]]),
        (SoftmaxCrossEntropy(), [[INF, 0]], [[1, 0]], 0, [[0, 0]]),
        (SoftmaxCrossEntropy(), [[INF, INF, 0]], [0], np.log(2), [[-0.5, 0.5, 0]]),
        (
            SoftmaxCrossEntropy(class_weights=np.array([1.0, 2.0, 3.0])),
            [[0, 0, INF], [0, -INF, 0]], [2, 0], np.log(2) / 4, [[0, 0, 0], [-0.125, 0, 0.125]],
        ),
        (BinaryCrossEntropy(), [[INF]], [[1.0]], 0, [[0]]),
        (BinaryCrossEntropy(), [[-INF]], [[0.0]], 0, [[0]]),
        (BinaryCrossEntropy(), [[INF]], [[0.0]], INF, [[1]]),
        (BinaryCrossEntropy(), [[-INF]], [[0.25]], INF, [[-0.25]]),
        # v₂ = ∞ against v₁ = 1, and means whose difference has no square
        (GaussianKL(), [[0, 0]], [[0, 700.0]], (700 - 1 + np.exp(-700)) / 2, [[0, -0.5]]),
        (GaussianKL(), [[1e200, 700]], [[0, 700.0]], 0.5 * (1e200 * np.exp(-350.0)) ** 2, None),
        (GaussianKL(), [[0, 1e-9]], [[0, 0.0]], 2.5e-19, [[0, 5e-10 + 2.5e-19]]),
        (GaussianKL(), [[0, -INF]], [[0, 0.0]], INF, [[0, -0.5]]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_limits(loss, z, y, value, delta, dtype):
    if isinstance(loss, GaussianKL):
        dtype = np.float64  # the variances of these logarithms exceed float32
    y = np.array(y) if isinstance(y[0], int) else np.array(y, dtype)
    got = loss.forward(np.array(z, dtype), y)
    assert got == pytest.approx(value, rel=1e-6, abs=1e-30)
    if delta is not None:
        np.testing.assert_allclose(loss.backward(), delta, rtol=2e-7, atol=1e-30)


def test_nothing_is_possible():
    loss = SoftmaxCrossEntropy()
    assert loss.forward(np.array([[-INF, -INF], [0.0, 0.0]]), np.array([0, 1])) == INF
    assert np.isfinite(loss.backward()).all()
    with pytest.raises(ValueError, match="infinite variance"):
        GaussianKL().forward(np.array([[0, INF]]), np.array([[0, INF]]))


def two(dtype=float):
    return np.zeros((2, 2), dtype)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MeanSquaredError().forward(two(), np.zeros((2, 3))), r"y has shape \(2, 3\)"),
        (lambda: MeanAbsoluteError().forward(np.zeros(2), np.zeros(2)), r"z has shape \(2,\)"),
        (lambda: MeanSquaredError().forward(np.zeros((0, 2)), np.zeros((0, 2))), "at least one"),
        (lambda: Huber(0.0), "Huber: d is 0"),
        (lambda: Huber(float("nan")), "Huber: d is nan"),
        (lambda: Hinge(-1.0), "Hinge: margin is -1"),
        (lambda: BinaryCrossEntropy().forward(two(), two()), r"z has shape \(2, 2\)"),
        (
            lambda: BinaryCrossEntropy().forward(np.zeros((1, 1)), np.array([[1.5]])),
            r"y lies in \[1.5, 1.5\], expected values from 0 to 1",
        ),
        (
            lambda: BinaryCrossEntropy().forward(np.zeros((1, 1)), np.array([[np.nan]])),
            "expected values from 0 to 1",
        ),
        (lambda: SoftmaxCrossEntropy(1.0), "label_smoothing is 1"),
        (lambda: SoftmaxCrossEntropy(-0.1), "label_smoothing is -0.1"),
        (lambda: SoftmaxCrossEntropy(0, np.array([1.0, 0])), "finite numbers above 0"),
        (lambda: SoftmaxCrossEntropy(0, np.array([1.0, np.inf])), "finite numbers above 0"),
        (
            lambda: SoftmaxCrossEntropy(0, np.ones(3)).forward(two(), np.array([0, 1])),
            r"class_weights has shape \(3,\), expected \(2,\)",
        ),
        (lambda: SoftmaxCrossEntropy().forward(two(), np.array([0, 2])), "0 to 1"),
        (lambda: SoftmaxCrossEntropy().forward(two(), np.array([0, 1, 1])), r"y has shape \(3,\)"),
        (
            lambda: SoftmaxCrossEntropy().forward(two(), np.array([[0], [1]])),
            r"y has shape \(2, 1\), expected \(2,\)",
        ),
        (lambda: SoftmaxCrossEntropy().forward(two(), two()), "probabilities that sum to 1"),
        (
            lambda: SoftmaxCrossEntropy().forward(two(), np.array([[1.5, -0.5], [0.5, 0.5]])),
            "probabilities that sum to 1",
        ),
        (
            lambda: SoftmaxCrossEntropy(0.1).forward(two(), np.full((2, 2), 0.5)),
            "expected integer classes with",
        ),
        (lambda: Hinge().forward(two(), np.array([0, -1])), "0 to 1"),
        (lambda: GaussianKL().forward(np.zeros((1, 3)), np.zeros((1, 3))), "even number"),
        (
            lambda: GaussianKL().forward(np.array([[0, 800.0]]), np.zeros((1, 2))),
            r"ratio exp\(800\)",
        ),
        (
            lambda: GaussianKL().forward(np.array([[0, -800.0]]), np.array([[0, -800.0]])),
            r"ratio exp\(800\)",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(), Hinge()])
def test_labels_are_integers(loss):
    with pytest.raises(TypeError, match="y has dtype float64"):
        loss.forward(two(), np.array([0.0, 1.0]))


@pytest.mark.parametrize("name", LOSSES)
def test_backward_follows_forward(name):
    with pytest.raises((RuntimeError, AttributeError), match="forward"):
        LOSSES[name]().backward()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_masked_class_with_a_target_of_zero_adds_nothing(dtype):
    z = np.array([[1.0, -np.inf, 2.0]], dtype)
    plain = np.array([[1.0, 2.0]], dtype)
    loss, other = SoftmaxCrossEntropy(), SoftmaxCrossEntropy()
    value = loss.forward(z, np.array([[0.25, 0, 0.75]], dtype))
    assert value == pytest.approx(other.forward(plain, np.array([[0.25, 0.75]], dtype)))
    assert loss.backward()[0, [0, 2]] == pytest.approx(other.backward()[0])
    assert loss.backward()[0, 1] == 0
    assert loss.forward(z, np.array([[0.25, 0.25, 0.5]], dtype)) == np.inf


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_infinite_logit_that_is_right_costs_nothing(dtype):
    loss = BinaryCrossEntropy()
    z, y = np.array([[np.inf], [-np.inf]], dtype), np.array([[1.0], [0.0]], dtype)
    assert loss.forward(z, y) == 0
    assert loss.backward().tolist() == [[0], [0]]
    assert loss.forward(z, 1 - y) == np.inf


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("kind", [np.ma.masked_array, np.matrix])
def test_arrays_with_rules_of_their_own_are_refused_by_name(kind):
    z, y = np.ones((2, 2)), np.ones((2, 2))
    with pytest.raises(TypeError, match=r"MeanSquaredError: z is a \w+, expected a numpy"):
        MeanSquaredError().forward(kind(z), y)
    with pytest.raises(TypeError, match=r"MeanSquaredError: y is a \w+, expected a numpy"):
        MeanSquaredError().forward(z, kind(y))
