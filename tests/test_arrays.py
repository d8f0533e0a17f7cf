"""What is no plain array of floats is refused by name, wherever an array enters."""

import inspect

import numpy as np
import pytest

from backprop import activations, arrays, initializers, layers, losses
from backprop.activations import ACTIVATIONS
from backprop.autodiff import gradcheck
from backprop.layers.masks import lengths_to_mask
from backprop.network import Sequential


class Odd(np.ndarray):
    """A subclass of somebody's own."""


def masked(x):
    return np.ma.masked_array(x, np.zeros(np.shape(x), bool))


# what comes: (how it is made of a float array of 2 axes, what the message says)
OTHERS = {
    "a masked array": (masked, r"is a MaskedArray, expected a numpy.ndarray \(write .*filled"),
    "a matrix": (lambda x: x.view(np.matrix), r"is a matrix, expected .*write numpy.asarray\("),
    "a subclass": (lambda x: x.view(Odd), r"is a Odd, expected .*write numpy.asarray\("),
    "a list": (lambda x: x.tolist(), r"is a list, expected .*write numpy.asarray\("),
    "a number": (lambda x: 1.0, r"is a float, expected .*write numpy.asarray\("),
    "a scalar": (lambda x: np.float64(1), r"is a float64, expected .*write numpy.asarray\("),
    "nothing": (lambda x: None, "is a NoneType, expected a numpy.ndarray$"),
    "integers": (lambda x: x.astype(int), r"has dtype int64, expected .*\.astype\(float\)"),
    "objects": (lambda x: x.astype(object), r"has dtype object, expected float32 or float64"),
    "texts": (lambda x: x.astype(str), r"has dtype <U\d+, expected float32 or float64"),
}
RNG = np.random.default_rng(0)
X, ONES, LABELS = np.ones((4, 2)), np.ones((4, 3, 2)), np.array([0, 1, 0, 1])


def forward(layer):
    return lambda x: layer.forward(x)


def backward(layer, x):
    def call(dz):
        layer.forward(x)
        layer.backward(dz)

    return call


def dense():
    return layers.Dense(2, 2, rng=RNG)


ENTRIES = {
    **{f"{f.__name__}": f for pair in ACTIVATIONS.values() for f in pair},
    "softmax": activations.softmax,
    "log_softmax": activations.log_softmax,
    "softmax_vjp": lambda x: activations.softmax_vjp(x, X),
    "softmax_vjp dp": lambda x: activations.softmax_vjp(X, x),
    "out": lambda x: activations.sigmoid(np.ones((4, 2)), out=x),
    "Dense": forward(dense()),
    "Dense.backward": backward(dense(), X),
    "Tanh": forward(layers.Tanh()),
    "Tanh.backward": backward(layers.Tanh(), X),
    "Softmax": forward(layers.Softmax()),
    "Softmax.backward": backward(layers.Softmax(), X),
    "BatchNorm": forward(layers.BatchNorm(2)),
    "LayerNorm": forward(layers.LayerNorm(2)),
    "RMSNorm": forward(layers.RMSNorm(2)),
    "Dropout": forward(layers.Dropout(0.5, rng=RNG)),
    "GaussianSample": forward(layers.GaussianSample(rng=RNG)),
    "Flatten": forward(layers.Flatten()),
    "Add": lambda x: layers.Add().join([X, x]),
    "Sequential": lambda x: Sequential([dense(), layers.Tanh()]).forward(x),
    "RNN": forward(layers.RNN(2, 2, rng=RNG)),
    "RNN h0": lambda x: layers.RNN(2, 2, rng=RNG).forward(ONES, h0=x),
    "LSTM.backward": backward(layers.LSTM(2, 2, rng=RNG, return_sequence=False), ONES),
    "GRU.backward": backward(layers.GRU(2, 2, rng=RNG, return_sequence=False), ONES),
    "MultiHeadAttention": forward(layers.MultiHeadAttention(2, 1, rng=RNG)),
    "FixedPoint": forward(layers.FixedPoint(2, 2, rng=RNG)),
    "FixedPoint.backward": backward(layers.FixedPoint(2, 2, rng=RNG), X),
    "Conv2d": forward(layers.Conv2d(1, 1, 1, rng=RNG)),
    "MeanSquaredError": lambda x: losses.MeanSquaredError().forward(x, X),
    "MeanAbsoluteError": lambda x: losses.MeanAbsoluteError().forward(x, X),
    "GaussianKL": lambda x: losses.GaussianKL().forward(x, X),
    "Huber": lambda x: losses.Huber().forward(x, X),
    "MeanSquaredError y": lambda x: losses.MeanSquaredError().forward(X, x),
    "BinaryCrossEntropy": lambda x: losses.BinaryCrossEntropy().forward(x, X[:, :1]),
    "SoftmaxCrossEntropy": lambda x: losses.SoftmaxCrossEntropy().forward(x, LABELS),
    "Hinge": lambda x: losses.Hinge().forward(x, LABELS),
    "class_weights": lambda x: losses.SoftmaxCrossEntropy(class_weights=x),
    "check_gradient": lambda x: gradcheck.check_gradient(np.sum, x, X),
    "check_gradient analytic": lambda x: gradcheck.check_gradient(np.sum, X, x),
    "central_difference": lambda x: gradcheck.central_difference(np.sum, x),
    "complex_step": lambda x: gradcheck.complex_step(np.sum, x),
    "check_layer": lambda x: gradcheck.check_layer(dense(), x, rng=RNG),
    "check_layer v": lambda x: gradcheck.check_layer(dense(), X, rng=RNG, v=x),
    "check_loss": lambda x: gradcheck.check_loss(losses.MeanSquaredError(), x, X),
    "along": lambda x: gradcheck.along(Sequential([dense()]), losses.Hinge(), X, LABELS, x),
    "check_scores": lambda x: arrays.check_scores("accuracy", x, LABELS),
}  # fmt: skip


