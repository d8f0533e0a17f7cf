"""Optimizers against PyTorch, optax, SymPy, scikit-learn and their own formulas."""

import io
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from backprop.datasets import load_digits
from backprop.layers import Dense, Tanh
from backprop.losses import MeanSquaredError, SoftmaxCrossEntropy
from backprop.network import Sequential
from backprop.optimizers import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Lion,
    Momentum,
    Nesterov,
    RMSProp,
    clip_norm,
    clip_value,
    matrices,
    minimize_lbfgs,
)

ALL = [SGD, Momentum, Nesterov, AdaGrad, RMSProp, Adam, AdamW, Lion]
STEPS = 60
PEERS = "peers: install torch, jax and optax to compare the trajectories"


def make_network(seed=0, dtype=np.float64, sizes=(5, 4, 3)):
    rng = np.random.default_rng(seed)
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [Dense(n_in, n_out, rng=rng, dtype=dtype), Tanh()]
    network = Sequential(layers[:-1])
    network.theta[...] += rng.normal(scale=0.1, size=network.theta.size)
    return network


def gradient_sequence(network, steps=STEPS, seed=1):
    """Noisy gradients over four decades, a few of them exactly 0."""
    rng = np.random.default_rng(seed)
    scale = 10 ** rng.uniform(-3, 1, network.theta.size)
    g = scale * (rng.normal(size=(steps, network.theta.size)) + 0.3)
    return np.where(rng.random(g.shape) < 0.05, 0.0, g)


def trajectory(optimizer, gradients):
    network, path = optimizer.network, []
    for g in gradients:
        network.dtheta[...] = g
        optimizer.step()
        path.append(network.theta.copy())
    return np.array(path)


# ours, torch's name and arguments (None: torch has no such rule)
PEER_RULES = {
    "sgd": (lambda n, **k: SGD(n, 0.03, **k), "SGD", dict(lr=0.03)),
    "momentum": (lambda n, **k: Momentum(n, 0.03, **k), "SGD", dict(lr=0.03, momentum=0.9)),
    "nesterov": (
        lambda n, **k: Nesterov(n, 0.03, beta=0.8, **k),
        "SGD",
        dict(lr=0.03, momentum=0.8, nesterov=True),
    ),
    "adagrad": (lambda n, **k: AdaGrad(n, 0.1, **k), "Adagrad", dict(lr=0.1)),
    "rmsprop": (
        lambda n, **k: RMSProp(n, 0.01, **k),
        "RMSprop",
        dict(lr=0.01, alpha=0.9),
    ),
    "adam": (lambda n, **k: Adam(n, **k), "Adam", dict()),
    "adam, other numbers": (
        lambda n, **k: Adam(n, 0.05, beta1=0.7, beta2=0.95, eps=1e-3, **k),
        "Adam",
        dict(lr=0.05, betas=(0.7, 0.95), eps=1e-3),
    ),
    "adamw": (lambda n, **k: AdamW(n, **k), "AdamW", dict()),
}


