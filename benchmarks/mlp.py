"""One epoch of training a multilayer perceptron: gather, forward, backward, update.

20,000 random float32 samples, ReLU, softmax cross-entropy, through each library's public way. All
start from the same weights and, but for scikit-learn, see the samples in the same order; their
weights after three batches are compared before a time counts. The limit is the time of the matrix
products alone, in ``numpy.matmul`` with ``out=``. Run: ``python benchmarks/mlp.py``.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
from _measure import (
    BACKPROP,
    LIMIT,
    Options,
    Table,
    Times,
    compared,
    installed,
    kept,
    main,
    take_turns_until_steady,
)  # fmt: skip
from sklearn.neural_network import MLPClassifier

from backprop import optimizers
from backprop.layers import Dense, ReLU
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Network, Sequential
from backprop.training import fit

NETS = ((784, 100, 2), (784, 256, 128, 10))
BATCHES = (32, 128, 512, 4096)
RATES = {"SGD": 0.01, "Adam": 0.001}
CLIPPED = "clipped "
"""Before the name of a rule that backprop's ``clip_norm`` comes before."""
BETA1, BETA2, EPS = 0.9, 0.999, 1e-8


@dataclass
class Task:
    """What every contestant is given."""

    widths: tuple[int, ...]
    batch: int
    optimizer: str
    x: np.ndarray
    y: np.ndarray
    threads: int | None
    """None where each library decides for itself."""

    @property
    def rate(self) -> float:
        """The learning rate."""
        return RATES.get(self.optimizer, 1e-3)

    @property
    def net(self) -> str:
        """The widths as text."""
        return "-".join(map(str, self.widths))

    def start(self) -> list[np.ndarray]:
        """Return fresh copies of W and b of every layer, in turn."""
        rng = np.random.default_rng(0)
        pairs = []
        for n_in, n_out in pairwise(self.widths):
            W = rng.normal(0, np.sqrt(2 / n_in), (n_in, n_out)).astype(np.float32)
            pairs += [W, np.zeros(n_out, np.float32)]
        return pairs

    def batches(self, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Yield the indices of one epoch's batches, the last one smaller."""
        order = rng.permutation(len(self.x))
        for i in range(0, len(order), self.batch):
            yield order[i : i + self.batch]


Contestant = tuple[Callable[[], object], Callable[[], list[np.ndarray]] | None]
"""A function that runs an epoch, and one that returns the parameters where they are comparable."""


def shuffles() -> np.random.Generator:
    """Return the source of every contestant's shuffles."""
    return np.random.default_rng(1)


def ours(task: Task) -> Contestant:
    """Train by ``backprop.training.fit``."""
    rng = shuffles()
    layers: list[Any] = []
    for n_in, n_out in pairwise(task.widths):
        layers += [Dense(n_in, n_out, rng=rng, dtype=np.float32), ReLU()]
    network, loss = Sequential(layers[:-1]), SoftmaxCrossEntropy()
    for mine, value in zip(network.parameters.values(), task.start(), strict=True):
        mine[...] = value
    rule = ours_rule(task, network)
    rng = shuffles()

    def epoch() -> None:
        fit(
            network, loss, rule, task.x, task.y,
            epochs=1, batch_size=task.batch, rng=rng, measure=False,
        )  # fmt: skip

    return epoch, lambda: list(network.parameters.values())


def ours_rule(task: Task, network: Network) -> optimizers.Optimizer:
    """Return the rule that the task names."""
    kind = getattr(optimizers, task.optimizer.removeprefix(CLIPPED))
    if not task.optimizer.startswith(CLIPPED):
        return kind(network, task.rate)

    class Clipped(kind):
        def step(self) -> None:
            optimizers.clip_norm(self.network, 1.0)
            super().step()

    return Clipped(network, task.rate)


def products(task: Task) -> Contestant:
    """Multiply the matrices alone: z, ∂L/∂W, and ∂L/∂a of every layer but the first."""
    rng = shuffles()

    def random(*shape: int) -> np.ndarray:
        return rng.random(shape, np.float32)

    weights = task.start()[::2]
    a = [random(task.batch, n) for n in task.widths]
    dz = [random(task.batch, n) for n in task.widths[1:]]
    z, da = [np.empty_like(v) for v in dz], [np.empty_like(v) for v in a]
    dW = [np.empty_like(W) for W in weights]
    sizes = [len(batch) for batch in task.batches(rng)]

    def epoch() -> None:
        for n in sizes:
            for layer, W in enumerate(weights):
                np.matmul(a[layer][:n], W, out=z[layer][:n])
            for layer in reversed(range(len(weights))):
                np.matmul(a[layer][:n].T, dz[layer][:n], out=dW[layer])
                if layer:
                    np.matmul(dz[layer][:n], weights[layer].T, out=da[layer][:n])

    return epoch, None


def torch_eager(task: Task, compiled: bool = False) -> Contestant:
    """Train by PyTorch, its fused optimizers included."""
    import torch

    if task.threads is not None:
        torch.set_num_threads(task.threads)
    torch.manual_seed(0)
    modules: list[Any] = []
    for n_in, n_out in pairwise(task.widths):
        modules += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU()]
    model = torch.nn.Sequential(*modules[:-1])
    with torch.no_grad():
        for mine, value in zip(model.parameters(), task.start(), strict=True):
            mine.copy_(torch.from_numpy(value.T if value.ndim == 2 else value))
    rule = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}[task.optimizer](
        model.parameters(), lr=task.rate, fused=True
    )
    cross_entropy = torch.nn.CrossEntropyLoss()
    x, y, rng = torch.from_numpy(task.x), torch.from_numpy(task.y), shuffles()

    def forward(xb: Any, yb: Any) -> Any:
        return cross_entropy(model(xb), yb)

    loss = torch.compile(forward, dynamic=False) if compiled else forward

    def epoch() -> None:
        for batch in task.batches(rng):
            index = torch.from_numpy(batch)
            rule.zero_grad()
            loss(x[index], y[index]).backward()
            rule.step()

    return epoch, lambda: [p.detach().numpy().T for p in model.parameters()]


