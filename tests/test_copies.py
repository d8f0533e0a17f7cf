"""Copied, pickled, shared, mixed up: networks and optimizers keep working or say what is wrong."""

import copy
import pickle

import numpy as np
import pytest

from backprop import layers, losses, optimizers, schedules
from backprop.layers import BatchNorm, Dense, Dropout, Residual, Tanh
from backprop.network import Graph, Network, Sequential
from backprop.optimizers import SGD, Adam, Optimizer
from backprop.training import fit
from backprop.training.checkpointing import Checkpointed
from backprop.training.diagnostics import Recorder, hessian_vector_product
from backprop.training.state import load, save

COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda thing: pickle.loads(pickle.dumps(thing))}
copies = pytest.mark.parametrize("how", COPIES)


def stack(seed=0):
    rng = np.random.default_rng(seed)
    return [
        Dense(4, 6, rng=rng), BatchNorm(6), Tanh(),
        Residual([Sequential([Dense(6, 6, rng=rng)]), Dropout(0.3, rng=rng)]),
        Dense(6, 3, rng=rng),
    ]  # fmt: skip


def graph():
    rng = np.random.default_rng(0)
    nodes = {
        "stem": (Dense(4, 5, rng=rng), "x"),
        "tanh": (Tanh(), "stem"),
        "sum": (layers.Add(), ("stem", "tanh")),
        "head": (Dense(5, 3, rng=rng), "sum"),
    }
    return Graph(nodes, output="head")


NETWORKS = {
    "Sequential": lambda: Sequential(stack()),
    "Graph": graph,
    "Checkpointed": lambda: Checkpointed(stack(), 3),
    "within": lambda: Sequential([Sequential(stack()), Checkpointed([Tanh(), Tanh()])]),
}


def data(n=30):
    rng = np.random.default_rng(1)
    return rng.normal(size=(n, 4)), rng.integers(3, size=n)


def train(network, optimizer=None, **options):
    x, y = data()
    return fit(
        network, losses.SoftmaxCrossEntropy(), optimizer or Adam(network, 0.01), x, y,
        epochs=3, batch_size=8, rng=np.random.default_rng(2), **options,
    )  # fmt: skip


def bytes_of(network):
    arrays = {"theta": network.theta, "dtheta": network.dtheta, **network.state()}
    return {name: value.tobytes() for name, value in arrays.items()}


@copies
@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("used", [False, True])
def test_a_copy_of_a_network_trains_like_it_and_on_its_own(how, kind, used):
    network = NETWORKS[kind]()
    if used:
        train(network)
        network(data()[0])
    twin, kept = COPIES[how](network), bytes_of(network)
    assert bytes_of(twin) == kept and type(twin) is type(network)
    for name, value in twin.parameters.items():
        assert np.shares_memory(value, twin.theta) and not np.shares_memory(value, network.theta)
        assert np.shares_memory(twin.gradients[name], twin.dtheta)
    history = train(twin)
    assert len(set(history.loss)) == 3 and bytes_of(network) == kept
    assert train(network) == history and bytes_of(network) == bytes_of(twin)


@copies
@pytest.mark.parametrize("rule", [k for k in vars(optimizers).values() if isinstance(k, type)
                                  and issubclass(k, Optimizer) and k is not Optimizer])  # fmt: skip
def test_a_copied_pair_goes_on_like_the_original(how, rule):
    network = Sequential(stack())
    optimizer = rule(network, 0.01, weight_decay=0.1)
    train(network, optimizer)
    twin, own = COPIES[how]((network, optimizer))
    assert own.network is twin and own.steps == optimizer.steps
    train(network, optimizer), train(twin, own)
    assert bytes_of(twin) == bytes_of(network)
    for name, value in optimizer.state().items():
        assert own.state()[name].tobytes() == value.tobytes()