@pytest.mark.parametrize("weight_decay", [None, 0.1])
@pytest.mark.parametrize("rule", PEER_RULES)
def test_step_for_step_as_torch(rule, weight_decay):
    torch = pytest.importorskip("torch", reason=PEERS)
    ours, name, arguments = PEER_RULES[rule]
    extra = {} if weight_decay is None else {"weight_decay": weight_decay}
    network = make_network()
    theirs = [torch.nn.Parameter(torch.from_numpy(p.copy())) for p in network.parameters.values()]
    peer = getattr(torch.optim, name)(theirs, **arguments, **extra)
    optimizer = ours(network, **extra)
    for t, g in enumerate(gradient_sequence(network)):
        network.dtheta[...] = g
        for p, dp in zip(theirs, network.gradients.values(), strict=True):
            p.grad = torch.from_numpy(dp.copy())
        # a rate that changes on the way tells apart where η enters
        rate = optimizer.learning_rate * (0.5 if t == STEPS // 2 else 1)
        optimizer.learning_rate = peer.param_groups[0]["lr"] = rate
        optimizer.step()
        peer.step()
        flat = np.concatenate([p.detach().numpy().ravel() for p in theirs])
        np.testing.assert_allclose(network.theta, flat, rtol=1e-10, atol=1e-10)


def test_decay_of_matrices_alone_as_torch_parameter_groups():
    torch = pytest.importorskip("torch", reason=PEERS)
    for ours, name in ((Adam, "Adam"), (AdamW, "AdamW")):
        network = make_network()
        optimizer = ours(network, 0.01, weight_decay=0.3, decayed=matrices(network))
        theirs = {
            key: torch.nn.Parameter(torch.from_numpy(p.copy()))
            for key, p in network.parameters.items()
        }
        groups = [
            {"params": [p for p in theirs.values() if p.ndim == 2], "weight_decay": 0.3},
            {"params": [p for p in theirs.values() if p.ndim == 1], "weight_decay": 0.0},
        ]
        peer = getattr(torch.optim, name)(groups, lr=0.01)
        for g in gradient_sequence(network):
            network.dtheta[...] = g
            for key, p in theirs.items():
                p.grad = torch.from_numpy(network.gradients[key].copy())
            optimizer.step()
            peer.step()
        flat = np.concatenate([p.detach().numpy().ravel() for p in theirs.values()])
        np.testing.assert_allclose(network.theta, flat, rtol=1e-10, atol=1e-10)


def test_training_on_digits_as_torch():
    torch = pytest.importorskip("torch", reason=PEERS)
    digits = load_digits()
    x, y = digits.x_train[:256], digits.y_train[:256]
    network = make_network(sizes=(64, 16, 10))
    model = torch.nn.Sequential(
        torch.nn.Linear(64, 16), torch.nn.Tanh(), torch.nn.Linear(16, 10)
    ).double()
    with torch.no_grad():
        for layer, number in ((model[0], 1), (model[2], 2)):
            # torch's weight is Wᵀ
            layer.weight.copy_(torch.from_numpy(network.parameters[f"dense{number}.W"].T))
            layer.bias.copy_(torch.from_numpy(network.parameters[f"dense{number}.b"]))
    optimizer, loss = Adam(network, 0.01, weight_decay=0.01), SoftmaxCrossEntropy()
    peer = torch.optim.Adam(model.parameters(), 0.01, weight_decay=0.01)
    for start in range(0, 256, 32):
        rows = slice(start, start + 32)
        ours = loss.forward(network.forward(x[rows]), y[rows])
        network.backward(loss.backward())
        norm = clip_norm(network, 0.5)
        optimizer.step()
        peer.zero_grad()
        value = torch.nn.functional.cross_entropy(
            model(torch.from_numpy(x[rows])), torch.from_numpy(y[rows]).long()
        )
        value.backward()
        peer_norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        peer.step()
        assert ours == pytest.approx(value.item(), rel=1e-10)
        assert norm == pytest.approx(peer_norm.item(), rel=1e-10)
        W = model[0].weight.detach().numpy().T
        np.testing.assert_allclose(network.parameters["dense1.W"], W, rtol=1e-9, atol=1e-10)


OPTAX_RULES = {
    "sgd": (lambda n: SGD(n, 0.03), lambda o: o.sgd(0.03)),
    "momentum": (lambda n: Momentum(n, 0.03), lambda o: o.sgd(0.03, momentum=0.9)),
    "nesterov": (lambda n: Nesterov(n, 0.03), lambda o: o.sgd(0.03, momentum=0.9, nesterov=True)),
    # optax puts ε inside of the root: the rules agree where ε is negligible
    "adagrad": (
        lambda n: AdaGrad(n, 0.1, eps=1e-300),
        lambda o: o.adagrad(0.1, initial_accumulator_value=0.0, eps=1e-300),
    ),
    "rmsprop": (lambda n: RMSProp(n, 0.01), lambda o: o.rmsprop(0.01, eps_in_sqrt=False)),
    "adam": (lambda n: Adam(n), lambda o: o.adam(1e-3)),
    "adamw": (lambda n: AdamW(n, weight_decay=0.1), lambda o: o.adamw(1e-3, weight_decay=0.1)),
    "lion": (lambda n: Lion(n, 1e-3), lambda o: o.lion(1e-3, weight_decay=0.0)),
    "lion, decay": (
        lambda n: Lion(n, 1e-3, beta1=0.8, beta2=0.95, weight_decay=0.1),
        lambda o: o.lion(1e-3, b1=0.8, b2=0.95, weight_decay=0.1),
    ),
}


@pytest.mark.parametrize("rule", OPTAX_RULES)
def test_step_for_step_as_optax(rule):
    jax = pytest.importorskip("jax", reason=PEERS)
    optax = pytest.importorskip("optax", reason=PEERS)
    ours, theirs = OPTAX_RULES[rule]
    network = make_network()
    gradients = gradient_sequence(network)
    with jax.enable_x64(True):
        params = jax.numpy.asarray(network.theta.copy())
        peer = theirs(optax)
        state, path = peer.init(params), []
        for g in gradients:
            updates, state = peer.update(jax.numpy.asarray(g), state, params)
            params = optax.apply_updates(params, updates)
            path.append(np.asarray(params))
    assert path[0].dtype == np.float64
    np.testing.assert_allclose(trajectory(ours(network), gradients), path, rtol=1e-10, atol=1e-10)


def naive(kind, theta, gradients, rate, decay, a, b):
    """The docstrings' formulas, written without a thought for memory."""
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for t, gradient in enumerate(gradients, 1):
        decoupled = kind in (AdamW, Lion)
        g = gradient if decoupled else gradient + decay * theta
        shrunk = (1 - rate * decay) * theta if decoupled else theta
        if kind is SGD:
            update = g
        elif kind in (Momentum, Nesterov):
            m = a * m + g
            update = m if kind is Momentum else g + a * m
        elif kind is AdaGrad:
            v = v + g**2
            update = g / (np.sqrt(v) + 1e-8)
        elif kind is RMSProp:
            v = a * v + (1 - a) * g**2
            update = g / (np.sqrt(v) + 1e-8)
        elif kind is Lion:
            update = np.sign(a * m + (1 - a) * g)
            m = b * m + (1 - b) * g
        else:
            m, v = a * m + (1 - a) * g, b * v + (1 - b) * g**2
            update = (m / (1 - a**t)) / (np.sqrt(v / (1 - b**t)) + 1e-8)
        theta = shrunk - rate * update
    return theta


def construct(kind, network, rate, decay, a, b, **more):
    own = {
        SGD: {}, Momentum: {"beta": a}, Nesterov: {"beta": a}, AdaGrad: {"eps": 1e-8},
        RMSProp: {"rho": a}, Lion: {"beta1": a, "beta2": b},
    }.get(kind, {"beta1": a, "beta2": b})  # fmt: skip
    return kind(network, rate, weight_decay=decay, **own, **more)


@pytest.mark.parametrize("kind", ALL)
@settings(derandomize=True, deadline=None, max_examples=25)
@given(
    n_in=st.integers(1, 4),
    n_out=st.integers(1, 4),
    rate=st.floats(1e-4, 1),
    decay=st.floats(0, 1),
    a=st.floats(0, 0.99),
    b=st.floats(0, 0.999),
    seed=st.integers(0, 999),
)
def test_in_place_is_the_formula(kind, n_in, n_out, rate, decay, a, b, seed):
    network = make_network(seed, sizes=(n_in, n_out))
    gradients = np.random.default_rng(seed).normal(size=(7, network.theta.size))
    expected = naive(kind, network.theta.copy(), gradients, rate, decay, a, b)
    given_gradients = gradients.copy()
    optimizer = construct(kind, network, rate, decay, a, b)
    last = trajectory(optimizer, gradients)[-1]
    np.testing.assert_allclose(last, expected, rtol=1e-10, atol=1e-10)
    assert optimizer.steps == 7
    # the step reads the gradient and leaves it
    np.testing.assert_array_equal(network.dtheta, given_gradients[-1])


def test_sympy_adam_bias_correction():
    g, beta = sp.symbols("g beta")
    t = sp.Symbol("t", positive=True, integer=True)
    # induction: m_t = (1 - β^t) g satisfies the recurrence and starts at 0 ...
    gathered = (1 - beta**t) * g
    assert gathered.subs(t, 0) == 0
    recurrence = beta * gathered.subs(t, t - 1) + (1 - beta) * g
    assert sp.simplify(sp.expand(recurrence - gathered, power_exp=True)) == 0
    # ... and six steps written out
    m = sp.Integer(0)
    for step in range(1, 7):
        m = beta * m + (1 - beta) * g
        assert sp.cancel(m / (1 - beta**step) - g) == 0

    # so a constant gradient is met by a first step, and all others, of η g / (|g| + ε)
    network = make_network()
    constant = np.linspace(-2, 3, network.theta.size)
    start, rate = network.theta.copy(), 0.01
    path = trajectory(Adam(network, rate), [constant] * 50)
    step_size = rate * constant / (np.abs(constant) + 1e-8)
    np.testing.assert_allclose(
        path, start - np.outer(np.arange(1, 51), step_size), rtol=0, atol=1e-13
    )


@pytest.mark.parametrize("kind", ALL)
def test_exact_trajectory_from_sympy(kind):
    # rational numbers in, 40 digits on the way: rounding is ours alone
    rate, decay, a, b, eps = map(sp.Rational, ("1/20", "1/10", "3/4", "7/8", "1/100000000"))
    gradients = [sp.Rational(p, 7) for p in (3, -5, 2, 2, -1, 4)]
    theta, m, v = sp.Rational(1, 3), sp.Integer(0), sp.Integer(0)
    for t, gradient in enumerate(gradients, 1):
        g = gradient
        if kind in (AdamW, Lion):
            theta *= 1 - rate * decay
        else:
            g = gradient + decay * theta
        if kind is SGD:
            update = g
        elif kind is Momentum:
            m = a * m + g
            update = m
        elif kind is Nesterov:
            m = a * m + g
            update = g + a * m
        elif kind is AdaGrad:
            v = v + g**2
            update = g / (sp.sqrt(v) + eps)
        elif kind is RMSProp:
            v = a * v + (1 - a) * g**2
            update = g / (sp.sqrt(v) + eps)
        elif kind is Lion:
            update = sp.sign(a * m + (1 - a) * g)
            m = b * m + (1 - b) * g
        else:
            m, v = a * m + (1 - a) * g, b * v + (1 - b) * g**2
            update = m / (1 - a**t) / (sp.sqrt(v / (1 - b**t)) + eps)
        theta = sp.N(theta - rate * update, 40)
    network = make_network(sizes=(1, 1))
    network.theta[...] = 1 / 3
    optimizer = construct(kind, network, 0.05, 0.1, 0.75, 0.875)
    path = trajectory(optimizer, np.outer([float(g) for g in gradients], [1, 1]))
    np.testing.assert_allclose(path[-1], float(theta), rtol=1e-14)


def test_momentum_is_polyaks_heavy_ball():
    network = make_network()
    gradients = gradient_sequence(network)
    theta, before = network.theta.copy(), network.theta.copy()
    for g in gradients:
        theta, before = theta - 0.03 * g + 0.9 * (theta - before), theta
    path = trajectory(Momentum(network, 0.03), gradients)
    np.testing.assert_allclose(path[-1], theta, rtol=1e-12)


def test_nesterov_takes_the_gradient_ahead():
    # Sutskever et al. (2013), eq. 3-4, on a quadratic, where the gradient depends on the place
    network = make_network()
    A = np.diag(np.linspace(0.1, 4, network.theta.size))
    rate, beta = 0.1, 0.9
    phi, u = network.theta.copy(), np.zeros_like(network.theta)
    optimizer = Nesterov(network, rate, beta=beta)
    for _ in range(40):
        u = beta * u - rate * (A @ (phi + beta * u))
        phi = phi + u
        network.dtheta[...] = A @ network.theta
        optimizer.step()
        np.testing.assert_allclose(
            network.theta + rate * beta * optimizer.v, phi, rtol=1e-10, atol=1e-13
        )


def test_l2_and_decoupled_decay_agree_for_plain_descent_alone():
    def last(kind, **more):
        network = make_network()
        gradients = gradient_sequence(network)
        return trajectory(kind(network, 0.01, **more), gradients)[-1]

    class DecoupledSGD(SGD):
        decoupled = True

    plain, decoupled = last(SGD, weight_decay=0.1), last(DecoupledSGD, weight_decay=0.1)
    np.testing.assert_allclose(plain, decoupled, rtol=1e-12)
    assert np.abs(last(Adam, weight_decay=0.1) - last(AdamW, weight_decay=0.1)).max() > 1e-3


@pytest.mark.parametrize("kind", [SGD, AdamW])
def test_decayed_names_alone_decay(kind):
    network = make_network()
    before = {name: p.copy() for name, p in network.parameters.items()}
    assert matrices(network) == ["dense1.W", "dense2.W"]
    # with g = 0, decay is all that moves a parameter
    kind(network, 0.1, weight_decay=0.5, decayed=["dense1.b", "dense2.W"]).step()
    for name, p in network.parameters.items():
        factor = 0.95 if name in ("dense1.b", "dense2.W") else 1.0
        np.testing.assert_allclose(p, factor * before[name], rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ALL)
def test_no_vector_is_made_in_a_step(kind, dtype):
    network = make_network(dtype=dtype, sizes=(200, 100))
    network.dtheta[...] = 0.5
    theta = network.theta
    for decayed in (None, matrices(network)):
        optimizer = kind(network, 0.01, weight_decay=0.1, decayed=decayed)
        optimizer.step()
        tracemalloc.start()
        try:
            optimizer.step()
            clip_norm(network, 1.0)
            clip_value(network, 0.1)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        # ufuncs may hold a fixed buffer of 8192 elements, no more; theta has 20100
        assert peak < theta.nbytes / 4
    assert network.theta is theta and theta.dtype == dtype
    assert all(np.shares_memory(p, theta) for p in network.parameters.values())
    state = optimizer.state()
    assert all(v.dtype == dtype for k, v in state.items() if k not in ("steps", "learning_rate"))


@pytest.mark.parametrize("kind", ALL)
def test_float32_follows_float64(kind):
    paths = []
    for dtype in (np.float32, np.float64):
        network = make_network(dtype=dtype)
        network.theta[...] = make_network().theta.astype(np.float32)
        gradients = gradient_sequence(network)
        paths.append(trajectory(construct(kind, network, 0.01, 0.1, 0.9, 0.99), gradients))
    # at most a few ulps a step on numbers below 10: 60 · 10 · 1.2e-7
    np.testing.assert_allclose(*paths, rtol=0, atol=7e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ALL)
def test_resume_is_bit_identical(kind, dtype):
    network = make_network(dtype=dtype)
    gradients = gradient_sequence(network)
    optimizer = kind(network, 0.01, weight_decay=0.1)
    trajectory(optimizer, gradients[:20])
    optimizer.learning_rate = 0.003
    file = io.BytesIO()
    np.savez(file, **optimizer.state())
    theta = network.theta.copy()
    whole = trajectory(optimizer, gradients[20:])

    other = make_network(seed=5, dtype=dtype)
    other.theta[...] = theta
    resumed = kind(other, 1.0, weight_decay=0.1)
    trajectory(resumed, [])
    file.seek(0)
    with np.load(file) as state:
        resumed.load_state(state)
    assert resumed.learning_rate == 0.003 and resumed.steps == 20
    np.testing.assert_array_equal(trajectory(resumed, gradients[20:]), whole)


def test_state_is_a_copy_both_ways():
    network = make_network()
    optimizer = Adam(network)
    network.dtheta[...] = 1.0
    optimizer.step()
    state = optimizer.state()
    kept = {name: array.copy() for name, array in state.items()}
    optimizer.step()
    for name in kept:
        np.testing.assert_array_equal(state[name], kept[name])
    optimizer.load_state(state)
    optimizer.step()
    np.testing.assert_array_equal(state["m"], kept["m"])


def test_load_state_refuses_and_leaves_all_as_it_was():
    optimizer = Adam(make_network())
    optimizer.network.dtheta[...] = 1.0
    optimizer.step()
    good, before = optimizer.state(), optimizer.state()
    bad = [
        ({k: v for k, v in good.items() if k != "m"}, ValueError, r"state holds \['learning_rate'"),
        ({**good, "extra": good["m"]}, ValueError, "expected"),
        ({**good, "m": good["m"][1:]}, ValueError, r"m has shape \(38,\), expected \(39,\)"),
        ({**good, "v": good["v"].astype(np.float32)}, TypeError, "v has dtype float32, expected"),
        ({**good, "steps": np.array(-1)}, ValueError, "steps is -1, expected at least 0"),
        ({**good, "steps": np.array(1.0)}, TypeError, "steps has dtype float64, expected int64"),
        ({**good, "learning_rate": np.array(np.nan)}, ValueError, "learning_rate is nan"),
        (Momentum(make_network(), 0.1).state(), ValueError, "expected"),
    ]
    for state, error, message in bad:
        with pytest.raises(error, match=message):
            optimizer.load_state(state)
        for name, array in optimizer.state().items():
            np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("kind", ALL)
def test_arguments_are_checked(kind):
    network, name = make_network(), kind.__name__
    for rate in (0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"{name}: learning_rate is {rate}, expected a finite"):
            kind(network, rate)
    for value in ("0.1", None, True, np.array([0.1])):
        with pytest.raises(TypeError, match=f"{name}: learning_rate is .*expected a real number"):
            kind(network, value)
    with pytest.raises(ValueError, match=f"{name}: weight_decay is -1, expected at least 0 and"):
        kind(network, 0.1, weight_decay=-1)
    with pytest.raises(ValueError, match=rf"{name}: decayed holds \['W'\], expected names from"):
        kind(network, 0.1, weight_decay=0.1, decayed=["W"])
    optimizer = kind(network, 0.1)
    for rate in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"{name}: learning_rate is {rate}, expected at least"):
            optimizer.learning_rate = rate
    assert optimizer.learning_rate == 0.1
    optimizer.learning_rate = np.float32(0.5)
    assert type(optimizer.learning_rate) is float


