"""What every benchmark here shares: taking turns, medians, tables, and the machine's description.

A comparison is made of rounds. In each round every contestant runs once, the next round begins with
another one, and a ratio is taken within a round; so a moment in which the machine is slow hits all
of them. Reported are the median and the quartiles over the rounds.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Times = dict[str, list[float]]
"""Seconds by contestant, one entry a round."""

BACKPROP = "backprop"
LIMIT = "products alone"
ONE_THREAD = "one thread"
THREADS = "BACKPROP_BENCHMARK_THREADS"
POOLS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass
class Options:
    """What the command line says."""

    quick: bool = False
    light: bool = False
    threads: int | None = 1
    """None where each library decides for itself."""


@dataclass
class Table:
    """A question, its answer in rows, and the numbers behind these."""

    title: str
    text: str
    header: list[str]
    rows: list[list[str]]
    data: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        """Return title, text, table and notes."""
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        notes = "".join(f"- {note}\n" for note in self.notes)
        return f"### {self.title}\n\n{self.text}\n\n{table}\n\n{notes}"


def take_turns(runs: Mapping[str, Callable[[], object]], rounds: int, pause: float = 0.0) -> Times:
    """Run every contestant once a round, after a round that is not counted.

    Threads spin for a while after their work: a pause lets them fall asleep before the next one.
    """
    names = list(runs)
    times: Times = {name: [] for name in names}
    for number in range(-1, rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            time.sleep(pause)
            start = time.perf_counter()
            runs[name]()
            if number >= 0:
                times[name].append(time.perf_counter() - start)
    return times


def middle(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the median and the quartiles; for fewer than four values least and largest."""
    if len(values) < 4:
        return statistics.median(values), min(values), max(values)
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return median, low, high


def ratios(times: Times, one: str, other: str) -> list[float]:
    """Return one's time over the other's, in each round."""
    return [a / b for a, b in zip(times[one], times[other], strict=True)]


def take_turns_until_steady(
    runs: Mapping[str, Callable[[], object]], rounds: int, pause: float = 0.0
) -> Times:
    """As :func:`take_turns`, and as many rounds again where a ratio to backprop's time scatters.

    All rounds count; scattering is a distance of the quartiles above 15 % of the median.
    """
    times = take_turns(runs, rounds, pause)
    spreads = [
        (high - low) / median
        for name in runs
        for median, low, high in [middle(ratios(times, name, BACKPROP))]
    ]
    if max(spreads) > 0.15:
        for name, more in take_turns(runs, rounds, pause).items():
            times[name] += more
    return times


def show(values: Sequence[float], form: str = ".2f", scale: float = 1.0) -> str:
    """Write the median with the quartiles: ``0.45 (0.44-0.47)``."""
    median, low, high = (format(scale * value, form) for value in middle(values))
    return f"{median} ({low}–{high})"


def compared(times: Times, others: Sequence[str], unit: str = "ms") -> list[str]:
    """Return backprop's time, its ratio to each of the others, and its share of the limit."""
    cells = [show(times[BACKPROP], ".3g", {"s": 1, "ms": 1e3}[unit])]
    for other in others:
        found = ratios(times, BACKPROP, other) if other in times else []
        # Where a peer takes a hundred times as long, two places would be 0.
        form = ".2f" if not found or middle(found)[0] >= 0.1 else ".2g"
        cells.append(show(found, form) if found else "–")
    if LIMIT in times:
        cells.append(show(ratios(times, LIMIT, BACKPROP), ".0f", 100) + " %")
    return cells


def agree(what: str, mine: Any, theirs: Any, tolerance: float) -> None:
    """Raise where two arrays are further apart, by their norms, than the tolerance."""
    mine, theirs = np.asarray(mine), np.asarray(theirs)
    if mine.shape != theirs.shape:
        raise AssertionError(f"{what} has shape {theirs.shape}, and {mine.shape} in backprop")
    difference = np.linalg.norm(mine - theirs) / max(float(np.linalg.norm(mine)), 1e-30)
    if not difference < tolerance:
        raise AssertionError(f"{what} differs from backprop's by {difference:.2g}")


Numbers = Sequence[Any]
"""What a contestant returns to be compared: arrays, or what NumPy makes arrays of."""


@dataclass
class Piece:
    """A computation that several libraries do: what they return is compared, then they are timed.

    A peer's column may name its library first, as in "PyTorch, through the steps".
    """

    name: str
    ours: Callable[[], Numbers]
    peers: dict[str, Callable[[], Callable[[], Numbers]]]
    """By column, what makes a contestant: it alone imports the library."""
    tolerance: float
    expected: Callable[[list[np.ndarray]], Numbers] | None = None
    """What backprop returns given a peer's numbers, where a peer has drawn some of them."""

    def checked(self, absent: Mapping[str, str]) -> dict[str, Callable[[], Numbers]]:
        """Return who runs, after comparing each with backprop."""
        runs = {BACKPROP: self.ours}
        for name, make in self.peers.items():
            if name.split(",")[0] not in absent:
                runs[name] = make()
                theirs = [np.array(value) for value in runs[name]()]
                mine = self.expected(theirs) if self.expected else self.ours()
                for k, pair in enumerate(zip(mine, theirs, strict=True)):
                    agree(f"{self.name}: {name}'s result {k}", *pair, self.tolerance)
        return runs


