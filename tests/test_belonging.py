"""A checkpoint belongs to what made it: every argument of every constructor is told apart."""

import functools
import inspect

import numpy as np
import pytest

from backprop import initializers, layers, losses, optimizers, schedules
from backprop.layers import Dense, Layer, Recurrent, Tanh
from backprop.losses import Loss
from backprop.network import Graph, Network, Sequential
from backprop.optimizers import Optimizer
from backprop.schedules import Constant, Cosine, ReduceOnPlateau, Warmup
from backprop.training.checkpointing import Checkpointed
from backprop.training.state import CheckpointError, describe, load, save


def rng(seed=0):
    return np.random.default_rng(seed)


def small():
    return Sequential([Dense(2, 3, rng=rng()), Tanh(), Dense(3, 2, rng=rng())])


def dense(n=2, **options):
    return Dense(2, n, rng=rng(), **options)


# One set of arguments for each class, and for each argument another value, or the reason why it
# does not matter which value it had.
INITIAL = "only the initial weights depend on it, and the file's take their place"
STATE = "it moves, so it is part of the state and comes from the file"
RECURRENT = dict(
    n_in=(2, 3), n_hidden=(3, 4), rng=(rng(0), INITIAL), return_sequence=(True, False),
    truncate=(None, 2), initializer=(initializers.glorot, INITIAL),
    recurrent_initializer=(initializers.orthogonal, INITIAL), dtype=(np.float64, np.float32),
)  # fmt: skip
WINDOWS = dict(size=(2, 3), stride=(1, 2))
RATES = dict(
    network=(None, "its own description tells networks apart"), learning_rate=(0.1, STATE),
    weight_decay=(0.0, 0.1), decayed=(None, ["dense1.W"]),
)  # fmt: skip
CASES = {
    layers.Dense: dict(
        n_in=(2, 3), n_out=(3, 4), rng=(rng(0), INITIAL),
        initializer=(initializers.glorot, INITIAL), dtype=(np.float64, np.float32),
    ),
    layers.Conv2d: dict(
        n_in=(2, 3), n_out=(3, 4), **WINDOWS, padding=(0, 1), dilation=(1, 2),
        rng=(rng(0), INITIAL), initializer=(initializers.he, INITIAL),
        dtype=(np.float64, np.float32),
    ),
    layers.MaxPool2d: WINDOWS,
    layers.AvgPool2d: WINDOWS,
    layers.Embedding: dict(
        n_in=(2, 3), n_out=(3, 4), rng=(rng(0), INITIAL), scale=(1.0, INITIAL),
        dtype=(np.float64, np.float32),
    ),
    layers.FixedPoint: dict(
        n_in=(2, 3), n_hidden=(3, 4), rng=(rng(0), INITIAL), norm=(0.9, INITIAL),
        tolerance=(1e-15, 1e-6), iterations=(1000, 999),
        initializer=(initializers.glorot, INITIAL), dtype=(np.float64, np.float32),
    ),
    layers.BatchNorm: dict(
        n=(2, 3), momentum=(0.1, 0.2), eps=(1e-5, 1e-6), dtype=(np.float64, np.float32)
    ),
    layers.LayerNorm: dict(n=(2, 3), eps=(1e-5, 1e-6), dtype=(np.float64, np.float32)),
    layers.RMSNorm: dict(n=(2, 3), eps=(1e-5, 1e-6), dtype=(np.float64, np.float32)),
    layers.Dropout: dict(p=(0.1, 0.2), rng=(rng(0), STATE)),
    layers.GaussianSample: dict(rng=(rng(0), STATE)),
    layers.Concatenate: dict(axis=(1, 2)),
    layers.RNN: dict(**RECURRENT, activation=("tanh", "relu")),
    layers.GRU: RECURRENT,
    layers.LSTM: dict(**RECURRENT, forget_bias=(1.0, INITIAL)),
    layers.MultiHeadAttention: dict(
        d_model=(4, 8), n_heads=(2, 4), rng=(rng(0), INITIAL), causal=(False, True),
        initializer=(initializers.glorot, INITIAL), dtype=(np.float64, np.float32),
    ),
    layers.GatedMLP: dict(
        n=(2, 3), n_hidden=(3, 4), rng=(rng(0), INITIAL),
        initializer=(initializers.glorot, INITIAL), dtype=(np.float64, np.float32),
    ),
    layers.RotaryAttention: dict(
        d_model=(4, 8), n_heads=(1, 2), rng=(rng(0), INITIAL), causal=(False, True),
        base=(10_000.0, 100.0), initializer=(initializers.glorot, INITIAL),
        dtype=(np.float64, np.float32),
    ),
    layers.Tied: dict(
        layers=(
            lambda: [layers.Embedding(4, 2, rng=rng(0))],
            lambda: [layers.Embedding(4, 2, rng=rng(0)), layers.RMSNorm(2)],
        )
    ),
    layers.Residual: dict(layers=(lambda: [dense()], lambda: [dense(), Tanh()])),
    Sequential: dict(layers=(lambda: [dense()], lambda: [dense(), Tanh()])),
    Checkpointed: dict(
        layers=(lambda: [dense(), Tanh()], lambda: [dense()]),
        segments=(1, "it changes the memory and not a bit of the results"),
    ),
    Graph: dict(
        nodes=(
            lambda: {"a": (dense(), "x"), "b": (Tanh(), "a"), "c": (layers.Add(), ("a", "b"))},
            lambda: {"a": (dense(), "x"), "b": (Tanh(), "a"), "c": (layers.Add(), ("b", "b"))},
        ),
        output=("c", "the nodes that do not lead to another output are refused by Graph itself"),
    ),
    losses.Huber: dict(d=(1.0, 2.0)),
    losses.Hinge: dict(margin=(1.0, 2.0)),
    losses.SoftmaxCrossEntropy: dict(
        label_smoothing=(0.0, 0.1), class_weights=(np.ones(3), np.array([1.0, 1.0, 2.0]))
    ),
    optimizers.SGD: RATES,
    optimizers.Momentum: dict(**RATES, beta=(0.9, 0.8)),
    optimizers.Nesterov: dict(**RATES, beta=(0.9, 0.8)),
    optimizers.AdaGrad: dict(**RATES, eps=(1e-8, 1e-7)),
    optimizers.RMSProp: dict(**RATES, rho=(0.9, 0.8), eps=(1e-8, 1e-7)),
    optimizers.Adam: dict(**RATES, beta1=(0.9, 0.8), beta2=(0.99, 0.98), eps=(1e-8, 1e-7)),
    optimizers.AdamW: dict(**RATES, beta1=(0.9, 0.8), beta2=(0.99, 0.98), eps=(1e-8, 1e-7)),
    optimizers.Lion: dict(**RATES, beta1=(0.9, 0.8), beta2=(0.99, 0.98)),
    schedules.Constant: dict(learning_rate=(0.1, 0.2)),
    schedules.StepDecay: dict(learning_rate=(0.1, 0.2), every=(5, 6), factor=(0.1, 0.2)),
    schedules.Exponential: dict(learning_rate=(0.1, 0.2), factor=(0.1, 0.2)),
    schedules.Cosine: dict(learning_rate=(0.1, 0.2), steps=(5, 6), final=(0.0, 0.01)),
    schedules.CosineWarmRestarts: dict(
        learning_rate=(0.1, 0.2), period=(5, 6), multiplier=(1, 2), final=(0.0, 0.01)
    ),
    schedules.Warmup: dict(
        schedule=(Constant(0.1), Constant(0.2)), steps=(5, 6), start=(0.0, 0.01)
    ),
    schedules.OneCycle: dict(
        learning_rate=(0.1, 0.2), steps=(9, 10), rising=(0.3, 0.4), start_divisor=(25.0, 26.0),
        final_divisor=(1e4, 1e5),
    ),
    schedules.ReduceOnPlateau: dict(
        learning_rate=(0.1, STATE), factor=(0.1, 0.2), patience=(10, 11), threshold=(1e-4, 1e-3),
        minimum=(0.0, 0.01),
    ),
}  # fmt: skip