@pytest.mark.parametrize("kind", ALL)
def test_rate_zero_leaves_theta(kind):
    network = make_network()
    before = network.theta.copy()
    optimizer = kind(network, 0.1, weight_decay=0.1)
    optimizer.learning_rate = 0
    trajectory(optimizer, gradient_sequence(network, steps=3))
    np.testing.assert_array_equal(network.theta, before)


@pytest.mark.parametrize(
    ("kind", "argument"),
    [(Momentum, "beta"), (Nesterov, "beta"), (RMSProp, "rho"), (Adam, "beta1"), (Adam, "beta2"),
     (AdamW, "beta1"), (Lion, "beta1"), (Lion, "beta2")],
)  # fmt: skip
def test_averages_are_checked(kind, argument):
    for value in (-0.1, 1.0, np.nan):
        message = f"{kind.__name__}: {argument} is {value}, expected at least 0 and below 1"
        with pytest.raises(ValueError, match=message):
            kind(make_network(), 0.1, **{argument: value})


@pytest.mark.parametrize("kind", [AdaGrad, RMSProp, Adam, AdamW])
def test_eps_stays_above_zero_in_the_networks_dtype(kind):
    with pytest.raises(ValueError, match=f"{kind.__name__}: eps is 0, expected at least"):
        kind(make_network(), 0.1, eps=0)
    kind(make_network(), 0.1, eps=1e-300)
    with pytest.raises(ValueError, match="eps is 1e-300, expected at least"):
        kind(make_network(dtype=np.float32), 0.1, eps=1e-300)
    # dead units: a gradient that was always 0 moves nothing
    network = make_network(dtype=np.float32)
    before = network.theta.copy()
    kind(network, 0.1).step() if kind is not AdamW else kind(network, 0.1, weight_decay=0).step()
    np.testing.assert_array_equal(network.theta, before)