LAYERS = {
    "Dense": (lambda rng: Dense(3, 2, rng=rng), (4, 3)),
    "Conv2d": (lambda rng: layers.Conv2d(2, 3, 2, rng=rng), (4, 2, 3, 3)),
    "MaxPool2d": (lambda rng: layers.MaxPool2d(2), (4, 2, 4, 4)),
    "AvgPool2d": (lambda rng: layers.AvgPool2d(2), (4, 2, 4, 4)),
    "Flatten": (lambda rng: layers.Flatten(), (4, 2, 4)),
    "Embedding": (lambda rng: layers.Embedding(4, 3, rng=rng), None),
    "FixedPoint": (lambda rng: layers.FixedPoint(3, 2, rng=rng), (4, 3)),
    "BatchNorm": (lambda rng: BatchNorm(3), (4, 3)),
    "LayerNorm": (lambda rng: layers.LayerNorm(3), (4, 3)),
    "RMSNorm": (lambda rng: layers.RMSNorm(3), (4, 3)),
    "RNN": (lambda rng: layers.RNN(3, 2, rng=rng), (4, 5, 3)),
    "relu RNN": (lambda rng: layers.RNN(3, 2, rng=rng, activation="relu"), (4, 5, 3)),
    "GRU": (lambda rng: layers.GRU(3, 2, rng=rng), (4, 5, 3)),
    "LSTM": (lambda rng: layers.LSTM(3, 2, rng=rng), (4, 5, 3)),
    "MultiHeadAttention": (lambda rng: layers.MultiHeadAttention(4, 2, rng=rng), (4, 5, 4)),
    "GatedMLP": (lambda rng: layers.GatedMLP(4, 3, rng=rng), (4, 5, 4)),
    "RotaryAttention": (lambda rng: layers.RotaryAttention(4, 2, rng=rng), (4, 5, 4)),
    "Tied": (lambda rng: layers.Tied([layers.Embedding(4, 3, rng=rng), layers.RMSNorm(3)]), None),
    "Dropout": (lambda rng: Dropout(0.4, rng=rng), (4, 3)),
    "GaussianSample": (lambda rng: layers.GaussianSample(rng=rng), (4, 4)),
    "Residual": (lambda rng: Residual([Dense(3, 3, rng=rng), Dropout(0.2, rng=rng)]), (4, 3)),
    "Softmax": (lambda rng: layers.Softmax(), (4, 3)),
    "Add": (lambda rng: layers.Add(), (4, 3)),
    "Concatenate": (lambda rng: layers.Concatenate(), (4, 3)),
    **{
        kind.__name__: (lambda rng, kind=kind: kind(), (4, 3))
        for kind in layers.Activation.__subclasses__()
    },
}


def test_every_layer_is_tried():
    public = {name for name, kind in vars(layers).items() if isinstance(kind, type)}
    abstract = {"Activation", "Composite", "Junction", "Layer", "Recurrent", "Watcher"}
    assert public - abstract <= set(LAYERS)


@copies
@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("bound", [False, True])
def test_a_copy_of_a_layer_is_the_layer_again(how, kind, bound):
    make, shape = LAYERS[kind]
    rng = np.random.default_rng(0)
    layer = make(rng)
    x = rng.integers(4, size=(4, 2)) if shape is None else rng.normal(size=shape)
    if bound:
        Sequential([layer])
    layer.reuse_buffers(True)
    layer.forward(x)
    twin = COPIES[how](layer)
    first, second = twin.forward(x), twin.forward(x)
    # a copy gives fresh arrays, whoever was at work on the original; in use dropout gives x itself
    assert kind == "Flatten" or first is not second
    layer.reuse_buffers(False)
    for name, value in layer.parameters.items():
        np.testing.assert_array_equal(twin.parameters[name], value)
        value[...] = np.nan
        assert np.isfinite(twin.parameters[name]).all()
    # free to go into a network of its own
    network = Sequential([twin])
    network.forward(x)
    assert all(np.shares_memory(value, network.theta) for value in network.parameters.values())


@copies
def test_what_is_no_network_is_copied_too(how):
    for thing in (
        losses.Huber(0.5), losses.SoftmaxCrossEntropy(0.1), schedules.Cosine(0.1, 5),
        schedules.ReduceOnPlateau(0.1), schedules.Warmup(schedules.Constant(0.1), 3),
    ):  # fmt: skip
        twin = COPIES[how](thing)
        assert type(twin) is type(thing)
    assert COPIES[how](losses.SoftmaxCrossEntropy(0.25)).label_smoothing == 0.25


@pytest.mark.parametrize(
    "thing",
    [lambda: Dense(3, 2, rng=np.random.default_rng(0)), lambda: Sequential(stack()),
     lambda: SGD(Sequential(stack()), 0.1)],
)  # fmt: skip
def test_a_shallow_copy_is_refused(thing):
    with pytest.raises(TypeError, match=r"a shallow copy would share .* use copy\.deepcopy"):
        copy.copy(thing())


@copies
def test_a_copy_taken_during_training_is_whole(how):
    network, kept = Sequential(stack()), []
    with Recorder(network) as recorder:

        def observe(step):
            recorder(step)
            if step.steps == 5:
                kept.append((COPIES[how](network) if how == "deepcopy" else
                             pickle.dumps(network), bytes_of(network)))  # fmt: skip

        train(network, observe=observe)
    twin, expected = kept[0]
    twin = pickle.loads(twin) if isinstance(twin, bytes) else twin
    assert bytes_of(twin) == expected != bytes_of(network)
    x, _ = data()
    twin.train(False)
    first = twin(x)
    before = first.copy()
    twin(-x)
    np.testing.assert_array_equal(first, before)
    # and nobody looks on
    recorded = len(recorder.steps)
    train(twin)
    assert twin.watch(None) is None and len(recorder.steps) == recorded


