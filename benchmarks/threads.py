"""Training as a reader runs it, who has set no number of threads: idle, and with one core busy.

Every contestant lives in a process of its own and waits there for its turn, so that the variables
that fix the threads hold for it alone: backprop, backprop with one thread, the other libraries with
what they decide by themselves. Networks, checks and contestants are those of ``mlp.py``. The last
table shows from which size on a product is faster with all threads, which
``backprop.threads.ENOUGH`` must agree with. Run: ``python benchmarks/threads.py``.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import mlp
import numpy as np
from _measure import (
    BACKPROP,
    ONE_THREAD,
    Options,
    Table,
    Times,
    compared,
    default_environment,
    main,
    ratios,
    show,
    take_turns,
    take_turns_until_steady,
    thread_environment,
)  # fmt: skip

from backprop.threads import ENOUGH, numpy_pool

ALL = "all threads"
RULES = (
    "SGD", "Momentum", "Nesterov", "AdaGrad", "RMSProp", "Adam", "AdamW", "Lion",
    "clipped SGD", "clipped Adam",
)  # fmt: skip
SAMPLES = 8_192
ROUNDS = (5, 3)
"""Idle, and with a core busy, where some take a hundred times as long."""
PAUSE = 0.05
"""Seconds between two turns: OpenBLAS' threads spin for some 20 ms after a product."""


class Worker:
    """A process with an environment of its own that calls this module's functions when asked."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        before = dict(os.environ)
        try:
            # The process inherits what stands here when it starts.
            os.environ.clear()
            os.environ.update(environment)
            self._process.start()
        finally:
            os.environ.clear()
            os.environ.update(before)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what the function returns there."""
        self._pipe.send((function.__name__, arguments))
        failed, answer = self._pipe.recv()
        if failed:
            raise AssertionError(answer)
        return answer

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join()


def _serve(pipe: Any) -> None:
    warnings.simplefilter("ignore")
    while True:
        try:
            name, arguments = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send((False, globals()[name](*arguments)))
        except Exception as error:
            pipe.send((True, f"{type(error).__name__}: {error}"))


# --- called in a worker -----------------------------------------------------------------------

_epoch: Callable[[], object]


def variable(name: str) -> str | None:
    """Return an environment variable's value."""
    return os.environ.get(name)


def prepare(contestant: str, task: mlp.Task, checked: bool) -> str:
    """Build a contestant; return why it cannot run, or nothing."""
    global _epoch
    build = BUILDERS[contestant]
    if checked and (failures := mlp.check(task, {BACKPROP: mlp.ours, contestant: build})):
        return failures[contestant]
    _epoch = build(task)[0]
    return ""


def epoch() -> None:
    """Train for one epoch."""
    _epoch()