def torch_compiled(task: Task) -> Contestant:
    """Train by ``torch.compile`` of network and loss."""
    import torch

    # Compiled code is kept by the function's code: else the second task would hit its limit.
    torch._dynamo.reset()
    return torch_eager(task, compiled=True)


def scikit(task: Task) -> Contestant:
    """Train by ``MLPClassifier.partial_fit``, which shuffles by itself."""
    model = MLPClassifier(
        task.widths[1:-1], solver=task.optimizer.lower(), learning_rate_init=task.rate, momentum=0,
        nesterovs_momentum=False, alpha=0, batch_size=task.batch, shuffle=True, random_state=0,
    )  # fmt: skip
    classes = np.arange(task.widths[-1])
    return lambda: model.partial_fit(task.x, task.y, classes=classes), None


def adam_in_numpy(task: Task) -> Callable[[list[Any], Sequence[Any]], None]:
    """Return the update of a list of arrays, in place."""
    moments: list[list[Any]] = [[np.zeros_like(p) for p in task.start()] for _ in range(2)]
    steps = 0

    def update(parameters: list[Any], gradients: Sequence[Any]) -> None:
        nonlocal steps
        steps += 1
        root = float(np.sqrt(1 - BETA2**steps))
        rate = task.rate * root / (1 - BETA1**steps)
        for p, g, m, v in zip(parameters, gradients, *moments, strict=True):
            m *= BETA1
            m += (1 - BETA1) * g
            v *= BETA2
            v += (1 - BETA2) * g * g
            p -= rate * m / (np.sqrt(v) + root * EPS)

    return update


def hips(task: Task) -> Contestant:
    """Train by HIPS autograd, with the update in NumPy."""
    parameters, rng = task.start(), shuffles()

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        a = x
        for k in range(0, len(parameters), 2):
            z = anp.dot(a, parameters[k]) + parameters[k + 1]
            a = anp.maximum(z, 0)
        z = z - anp.max(z, axis=1, keepdims=True)
        log_p = z - anp.log(anp.sum(anp.exp(z), axis=1, keepdims=True))
        return -anp.mean(log_p[np.arange(len(y)), y])

    def sgd(parameters: list[Any], gradients: Sequence[Any]) -> None:
        for p, g in zip(parameters, gradients, strict=True):
            p -= task.rate * g

    gradient = autograd.value_and_grad(loss)
    update = sgd if task.optimizer == "SGD" else adam_in_numpy(task)

    def epoch() -> None:
        for batch in task.batches(rng):
            update(parameters, gradient(parameters, task.x[batch], task.y[batch])[1])

    return epoch, lambda: parameters