# --- clipping ---------------------------------------------------------------------------------


@settings(derandomize=True, deadline=None, max_examples=40)
@given(limit=st.floats(1e-3, 1e3), scale=st.floats(-6, 6), seed=st.integers(0, 999))
def test_clipping_as_torch(limit, scale, seed):
    torch = pytest.importorskip("torch", reason=PEERS)
    network = make_network()
    g = np.random.default_rng(seed).normal(size=network.theta.size) * 10**scale
    for ours, name in ((clip_value, "clip_grad_value_"), (clip_norm, "clip_grad_norm_")):
        network.dtheta[...] = g
        theirs = [torch.zeros(p.shape, dtype=torch.float64) for p in network.parameters.values()]
        for p, dp in zip(theirs, network.gradients.values(), strict=True):
            p.grad = torch.from_numpy(dp.copy())
        ours_returned = ours(network, limit)
        returned = getattr(torch.nn.utils, name)(theirs, limit)
        flat = np.concatenate([p.grad.numpy().ravel() for p in theirs])
        np.testing.assert_allclose(network.dtheta, flat, rtol=1e-12)
        if returned is not None:
            assert ours_returned == pytest.approx(returned.item(), rel=1e-12)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(limit=st.floats(1e-3, 1e3), seed=st.integers(0, 999))
