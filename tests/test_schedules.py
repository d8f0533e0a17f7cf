"""Schedules against PyTorch, optax, SymPy and their own formulas; the range test."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop.datasets import load_digits
from backprop.layers import Dense, Layer, Tanh
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential
from backprop.optimizers import SGD, Adam, Momentum
from backprop.schedules import (
    Constant,
    Cosine,
    CosineWarmRestarts,
    Exponential,
    OneCycle,
    ReduceOnPlateau,
    StepDecay,
    Warmup,
    learning_rate_range_test,
)

PEERS = "peers: install torch, jax and optax to compare the rates"
SCHEDULES = [
    Constant(0.1),
    StepDecay(0.1, 7),
    Exponential(0.1, 0.95),
    Cosine(0.1, 30, final=0.01),
    CosineWarmRestarts(0.1, 5, multiplier=2, final=0.01),
    OneCycle(0.1, 30),
    Warmup(Cosine(0.1, 30), 10, start=0.02),
]


def make_network(seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return Sequential(
        [Dense(64, 16, rng=rng, dtype=dtype), Tanh(), Dense(16, 10, rng=rng, dtype=dtype)]
    )


TORCH_SCHEDULES = {
    "constant": (Constant(0.1), "ConstantLR", dict(factor=1.0)),
    "step": (StepDecay(0.1, 7, 0.3), "StepLR", dict(step_size=7, gamma=0.3)),
    "exponential": (Exponential(0.1, 0.95), "ExponentialLR", dict(gamma=0.95)),
    # torch's rate rises again beyond T_max: the comparison stops there
    "cosine": (Cosine(0.1, 40, 0.003), "CosineAnnealingLR", dict(T_max=40, eta_min=0.003)),
    "restarts": (
        CosineWarmRestarts(0.1, 6, final=0.003),
        "CosineAnnealingWarmRestarts",
        dict(T_0=6, eta_min=0.003),
    ),
    "growing restarts": (
        CosineWarmRestarts(0.1, 3, multiplier=2),
        "CosineAnnealingWarmRestarts",
        dict(T_0=3, T_mult=2),
    ),
    "one cycle": (
        OneCycle(0.1, 41),
        "OneCycleLR",
        dict(max_lr=0.1, total_steps=41, cycle_momentum=False),
    ),
    "one cycle, other numbers": (
        OneCycle(0.1, 41, rising=0.45, start_divisor=10, final_divisor=100),
        "OneCycleLR",
        dict(max_lr=0.1, total_steps=41, cycle_momentum=False, pct_start=0.45, div_factor=10,
             final_div_factor=100),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TORCH_SCHEDULES)
def test_as_torch(name):
    torch = pytest.importorskip("torch", reason=PEERS)
    ours, kind, arguments = TORCH_SCHEDULES[name]
    peer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = getattr(torch.optim.lr_scheduler, kind)(peer, **arguments)
    for t in range(41):
        rate = peer.param_groups[0]["lr"]
        # CosineAnnealingLR multiplies its way along: rounding accumulates there
        assert ours(t) == pytest.approx(rate, rel=1e-10, abs=1e-16)
        peer.step()
        if t < 40:
            scheduler.step()


def test_as_optax():
    jax = pytest.importorskip("jax", reason=PEERS)
    optax = pytest.importorskip("optax", reason=PEERS)
    pairs = [
        (StepDecay(0.1, 7, 0.3), optax.exponential_decay(0.1, 7, 0.3, staircase=True)),
        (Exponential(0.1, 0.95), optax.exponential_decay(0.1, 1, 0.95)),
        (Cosine(0.1, 25, final=0.001), optax.cosine_decay_schedule(0.1, 25, alpha=0.01)),
        (
            Warmup(Cosine(0.1, 25), 10, start=0.01),
            optax.warmup_cosine_decay_schedule(0.01, 0.1, 10, 35),
        ),
        (
            Warmup(Exponential(0.1, 0.9), 8),
            optax.join_schedules(
                [optax.linear_schedule(0.0, 0.1, 8), optax.exponential_decay(0.1, 1, 0.9)], [8]
            ),
        ),
    ]
    with jax.enable_x64(True):
        for ours, theirs in pairs:
            for t in range(50):
                peer = float(theirs(jax.numpy.asarray(t, jax.numpy.float64)))
                assert ours(t) == pytest.approx(peer, rel=1e-10, abs=1e-16)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    losses=st.lists(st.floats(0.01, 10), min_size=1, max_size=40),
    factor=st.floats(0.3, 0.9),
    patience=st.integers(0, 4),
    threshold=st.sampled_from([0.0, 1e-4, 0.1]),
)
def test_plateau_as_torch(losses, factor, patience, threshold):
    torch = pytest.importorskip("torch", reason=PEERS)
    peer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        peer, factor=factor, patience=patience, threshold=threshold, min_lr=1e-4, eps=0
    )
    ours = ReduceOnPlateau(0.1, factor=factor, patience=patience, threshold=threshold, minimum=1e-4)
    for t, loss in enumerate(losses):
        ours.observe(loss)
        scheduler.step(loss)
        assert ours(t) == pytest.approx(peer.param_groups[0]["lr"], rel=1e-12)


def test_sympy_cosine_ends():
    t, T, first, last = sp.symbols("t T eta_0 eta_1", positive=True)
    eta = last + (first - last) / 2 * (1 + sp.cos(sp.pi * t / T))
    assert eta.subs(t, 0) == first
    assert sp.simplify(eta.subs(t, T) - last) == 0
    assert sp.simplify(eta.subs(t, T / 2) - (first + last) / 2) == 0
    # it leaves and arrives level, and falls in between
    slope = sp.diff(eta, t)
    assert slope.subs(t, 0) == 0 and slope.subs(t, T) == 0
    assert sp.simplify(slope + (first - last) * sp.pi / (2 * T) * sp.sin(sp.pi * t / T)) == 0
    exact = sp.lambdify(t, eta.subs({T: 40, first: sp.Rational(1, 10), last: 0}))
    ours = Cosine(0.1, 40)
    for step in range(41):
        assert ours(step) == pytest.approx(exact(step), rel=1e-12, abs=1e-17)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    rate=st.floats(1e-6, 10),
    steps=st.integers(4, 500),
    part=st.floats(0, 1),
    rising=st.floats(0.3, 0.9),
)
def test_cosine_and_one_cycle_keep_their_bounds(rate, steps, part, rising):
    final = part * rate
    cosine = Cosine(rate, steps, final)
    rates = np.array([cosine(t) for t in range(steps + 5)])
    assert rates[0] == pytest.approx(rate, rel=1e-15)
    assert rates[-5:] == pytest.approx(np.full(5, final), rel=1e-15, abs=0)
    assert (np.diff(rates) <= 1e-15 * rate).all()

    cycle = OneCycle(rate, steps, rising=rising)
    rates = np.array([cycle(t) for t in range(steps + 5)])
    assert rates[0] == pytest.approx(rate / 25)
    assert rates[steps - 1 :] == pytest.approx(np.full(6, rate / 25e4))
    summit = int(rising * steps - 1)
    assert (np.diff(rates[: summit + 1]) > 0).all()
    assert (np.diff(rates[summit + 1 : steps]) < 0).all()
    assert rates.max() <= rate * (1 + 1e-15)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(period=st.integers(1, 9), multiplier=st.integers(1, 3), i=st.integers(0, 5))
def test_restarts_begin_where_the_lengths_say(period, multiplier, i):
    schedule = CosineWarmRestarts(0.1, period, multiplier=multiplier, final=0.01)
    begins = sum(period * multiplier**k for k in range(i))
    assert schedule(begins) == pytest.approx(0.1, rel=1e-15)
    length = period * multiplier**i
    assert schedule(begins + length - 1) == pytest.approx(Cosine(0.1, length, 0.01)(length - 1))


@pytest.mark.parametrize("inner", SCHEDULES, ids=lambda s: type(s).__name__)
def test_warmup_composes_with_any_schedule(inner):
    schedule = Warmup(inner, 5, start=0.001)
    rates = [schedule(t) for t in range(40)]
    np.testing.assert_allclose(rates[:6], np.linspace(0.001, inner(0), 6), rtol=1e-12)
    assert rates[5:] == [inner(t) for t in range(35)]
    assert Warmup(lambda t: 0.5, 4)(2) == 0.25


def test_warmup_passes_the_plateau_on():
    plateau = ReduceOnPlateau(0.4, factor=0.5, patience=0)
    schedule = Warmup(plateau, 2)
    plateau.observe(1.0)
    plateau.observe(1.0)
    assert [schedule(t) for t in range(4)] == [0.0, 0.1, 0.2, 0.2]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: type(s).__name__)
def test_schedules_are_pure(schedule):
    forwards = [schedule(t) for t in range(60)]
    assert [schedule(t) for t in reversed(range(60))][::-1] == forwards
    assert all(type(rate) is float and rate >= 0 for rate in forwards)
    assert schedule(np.int64(3)) == forwards[3]
    with pytest.raises(ValueError, match="step is -1, expected at least 0"):
        schedule(-1)
    for step in (1.0, "1", True):
        with pytest.raises(TypeError, match=r"step is .*, expected an integer"):
            schedule(step)


def test_plateau_by_hand():
    schedule = ReduceOnPlateau(0.1, factor=0.5, patience=1, threshold=0.1, minimum=0.03)
    rates = []
    # 0.95 and 0.92 are no better than 1 by a tenth; 0.8 is; then three times nothing, twice
    for loss in [1.0, 0.95, 0.92, 0.8, 0.8, 0.8, 0.8, 0.8]:
        schedule.observe(loss)
        rates.append(schedule(0))
    assert rates == [0.1, 0.1, 0.05, 0.05, 0.05, 0.03, 0.03, 0.03]
    # negative losses: better is lower, also by a tenth of the size
    schedule = ReduceOnPlateau(0.1, patience=0, threshold=0.1)
    schedule.observe(-1.0)
    schedule.observe(-1.2)
    assert schedule(0) == 0.1
    schedule.observe(-1.25)
    assert schedule(0) == pytest.approx(0.01)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(losses=st.lists(st.floats(0, 1), max_size=20), cut=st.integers(0, 20))
def test_plateau_resumes(losses, cut):
    whole, first = (ReduceOnPlateau(0.1, patience=1) for _ in range(2))
    for loss in losses:
        whole.observe(loss)
    for loss in losses[:cut]:
        first.observe(loss)
    second = ReduceOnPlateau(7.0, patience=1)
    second.load_state(first.state())
    for loss in losses[cut:]:
        second.observe(loss)
    assert second.state() == whole.state()


def test_plateau_refuses():
    schedule = ReduceOnPlateau(0.1)
    for loss in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match=f"ReduceOnPlateau: loss is {loss}, expected"):
            schedule.observe(loss)
    assert schedule.waited == 0 and schedule.best == np.inf
    good = schedule.state()
    for state, message in [
        ({"best": good["best"]}, r"state holds \['best'\], expected"),
        ({**good, "waited": np.array(-1)}, "waited is -1, expected at least 0"),
        ({**good, "best": np.array(np.nan)}, "best is nan"),
        ({**good, "learning_rate": np.array(-1.0)}, "learning_rate is -1.0"),
    ]:
        with pytest.raises(ValueError, match=message):
            schedule.load_state(state)
        assert schedule.state() == good


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(0), "Constant: learning_rate is 0, expected a finite number above 0"),
        (lambda: StepDecay(0.1, 0), "StepDecay: every is 0, expected at least 1"),
        (lambda: StepDecay(0.1, 2, 1.5), "StepDecay: factor is 1.5, expected at most 1"),
        (lambda: Exponential(0.1, 0.0), "Exponential: factor is 0.0, expected a finite"),
        (lambda: Exponential(np.nan, 0.5), "Exponential: learning_rate is nan"),
        (lambda: Cosine(0.1, 0), "Cosine: steps is 0, expected at least 1"),
        (lambda: Cosine(0.1, 5, 0.2), "Cosine: final is 0.2, above learning_rate 0.1"),
        (lambda: Cosine(0.1, 5, -0.2), "Cosine: final is -0.2, expected at least 0"),
        (lambda: CosineWarmRestarts(0.1, 0), "CosineWarmRestarts: period is 0"),
        (lambda: CosineWarmRestarts(0.1, 3, 0), "CosineWarmRestarts: multiplier is 0"),
        (lambda: Warmup(Constant(0.1), 0), "Warmup: steps is 0"),
        (lambda: Warmup(Constant(0.1), 3, -1), "Warmup: start is -1"),
        (lambda: OneCycle(0.1, 1), "OneCycle: steps is 1, expected at least 2"),
        (lambda: OneCycle(0.1, 10, rising=0.1), "OneCycle: rising is 0.1, expected above 1/steps"),
        (lambda: OneCycle(0.1, 10, rising=1.0), "OneCycle: rising is 1.0, expected above 1/steps"),
        (lambda: OneCycle(0.1, 10, start_divisor=0.5), "OneCycle: start_divisor is 0.5"),
        (lambda: OneCycle(0.1, 10, final_divisor=0), "OneCycle: final_divisor is 0"),
        (lambda: ReduceOnPlateau(0.1, factor=1), "ReduceOnPlateau: factor is 1, expected below 1"),
        (lambda: ReduceOnPlateau(0.1, patience=-1), "ReduceOnPlateau: patience is -1"),
        (lambda: ReduceOnPlateau(0.1, threshold=1), "ReduceOnPlateau: threshold is 1, expected"),
        (lambda: ReduceOnPlateau(0.1, minimum=1), "minimum is 1, above learning_rate 0.1"),
    ],
)
def test_arguments_are_checked(make, message):
    with pytest.raises(ValueError) as caught:
        make()
    assert message in str(caught.value)


def test_argument_types_are_checked():
    with pytest.raises(TypeError, match=r"Cosine: steps is 10\.5, a float, expected an integer"):
        Cosine(0.1, 10.5)
    with pytest.raises(TypeError, match="Warmup: schedule is a float, expected a callable"):
        Warmup(0.1, 5)
    with pytest.raises(TypeError, match="Constant: learning_rate is '1', a str, expected a real"):
        Constant("1")


def test_a_schedule_drives_an_optimizer_and_resumes():
    digits = load_digits()
    x, y = digits.x_train[:64], digits.y_train[:64]
    schedule = Warmup(Cosine(0.05, 10), 3)

    def train(network, optimizer, upto):
        loss, rates = SoftmaxCrossEntropy(), []
        while optimizer.steps < upto:
            loss.forward(network.forward(x), y)
            network.backward(loss.backward())
            optimizer.learning_rate = schedule(optimizer.steps)
            rates.append(optimizer.learning_rate)
            optimizer.step()
        return rates

    whole = make_network()
    rates = train(whole, Adam(whole), 15)
    assert rates == [schedule(t) for t in range(15)]
    # the cosine has arrived at 0, which an optimizer accepts
    assert rates[-1] == 0

    first, second = make_network(), make_network(1)
    optimizer, resumed = Adam(first), Adam(second)
    train(first, optimizer, 6)
    second.theta[...] = first.theta
    resumed.load_state(optimizer.state())
    assert train(second, resumed, 15) == rates[6:]
    np.testing.assert_array_equal(second.theta, whole.theta)


# --- range test -------------------------------------------------------------------------------


def range_test(network, optimizer, seed=0, **more):
    digits = load_digits()
    x, y = digits.x_train[:200].astype(network.dtype), digits.y_train[:200]
    rng = np.random.default_rng(seed)
    loss = SoftmaxCrossEntropy()
    return learning_rate_range_test(network, loss, optimizer, x, y, rng=rng, **more)


@pytest.mark.parametrize("kind", [SGD, Momentum, Adam])
def test_range_test_leaves_no_trace(kind):
    network = make_network()
    optimizer = kind(network, 0.02)
    network.dtheta[...] = 0.1
    optimizer.step()
    theta, dtheta, state = network.theta.copy(), network.dtheta.copy(), optimizer.state()
    held = network.theta
    result = range_test(network, optimizer)
    assert network.theta is held
    np.testing.assert_array_equal(network.theta, theta)
    np.testing.assert_array_equal(network.dtheta, dtheta)
    for name, array in optimizer.state().items():
        np.testing.assert_array_equal(array, state[name])
    assert optimizer.learning_rate == 0.02
    again = range_test(network, optimizer)
    np.testing.assert_array_equal(again.losses, result.losses)
    # and without the test, training goes the same way
    optimizer.step()
    tested = network.theta.copy()
    network.theta[...] = theta
    optimizer.load_state(state)
    optimizer.step()
    np.testing.assert_array_equal(network.theta, tested)


class Counting(Layer):
    """The identity, counting the batches that it saw in training."""

    def __init__(self):
        super().__init__()
        self.seen = np.zeros(())

    def forward(self, x):
        self.seen += self.training
        return x

    def backward(self, dz):
        return dz

    def state(self):
        return {"seen": self.seen}

    def load_state(self, state):
        self.seen[...] = state["seen"]


def test_range_test_restores_what_layers_keep():
    counting, seen = Counting(), []
    network = Sequential([*make_network().layers, counting])
    network.train(False)
    network.layers[0].training = True

    class Watching(SoftmaxCrossEntropy):
        def forward(self, z, y):
            seen.append(int(counting.seen))
            return super().forward(z, y)

    digits = load_digits()
    learning_rate_range_test(
        network, Watching(), SGD(network, 0.1), digits.x_train[:50], digits.y_train[:50],
        rng=np.random.default_rng(0), steps=6, stop=1e-3,
    )  # fmt: skip
    assert seen == [1, 2, 3, 4, 5, 6] and counting.seen == 0
    assert [layer.training for layer in network.layers] == [True, False, False, False]


@pytest.mark.parametrize("seed", range(3))
def test_range_test_finds_where_losses_turn(seed):
    network = make_network(seed)
    result = range_test(network, SGD(network, 0.1), seed, start=1e-3, stop=1e3, steps=120)
    assert result.diverged and len(result.rates) == len(result.losses) < 120
    np.testing.assert_allclose(np.diff(np.log(result.rates)), 6 * np.log(10) / 119)
    smooth = np.convolve(result.losses, np.ones(5) / 5, "valid")
    # small rates change little, good ones take a third off the loss, the last ones undo it
    assert abs(smooth[:10].mean() / result.losses[0] - 1) < 0.2
    assert smooth.min() < 2 / 3 * result.losses[0]
    assert result.losses[-1] > 4 * result.losses[:-1].min()
    turn = result.rates[2:-2][smooth.argmin()]
    assert 0.03 < turn < 30


def test_range_test_is_quiet_where_rates_are_small():
    network = make_network()
    result = range_test(network, SGD(network, 0.1), start=1e-6, stop=1e-4, steps=10)
    assert not result.diverged
    np.testing.assert_allclose(result.rates, np.geomspace(1e-6, 1e-4, 10))
    assert np.isfinite(result.losses).all() and len(result.losses) == 10


def test_range_test_survives_overflow():
    network = make_network(dtype=np.float32)
    theta = network.theta.copy()
    # warnings are errors here
    result = range_test(
        network, SGD(network, 0.1), start=1e-3, stop=1e38, steps=40, divergence=1e300
    )
    assert result.diverged and not np.isfinite(result.losses[-1])
    np.testing.assert_array_equal(network.theta, theta)


def test_range_test_restores_after_an_error():
    network = make_network()
    optimizer = Adam(network, 0.02)
    theta, state = network.theta.copy(), optimizer.state()

    class Interrupted(SoftmaxCrossEntropy):
        calls = 0

        def forward(self, z, y):
            self.calls += 1
            if self.calls == 4:
                raise KeyboardInterrupt
            return super().forward(z, y)

    digits = load_digits()
    with pytest.raises(KeyboardInterrupt):
        learning_rate_range_test(
            network, Interrupted(), optimizer, digits.x_train[:50], digits.y_train[:50],
            rng=np.random.default_rng(0),
        )  # fmt: skip
    np.testing.assert_array_equal(network.theta, theta)
    for name, array in optimizer.state().items():
        np.testing.assert_array_equal(array, state[name])


def test_range_test_refuses():
    network, rng = make_network(), np.random.default_rng(0)
    optimizer, loss = SGD(network, 0.1), SoftmaxCrossEntropy()
    x, y = np.zeros((4, 64)), np.zeros(4, int)
    for more, message in [
        (dict(steps=1), "steps is 1, expected at least 2"),
        (dict(batch_size=0), "batch_size is 0, expected at least 1"),
        (dict(start=0), "start is 0, expected a finite number above 0"),
        (dict(start=1, stop=1), "stop is 1, expected above start = 1"),
        (dict(divergence=1), "divergence is 1, expected above 1"),
    ]:
        with pytest.raises(ValueError, match=f"learning_rate_range_test: {message}"):
            learning_rate_range_test(network, loss, optimizer, x, y, rng=rng, **more)
    with pytest.raises(ValueError, match="y has 3 rows, expected 4 as x"):
        learning_rate_range_test(network, loss, optimizer, x, y[:3], rng=rng)
    with pytest.raises(ValueError, match="x has no row"):
        learning_rate_range_test(network, loss, optimizer, x[:0], y[:0], rng=rng)
    with pytest.raises(ValueError, match="optimizer belongs to another network"):
        learning_rate_range_test(make_network(), loss, optimizer, x, y, rng=rng)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (StepDecay(8.0, 3, 0.5), {0: 8, 2: 8, 3: 4, 5: 4, 6: 2, 9: 1}),
        (Exponential(8.0, 0.5), {0: 8, 1: 4, 4: 0.5}),
        (Cosine(4.0, 6, 2.0), {0: 4, 2: 3.5, 3: 3, 4: 2.5, 6: 2, 100: 2}),
        # periods 0 to 3, 4 to 11, 12 to 27
        (CosineWarmRestarts(2.0, 4, multiplier=2), {0: 2, 2: 1, 4: 2, 8: 1, 12: 2, 20: 1, 28: 2}),
        (CosineWarmRestarts(2.0, 4), {3: 1 - np.cos(np.pi / 4), 4: 2, 6: 1, 8: 2}),
        (Warmup(StepDecay(8.0, 3, 0.5), 4), {0: 0, 1: 2, 2: 4, 3: 6, 4: 8, 6: 8, 7: 4}),
        (Warmup(Constant(8.0), 4, start=4.0), {0: 4, 1: 5, 3: 7, 4: 8}),
        # up to the summit at 5 - 1, down to the end at 10 - 1
        (OneCycle(8.0, 10, rising=0.5, start_divisor=4, final_divisor=2),
         {0: 2, 2: 5, 4: 8, 9: 1, 50: 1}),
    ],
    ids=lambda x: type(x).__name__,
)  # fmt: skip
def test_rates_worked_by_hand(schedule, rates):
    for step, rate in rates.items():
        assert schedule(step) == pytest.approx(rate, abs=1e-12), step