def arguments(kind):
    """Return the names of a constructor's arguments, those handed on to its base included."""
    names = []
    for base in kind.__mro__[:-1]:
        if "__init__" not in vars(base):
            continue
        made = inspect.signature(vars(base)["__init__"]).parameters.values()
        names += [p.name for p in made if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        if not any(p.kind is p.VAR_KEYWORD for p in made):
            break
    return set(names) - {"self"}


def test_every_argument_of_every_class_is_here():
    everything = set()
    for module, base in (
        (layers, Layer), (losses, Loss), (optimizers, Optimizer), (schedules, object),
    ):  # fmt: skip
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, base) and kind is not base:
                everything.add(kind)
    own = {k for k in everything if k.__module__.startswith("backprop.") and k not in (
        layers.Activation, layers.Composite, layers.Junction, Recurrent, Layer, Loss, Network,
        Optimizer, schedules.RangeTest,
    ) and "Watcher" not in k.__name__}  # fmt: skip
    own |= {Sequential, Graph, Checkpointed}
    told = {kind: arguments(kind) for kind in own}
    assert {kind for kind, names in told.items() if names} == set(CASES)
    for kind, cases in CASES.items():
        assert set(cases) == told[kind], kind


TOLD = [
    pytest.param(kind, name, id=f"{kind.__name__}-{name}")
    for kind, cases in CASES.items() for name, (_, other) in cases.items()
    if not isinstance(other, str) or name == "activation"
]  # fmt: skip
EXEMPT = [
    pytest.param(kind, name, id=f"{kind.__name__}-{name}")
    for kind, cases in CASES.items() for name, (_, other) in cases.items()
    if isinstance(other, str) and name not in ("activation", "network", "output")
]  # fmt: skip
ANOTHER = {
    "rng": lambda: rng(7), "initializer": lambda: initializers.zeros, "scale": lambda: 3.0,
    "recurrent_initializer": lambda: initializers.glorot, "forget_bias": lambda: 0.0,
    "segments": lambda: 2, "learning_rate": lambda: 0.03, "norm": lambda: 0.5,
}  # fmt: skip


