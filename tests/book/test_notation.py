"""What the page of symbols says about the program is true of the program."""

import importlib
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import backprop.training.diagnostics  # noqa: F401  the page names it, the package imports it late
from backprop import layers, losses, network, optimizers

PAGE = Path(__file__).resolve().parents[2] / "book/appendices/notation.md"
SIZES = {"B": 5, "n_in": 3, "n_out": 2, "K": 2, "P": 3 * 2 + 2}


def rows():
    """Yield symbol, meaning, name, shape and the page above whose table the row stands."""
    where = None
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"\*\*Introduced in \{ref\}`([\w-]+)`\*\*$", line):
            where = heading[1]
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[0] != "symbol" and not cells[0].startswith("-"):
            yield *cells, where


ROWS = list(rows())
NAMED = {symbol: (name.strip("`"), shape) for symbol, _, name, shape, _ in ROWS if name}


@pytest.fixture(scope="module")
def instances():
    """Return objects after one forward and one backward pass, by their class."""
    rng = np.random.default_rng(0)
    dense, sigmoid, loss = (
        layers.Dense(3, 2, rng=rng),
        layers.Sigmoid(),
        losses.SoftmaxCrossEntropy(),
    )
    net = network.Sequential([dense, sigmoid])
    loss.forward(net.forward(rng.normal(size=(5, 3))), rng.integers(2, size=5))
    net.backward(loss.backward())
    momentum, sgd = optimizers.Momentum(net, 0.1), optimizers.SGD(net, 0.1)
    return {type(o): o for o in (dense, sigmoid, loss, net, momentum, sgd)}


def resolve(name, instances):
    """Return what a dotted name stands for: an object, or the parameter of a signature."""
    dotted, argument, key = re.fullmatch(r'([\w.]+)(?:\((\w+)\))?(?:\["(\w+)"\])?', name).groups()
    first, *parts = dotted.split(".")
    found = np if first == "numpy" else importlib.import_module(f"backprop.{first}")
    for part in parts:
        found = getattr(instances.get(found, found) if isinstance(found, type) else found, part)
    if argument:
        return inspect.signature(found).parameters[argument]
    return found[key] if key else found


@pytest.mark.parametrize("symbol", NAMED)
def test_the_name_exists_and_has_the_shape(symbol, instances):
    name, shape = NAMED[symbol]
    found = resolve(name, instances)
    if isinstance(found, np.ndarray | float):
        claimed = tuple(SIZES[size] for size in re.findall(r"\w+", shape))
        assert shape.startswith("(") and np.shape(found) == claimed


def test_arguments_and_results_have_the_shapes(instances):
    dense, sigmoid = instances[layers.Dense], instances[layers.Sigmoid]
    results = {
        "$x$": dense.x,
        "$a^{(l)}$": sigmoid.forward(sigmoid.z),
        r"$\delta^{(l)}$": np.ones((5, 2)),
        r"$\partial L/\partial x$": dense.backward(np.ones((5, 2))),
    }
    for symbol, value in results.items():
        assert value.shape == tuple(SIZES[s] for s in re.findall(r"\w+", NAMED[symbol][1])), symbol


@pytest.mark.parametrize(
    "name",
    ["layers.Dense.W", "layers.Dense.forward(y)", 'layers.Dense.parameters["w"]', "lines.Dense"],
)
def test_a_wrong_name_does_not_resolve(name, instances):
    with pytest.raises((AttributeError, KeyError, ModuleNotFoundError)):
        resolve(name, instances)


def test_no_symbol_stands_twice():
    symbols = [s for cells in ROWS for s in re.findall(r"\$([^$]+)\$", cells[0])]
    bare = [re.sub(r"\^\{\(l\)\}", "", s) for s in symbols]
    assert len(bare) > 30
    assert sorted(set(bare)) == sorted(bare)


def test_each_symbol_is_introduced_in_a_page_of_the_book():
    pages = {path.stem for path in PAGE.parents[1].rglob("*.ipynb")}
    assert {where for *_, where in ROWS} <= pages
