"""Parameters stay tied to the vector that trains them, or whoever cuts them off is told."""

import copy

import numpy as np
import pytest

from backprop import layers
from backprop.layers import Dense, Layer, Residual, Tanh
from backprop.network import Sequential


def rng(seed=0):
    return np.random.default_rng(seed)


LEAVES = {
    "Dense": lambda: Dense(3, 2, rng=rng()),
    "Conv2d": lambda: layers.Conv2d(2, 3, 2, rng=rng()),
    "Embedding": lambda: layers.Embedding(4, 3, rng=rng()),
    "FixedPoint": lambda: layers.FixedPoint(3, 2, rng=rng()),
    "BatchNorm": lambda: layers.BatchNorm(3),
    "LayerNorm": lambda: layers.LayerNorm(3),
    "RMSNorm": lambda: layers.RMSNorm(3),
    "RNN": lambda: layers.RNN(3, 2, rng=rng()),
    "GRU": lambda: layers.GRU(3, 2, rng=rng()),
    "LSTM": lambda: layers.LSTM(3, 2, rng=rng()),
    "MultiHeadAttention": lambda: layers.MultiHeadAttention(4, 2, rng=rng()),
    "GatedMLP": lambda: layers.GatedMLP(3, 2, rng=rng()),
    "RotaryAttention": lambda: layers.RotaryAttention(4, 2, rng=rng()),
}


def test_every_layer_with_parameters_is_tried():
    public = {name for name, kind in vars(layers).items() if isinstance(kind, type)}
    without = {
        "Activation", "Add", "AvgPool2d", "Composite", "Concatenate", "Dropout", "ELU", "Flatten",
        "GELU", "GaussianSample", "Identity", "Junction", "Layer", "LeakyReLU", "MaxPool2d", "ReLU",
        "Recurrent", "Residual", "SiLU", "Sigmoid", "Softmax", "Softplus", "Tanh", "Tied",
        "Watcher",
    }  # fmt: skip
    assert public - without == set(LEAVES)


@pytest.mark.parametrize("kind", LEAVES)
@pytest.mark.parametrize("where", ["parameters", "gradients"])
@pytest.mark.parametrize("owner", ["alone", "in a network", "by hierarchical name"])
def test_an_assignment_copies_into_the_view(kind, where, owner):
    layer = LEAVES[kind]()
    network = None if owner == "alone" else Sequential([Residual([layer])])
    prefix = f"residual1.{layer.name}1." if owner == "by hierarchical name" else ""
    holder = getattr(network if prefix else layer, where)
    for name in list(getattr(layer, where)):
        view, value = holder[prefix + name], rng(1).normal(size=holder[prefix + name].shape)
        holder[prefix + name] = value
        assert holder[prefix + name] is view and view is not value
        np.testing.assert_array_equal(getattr(layer, where)[name], value)
        value[...] = np.nan
        assert np.isfinite(view).all()
        holder[prefix + name] += 1
        assert holder[prefix + name] is view
        holder.update({prefix + name: np.ones(view.shape)})
        assert holder[prefix + name] is view and (view == 1).all()
        for wrong, error, message in [
            (np.ones((*view.shape, 1)), ValueError, f"{name} has shape"),
            (np.ones(1), ValueError, f"{name} has shape"),
            (np.ones(view.shape, np.float32), TypeError, f"{name} has dtype float32, expected flo"),
            (np.ones(view.shape, complex), TypeError, f"{name} has dtype complex128"),
            (np.ones(view.shape, int), TypeError, f"{name} has dtype int64"),
            (view.tolist(), TypeError, f"{name} is a list"),
            (1.0, TypeError, f"{name} is a float"),
        ]:
            with pytest.raises(error, match=message):
                holder[prefix + name] = wrong
            assert (view == 1).all()
    if network is not None:
        vector = network.theta if where == "parameters" else network.dtheta
        assert (vector == 1).all()