@copies
def test_a_copy_of_an_inner_network_leaves_the_outer_alone(how):
    inner = Sequential(stack())
    outer = Sequential([inner, Tanh()])
    kept = bytes_of(outer)
    twin = COPIES[how](inner)
    train(twin)
    assert bytes_of(outer) == kept
    train(outer)
    assert bytes_of(outer) != kept


def test_a_network_whose_layer_was_taken_says_so():
    shared = Dense(4, 4, rng=np.random.default_rng(0))
    first = Sequential([Residual([shared]), Dense(4, 3, rng=np.random.default_rng(1))])
    optimizer = SGD(first, 0.1)
    train(first, optimizer)
    second = Sequential([shared, Dense(4, 3, rng=np.random.default_rng(2))])
    message = r"Sequential: residual1\.dense1 now belongs to another network"
    x, y = data()
    loss = losses.SoftmaxCrossEntropy()
    steps = optimizer.steps
    for use in (
        lambda: train(first, optimizer),
        optimizer.step,
        lambda: SGD(first, 0.1),
        lambda: first.theta,
        lambda: optimizers.minimize_lbfgs(first, loss, x, y),
        lambda: hessian_vector_product(first, loss, x, y, np.ones(35)),
        lambda: schedules.learning_rate_range_test(
            first, loss, optimizer, x, y, rng=np.random.default_rng(0)
        ),
    ):
        with pytest.raises(RuntimeError, match=message):
            use()
    assert optimizer.steps == steps
    before = second.theta.copy()
    train(second)
    assert (second.parameters["dense1.W"] != before[:16].reshape(4, 4)).all()
    # a copy is a network of its own again
    revived = copy.deepcopy(first)
    assert len(set(train(revived).loss)) == 3


def test_an_inner_network_still_works_within_an_outer_one():
    inner = Sequential(stack())
    own = Adam(inner, 0.01)
    outer = Sequential([inner])
    x, y = data()
    loss = losses.SoftmaxCrossEntropy()
    before = inner.theta.copy()
    hessian_vector_product(inner, loss, x, y, np.ones(inner.theta.size))
    np.testing.assert_array_equal(outer.theta, before)
    # only the inner part learns: that is how a part is frozen
    train(outer, own)
    assert (inner.theta != before).any() and np.shares_memory(inner.theta, outer.theta)


@pytest.mark.parametrize(
    "other",
    [lambda network: Sequential(stack()), copy.deepcopy, lambda network: Sequential([network])],
    ids=["another", "a copy", "one around it"],
)
def test_an_optimizer_of_another_network_is_refused(other):
    network = Sequential(stack())
    wrong = SGD(other(network), 0.1)
    before = bytes_of(network)
    with pytest.raises(ValueError, match="fit: optimizer is that of another network"):
        train(network, wrong)
    assert bytes_of(network) == before


def test_an_attribute_called_like_a_parameter_is_noticed():
    network = Sequential([Residual([Dense(4, 4, rng=np.random.default_rng(0))])])
    network.layers[0].layers[0].W = np.zeros((4, 4))
    with pytest.raises(ValueError, match=r"residual1\.dense1\.W is an attribute beside the param"):
        train(network)


@pytest.mark.parametrize("name", ["m", "v"])
def test_an_array_assigned_to_an_optimizer_is_copied(name):
    network, other = Sequential(stack()), Sequential(stack())
    first, second = Adam(network, 0.01), Adam(other, 0.01)
    given = np.full(network.theta.shape, 0.5)
    setattr(first, name, given)
    second.load_state({**second.state(), name: given})
    train(network, first), train(other, second)
    assert bytes_of(network) == bytes_of(other) and (given == 0.5).all()
    assert first.state()[name].tobytes() == second.state()[name].tobytes()
    setattr(first, name, given[:3])
    with pytest.raises(ValueError, match=rf"{name} has shape \(3,\)"):
        first.step()


def test_running_averages_take_a_copy():
    layer, mean = BatchNorm(2), np.array([1.0, 2.0])
    layer.running_mean, layer.running_var = mean, mean
    layer.forward(np.ones((3, 2)))
    np.testing.assert_array_equal(mean, [1, 2])
    assert layer.running_mean is not layer.running_var
    for name in ("running_mean", "running_var"):
        with pytest.raises(ValueError, match=rf"{name} has shape \(3,\), expected \(2,\)"):
            setattr(layer, name, np.ones(3))


@copies
def test_a_copy_saves_and_loads(how, tmp_path):
    network = Sequential(stack())
    train(network)
    twin = COPIES[how](network)
    save(tmp_path / "a.npz", twin)
    fresh: Network = Sequential(stack(5))
    load(tmp_path / "a.npz", fresh)
    assert fresh.theta.tobytes() == network.theta.tobytes()