def test_clipping_does_what_it_says(limit, seed):
    network = make_network()
    g = np.random.default_rng(seed).normal(size=network.theta.size) * 10
    network.dtheta[...] = g
    size = clip_norm(network, limit)
    assert size == pytest.approx(np.sqrt((g**2).sum()), rel=1e-14)
    clipped = np.linalg.norm(network.dtheta)
    if size < limit:
        np.testing.assert_array_equal(network.dtheta, g)
    else:
        assert limit * (1 - 1e-5) <= clipped <= limit
        np.testing.assert_allclose(network.dtheta / clipped, g / size, rtol=1e-13)
    network.dtheta[...] = g
    clip_value(network, limit)
    np.testing.assert_array_equal(network.dtheta, np.minimum(np.maximum(g, -limit), limit))


def test_norm_neither_overflows_nor_vanishes_in_float32():
    network = make_network(dtype=np.float32)
    n = network.theta.size
    for value in (1e25, 1e-25):
        network.dtheta[...] = value
        limit = value / 2
        assert clip_norm(network, limit) == pytest.approx(value * np.sqrt(n), rel=1e-6)
    network.dtheta[...] = 1e25
    clip_norm(network, 1.0)
    np.testing.assert_allclose(network.dtheta, 1 / np.sqrt(n), rtol=1e-6)
    assert network.dtheta.dtype == np.float32


