"""What runs in a loop calls one BLAS, NumPy's: its threads and SciPy's fight for the cores."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import blas

import backprop
from backprop import threads
from backprop.layers import (
    ELU,
    GELU,
    GRU,
    LSTM,
    RNN,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Identity,
    LayerNorm,
    LeakyReLU,
    MaxPool2d,
    MultiHeadAttention,
    ReLU,
    Residual,
    RMSNorm,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)  # fmt: skip
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
from backprop.training import evaluate, fit
from backprop.training.diagnostics import Recorder, hessian_spectrum

ALL = [SGD, Momentum, Nesterov, AdaGrad, RMSProp, Adam, AdamW, Lion]
LIBRARY = Path(backprop.__file__).parent
# Every module of SciPy's whose functions may call its BLAS or LAPACK.
WITH_BLAS = ("scipy.linalg", "scipy.linalg.blas", "scipy.linalg.lapack", "scipy.sparse.linalg",
             "scipy.optimize", "scipy.integrate", "scipy.interpolate", "scipy.signal")  # fmt: skip


# --- which functions a step calls -------------------------------------------------------------


@pytest.fixture
def calls(monkeypatch):
    """Names of the functions called that may lead to SciPy's BLAS, in turn."""
    seen = []

    def spy(name, function):
        def called(*args, **kwargs):
            seen.append(name)
            return function(*args, **kwargs)

        return called

    # All of them first: some call others while they are imported.
    for name, module in [(name, importlib.import_module(name)) for name in WITH_BLAS]:
        for key in dir(module):
            thing = getattr(module, key)
            if callable(thing) and not isinstance(thing, type) and not key.startswith("_"):
                monkeypatch.setattr(module, key, spy(f"{name}.{key}", thing))
    return seen