def products(
    shapes: Sequence[tuple[int, int, int]], rounds: int, multiplications: int
) -> list[Times]:
    """Time x W and xᵀ dz, x (batch, n_in), W (n_in, n_out), with one thread and with all.

    They are repeated until there are about so many multiplications of each kind.
    """
    rng, pool = np.random.default_rng(0), numpy_pool()
    all_threads = max((library.num_threads for library in pool.libraries), default=1)
    found = []
    for batch, n_in, n_out in shapes:
        x, W, dz = (
            rng.random(shape, np.float32)
            for shape in ((batch, n_in), (n_in, n_out), (batch, n_out))
        )
        z, dW = np.empty_like(dz), np.empty_like(W)
        count = max(2, multiplications // (batch * n_in * n_out))

        def both(threads, x=x, W=W, dz=dz, z=z, dW=dW, count=count):
            with pool.at_most(threads):
                for _ in range(count):
                    np.matmul(x, W, out=z)
                    np.matmul(x.T, dz, out=dW)

        runs = {ONE_THREAD: partial(both, 1), ALL: partial(both, all_threads)}
        times = take_turns(runs, rounds, PAUSE)
        # Of one product.
        found.append({name: [t / count / 2 for t in values] for name, values in times.items()})
    return found


BUILDERS: dict[str, Callable[[mlp.Task], mlp.Contestant]] = {
    **mlp.contestants(Options())[0],
    ONE_THREAD: mlp.ours,
}


# --- called here ------------------------------------------------------------------------------


@contextmanager
def busy_core() -> Iterator[subprocess.Popen[bytes]]:
    """Keep one core busy with another program."""
    other = subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"])
    try:
        # Until it runs.
        time.sleep(0.2)
        yield other
    finally:
        other.kill()
        other.wait()


def rounds(options: Options) -> tuple[int, int]:
    """Return how many there are idle, and with a core busy."""
    return (2, 2) if options.quick else ROUNDS


def race(
    task: mlp.Task, workers: Mapping[str, Worker], options: Options, *, checked: bool
) -> tuple[dict[bool, Times], dict[str, str]]:
    """Let all who can run take turns, idle and then with a core busy; return times and failures."""
    answers = {name: worker.call(prepare, name, task, checked) for name, worker in workers.items()}
    failures = {name: why for name, why in answers.items() if why}

    def turn(worker: Worker) -> Callable[[], object]:
        return lambda: worker.call(epoch)

    runs = {name: turn(worker) for name, worker in workers.items() if name not in failures}
    idle, busy = rounds(options)
    turns = take_turns if options.quick else take_turns_until_steady
    times = {False: turns(runs, idle, PAUSE)}
    with busy_core():
        times[True] = take_turns(runs, busy, PAUSE)
    return times, failures


def epochs(
    options: Options, workers: Mapping[str, Worker], absent: Mapping[str, str]
) -> list[Table]:
    """Return the tables of all nets, batches and libraries, idle and with a core busy."""
    n = 300 if options.quick else SAMPLES
    notes = [f"{name}: {why}." for name, why in absent.items()]
    text = (
        f"No number of threads is set anywhere; {n:,} samples, {{}}. Columns: backprop's time"
        " divided by its own with one thread, and by that of other libraries, which decide"
        " themselves how many threads they use; below 1 backprop is faster. Last column: the time"
        " of the matrix products alone divided by backprop's."
    )
    idle, busy = rounds(options)
    header = [
        "net, optimizer, batch", "backprop [ms]", ONE_THREAD, *mlp.OTHERS, "share of the limit",
    ]  # fmt: skip
    title = "One epoch of training in the default environment, "
    tables = {
        False: Table(
            title + "idle",
            text.format(f"{idle} rounds, twice as many where they scatter"),
            header,
            [],
            [],
            notes,
        ),
        True: Table(title + "one core busy", text.format(f"{busy} rounds"), header, [], [], notes),
    }
    for task in mlp.tasks(options, n, list(mlp.RATES)):
        # Each net and optimizer once: torch.compile takes its time.
        checked = task.batch == mlp.BATCHES[0]
        found, failures = race(task, workers, options, checked=checked)
        notes += [f"{name}, {task.net}, {task.batch}: {why}" for name, why in failures.items()]
        label = f"{task.net}, {task.optimizer}, {task.batch}"
        for state, times in found.items():
            tables[state].rows.append([label, *compared(times, (ONE_THREAD, *mlp.OTHERS))])
            tables[state].data.append(mlp.described(task, times) | {"busy": state})
    notes.append(mlp.FEWER_CLASSES)
    return list(tables.values())


def rules(options: Options, workers: Mapping[str, Worker]) -> Table:
    """Return the table of all optimizers and of clipping, idle and busy, against one thread."""
    n = 300 if options.quick else SAMPLES // 2
    idle, busy = rounds(options)
    names = RULES[::4] if options.quick else RULES
    pair = {name: workers[name] for name in (BACKPROP, ONE_THREAD)}
    rows, data = [], []
    for task in mlp.tasks(options, n, names, (32,) if options.quick else (32, 512)):
        found, _ = race(task, pair, options, checked=False)
        cells = [f"{task.net}, {task.optimizer}, {task.batch}"]
        for state, times in found.items():
            cells += [show(times[BACKPROP], ".3g", 1e3), show(ratios(times, BACKPROP, ONE_THREAD))]
            data.append(mlp.described(task, times) | {"busy": state})
        rows.append(cells)
    text = (
        f"{n:,} samples; {idle} rounds, twice as many where they scatter, {busy} with a core busy:"
        " backprop's time in the default environment, and its ratio to the time with"
        " one thread. Clipped: ``clip_norm`` before each update."
    )
    header = [
        "net, optimizer, batch", "idle [ms]", "to one thread", "one core busy [ms]",
        "to one thread",
    ]  # fmt: skip
    return Table("All optimizers in the default environment", text, header, rows, data)


def sizes(options: Options, worker: Worker) -> Table:
    """Return the table of products of growing size with one thread and with all."""
    nets = ((784, 100), (784, 256), (256, 128))
    batches = (32,) if options.quick else (16, 32, 64, 128, 256, 512, 1024)
    shapes = [(batch, *net) for batch in batches for net in nets]
    number = 2 if options.quick else 9
    arguments = (shapes, number, 10**7 if options.quick else 10**9)
    found = {False: worker.call(products, *arguments)}
    with busy_core():
        found[True] = worker.call(products, *arguments)
    rows, data = [], []
    limit = 2 * ENOUGH / 1e6
    order = sorted(range(len(shapes)), key=lambda i: np.prod(shapes[i]))
    for i in order:
        millions = float(np.prod(shapes[i])) / 1e6
        cells = [show(ratios(found[busy][i], ALL, ONE_THREAD)) for busy in found]
        alone = show(found[False][i][ONE_THREAD], ".0f", 1e6)
        rows.append(["×".join(map(str, shapes[i])), f"{millions:.1f}", alone, *cells])
        data.append({
            "shape": shapes[i], "idle": found[False][i], "busy": found[True][i],
        })  # fmt: skip
    text = (
        f"x W and xᵀ dz, float32, x batch × inputs, W inputs × outputs; {number} rounds. Time of"
        " NumPy's products with all threads divided by that with one. Training uses a second thread"
        f" from {limit:.0f} million multiplications on."
    )
    header = ["shape", "million multiplications each", "one thread [µs]", "idle", "one core busy"]
    return Table("Where a second thread begins to pay", text, header, rows, data)


def measure(options: Options) -> list[Table]:
    """Return the tables, that of the idle machine first."""
    options = replace(options, threads=None)
    builders, absent = mlp.contestants(options)
    with ExitStack() as stack:
        workers = {}
        for name in [*builders, ONE_THREAD]:
            one = name == ONE_THREAD
            workers[name] = Worker(thread_environment(1) if one else default_environment())
            stack.callback(workers[name].close)
        return [
            *epochs(options, workers, absent),
            rules(options, workers),
            sizes(options, workers[BACKPROP]),
        ]


if __name__ == "__main__":
    main(__doc__, measure, threads=None)