def jax_step(task: Task) -> Contestant:
    """Train by one jitted JAX step: gather, gradient and update."""
    import jax
    import jax.numpy as jnp

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        a = x
        for k in range(0, len(parameters), 2):
            z = a @ parameters[k] + parameters[k + 1]
            a = jax.nn.relu(z)
        return -jax.nn.log_softmax(z)[jnp.arange(len(y)), y].mean()

    def sgd(state: Any, x: Any, y: Any, index: Any) -> Any:
        (parameters,) = state
        _, g = jax.value_and_grad(loss)(parameters, x[index], y[index])
        return (jax.tree.map(lambda p, g: p - task.rate * g, parameters, g),)

    def adam(state: Any, x: Any, y: Any, index: Any) -> Any:
        parameters, m, v, t = state
        _, g = jax.value_and_grad(loss)(parameters, x[index], y[index])
        t = t + 1
        m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, m, g)
        v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, v, g)
        root = jnp.sqrt(1 - BETA2**t)
        rate = task.rate * root / (1 - BETA1**t)

        def moved(p: Any, m: Any, v: Any) -> Any:
            return p - rate * m / (jnp.sqrt(v) + root * EPS)

        return jax.tree.map(moved, parameters, m, v), m, v, t

    step = jax.jit(sgd if task.optimizer == "SGD" else adam, donate_argnums=0)
    parameters = [jnp.array(p) for p in task.start()]
    state: Any = (parameters,)
    if task.optimizer == "Adam":
        m, v = ([jnp.zeros_like(p) for p in parameters] for _ in range(2))
        state = (parameters, m, v, jnp.float32(0))
    x, y, rng = jnp.array(task.x), jnp.array(task.y), shuffles()

    def epoch() -> None:
        nonlocal state
        for batch in task.batches(rng):
            state = step(state, x, y, batch)
        jax.block_until_ready(state)

    return epoch, lambda: [np.asarray(p) for p in state[0]]


class Value:
    """A number that remembers where it comes from: automatic differentiation scalar by scalar."""

    __slots__ = ("children", "data", "grad", "slopes")

    def __init__(
        self, data: float, children: tuple[Value, ...] = (), slopes: tuple[float, ...] = ()
    ) -> None:
        self.data, self.children, self.slopes, self.grad = data, children, slopes, 0.0

    def __add__(self, other: Value) -> Value:
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: Value) -> Value:
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def apply(self, data: float, slope: float) -> Value:
        """Return φ(self), given its value and φ'."""
        return Value(data, (self,), (slope,))

    def backward(self) -> None:
        """Fill ``grad`` of everything that this number comes from."""
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack += [(child, False) for child in node.children]
        self.grad = 1.0
        for node in reversed(order):
            for child, slope in zip(node.children, node.slopes, strict=True):
                child.grad += slope * node.grad


def scalars(widths: tuple[int, ...], seed: int = 0) -> float:
    """Train on one sample with a node for each number; return the seconds that takes."""
    rng = np.random.default_rng(seed)
    layers = [
        [[Value(w) for w in column] for column in rng.normal(0, 0.05, (n_out, n_in + 1)).tolist()]
        for n_in, n_out in pairwise(widths)
    ]
    x = rng.normal(size=widths[0]).tolist()
    start = time.perf_counter()
    a = [Value(value) for value in x]
    for layer in layers:
        z = []
        for *w, total in layer:
            for weight, value in zip(w, a, strict=True):
                total = total + weight * value
            z.append(total)
        a = [v.apply(max(v.data, 0.0), float(v.data > 0)) for v in z]
    exponentials = [v.apply(e := float(np.exp(v.data)), e) for v in z]
    total = exponentials[0]
    for value in exponentials[1:]:
        total = total + value
    loss = total.apply(float(np.log(total.data)), 1 / total.data) + z[0] * Value(-1.0)
    loss.backward()
    for layer in layers:
        for column in layer:
            for weight in column:
                weight.data -= 0.01 * weight.grad
                weight.grad = 0.0
    return time.perf_counter() - start


def contestants(options: Options) -> tuple[dict[str, Callable[[Task], Contestant]], dict[str, str]]:
    """Return the builders by name, and for those left out the reason."""
    builders: dict[str, Callable[[Task], Contestant]] = {
        BACKPROP: ours, LIMIT: products, "scikit-learn": scikit, "autograd": hips,
        "PyTorch": torch_eager, "torch.compile": torch_compiled, "JAX jit": jax_step,
    }  # fmt: skip
    modules = {"PyTorch": "torch", "torch.compile": "torch", "JAX jit": "jax"}
    absent = {name: why for name, module in modules.items() if (why := installed(module, options))}
    if options.quick and "torch.compile" not in absent:
        absent["torch.compile"] = "left out of the quick run"
    return {name: build for name, build in builders.items() if name not in absent}, absent


OTHERS = ("PyTorch", "torch.compile", "scikit-learn", "autograd", "JAX jit")