def make(kind, **options):
    told = {name: value for name, (value, _) in CASES[kind].items()} | options
    told = {n: v() if callable(v) and n in ("layers", "nodes") else v for n, v in told.items()}
    if "rng" in told:
        told["rng"] = np.random.default_rng(told["rng"].bit_generator.seed_seq)
    if issubclass(kind, Optimizer):
        told["network"] = small()
    return kind(**told)


def as_saved(thing):
    """Return the arguments with which ``save`` and ``load`` take this thing."""
    if isinstance(thing, Optimizer):
        return dict(network=thing.network, optimizer=thing)
    if isinstance(thing, Layer):
        return dict(network=thing if isinstance(thing, Network) else Sequential([thing]))
    others = {"thing": thing} if isinstance(thing, ReduceOnPlateau) else {}
    return dict(network=small(), others=others, about={"thing": describe(thing)})


def bits(network, optimizer=None, others=None, **_):
    found = {"theta": network.theta, **network.state()}
    found |= optimizer.state() if optimizer else {}
    for thing in (others or {}).values():
        found |= thing.state()
    return {name: np.asarray(value).tobytes() for name, value in found.items()}


@pytest.mark.parametrize(("kind", "name"), TOLD)
def test_another_argument_is_refused(kind, name, tmp_path):
    save(tmp_path / "a.npz", **as_saved(make(kind)))
    load(tmp_path / "a.npz", **as_saved(make(kind)))
    other = as_saved(make(kind, **{name: CASES[kind][name][1]}))
    before = bits(**other)
    with pytest.raises(CheckpointError, match="does not fit"):
        load(tmp_path / "a.npz", **other)
    assert bits(**other) == before


@pytest.mark.parametrize(("kind", "name"), EXEMPT)
def test_an_argument_that_does_not_matter_is_taken_from_the_file(kind, name, tmp_path):
    kept = as_saved(make(kind))
    save(tmp_path / "a.npz", **kept)
    other = as_saved(make(kind, **{name: ANOTHER[name]()}))
    load(tmp_path / "a.npz", **other)
    assert bits(**other) == bits(**kept)


def test_the_order_of_the_names_that_decay_does_not_matter():
    names = ["dense2.b", "dense1.W"]
    first, second = (optimizers.SGD(small(), 0.1, decayed=n) for n in (names, names[::-1]))
    assert describe(first) == describe(second)


def schedule_with(rate):
    return lambda step: rate


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (lambda step: 0.5, lambda step: 0.25),
        (schedule_with(0.5), schedule_with(0.25)),
        (functools.partial(np.interp, xp=[0, 1]), functools.partial(np.interp, xp=[0, 2])),
        (Warmup(ReduceOnPlateau(0.1, patience=1), 3), Warmup(ReduceOnPlateau(0.1, patience=2), 3)),
        (Warmup(lambda step: 0.5, 3), Warmup(lambda step: 0.25, 3)),
        (Warmup(Warmup(Cosine(0.1, 5), 2), 3), Warmup(Warmup(Cosine(0.1, 6), 2), 3)),
    ],
)
def test_schedules_within_schedules_and_functions_are_told_apart(first, second):
    assert describe(first) != describe(second)
    assert " at 0x" not in describe(first)


def test_a_function_stays_itself():
    assert describe(schedule_with(0.5)) == describe(schedule_with(0.5))
    assert describe(Warmup(schedule_with(0.5), 3)) == describe(Warmup(schedule_with(0.5), 3))
