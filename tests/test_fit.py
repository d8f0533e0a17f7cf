"""What fit promises: nothing begins that cannot end, and what fails leaves things as they were."""

import inspect
import re
import tracemalloc

import numpy as np
import pytest

from backprop import losses
from backprop.layers import (
    BatchNorm,
    Conv2d,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    MaxPool2d,
    ReLU,
    Residual,
    Tanh,
)
from backprop.losses import (
    BinaryCrossEntropy,
    GaussianKL,
    Hinge,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    SoftmaxCrossEntropy,
)
from backprop.network import Sequential
from backprop.optimizers import SGD, Adam, Momentum
from backprop.schedules import Constant, ReduceOnPlateau, Warmup, learning_rate_range_test
from backprop.training import accuracy, evaluate, fit


def build(n_out=3, seed=0, p=0.3):
    rng = np.random.default_rng(seed)
    return Sequential(
        [
            Dense(4, 6, rng=rng), BatchNorm(6), Tanh(), Residual([Dropout(p, rng=rng)]),
            BatchNorm(6), Dense(6, n_out, rng=rng),
        ]
    )  # fmt: skip


def data(n=30, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 4)), rng.integers(3, size=n)


def run(network, x, y, *, loss=None, optimizer=None, **options):
    options = dict(epochs=2, batch_size=8, rng=np.random.default_rng(2)) | options
    loss = loss or SoftmaxCrossEntropy()
    return fit(network, loss, optimizer or SGD(network, 0.1), x, y, **options)


def everything(network, optimizer=None):
    arrays = {"theta": network.theta, **network.state()}
    if optimizer is not None:
        arrays |= {f"optimizer.{k}": v for k, v in optimizer.state().items()}
    return {name: value.tobytes() for name, value in arrays.items()}


# --- values that are not finite -----------------------------------------------------------------

LOSSES = {
    "MeanSquaredError": (MeanSquaredError(), "pair"),
    "MeanAbsoluteError": (MeanAbsoluteError(), "pair"),
    "Huber": (Huber(0.5), "pair"),
    "BinaryCrossEntropy": (BinaryCrossEntropy(), "binary"),
    "SoftmaxCrossEntropy": (SoftmaxCrossEntropy(), "classes"),
    "smoothed": (SoftmaxCrossEntropy(0.1, np.array([1.0, 2.0])), "classes"),
    "soft": (SoftmaxCrossEntropy(), "soft"),
    "Hinge": (Hinge(), "classes"),
    "GaussianKL": (GaussianKL(), "pair"),
}


def targets(kind, n=5):
    rng = np.random.default_rng(0)
    y = rng.random((n, 2))
    return {
        "pair": y, "binary": np.round(y[:, :1]), "classes": rng.integers(2, size=n),
        "soft": y / y.sum(axis=1, keepdims=True),
    }[kind]  # fmt: skip


def test_every_loss_is_tried():
    public = {
        name for name, kind in vars(losses).items()
        if inspect.isclass(kind) and issubclass(kind, Loss) and kind is not Loss
    }  # fmt: skip
    assert public <= set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_loss_swallows_nan(name, dtype):
    loss, kind = LOSSES[name]
    y = targets(kind)
    z = np.random.default_rng(1).normal(size=(5, 1 if kind == "binary" else 2)).astype(dtype)
    assert np.isfinite(loss.forward(z, y))
    for place in np.ndindex(z.shape):
        bad = z.copy()
        bad[place] = np.nan
        with np.errstate(invalid="ignore"):
            assert np.isnan(loss.forward(bad, y)), place


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("batch", [0, 3])
def test_a_batch_with_nan_leaves_everything_as_it_was(name, batch):
    loss, kind = LOSSES[name]
    x, y = data(40)[0], targets(kind, 40)
    order = np.random.default_rng(2).permutation(40)
    bad = x.copy()
    bad[order[8 * batch + 3], 1] = np.nan
    n_out = 1 if kind == "binary" else 2
    network, same = build(n_out), build(n_out)
    optimizer, own = Momentum(network, 0.01), Momentum(same, 0.01)
    with pytest.raises(FloatingPointError, match=f"in epoch 0, batch {batch}: x already holds NaN"):
        run(network, bad, y, loss=loss, optimizer=optimizer)
    # the batches before it were made, and no more
    good = order[: 8 * batch]
    if batch:
        run(
            same,
            x[good],
            y[good],
            loss=loss,
            optimizer=own,
            epochs=1,
            rng=InOrder(np.random.PCG64(0)),
        )
    assert everything(network, optimizer) == everything(same, own)
    assert not (network.reuse or loss.reuse or network.training)
    network.train(True)
    assert np.isfinite(run(network, x, y, loss=loss, measure=False).loss).all()