@pytest.mark.parametrize("where", ["parameters", "gradients"])
@pytest.mark.parametrize("owner", ["leaf", "composite", "network"])
def test_names_are_fixed_within_a_network(where, owner):
    dense = Dense(3, 3, rng=rng())
    network = Sequential([Residual([dense])])
    things = {"leaf": dense, "composite": network.layers[0], "network": network}
    holder = getattr(things[owner], where)
    names = list(holder)
    first = names[0]
    for delete in (
        lambda: holder.__delitem__(first),
        lambda: holder.pop(first),
        lambda: holder.popitem(),
        lambda: holder.clear(),
    ):
        with pytest.raises(TypeError, match="belongs to a layer and cannot be deleted"):
            delete()
    for add in (
        lambda: holder.__setitem__("W2", np.ones(2)),
        lambda: holder.update(W2=np.ones(2)),
        lambda: holder.setdefault("W2", np.ones(2)),
    ):
        with pytest.raises(KeyError, match="W2"):
            add()
    with pytest.raises(TypeError, match=f"{where} cannot be replaced as a whole"):
        setattr(things[owner], where, {"W": np.ones((3, 3)), "b": np.ones(3)})
    assert list(holder) == names and getattr(things[owner], where) is holder


def test_an_in_place_or_is_an_assignment():
    dense = Dense(3, 3, rng=rng())
    network = Sequential([dense])
    dense.parameters |= {"b": np.ones(3)}
    np.testing.assert_array_equal(network.theta[9:], 1)


def test_the_vectors_take_a_copy_too():
    network = Sequential([Dense(3, 2, rng=rng())])
    theta, dtheta = network.theta, network.dtheta
    network.theta = network.theta - 0.5 * np.ones(8)
    network.dtheta = np.full(8, 3.0)
    network.theta += 1
    assert network.theta is theta and network.dtheta is dtheta
    np.testing.assert_array_equal(network.parameters["dense1.b"], 0.5)
    np.testing.assert_array_equal(network.gradients["dense1.W"], 3)
    for name in ("theta", "dtheta"):
        with pytest.raises(ValueError, match=rf"{name} has shape \(7,\), expected \(8,\)"):
            setattr(network, name, np.ones(7))
        with pytest.raises(TypeError, match=f"{name} has dtype float32"):
            setattr(network, name, np.ones(8, np.float32))


class Scale(Layer):
    """A user's own layer that keeps its parameter as an attribute, too."""

    name = "scale"

    def __init__(self):
        super().__init__()
        self.w = np.ones(3)
        self.parameters = {"w": self.w}
        self.gradients = {"w": np.zeros(3)}

    def forward(self, x):
        self.x = x
        return x * self.w

    def backward(self, dz):
        self.gradients["w"] = (dz * self.x).sum(axis=0)
        return dz * self.w


def test_an_attribute_that_is_the_parameter_stays_it():
    network = Sequential([Scale()])
    network.theta[...] = 2
    np.testing.assert_array_equal(network(np.ones((1, 3))), 2)
    network.backward(np.ones((1, 3)))
    np.testing.assert_array_equal(network.dtheta, 1)


def test_parameters_without_gradients_are_refused():
    class Half(Scale):
        def __init__(self):
            super().__init__()
            self.gradients = {}

    with pytest.raises(ValueError, match=r"scale1 has parameters \['w'\] and gradients \[\]"):
        Sequential([Half()])


def test_arrays_that_stand_in_go_again():
    network = Sequential([Residual([Dense(3, 3, rng=rng())]), Tanh()])
    before, x = network.theta.copy(), np.ones((2, 3))
    views = dict(network.parameters)
    other = {"residual1.dense1.W": np.full((3, 3), 1j)}
    with pytest.raises(ZeroDivisionError), network.parameters.replaced(other):
        assert network(x).dtype == complex
        _ = 1 / 0
    assert all(network.parameters[name] is view for name, view in views.items())
    np.testing.assert_array_equal(network.theta, before)


def test_the_names_of_a_copied_layer_are_fixed_as_well():
    twin = copy.deepcopy(Residual([Dense(3, 3, rng=rng())]))
    with pytest.raises(KeyError, match="W2"):
        twin.layers[0].parameters["W2"] = np.ones(2)