OPTIONAL = ("out", "RNN h0", "class_weights", "check_layer v")


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("entry", ENTRIES)
def test_refused_by_name(entry, other):
    make, message = OTHERS[other]
    if other == "nothing" and entry in OPTIONAL:
        return
    if entry == "out" and other in ("integers", "objects", "texts"):
        return  # a wrong dtype has the message that test_what_out_must_be looks at
    with pytest.raises(TypeError, match=message):
        ENTRIES[entry](make(X.copy()))


@pytest.mark.parametrize("view", [masked, lambda y: y.tolist(), lambda y: y.view(Odd)])
def test_labels_and_masks_are_refused_by_name(view):
    y, mask = view(LABELS), view(np.ones((4, 3), bool))
    kind = type(y).__name__
    for loss in (losses.SoftmaxCrossEntropy(), losses.Hinge()):
        with pytest.raises(TypeError, match=f"y is a {kind}"):
            loss.forward(X, y)
    with pytest.raises(TypeError, match=f"y is a {kind}"):
        arrays.check_scores("accuracy", X, y)
    with pytest.raises(TypeError, match=f"x is a {kind}"):
        layers.Embedding(3, 2, rng=RNG).forward(y)
    with pytest.raises(TypeError, match=f"x is a {kind}"):
        gradcheck.check_network(Sequential([dense()]), losses.Hinge(), y, LABELS)
    with pytest.raises(TypeError, match=f"lengths is a {kind}"):
        lengths_to_mask(y, 3)
    for layer in (layers.LSTM(2, 2, rng=RNG), layers.MultiHeadAttention(2, 1, rng=RNG)):
        with pytest.raises(TypeError, match=f"mask is a {kind}"):
            layer.forward(ONES, mask)
    with pytest.raises(TypeError, match=f"allowed is a {kind}"):
        layers.dot_product_attention(ONES, ONES, ONES, mask)


def test_soft_targets_are_refused_by_name():
    with pytest.raises(TypeError, match="y is a MaskedArray"):
        losses.SoftmaxCrossEntropy().forward(X, masked(X / 2))
    with pytest.raises(TypeError, match="y is a matrix"):
        losses.SoftmaxCrossEntropy().forward(X, (X / 2).view(np.matrix))
    with pytest.raises(TypeError, match="y is a list"):
        losses.SoftmaxCrossEntropy().forward(X, (X / 2).tolist())


def test_a_memory_map_is_an_array(tmp_path):
    np.save(tmp_path / "x.npy", X)
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert isinstance(x, np.memmap)
    np.testing.assert_array_equal(dense().forward(x).shape, (4, 2))
    np.testing.assert_array_equal(activations.sigmoid(x), activations.sigmoid(X))


def test_arrays_of_no_axis_and_of_no_entry():
    for phi, phi_prime in ACTIVATIONS.values():
        for f in (phi, phi_prime):
            for dtype in (np.float32, np.float64):
                got = f(np.array(0.5, dtype))
                assert isinstance(got, np.ndarray) and got.shape == () and got.dtype == dtype
                assert got == f(np.array([0.5], dtype))
                assert f(np.zeros((0, 2), dtype)).shape == (0, 2)
    for f in (activations.softmax, activations.log_softmax):
        for shape in ((), (2, 0)):
            with pytest.raises(ValueError, match=rf"{f.__name__}: axis is -1, expected an axis"):
                f(np.zeros(shape))
        with pytest.raises(ValueError, match="axis is 2, expected an axis of z"):
            f(np.zeros((1, 1)), axis=2)
        assert f(np.zeros((0, 2))).shape == (0, 2)


def test_what_out_must_be():
    z = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"tanh: out is z itself, expected another array"):
        activations.tanh(z, out=z)
    with pytest.raises(ValueError, match=r"out has shape \(3,\) .* expected \(2, 3\) and float64"):
        activations.tanh(z, out=np.ones(3))
    with pytest.raises(ValueError, match=r"dtype float32,\s+expected \(2, 3\) and float64 as z"):
        activations.tanh(z, out=np.ones((2, 3), np.float32))


def test_every_layout_gives_the_same():
    z = np.random.default_rng(0).normal(size=(6, 8)) * 3
    for phi, phi_prime in ACTIVATIONS.values():
        for f in (phi, phi_prime):
            for other in (np.asfortranarray(z), z[::2, ::-1], z.T):
                np.testing.assert_array_equal(f(other), f(np.ascontiguousarray(other)))
                out = np.empty_like(other, order="F")
                np.testing.assert_array_equal(f(other, out=out), f(other))


def test_initializers_name_a_wrong_shape():
    drawn = [f for n, f in inspect.getmembers(initializers, inspect.isfunction) if n[0] != "_"]
    for f in drawn:
        if "rng" in inspect.signature(f).parameters:
            for shape in (3, "ab", np.ones(2), (2,)):
                with pytest.raises(ValueError, match=f"{f.__name__}: shape is .*expected"):
                    f(RNG, shape)


def test_check_scores():
    scores, y = arrays.check_scores("accuracy", X, LABELS)
    assert scores is X and y is LABELS
    with pytest.raises(ValueError, match=r"accuracy: scores has shape \(0, 2\), expected at least"):
        arrays.check_scores("accuracy", X[:0], LABELS[:0])
    with pytest.raises(ValueError, match=r"y has shape \(4, 1\), expected \(4,\)"):
        arrays.check_scores("accuracy", X, LABELS[:, None])