class InOrder(np.random.Generator):
    """Its permutations are none."""

    def permutation(self, n):
        return np.arange(n)


def test_batch_norm_does_not_average_what_is_not_finite():
    layer = BatchNorm(2)
    layer.forward(np.random.default_rng(0).normal(size=(5, 2)))
    before = layer.state()
    for value in (np.nan, np.inf):
        x = np.ones((5, 2))
        x[2, 1] = value
        with np.errstate(invalid="ignore"):
            layer.forward(x)
        assert all((before[k] == v).all() for k, v in layer.state().items())


class Exploding(Tanh):
    """Its gradient is not finite, its value is."""

    at = 3
    calls = 0

    def backward(self, dz):
        self.calls += 1
        dx = super().backward(dz)
        if self.calls == self.at:
            dx[0, 0] = np.inf
        return dx


def test_a_gradient_that_is_not_finite_is_no_update():
    x, y = data()
    rng = np.random.default_rng(0)
    layer = Exploding()
    network = Sequential([Dense(4, 6, rng=rng), BatchNorm(6), layer, Dense(6, 3, rng=rng)])
    optimizer, kept = Adam(network, 0.01), []

    def note(step):
        kept.append(everything(network, optimizer))

    with (
        np.errstate(invalid="ignore"),
        pytest.raises(
            FloatingPointError,
            match=r"the loss is \d\S+, but its gradient is not finite in epoch 0, batch 2: that by "
            r"dense1\.W holds",
        ),
    ):
        run(network, x, y, optimizer=optimizer, observe=note)
    assert len(kept) == 2 and everything(network, optimizer) == kept[-1]


def test_a_gradient_whose_squares_overflow_is_an_update():
    x, y = np.full((4, 4), 1e30, np.float32), np.zeros((4, 2), np.float32)
    network = Sequential([Dense(4, 2, rng=np.random.default_rng(0), dtype=np.float32)])
    network.theta[...] = np.float32(1e-31)
    run(network, x, y, loss=MeanAbsoluteError(), optimizer=SGD(network, 1e-35), epochs=1)
    assert np.isfinite(network.theta).all()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_in_a_batch_leaves_its_state_as_it_was(error):
    x, y = data()
    network = build()
    optimizer, kept = Adam(network, 0.01), []

    class Failing(SoftmaxCrossEntropy):
        def backward(self):
            if len(kept) == 3:
                raise error
            return super().backward()

    with pytest.raises(error):
        run(
            network, x, y, loss=Failing(), optimizer=optimizer,
            observe=lambda step: kept.append(everything(network, optimizer)),
        )  # fmt: skip
    assert everything(network, optimizer) == kept[-1]


@pytest.mark.parametrize("name", ["validation", "training"])
def test_a_measured_nan_is_reported(name):
    x, y = data()
    network = build()
    bad = x.copy()
    bad[7, 2] = np.nan

    def spoil(step):
        x[3, 1] = np.nan

    options = dict(validation=(bad, y)) if name == "validation" else dict(observe=spoil)
    with pytest.raises(
        FloatingPointError,
        match=f"the loss is nan on the {name} set after epoch 0: x already holds NaN",
    ):
        run(network, x, y, epochs=1, batch_size=30, **options)
    network = build()
    with pytest.raises(FloatingPointError, match="evaluate: the loss is nan: x already holds NaN"):
        evaluate(network, SoftmaxCrossEntropy(), bad, y)
    network.parameters["dense2.W"][0, 0] = np.inf
    network.train(False)
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(
            FloatingPointError, match=r"evaluate: the loss is (nan|inf): dense2\.W holds NaN"
        ),
    ):
        evaluate(network, SoftmaxCrossEntropy(), *data())