def check(task: Task, builders: dict[str, Callable[[Task], Contestant]]) -> dict[str, str]:
    """Compare the weights after three batches; return who could not run, and why.

    Later rounding errors have grown: Adam divides by what may be nearly 0.
    """
    n = 3 * task.batch
    short = replace(task, x=task.x[:n], y=task.y[:n])
    failures, weights = {}, {}
    for name, build in builders.items():
        try:
            epoch, parameters = build(short)
            epoch()
        except Exception as error:
            # A compiler may be missing: that is a result, too.
            first = (str(error).strip() or "no message").splitlines()[0]
            failures[name] = f"{type(error).__name__}: {first}"[:200]
            continue
        if parameters is not None:
            weights[name] = [np.array(p) for p in parameters()]
    for name, values in weights.items():
        for mine, theirs in zip(weights[BACKPROP], values, strict=True):
            difference = np.linalg.norm(mine - theirs) / max(np.linalg.norm(mine), 1e-3)
            if not difference < 1e-2:
                raise AssertionError(f"{name} trained to other weights: {difference:.2g} apart")
    return failures


def race(
    task: Task, builders: dict[str, Callable[[Task], Contestant]], rounds: int
) -> tuple[Times, dict[str, str]]:
    """Let all who pass the check take turns; return their times, and the failures."""
    failures = check(task, builders)
    runs = {name: build(task)[0] for name, build in builders.items() if name not in failures}
    return take_turns_until_steady(runs, rounds), failures


def tasks(
    options: Options, n: int, names: Sequence[str], batches: Sequence[int] = BATCHES
) -> Iterator[Task]:
    """Yield every net with every optimizer and batch size, on n samples; fewer in a quick run."""
    for widths in NETS[:1] if options.quick else NETS:
        rng = np.random.default_rng(0)
        x = rng.standard_normal((n, widths[0]), np.float32)
        y = rng.integers(0, widths[-1], n)
        for optimizer in names:
            for batch in batches[:2] if options.quick else batches:
                yield Task(widths, batch, optimizer, x, y, options.threads)


def described(task: Task, times: Times) -> dict[str, Any]:
    """Return what results.json holds of a row."""
    return {
        "net": task.net, "optimizer": task.optimizer, "batch": task.batch,
        "threads": task.threads, "seconds": kept(times),
    }  # fmt: skip


FEWER_CLASSES = "With two classes scikit-learn has one output and a logistic loss: less work."


def measure(options: Options) -> list[Table]:
    """Return the table of epochs, and that of the scalar design."""
    n = 600 if options.quick else 20_000
    rounds = 2 if options.quick else (5 if options.threads == 1 else 3)
    nets = NETS[:1] if options.quick else NETS
    builders, absent = contestants(options)
    rows, data, notes = [], [], [f"{name}: {why}." for name, why in absent.items()]
    for task in tasks(options, n, list(RATES)):
        times, failures = race(task, builders, rounds)
        notes += [f"{name}, {task.net}, {task.batch}: {why}" for name, why in failures.items()]
        rows.append([f"{task.net}, {task.optimizer}, {task.batch}", *compared(times, OTHERS)])
        data.append(described(task, times))
    notes.append(FEWER_CLASSES)
    threads = f"{options.threads} thread" + "s" * (options.threads != 1)
    text = (
        f"{n:,} samples, {rounds} rounds, twice as many where they scatter. Columns of libraries:"
        " backprop's time divided by theirs, median and quartiles of the rounds; below 1 backprop"
        " is faster. Last column: the time of the matrix products alone divided by backprop's."
    )
    header = ["net, optimizer, batch", "backprop [ms]", *OTHERS, "share of the limit"]
    tables = [Table(f"One epoch of training, {threads}", text, header, rows, data, notes)]
    if options.threads != 1:
        return tables
    return [*tables, _scalar_table(nets, data, n, 1 if options.quick else 3)]


def _scalar_table(
    nets: Sequence[tuple[int, ...]], data: Sequence[dict[str, Any]], n: int, samples: int
) -> Table:
    """Set the scalar design beside backprop's slowest row."""
    rows, kept_times = [], []
    for widths in nets:
        net = "-".join(map(str, widths))
        one = min(scalars(widths, seed) for seed in range(samples))
        slowest = max(
            float(np.median(row["seconds"][BACKPROP])) / n for row in data if row["net"] == net
        )
        rows.append([net, f"{one:.2f}", f"{one * n / 3600:.1f}", f"{one / slowest:,.0f}"])
        kept_times.append({"net": net, "seconds a sample": one, "times slower": one / slowest})
    return Table(
        "A node for every number",
        "The design of micrograd, in Python; the least of a few samples, each forward, backward and"
        " update. The epoch is extrapolated; the last column compares with backprop's slowest row.",
        ["net", "one sample [s]", f"{n:,} samples [h]", "times slower"],
        rows,
        kept_times,
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(__doc__, measure)