def calls_in_a_turn(run: Callable[[], object]) -> int:
    """Return how many calls take some three milliseconds, at most 50: one alone is too short."""
    start = time.perf_counter()
    run()
    return min(50, max(1, round(0.003 / (time.perf_counter() - start))))


def several(run: Callable[[], object], calls: int) -> Callable[[], None]:
    """Return a function that calls ``run`` so many times."""

    def all_calls() -> None:
        for _ in range(calls):
            run()

    return all_calls


def pieces_table(
    title: str, text: str, pieces: Sequence[Piece], options: Options, rounds: int
) -> Table:
    """Let the peers of each piece take turns; a column for every peer, a dash where it is none."""
    libraries = {"PyTorch": "torch", "JAX jit": "jax"}
    absent = {name: why for name, of in libraries.items() if (why := installed(of, options))}
    if "PyTorch" not in absent and options.threads is not None:
        import torch

        torch.set_num_threads(options.threads)
    others = list(dict.fromkeys(name for piece in pieces for name in piece.peers))
    rows, data = [], []
    for piece in pieces:
        runs = piece.checked(absent)
        calls = {name: calls_in_a_turn(run) for name, run in runs.items()}
        repeated = {name: several(run, calls[name]) for name, run in runs.items()}
        times = {
            name: [t / calls[name] for t in values]
            for name, values in take_turns_until_steady(repeated, rounds).items()
        }
        rows.append([piece.name, *compared(times, others)])
        data.append({
            "piece": piece.name, "threads": options.threads, "calls in a turn": calls,
            "seconds": kept(times),
        })  # fmt: skip
    text += (
        f" {rounds} rounds, twice as many where they scatter; what is short is called several"
        " times in each. Columns after the first: backprop's"
        " time divided by theirs; below 1 backprop is faster."
        + (" Sizes are smaller than the names say: a quick run." if options.quick else "")
    )
    notes = [f"{name}: {why}." for name, why in absent.items()]
    return Table(title, text, ["piece", "backprop [ms]", *others], rows, data, notes)


def kept(times: Times) -> Times:
    """Return the times as JSON shall hold them, with five digits."""
    return {name: [float(f"{t:.5g}") for t in values] for name, values in times.items()}


def jax_in_double() -> tuple[Any, Any]:
    """Return JAX and its NumPy, set to float64."""
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax, jax.numpy


def installed(module: str, options: Options) -> str | None:
    """Return None if a heavy library is to be measured, else why it is not."""
    if options.light:
        return "left out on request"
    try:
        importlib.import_module(module)
    except ImportError:
        return "not installed (make peers)"
    return None


def environment() -> dict[str, Any]:
    """Describe the machine and the libraries, above all the BLAS: ratios depend on them."""
    import scipy.linalg  # noqa: F401  so that its BLAS is loaded and seen
    from threadpoolctl import threadpool_info

    blas = [
        f"{Path(pool['filepath']).parent.name}: {pool['internal_api']} {pool['version']},"
        f" {pool.get('architecture', '?')} kernels"
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    ]
    versions = {}
    for name in ("numpy", "scipy", "torch", "jax", "scikit-learn", "autograd"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": _output("git", "rev-parse", "--short", "HEAD"),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "blas": blas,
        "OPENBLAS_CORETYPE": os.environ.get("OPENBLAS_CORETYPE", "not set"),
        "float": str(np.dtype(np.float32)),
        "versions": versions,
    }


def _cpu() -> str:
    for line in _output("lscpu").splitlines():
        if line.startswith("Model name:"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _output(*command: str) -> str:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def thread_environment(threads: int) -> dict[str, str]:
    """Return the environment that gives every library the same number of threads."""
    changed = {name: str(threads) for name in POOLS}
    if threads == 1:
        flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        changed["XLA_FLAGS"] = flags
    return {
        **os.environ, **changed, THREADS: str(threads),
        # A pool that spins while it waits would take the core from the next contestant.
        "OMP_WAIT_POLICY": "PASSIVE", "JAX_PLATFORMS": "cpu",
    }  # fmt: skip


def default_environment() -> dict[str, str]:
    """Return the environment of a reader, who has set nothing: each library has its own default."""
    ours = {*POOLS, THREADS, "XLA_FLAGS", "OMP_WAIT_POLICY"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, "JAX_PLATFORMS": "cpu"}


def main(
    doc: str | None, measure: Callable[[Options], list[Table]], threads: int | None = 1
) -> None:
    """Parse the command line, fix the number of threads, measure, print; ``--json`` for run.py.

    Without a number by default, the script decides on each contestant's environment by itself.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes and few rounds")
    parser.add_argument("--light", action="store_true", help="without PyTorch and JAX")
    if threads is not None:
        parser.add_argument("--threads", type=int, default=threads, help="0 for all cores")
    parser.add_argument("--json", type=Path, help="write the tables there as well")
    given = parser.parse_args()
    if threads is not None:
        threads = given.threads or os.cpu_count() or 1
    if threads is not None and os.environ.get(THREADS) != str(threads):
        # Libraries read these variables when they are loaded: begin again with them set.
        os.execve(sys.executable, [sys.executable, *sys.argv], thread_environment(threads))
    if threads == 1 and hasattr(os, "sched_setaffinity"):
        # Whatever a library's settings leave out: one thread at a time, on one core.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    tables = measure(Options(given.quick, given.light, threads))
    for table in tables:
        print(table.markdown(), flush=True)
    if given.json:
        given.json.write_text(json.dumps([asdict(table) for table in tables]))