def test_nan_and_nothing_have_no_accuracy():
    y = np.zeros(3, int)
    assert accuracy(np.full((3, 2), np.nan), y) == 0
    assert accuracy(np.array([[2, 1], [np.nan, 3], [5, np.nan]]), y) == 1 / 3
    for shape in ((0, 2), (3, 0)):
        with pytest.raises(ValueError, match=r"has no row or no column|expected 0 to"):
            accuracy(np.zeros(shape), y[: shape[0]])
    # a class that is ruled out may have the score -∞
    assert accuracy(np.array([[0, -np.inf]] * 3), y) == 1
    with pytest.raises(TypeError, match="accuracy: scores is a list"):
        accuracy([[1.0, 2.0]], y[:1])
    with pytest.raises(ValueError, match="evaluate: x has no row"):
        evaluate(build(), SoftmaxCrossEntropy(), *(a[:0] for a in data()))


# --- checks before work -------------------------------------------------------------------------


def images(n=9, size=1):
    return np.random.default_rng(0).normal(size=(n, 2, size, size)), np.zeros(n, int)


@pytest.mark.parametrize(
    ("n", "batch_size"), [(9, 8), (9, 4), (9, 2), (9, 1), (1, 5), (1, 1), (17, 16)]
)
def test_a_batch_of_one_before_batch_norm_is_found_first(n, batch_size):
    x, y = data(n)
    network = build()
    optimizer = Adam(network, 0.1)
    before, rng = everything(network, optimizer), np.random.default_rng(2)
    drawn = str(rng.bit_generator.state)
    with pytest.raises(ValueError, match=f"fit: batch_size is {batch_size}, which leaves a batch"):
        run(network, x, y, optimizer=optimizer, batch_size=batch_size, rng=rng)
    with pytest.raises(ValueError, match=f"learning_rate_range_test: batch_size is {batch_size},"):
        learning_rate_range_test(
            network, SoftmaxCrossEntropy(), optimizer, x, y, rng=rng, batch_size=batch_size
        )
    assert everything(network, optimizer) == before and str(rng.bit_generator.state) == drawn


def test_batches_of_one_are_fine_where_no_layer_needs_more():
    x, y = data(9)
    run(build(), x, y, batch_size=3)
    rng = np.random.default_rng(0)
    run(Sequential([Dense(4, 3, rng=rng)]), x, y, batch_size=8)
    # one image has many values per channel, unless it is one pixel
    for size, fine in ((2, True), (1, False)):
        network = Sequential([BatchNorm(2), Flatten(), Dense(2 * size**2, 3, rng=rng)])
        x, y = images(9, size)
        if fine:
            run(network, x, y, batch_size=8)
        else:
            with pytest.raises(ValueError, match="batch_size is 8"):
                run(network, x, y, batch_size=8)


class Masked:
    """Makes arguments that look like arrays."""

    array = staticmethod(lambda a: np.ma.masked_array(a))
    matrix = staticmethod(lambda a: np.asmatrix(np.zeros((len(a), 4))))