def test_norm_is_as_exact_for_a_long_gradient():
    # Alike entries: summed one by one in float32, the rounding errors of 640,400 squares add up.
    network = make_network(dtype=np.float32, sizes=(800, 800))
    network.dtheta[...] = 0.1
    exact = float(np.float32(0.1)) * np.sqrt(network.dtheta.size)
    assert clip_norm(network, 1e9) == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_norm_over_the_whole_range(dtype):
    network, kind = make_network(dtype=dtype), np.finfo(dtype)
    largest, tiny = float(kind.max) ** 0.9, float(kind.tiny)
    for value in (largest, -largest, 1.0, tiny**0.5, -tiny, float(kind.smallest_subnormal)):
        network.dtheta[...] = 0
        # 3, 4 and what vanishes beside them
        network.dtheta[[2, 5, 7]] = np.array([3, -4, 1e-9]) * value
        assert clip_norm(network, 1e300) == pytest.approx(5 * abs(value), rel=1e-6)
    network.dtheta[...] = 0
    assert clip_norm(network, 1.0) == 0
    for value in (np.inf, -np.inf):
        network.dtheta[3] = value
        with pytest.raises(FloatingPointError, match="the norm of dtheta is inf"):
            clip_norm(network, 1.0)


def test_clipping_refuses():
    network = make_network()
    for clip in (clip_norm, clip_value):
        for limit in (0, -1.0, np.nan):
            with pytest.raises(ValueError, match=f"{clip.__name__}: limit is {limit}"):
                clip(network, limit)
    network.dtheta[...] = 1.0
    network.dtheta[3] = np.nan
    before = network.dtheta.copy()
    with pytest.raises(FloatingPointError, match="the norm of dtheta is nan"):
        clip_norm(network, 1.0)
    np.testing.assert_array_equal(network.dtheta, before)


