"""Checkpointing changes the memory and nothing else: the same bits, fewer bytes."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop.autodiff import gradcheck
from backprop.book.chains import counting, tower
from backprop.layers import BatchNorm, Dense, Dropout, LayerNorm, ReLU, Residual, Tanh
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential
from backprop.optimizers import Adam
from backprop.training import fit, passes
from backprop.training.checkpointing import Checkpointed, measure
from backprop.training.diagnostics import Recorder


def layers(seed=0, shared=True):
    """Twelve, among them masks, running averages and layers made of layers."""
    rng = np.random.default_rng(seed)
    masks = np.random.default_rng(9)

    def source():
        return masks if shared else np.random.default_rng(9)

    return [
        Dense(4, 6, rng=rng), Dropout(0.2, rng=source()), BatchNorm(6), ReLU(),
        Residual([Dense(6, 6, rng=rng), BatchNorm(6), Dropout(0.5, rng=source()), Tanh()]),
        Dropout(0.3, rng=source()), Dense(6, 6, rng=rng), LayerNorm(6), Tanh(),
        Sequential([Dense(6, 6, rng=rng), Dropout(0.4, rng=source())]), BatchNorm(6),
        Dense(6, 3, rng=rng),
    ]  # fmt: skip


def through(blocks, z):
    """Return the output of blocks of which each is a segment; the chapter shows these lines."""
    from torch.utils.checkpoint import checkpoint

    for block in blocks:  # each but the last ends with a dense layer
        z = checkpoint(block, z, use_reentrant=False)
    return z


def everything(network):
    arrays = {"theta": network.theta, "dtheta": network.dtheta, **network.state()}
    return {name: value.tobytes() for name, value in arrays.items()}


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    segments=st.integers(1, 12),
    shared=st.booleans(),
    training=st.booleans(),
    seed=st.integers(0, 9),
)
def test_values_gradients_and_states_are_the_same_bits(segments, shared, training, seed):
    plain, saving = Sequential(layers(shared=shared)), Checkpointed(layers(shared=shared), segments)
    assert list(plain.parameters) == list(saving.parameters)
    rng = np.random.default_rng(seed)
    for network in (plain, saving):
        network.train(training)
    for _ in range(3):
        x, v = rng.normal(size=(5, 4)), rng.normal(size=(5, 3))
        assert plain(x).tobytes() == saving(x).tobytes()
        assert everything(plain)["theta"] == everything(saving)["theta"]
        assert plain.backward(v).tobytes() == saving.backward(v).tobytes()
        assert everything(plain) == everything(saving)
    plain(x), saving(x)
    for network in (plain, saving):
        network.dtheta[...] = np.nan
        network.backward_parameters(v)
    assert everything(plain) == everything(saving)


def test_training_ends_in_the_same_bits():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 4)), rng.integers(3, size=60)
    found = []
    for network in (Sequential(layers()), Checkpointed(layers())):
        history = fit(
            network, SoftmaxCrossEntropy(), Adam(network, 0.01), x, y,
            epochs=3, batch_size=16, rng=np.random.default_rng(1),
        )  # fmt: skip
        found.append((everything(network), history))
    assert found[0] == found[1]


def test_the_mode_of_the_forward_pass_decides():
    plain, saving = Sequential(layers()), Checkpointed(layers(), 4)
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(5, 4)), rng.normal(size=(5, 3))
    for network in (plain, saving):
        network(x)
        network.train(False)
    assert plain.backward(v).tobytes() == saving.backward(v).tobytes()
    assert not any(layer.training for _, layer in saving.walk())


def test_backward_can_be_repeated_and_forward_without_backward():
    network = Checkpointed(layers(), 4)
    network.train(False)
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(5, 4)), rng.normal(size=(5, 3))
    network(rng.normal(size=(7, 4)))
    network(x)
    first = network.backward(v).copy()
    assert network.backward(v).tobytes() == first.tobytes()
    network.segments = 3
    with pytest.raises(RuntimeError, match=r"backward\(\) came before forward"):
        network.backward(v)


def test_gradcheck_with_masks_and_within_another_network():
    rng = np.random.default_rng(0)
    masks = np.random.default_rng(1)
    inner = [
        Dense(4, 5, rng=rng), Tanh(), BatchNorm(5), Dropout(0.3, rng=masks),
        Residual([LayerNorm(5), Dense(5, 5, rng=rng), Dropout(0.3, rng=masks)]),
        Tanh(), Dense(5, 2, rng=rng),
    ]  # fmt: skip
    network = Sequential([Dense(3, 4, rng=rng), Tanh(), Checkpointed(inner, 3)])
    assert "checkpointed1.residual1.dense1.W" in network.parameters
    x = rng.normal(size=(6, 3))
    gradcheck.check_layer(network, x, rng=rng).raise_if_off()
    for _, layer in network.walk():
        if isinstance(layer, Dropout):
            layer.held = True
    gradcheck.check_layer(network, x, rng=rng).raise_if_off()


def test_a_checkpointed_network_within_a_checkpointed_network():
    def build(kind):
        return kind([kind(layers()[:5]), Tanh(), kind(layers(1)[6:])])

    plain, saving = build(Sequential), build(Checkpointed)
    rng = np.random.default_rng(0)
    for _ in range(2):
        x, v = rng.normal(size=(5, 4)), rng.normal(size=(5, 3))
        assert plain(x).tobytes() == saving(x).tobytes()
        assert plain.backward(v).tobytes() == saving.backward(v).tobytes()
        assert plain.dtheta.tobytes() == saving.dtheta.tobytes()


@pytest.mark.parametrize("bug", ["states of now", "states of then stay", "modes of now"])
def test_the_comparison_catches(bug, monkeypatch):
    real = passes.Pass.recompute

    def recompute(self):
        then, now = self.begun, passes.Moment(self.layers)
        if bug == "states of now":
            then.states = now.states
        elif bug == "modes of now":
            then.modes = now.modes
        real(self)
        if bug == "states of then stay":
            then.put_back(modes=False)

    monkeypatch.setattr(passes.Pass, "recompute", recompute)
    plain, saving = Sequential(layers()), Checkpointed(layers(), 4)
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(5, 4)), rng.normal(size=(5, 3))
    for network in (plain, saving):
        network(x)
        network.train(bug != "modes of now")
        network.backward(v)
    assert everything(plain) != everything(saving)


def test_no_layer_is_evaluated_for_an_output_that_nobody_needs():
    layers, x, dz = tower(12, 4, 3)
    network = Checkpointed(layers, 3)
    with counting(layers) as calls:
        network.forward(x)
        network.backward(dz)
    assert [calls[i] for i in range(12)] == [2, 2, 2, 1] * 2 + [1] * 4


def test_a_layer_with_a_forward_pass_of_its_own_is_run_again():
    class Doubled(Dense):
        def forward(self, x):
            return super().forward(2 * x)

        def backward(self, dz):
            return 2 * super().backward(dz)

    def network(kind, *args):
        rng = np.random.default_rng(0)
        return kind([Doubled(3, 3, rng=rng), Tanh(), Doubled(3, 3, rng=rng)], *args)

    plain, saving = network(Sequential), network(Checkpointed, 3)
    for each in (plain, saving):
        each.forward(np.ones((2, 3)))
        each.backward(np.ones((2, 3)))
    assert plain.dtheta.tobytes() == saving.dtheta.tobytes()


def test_torch_repeats_masks_and_moves_the_running_mean_twice_where_this_puts_it_back():
    torch = pytest.importorskip("torch", reason="peers: install torch to compare checkpoints")
    from torch.utils.checkpoint import checkpoint

    x = np.random.default_rng(0).normal(size=(20, 6)) + 1

    def mean(run):
        torch.manual_seed(0)
        layers = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.BatchNorm1d(5)).double()
        run(layers, torch.tensor(x)).sum().backward()
        return layers[1].running_mean.numpy()

    once, twice = mean(lambda f, z: f(z)), mean(lambda f, z: checkpoint(f, z, use_reentrant=False))
    np.testing.assert_allclose(twice, 1.9 * once)

    def slopes(run):
        torch.manual_seed(0)
        layers = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.Dropout(0.5)).double()
        run(layers, torch.tensor(x)).sum().backward()
        return layers[0].weight.grad.numpy()

    whole, again = (
        slopes(lambda f, z: f(z)),
        slopes(lambda f, z: checkpoint(f, z, use_reentrant=False)),
    )
    np.testing.assert_array_equal(whole, again)

    ours = [
        kind([Dense(6, 5, rng=np.random.default_rng(0)), BatchNorm(5)])
        for kind in (Sequential, Checkpointed)
    ]
    for network in ours:
        network.forward(x)
        network.backward(np.ones((20, 5)))
    np.testing.assert_array_equal(*(network.layers[1].running_mean for network in ours))


def test_torch_repeats_no_product_if_a_block_ends_with_its_dense_layer():
    torch = pytest.importorskip("torch", reason="peers: install torch to compare checkpoints")
    from torch.utils.flop_counter import FlopCounterMode

    def products(lengths, saving=True):
        kinds = [torch.nn.GELU() if i % 2 else torch.nn.Linear(16, 16) for i in range(64)]
        x, rest = torch.ones(8, 16, requires_grad=True), iter(kinds)
        blocks = [torch.nn.Sequential(*(next(rest) for _ in range(length))) for length in lengths]
        with FlopCounterMode(display=False) as counted:
            z = through(blocks, x) if saving else torch.nn.Sequential(*blocks)(x)
            z.sum().backward()
        return counted.get_total_flops() / (2 * 8 * 16 * 16)

    assert products([64], saving=False) == products([1, *31 * [2], 1]) == 96
    assert products(32 * [2]) == 128


@pytest.mark.parametrize(("kind", "of_8", "of_64"), [("Tanh", 5, 33), ("GELU", 8, 64)])
def test_torch_keeps_the_output_of_tanh_and_the_input_of_gelu(kind, of_8, of_64):
    torch = pytest.importorskip("torch", reason="peers: install torch to compare checkpoints")

    def kept(n):
        layer, found = getattr(torch.nn, kind), []

        def pack(t):
            found.append(t)  # held here, lest another array take its place
            return t

        net = torch.nn.Sequential(
            *(layer() if i % 2 else torch.nn.Linear(16, 16) for i in range(n))
        )
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
            net(torch.ones(8, 16, requires_grad=True))
        return len({t.data_ptr() for t in found if t.shape == (8, 16)})

    assert kept(8) == of_8 and kept(64) == of_64


def test_a_recorder_sees_the_same():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 4)), rng.integers(3, size=40)
    found = []
    for network in (Sequential(layers()), Checkpointed(layers())):
        with Recorder(network) as recorder:
            fit(
                network, SoftmaxCrossEntropy(), Adam(network, 0.01), x, y,
                epochs=2, batch_size=16, rng=np.random.default_rng(1), observe=recorder,
            )  # fmt: skip
        found.append((recorder.steps, recorder.std, recorder.errors, recorder.gradient))
    assert found[0] == found[1]


def deep(kind, *args, blocks=16, width=64):
    rng = np.random.default_rng(1)
    stack = [
        layer
        for _ in range(blocks)
        for layer in (Dense(width, width, rng=rng), LayerNorm(width), Tanh())
    ]
    return kind(stack, *args)


def batch(rows=256, width=64):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, width)), rng.normal(size=(rows, width))


def test_the_peak_is_lower_and_least_near_the_root():
    x, dz = batch()
    plain = measure(deep(Sequential), x, dz, 1).peak
    network = deep(Checkpointed)
    assert network.segments == 7
    peaks = {}
    for network.segments in (1, 2, 7, 48):
        peaks[network.segments] = measure(network, x, dz, 1).peak
    # 48 layers keep 48 activations; 7 inputs and the 7 layers of a segment are a third of that
    assert peaks[7] < 0.4 * plain
    assert peaks[7] < peaks[2] < 0.65 * plain
    assert peaks[48] > 0.9 * plain and abs(peaks[1] / plain - 1) < 0.05


def test_nothing_of_a_pass_stays_but_the_inputs():
    x, dz = batch()
    network = deep(Checkpointed)
    network(x), network.backward(dz)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(3):
            network(x)
            network.backward_parameters(dz)
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    # six inputs besides x
    assert after - before < 6.5 * x.nbytes
    for _, layer in network.walk():
        assert not {"x", "z", "x_hat"} & set(vars(layer))


@pytest.mark.parametrize("rows", [512, 1024])
def test_the_reckoned_peak_is_the_measured_one(rows):
    x, dz = batch(rows)
    network = deep(Checkpointed, blocks=8)
    theta, kept = network.theta.copy(), network.state()
    reckoned = network.peaks(x)
    assert len(reckoned) == 24 and network.segments == 5
    assert network.theta.tobytes() == theta.tobytes() and network.state().keys() == kept.keys()
    for network.segments in (1, 2, 3, 5, 8, 12):
        peak = measure(network, x, dz, 1).peak
        # ten kilobytes or so of Python objects besides
        assert abs(peak - reckoned[network.segments - 1]) < 40_000


def test_a_budget_is_kept_with_the_fewest_segments():
    x, dz = batch(512)
    network = deep(Checkpointed, blocks=8)
    array = x.nbytes
    found = []
    for budget in (28 * array, 20 * array, 14 * array, 13 * array):
        segments = network.keep_within(x, budget)
        assert segments == network.segments
        assert measure(network, x, dz, 1).peak < budget + 60_000
        if segments > 1:
            network.segments = segments - 1
            assert measure(network, x, dz, 1).peak > budget - 1.5 * array
        found.append(segments)
    assert found == sorted(found) and found[0] == 1 < found[-1]
    before = network.segments
    with pytest.raises(ValueError, match=r"budget is 1000 bytes, expected at least \d+, which \d"):
        network.keep_within(x, 1000)
    assert network.segments == before


def test_reckoning_leaves_masks_and_averages_as_they_were():
    network = Checkpointed(layers())
    before = everything(network)
    network.peaks(np.random.default_rng(0).normal(size=(5, 4)))
    assert everything(network) == before


def test_a_failing_pass_leaves_nothing():
    network = Checkpointed(layers(), 3)
    with pytest.raises(ValueError, match="x has shape"):
        network(np.zeros((5, 9)))
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(5, 4)), rng.normal(size=(5, 3))
    network(x)
    with pytest.raises(ValueError, match="dz has shape"):
        network.backward(v[:2])
    plain = Sequential(layers())
    plain(x)
    assert plain.backward(v).tobytes() == network.backward(v).tobytes()


class Counting(Tanh):
    """Replaces, not fills, what it counts among its state, and keeps a list."""

    def __init__(self):
        super().__init__()
        self.count = np.zeros(())

    def forward(self, x):
        self.count = self.count + 1
        self.pieces = [x.copy()]
        return super().forward(x) * self.count

    def backward(self, dz):
        return super().backward(dz * self.count)

    def state(self):
        return {"count": self.count.copy()}

    def load_state(self, state):
        self.count = state["count"].copy()


def test_a_state_that_is_replaced_survives_the_release():
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(2, 5, 4))
    plain = Sequential([Counting() for _ in range(6)])
    saving = Checkpointed([Counting() for _ in range(6)], 3)
    for count in (1, 2, 3):
        assert plain(x).tobytes() == saving(x).tobytes()
        assert not any(hasattr(layer, "pieces") for layer in saving.layers[:4])
        assert plain.backward(v).tobytes() == saving.backward(v).tobytes()
        assert {float(seen) for seen in saving.state().values()} == {count}
    assert saving.peaks(x)[0] >= 2 * 6 * x.nbytes


def test_measure_counts_memory_and_time():
    x, dz = batch()
    network = Sequential([Dense(64, 64, rng=np.random.default_rng(0)), Tanh()])
    cost = measure(network, x, dz)
    # z, which Tanh keeps, φ'(z), which becomes ∂L/∂z, and squares on the way
    assert 2 * x.nbytes <= cost.peak < 6 * x.nbytes and cost.seconds > 0
    tracemalloc.start()
    try:
        with pytest.raises(RuntimeError, match="tracing already"):
            measure(network, x, dz)
    finally:
        tracemalloc.stop()
    with pytest.raises(ValueError, match="repeats is 0"):
        measure(network, x, dz, 0)


def test_errors_name_the_argument():
    for segments in (0, 13):
        with pytest.raises(ValueError, match=f"segments is {segments}"):
            Checkpointed(layers(), segments)
    with pytest.raises(RuntimeError, match=r"Checkpointed: backward\(\) came before forward"):
        Checkpointed(layers()).backward(np.zeros((5, 3)))
    network = Checkpointed(layers())
    network.reuse_buffers(True)
    assert not any(layer.reuse for _, layer in network.walk())