X, Y = data()
WRONG = {
    "x a list": (dict(x=X.tolist()), TypeError, "fit: x is a list, expected a numpy"),
    "y a list": (dict(y=Y.tolist()), TypeError, "fit: y is a list"),
    "x a number": (dict(x=3.0), TypeError, "fit: x is a float"),
    "x 0-d": (dict(x=np.array(3.0)), ValueError, r"fit: x has shape \(\), expected \(rows, …\)"),
    "y 0-d": (dict(y=np.array(3)), ValueError, r"fit: y has shape \(\)"),
    "x objects": (dict(x=X.astype(object)), TypeError, "fit: x has dtype object, expected numbers"),
    "y objects": (dict(y=Y.astype(object)), TypeError, "fit: y has dtype object"),
    "y text": (dict(y=Y.astype(str)), TypeError, "fit: y has dtype <U"),
    "x masked": (dict(x=Masked.array(X)), TypeError, "fit: x is a MaskedArray"),
    "x a matrix": (dict(x=Masked.matrix(X)), TypeError, "fit: x is a matrix"),
    "x integers": (dict(x=np.ones((30, 4), int)), TypeError, "x has dtype int64, expected float"),
    "x float32": (dict(x=X.astype(np.float32)), TypeError, "x has dtype float32, expected float64"),
    "x too wide": (dict(x=np.ones((30, 5))), ValueError, r"x has shape \(1, 5\)"),
    "lengths": (dict(y=Y[:7]), ValueError, "fit: y has 7 rows, expected 30 as x"),
    "nothing": (dict(x=X[:0], y=Y[:0]), ValueError, "fit: x has no row"),
    "y float": (dict(y=Y.astype(float)), TypeError, "y has dtype float64, expected integer"),
    "last label": (dict(y=np.append(Y[:-1], 3)), ValueError, "y holds classes 0 to 3, expected 0"),
    "epochs": (dict(epochs=0), ValueError, "fit: epochs is 0"),
    "batch_size": (dict(batch_size=8.0), TypeError, r"fit: batch_size is 8\.0"),
    "rng": (dict(rng=0), TypeError, "fit: rng is a int, expected a numpy.random.Generator"),
    "schedule": (dict(schedule=0.1), TypeError, "fit: schedule is a float, expected a callable"),
    "observe": (dict(observe=[]), TypeError, "fit: observe is a list, expected a callable"),
    "validation": (dict(validation=X), TypeError, "fit: validation is a ndarray, expected a pair"),
    "one of a pair": (dict(validation=(X,)), TypeError, "fit: validation is a tuple, expected"),
    "validation lengths": (
        dict(validation=(X, Y[:3])), ValueError,
        "fit: validation: y has 3 rows, expected 30",
    ),
    "validation width": (
        dict(validation=(X[:, :3], Y)), ValueError, r"fit: validation does not fit: .*\(1, 3\)",
    ),
    "validation labels": (
        dict(validation=(X, np.append(Y[:-1], 9))), ValueError, "fit: validation .* classes 0 to 9",
    ),
    "validation list": (
        dict(validation=(X.tolist(), Y)), TypeError, "fit: validation: x is a list",
    ),
    "validation empty": (
        dict(validation=(X[:0], Y[:0])), ValueError, "fit: validation: x has no row",
    ),
    "resume": (dict(resume=True), ValueError, "fit: resume is True, but checkpoint names no file"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_right_is_found_before_the_first_update(case):
    options, error, message = WRONG[case]
    network = build()
    optimizer, rng, seen = Adam(network, 0.1), np.random.default_rng(0), []
    before, drawn = everything(network, optimizer), str(rng.bit_generator.state)
    options = dict(x=X, y=Y, rng=rng, observe=seen.append) | options
    with pytest.raises(error, match=message):
        run(network, optimizer=optimizer, **options)
    assert everything(network, optimizer) == before and not seen and network.training
    assert str(rng.bit_generator.state) == drawn and not network.reuse


@pytest.mark.parametrize("case", ["no folder", "a folder", "a file as folder", "a device"])
def test_a_checkpoint_that_cannot_be_written_is_found_first(case, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    path = {
        "no folder": tmp_path / "none" / "a.npz",
        "a folder": tmp_path,
        "a file as folder": tmp_path / "file" / "a.npz",
        "a device": "/dev/null",
    }[case]
    network, seen = build(), []
    with pytest.raises(OSError, match=r"does not exist|no regular file|Not a directory"):
        run(network, *data(), checkpoint=path, observe=seen.append)
    assert not seen and [p.name for p in tmp_path.iterdir()] == ["file"]


# --- what the loop does -------------------------------------------------------------------------


class Seen:
    """A watcher that counts what it sees, and in which mode."""

    def __init__(self):
        self.modes = []

    def output(self, name, layer, a):
        self.modes.append(layer.training)

    def delta(self, name, layer, da):
        pass


def test_figures_are_measured_in_use_and_updates_made_in_training():
    x, y = data()
    network, modes = build(), []

    class Noting(SoftmaxCrossEntropy):
        def forward(self, z, y):
            modes.append((network.training, network.layers[1].training, len(z)))
            return super().forward(z, y)

    history = run(network, x, y, loss=Noting(), epochs=1, batch_size=10, validation=(x[:7], y[:7]))
    assert [m for m in modes if m[0]] == [(True, True, 10)] * 3
    assert modes[-2:] == [(False, False, 30), (False, False, 7)]
    # in training the masks and the statistics of the batch would give other figures
    assert history.loss == [evaluate(network, SoftmaxCrossEntropy(), x, y)[0]]
    network.train(True)
    assert history.loss != [evaluate(network, SoftmaxCrossEntropy(), x, y)[0]]


def test_update_t_takes_the_rate_of_step_t():
    # 30 rows in batches of 8: four updates an epoch
    x, y = data()
    network, steps = build(p=0.0), []
    rates = np.array([0.3, 0.02, 0.7, 0.11, 0.05, 0.4, 0.9, 0.06])
    moved, gradients, before = [], [], network.theta.copy()

    def observe(step):
        steps.append(step)
        moved.append(network.theta - before)
        gradients.append(network.dtheta.copy())
        before[...] = network.theta

    run(network, x, y, schedule=lambda step: rates[step], observe=observe)
    assert [step.learning_rate for step in steps] == rates.tolist()
    for rate, change, gradient in zip(rates, moved, gradients, strict=True):
        np.testing.assert_allclose(change, -rate * gradient, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("validated", [False, True])
def test_a_plateau_is_shown_the_validation_loss_or_else_that_of_training(wrapped, validated):
    x, y = data()
    shown = []

    class Noting(ReduceOnPlateau):
        def observe(self, loss):
            shown.append(loss)
            super().observe(loss)

    plateau = Noting(0.1)
    schedule = Warmup(plateau, 2) if wrapped else plateau
    other = data(9, seed=5)
    options = dict(validation=other) if validated else {}
    history = run(build(), x, y, schedule=schedule, epochs=3, **options)
    assert shown == (history.validation_loss if validated else history.loss)
    assert len(set(shown)) == 3


def test_labels_stay_with_their_rows():
    # every row names its own target, so that a shuffle of one alone could not go unseen
    n = 64
    x, y = np.arange(n, dtype=float)[:, None], np.arange(n, dtype=float)[:, None]
    pairs = []

    class Noting(MeanSquaredError):
        def forward(self, z, y):
            pairs.append((z.copy(), y.copy()))
            return super().forward(z, y)

    network = Sequential([Dense(1, 1, rng=np.random.default_rng(0))])
    network.theta[...] = [1, 0]
    run(network, x, y, loss=Noting(), optimizer=SGD(network, 1e-300), batch_size=5, measure=False)
    seen = pairs[-2 * 13 :]
    for z, target in seen:
        np.testing.assert_allclose(z, target, rtol=1e-12)
    for epoch in (seen[:13], seen[13:]):
        rows = np.concatenate([target[:, 0] for _, target in epoch])
        assert sorted(rows) == list(range(n)) and (rows != np.arange(n)).any()
    assert (np.concatenate([t for _, t in seen[:13]]) != np.concatenate([t for _, t in seen[13:]])
            ).any()  # fmt: skip


@pytest.mark.parametrize("failing", [False, True])
def test_nothing_is_left_behind(failing):
    x, y = data()
    network, loss, watcher = build(), SoftmaxCrossEntropy(), Seen()
    network.layers[3].watch(watcher, "inner.")

    def observe(step):
        if failing:
            raise ZeroDivisionError

    try:
        run(network, x, y, loss=loss, observe=observe)
    except ZeroDivisionError:
        assert failing
    for part in (network, loss, *(layer for _, layer in network.walk())):
        assert not part.reuse and not part._arrays
    assert not network.training
    # the watcher of a part is still there, and sees training alone (30 rows: 4 batches an epoch)
    assert watcher.modes and network.layers[3].watch(None) is watcher


def test_buffers_of_two_dtypes_do_not_meet():
    network = Sequential([Dense(3, 2, rng=np.random.default_rng(0)), Tanh()])
    network.reuse_buffers(True)
    x = np.random.default_rng(1).normal(size=(4, 3))
    real = network(x).copy()
    step = network(x + 1e-20j * np.eye(4, 3)).copy()
    assert step.dtype == complex and step.imag.any()
    again = network(x)
    assert again.dtype == np.float64
    np.testing.assert_array_equal(again, real)


def test_a_held_mask_gives_way_to_another_batch_size_alone():
    layer = Dropout(0.5, rng=np.random.default_rng(0))
    layer.held = True
    x = np.ones((6, 50))
    first = layer.forward(x).copy()
    np.testing.assert_array_equal(layer.forward(x), first)
    for n in (3, 9, 1):
        out = layer.forward(np.ones((n, 50)))
        assert out.shape == (n, 50) and set(np.unique(out)) <= {0.0, 2.0}
        np.testing.assert_array_equal(layer.backward(np.ones((n, 50))), out)
    held = layer.forward(np.ones((1, 50)))
    np.testing.assert_array_equal(layer.forward(np.ones((1, 50))), held)


def test_a_checked_run_is_the_unchecked_run():
    """The passes that check leave no trace, not even in who draws which mask."""
    x, y = data()
    network, by_hand = build(), build()
    loss, rng = SoftmaxCrossEntropy(), np.random.default_rng(2)
    optimizer = SGD(by_hand, 0.1)
    run(network, x, y, epochs=1, validation=(x, y))
    order = rng.permutation(30)
    for start in range(0, 30, 8):
        batch = order[start : start + 8]
        loss.forward(by_hand(x[batch]), y[batch])
        by_hand.backward_parameters(loss.backward())
        optimizer.step()
    assert everything(network) == everything(by_hand)


# --- memory -------------------------------------------------------------------------------------


def convolutional():
    rng = np.random.default_rng(0)
    return Sequential(
        [
            Conv2d(1, 8, 3, rng=rng, padding=1), ReLU(), MaxPool2d(2), Flatten(),
            Dense(8 * 14 * 14, 10, rng=rng),
        ]
    )  # fmt: skip


def test_measuring_a_set_takes_bounded_memory():
    x = np.random.default_rng(0).random((1200, 1, 28, 28))
    y = np.zeros(len(x), int)
    network, loss = convolutional(), SoftmaxCrossEntropy()
    whole = loss.forward(network(x[:300]), y[:300])
    assert evaluate(network, loss, x[:300], y[:300])[0] == pytest.approx(whole, rel=1e-12)
    for reuse in (False, True):
        network = convolutional()
        network.reuse_buffers(reuse)
        for n in (300, 1200):
            tracemalloc.start()
            evaluate(network, loss, x[:n], y[:n])
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            # two sizes of pieces may be kept for reuse, and a layer works in a megabyte or two;
            # all rows at once would take 40 and 160 MB
            assert peak < 2.25 * 2**24


def test_a_row_larger_than_the_bound_still_goes_through():
    rng = np.random.default_rng(0)
    network = Sequential([Embedding(5, 3, rng=rng), Flatten(), Dense(3 * 900_000, 2, rng=rng)])
    x = rng.integers(5, size=(2, 900_000))
    value, share = evaluate(network, SoftmaxCrossEntropy(), x, np.zeros(2, int))
    assert np.isfinite(value) and share in (0, 0.5, 1)


def test_fit_names_are_those_it_always_had():
    names = list(inspect.signature(fit).parameters)
    assert names == re.findall(r"\w+", """
        network loss optimizer x y epochs batch_size rng validation schedule measure progress
        observe checkpoint every resume""")  # fmt: skip
    assert Constant(0.1)(0) == 0.1