def test_network_without_parameters():
    network = Sequential([Tanh()])
    for kind in ALL:
        kind(network, 0.1, weight_decay=0.1).step()
    clip_value(network, 1.0)
    assert clip_norm(network, 1.0) == 0


# --- L-BFGS -----------------------------------------------------------------------------------


def test_lbfgs_solves_least_squares():
    rng = np.random.default_rng(3)
    network = make_network(sizes=(6, 2))
    x, y = rng.normal(size=(40, 6)), rng.normal(size=(40, 2))
    result = minimize_lbfgs(
        network, MeanSquaredError(), x, y, gradient_tolerance=1e-9, loss_tolerance=0
    )
    solution = np.linalg.lstsq(np.column_stack([x, np.ones(40)]), y, rcond=None)[0]
    np.testing.assert_allclose(network.parameters["dense1.W"], solution[:-1], atol=1e-7)
    np.testing.assert_allclose(network.parameters["dense1.b"], solution[-1], atol=1e-7)
    assert result.converged and result.gradient_norm <= 1e-9
    assert result.loss == result.losses[-1] == min(result.losses)
    assert result.iterations == len(result.losses) - 1 <= result.evaluations
    # dtheta belongs to the theta that is left there
    loss = MeanSquaredError()
    assert loss.forward(network.forward(x), y) == result.loss
    assert np.abs(network.dtheta).max() == result.gradient_norm


def test_lbfgs_is_scikit_learns_logistic_regression():
    digits = load_digits()
    x, y = digits.x_train[:300], digits.y_train[:300]
    network, decay = make_network(sizes=(64, 10)), 0.01
    result = minimize_lbfgs(
        network, SoftmaxCrossEntropy(), x, y, max_iterations=500, gradient_tolerance=1e-7,
        loss_tolerance=0, weight_decay=decay, decayed=matrices(network),
    )  # fmt: skip
    assert result.converged
    # scikit-learn sums over the samples and weighs that by C; its bias is not penalised either
    peer = LogisticRegression(C=1 / (decay * len(x)), tol=1e-8, max_iter=2000).fit(x, y)
    np.testing.assert_allclose(network.parameters["dense1.W"], peer.coef_.T, atol=1e-4)
    assert (network.forward(x).argmax(axis=1) == peer.predict(x)).all()


def test_lbfgs_beats_gradient_descent_on_a_network():
    digits = load_digits()
    x, y = digits.x_train[:200], digits.y_train[:200]
    for seed in range(3):
        network, loss = make_network(seed, sizes=(64, 16, 10)), SoftmaxCrossEntropy()
        start = network.theta.copy()
        result = minimize_lbfgs(network, loss, x, y, max_iterations=30)
        network.theta[...] = start
        optimizer = SGD(network, 0.5)
        for _ in range(result.evaluations):
            value = loss.forward(network.forward(x), y)
            network.backward(loss.backward())
            optimizer.step()
        assert result.loss < value / 10
        assert all(np.diff(result.losses) <= 0)