def build(seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    layers = [Dense(20, 16, rng=rng, dtype=dtype), ReLU(), Dense(16, 3, rng=rng, dtype=dtype)]
    return Sequential(layers)


def data(n=24, dtype=np.float32):
    rng = np.random.default_rng(1)
    return rng.normal(size=(n, 20)).astype(dtype), rng.integers(3, size=n)


def one_step(network, optimizer, x, y, clip=None):
    loss = SoftmaxCrossEntropy()
    loss.forward(network.forward(x), y)
    network.backward_parameters(loss.backward())
    if clip is not None:
        clip(network, 1e-3)
    optimizer.step()
    evaluate(network, loss, x, y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("clip", [None, clip_norm, clip_value])
@pytest.mark.parametrize("kind", ALL)
def test_a_step_calls_no_second_blas(calls, kind, clip, dtype):
    network, before = build(dtype=dtype), build(dtype=dtype).theta
    x, y = data(dtype=dtype)
    for decayed in (None, matrices(network)):
        optimizer = kind(network, 0.1, weight_decay=0.1, decayed=decayed)
        one_step(network, optimizer, x, y, clip)
    assert (network.theta != before).any()
    assert calls == []


class Planted(SGD):
    def step(self):
        blas.saxpy(self._begin(), self.network.theta, a=-self.learning_rate)


def test_a_step_that_calls_it_is_found(calls):
    network = build()
    one_step(network, Planted(network, 0.1), *data())
    assert calls == ["scipy.linalg.blas.saxpy"]


def test_training_watched_and_kept_calls_no_second_blas(calls, tmp_path):
    network, (x, y) = build(), data()
    with Recorder(network) as recorder:
        fit(
            network, SoftmaxCrossEntropy(), Adam(network), x, y, epochs=2, batch_size=8,
            rng=np.random.default_rng(0), validation=(x, y), observe=recorder,
            checkpoint=tmp_path / "run.npz",
        )  # fmt: skip
    assert len(recorder.loss) == 6 and calls == []


def stacks():
    """Every layer of the library, in networks that end in three scores."""
    k = dict(rng=np.random.default_rng(0))
    phi = [cls() for cls in (ReLU, Sigmoid, Tanh, GELU, SiLU, Softplus, Softmax)]
    images, steps = np.ones((4, 1, 6, 6)), np.ones((4, 5, 8))
    yield np.ones((4, 8)), [
        Dense(8, 8, **k), BatchNorm(8), *phi, Residual([LayerNorm(8), RMSNorm(8)]),
        Dropout(0.5, **k), ELU(), LeakyReLU(), Identity(), Dense(8, 3, **k),
    ]  # fmt: skip
    yield images, [Conv2d(1, 2, 3, **k), MaxPool2d(2), Flatten(), Dense(8, 3, **k)]
    yield images, [Conv2d(1, 2, 3, **k), AvgPool2d(2), Flatten(), Dense(8, 3, **k)]
    yield np.ones((4, 5), int), [Embedding(7, 2, **k), Flatten(), Dense(10, 3, **k)]
    for kind in (RNN, GRU, LSTM):
        yield steps, [kind(8, 3, **k), Flatten(), Dense(15, 3, **k)]
    yield steps, [MultiHeadAttention(8, 2, **k), Flatten(), Dense(40, 3, **k)]


@pytest.mark.parametrize("case", range(8))
def test_no_layer_calls_a_second_blas(calls, case):
    x, layers = list(stacks())[case]
    network = Sequential(layers)
    one_step(network, SGD(network, 0.1), x, np.array([0, 1, 2, 0]))
    assert calls == []


def imports(tree, inside=""):
    """Yield (function or "", module) for every import below a node."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((inside, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((inside, f"{node.module}.{alias.name}") for alias in node.names)
        else:
            name = node.name if isinstance(node, ast.FunctionDef) else inside
            yield from imports(node, name)


def test_modules_import_nothing_with_a_blas_of_its_own():
    found = {
        (str(path.relative_to(LIBRARY)), where, module)
        for path in LIBRARY.rglob("*.py")
        if "book" not in path.relative_to(LIBRARY).parts
        for where, module in imports(ast.parse(path.read_text()))
        if module.startswith("scipy")
    }
    # Neither of these three has a BLAS to call. The functions hold SciPy's pool, see below.
    harmless = {("", "scipy.special"), ("", "scipy.sparse"), ("", "scipy.ndimage")}
    assert {line for line in found if line[1:] not in harmless} == {
        ("optimizers.py", "minimize_lbfgs", "scipy.optimize.minimize"),
        ("training/diagnostics.py", "hessian_spectrum", "scipy.sparse.linalg.LinearOperator"),
        ("training/diagnostics.py", "hessian_spectrum", "scipy.sparse.linalg.eigsh"),
        ("threads.py", "scipy_pool", "scipy.linalg.blas"),
    }


def test_training_does_not_even_load_it():
    script = (
        "import sys, numpy as np, scipy.special\n"
        "before = set(sys.modules)\n"  # SciPy 1.18's special functions load linalg themselves
        "from backprop import *\n"
        "rng = np.random.default_rng(0)\n"
        "network = Sequential([Dense(4, 3, rng=rng)])\n"
        "fit(network, SoftmaxCrossEntropy(), Adam(network), np.ones((8, 4)),\n"
        "    np.zeros(8, int), epochs=1, batch_size=4, rng=rng)\n"
        "clip_norm(network, 1.0)\n"
        f"print([name for name in {WITH_BLAS} if name in sys.modules.keys() - before])"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == "[]"


# --- where SciPy's algorithm needs both -------------------------------------------------------


@pytest.fixture
def pools():
    """NumPy's and SciPy's libraries with two threads each, and with what they had afterwards."""
    found = threads.numpy_pool(), threads.scipy_pool()
    if not all(pool.libraries for pool in found):
        pytest.skip("NumPy and SciPy share one BLAS here, or threadpoolctl does not know it")
    before = [[library.num_threads for library in pool.libraries] for pool in found]
    for pool in found:
        for library in pool.libraries:
            library.set_num_threads(2)
    yield found
    for pool, numbers in zip(found, before, strict=True):
        for library, number in zip(pool.libraries, numbers, strict=True):
            library.set_num_threads(number)


def numbers(pool):
    return {library.num_threads for library in pool.libraries}


class Watching(MeanSquaredError):
    """Notes how many threads the pools have at each call, and fails at the n-th."""

    def __init__(self, pools, fails_at=10**9):
        super().__init__()
        self.pools, self.left, self.seen = pools, fails_at, set()

    def forward(self, z, y):
        self.left -= 1
        if not self.left:
            raise RuntimeError("planted")
        self.seen.add(tuple(n for pool in self.pools for n in numbers(pool)))
        return super().forward(z, y)


def run_lbfgs(network, loss, x, y):
    return minimize_lbfgs(network, loss, x, y, max_iterations=5)


def run_lanczos(network, loss, x, y):
    return hessian_spectrum(network, loss, x, y, 2, rng=np.random.default_rng(0))


@pytest.mark.parametrize("run", [run_lbfgs, run_lanczos])
@pytest.mark.parametrize("numpys", [1, 2])
def test_scipys_pool_waits_while_both_are_needed(pools, run, numpys):
    rng = np.random.default_rng(0)
    network = Sequential([Dense(100, 50, rng=rng)])
    # NumPy keeps as many threads as have enough to do.
    rows = -(-numpys * threads.ENOUGH // 5_000)
    x, y = rng.normal(size=(rows, 100)), rng.normal(size=(rows, 50))
    loss = Watching(pools)
    run(network, loss, x, y)
    assert loss.seen == {(numpys, 1)}
    assert [numbers(pool) for pool in pools] == [{2}, {2}]


@pytest.mark.parametrize("run", [run_lbfgs, run_lanczos])
def test_the_pools_are_as_before_after_an_error(pools, run):
    network, loss = Sequential([Dense(3, 2, rng=np.random.default_rng(0))]), Watching(pools, 3)
    with pytest.raises(RuntimeError, match="planted"):
        run(network, loss, np.ones((4, 3)), np.ones((4, 2)))
    assert loss.seen and [numbers(pool) for pool in pools] == [{2}, {2}]


def run_fit(network, loss, x, y):
    rng = np.random.default_rng(0)
    fit(network, loss, SGD(network, 1e-3), x, y, epochs=1, batch_size=len(x), rng=rng)


class WatchingLayer(Identity):
    """Notes how many threads NumPy has when the layer before it has multiplied."""

    def __init__(self, pool):
        super().__init__()
        self.pool, self.seen = pool, []

    def forward(self, x):
        # One row alone only shows whether the network takes the data.
        if len(x) > 1:
            self.seen.append(numbers(self.pool))
        return super().forward(x)


@pytest.mark.parametrize(("run", "passes"), [(run_fit, 2), (evaluate, 1)])
@pytest.mark.parametrize("numpys", [1, 2])
def test_training_and_measuring_use_as_many_threads_as_have_enough_to_do(
    pools, run, passes, numpys
):
    rng, layer = np.random.default_rng(0), WatchingLayer(pools[0])
    network = Sequential([Dense(100, 100, rng=rng), layer])
    # At most 4,096 rows are measured at once.
    rows = -(-numpys * threads.ENOUGH // 10_000)
    assert rows <= 4_096
    x, y = rng.normal(size=(rows, 100)), rng.normal(size=(rows, 100))
    run(network, MeanSquaredError(), x, y)
    assert layer.seen == passes * [{numpys}]
    assert numbers(pools[0]) == {2}


def test_training_that_fails_puts_the_threads_back(pools):
    network, loss = Sequential([Dense(3, 2, rng=np.random.default_rng(0))]), Watching(pools, 1)
    with pytest.raises(RuntimeError, match="planted"):
        run_fit(network, loss, np.ones((4, 3)), np.ones((4, 2)))
    assert numbers(pools[0]) == {2}


# --- the pools themselves ---------------------------------------------------------------------


class Library:
    def __init__(self, threads):
        self.num_threads, self.changes = threads, 0

    def set_num_threads(self, threads):
        self.num_threads = threads
        self.changes += 1


def test_the_last_request_holds_and_the_first_number_comes_back():
    pool = threads.Pool([Library(8), Library(2)])
    with pool.at_most(1):
        assert numbers(pool) == {1}
        with pool.at_most(4):
            assert [lib.num_threads for lib in pool.libraries] == [4, 2]
        assert numbers(pool) == {1}
    assert [lib.num_threads for lib in pool.libraries] == [8, 2]
    # someone else's change in between is the new first number
    pool.libraries[0].set_num_threads(3)
    with pytest.raises(RuntimeError), pool.at_most(2):
        raise RuntimeError
    assert [lib.num_threads for lib in pool.libraries] == [3, 2]


def test_requests_that_overlap_leave_the_first_number():
    # As two trainings in two threads do: the first one to come is the first one to go.
    pool = threads.Pool([Library(4)])
    first, second = pool.at_most(1), pool.at_most(2)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert numbers(pool) == {2}
    second.__exit__(None, None, None)
    assert numbers(pool) == {4}


@pytest.mark.parametrize(
    ("multiplications", "expected"),
    [(0, 1), (threads.ENOUGH, 1), (2 * threads.ENOUGH - 1, 1), (2 * threads.ENOUGH, 2),
     (5 * threads.ENOUGH, 5), (10**12, 8)],
)  # fmt: skip
def test_a_thread_for_each_enough_multiplications(monkeypatch, multiplications, expected):
    pool = threads.Pool([Library(8)])
    monkeypatch.setattr(threads, "numpy_pool", lambda: pool)
    with threads.sized(multiplications):
        assert numbers(pool) == {expected}
    assert numbers(pool) == {8}


def test_the_largest_product_of_a_dense_network_is_counted():
    network = build()
    x, _ = data(n=24)
    assert threads.largest_product(x, network.parameters.values()) == 24 * 20 * 16
    # one row for each sample, time step and pixel
    W, b = np.ones((5, 7)), np.ones(1000)
    assert threads.largest_product(np.ones((2, 3, 5)), [b, W]) == 2 * 3 * 35
    assert threads.largest_product(np.ones((2, 5, 3, 4)), [W]) == 2 * 3 * 4 * 35
    assert threads.largest_product(np.ones((2, 3), int), [W]) == 2 * 3 * 35
    assert threads.largest_product(np.ones((2, 0)), [b]) == 0


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v/site-packages/scipy.libs/libscipy_openblas.so", True),
        ("/v/site-packages/numpy.libs/libscipy_openblas64_.so", False),
        ("/v/site-packages/scipy/.dylibs/libscipy_openblas.dylib", True),
        ("/v/site-packages/numpy/.dylibs/libscipy_openblas64_.dylib", False),
        ("/home/scipy/site-packages/numpy.libs/libscipy_openblas64_.so", False),
        ("/opt/conda/lib/libopenblasp-r0.3.30.so", False),
    ],
)
def test_whose_library_it_is(path, expected):
    assert threads._is_scipys(path) is expected


def test_numpys_library_is_found_where_it_is_a_wheels():
    if "scipy-openblas" not in str(np.show_config(mode="dicts")["Build Dependencies"]["blas"]):
        pytest.skip("NumPy is not from a wheel with OpenBLAS")
    assert threads.numpy_pool().libraries and threads.scipy_pool().libraries