def test_lbfgs_in_float32():
    network = make_network(dtype=np.float32, sizes=(6, 2))
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, 6)).astype(np.float32)
    y = rng.normal(size=(40, 2)).astype(np.float32)
    theta = network.theta
    result = minimize_lbfgs(network, MeanSquaredError(), x, y, gradient_tolerance=1e-3)
    assert network.theta is theta and theta.dtype == network.dtheta.dtype == np.float32
    assert result.converged
    solution = np.linalg.lstsq(np.column_stack([x, np.ones(40)]), y, rcond=None)[0]
    np.testing.assert_allclose(network.parameters["dense1.W"], solution[:-1], atol=1e-2)


def test_lbfgs_stops_at_max_iterations():
    digits = load_digits()
    x, y = digits.x_train[:100], digits.y_train[:100]
    network = make_network(sizes=(64, 10))
    result = minimize_lbfgs(network, SoftmaxCrossEntropy(), x, y, max_iterations=3)
    assert result.iterations == 3 and not result.converged and "ITERATIONS" in result.message


class FailingLoss(MeanSquaredError):
    """NaN from the n-th evaluation on."""

    def __init__(self, fails_at):
        super().__init__()
        self.left = fails_at

    def forward(self, z, y):
        self.left -= 1
        value = super().forward(z, y)
        return value if self.left > 0 else np.nan


@pytest.mark.parametrize("fails_at", [1, 2, 5, 8])
def test_lbfgs_leaves_the_last_iterate_when_the_loss_is_nan(fails_at):
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(40, 6)), rng.normal(size=(40, 2))
    network = make_network(sizes=(6, 2))
    # the loss is evaluated at the start, once more by SciPy, then at least once an iteration
    accepted = [network.theta.copy()]
    for iterations in range(1, 8):
        other = make_network(sizes=(6, 2))
        minimize_lbfgs(other, MeanSquaredError(), x, y, max_iterations=iterations)
        accepted.append(other.theta.copy())
    with pytest.raises(FloatingPointError, match="minimize_lbfgs: the loss is nan"):
        minimize_lbfgs(network, FailingLoss(fails_at), x, y)
    reached = [i for i, theta in enumerate(accepted) if (theta == network.theta).all()]
    assert len(reached) == 1 and reached[0] <= max(0, fails_at - 3)
    assert reached[0] > 0 or fails_at < 8


class Cliff(MeanSquaredError):
    """Higher by 100 everywhere but at the first z: no step along -g goes down."""

    first = None

    def forward(self, z, y):
        self.first = z.copy() if self.first is None else self.first
        return super().forward(z, y) + 100 * float((z != self.first).any())


def test_lbfgs_leaves_the_accepted_point_when_the_line_search_fails():
    rng = np.random.default_rng(3)
    x, y, loss = rng.normal(size=(40, 6)), rng.normal(size=(40, 2)), Cliff()
    network = make_network(sizes=(6, 2))
    start = network.theta.copy()
    result = minimize_lbfgs(network, loss, x, y)
    assert not result.converged and "ABNORMAL" in result.message and result.iterations == 0
    np.testing.assert_array_equal(network.theta, start)
    # the gradient left is that of this point, not of the last one tried
    dtheta = network.dtheta.copy()
    assert loss.forward(network.forward(x), y) == result.loss == result.losses[0]
    network.backward(loss.backward())
    np.testing.assert_array_equal(network.dtheta, dtheta)


def test_lbfgs_refuses():
    network, loss = make_network(sizes=(6, 2)), MeanSquaredError()
    x, y = np.ones((4, 6)), np.ones((4, 2))
    for more, message in [
        (dict(max_iterations=0), "max_iterations is 0, expected at least 1"),
        (dict(history=0), "history is 0, expected at least 1"),
        (dict(gradient_tolerance=-1), "gradient_tolerance is -1, expected at least 0"),
        (dict(loss_tolerance=np.nan), "loss_tolerance is nan"),
        (dict(weight_decay=-1), "weight_decay is -1"),
        (dict(weight_decay=1, decayed=["b"]), r"decayed holds \['b'\]"),
    ]:
        with pytest.raises(ValueError, match="minimize_lbfgs: " + message):
            minimize_lbfgs(network, loss, x, y, **more)
    with pytest.raises(TypeError, match=r"max_iterations is 2\.0, a float, expected an integer"):
        minimize_lbfgs(network, loss, x, y, max_iterations=2.0)
    with pytest.raises(ValueError, match="y has 3 rows, expected 4 as x"):
        minimize_lbfgs(network, loss, x, y[:3])
    with pytest.raises(ValueError, match="x has no row"):
        minimize_lbfgs(network, loss, x[:0], y[:0])
