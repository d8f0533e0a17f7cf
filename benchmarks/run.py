"""Run all benchmarks and write ``results/results.json``, ``results.md`` and two plots.

Each one runs in a process of its own, with the number of threads fixed before anything is loaded.
The first table is that of the environment that a reader has, who has fixed nothing. Run:
``python benchmarks/run.py`` (about a quarter of an hour; ``--quick`` a minute, into
``results/quick``, which git ignores).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from _measure import (
    BACKPROP,
    LIMIT,
    ONE_THREAD,
    Table,
    environment,
    middle,
    ratios,
    thread_environment,
)

HERE = Path(__file__).parent
JOBS = (
    ("threads", None), ("mlp", 1), ("layers", 1), ("long_attention", 1), ("language_model", 1),
    ("variational", 1), ("equations", 1), ("gradient_cost", 1), ("scaling", 1),
    ("tape_overhead", 1), ("layers", 0),
)  # fmt: skip
"""Script and threads; 0 for all cores, None where the script starts processes of its own."""


def run(script: str, threads: int | None, flags: Sequence[str]) -> list[dict[str, Any]]:
    """Run one script and return its tables; what it prints is shown."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "tables.json"
        fixed = [] if threads is None else ["--threads", str(threads)]
        subprocess.run(
            [sys.executable, str(HERE / f"{script}.py"), *fixed, "--json", str(out), *flags],
            check=True,
        )
        tables: list[dict[str, Any]] = json.loads(out.read_text())
    return tables


def load() -> str:
    """Return how many programs wanted a core in the last quarter of an hour, where it is known."""
    return f"{os.getloadavg()[2]:.1f}" if hasattr(os, "getloadavg") else "not known"


def described(machine: dict[str, Any]) -> str:
    """Return the machine's description as markdown."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    lines = [
        f"CPU: {machine['cpu']}, {machine['cores']} cores",
        f"BLAS: {'; '.join(machine['blas'])}",
        f"OPENBLAS_CORETYPE: {machine['OPENBLAS_CORETYPE']}",
        f"Python {machine['python']}; {versions}",
        f"Date: {machine['date']}, at commit {machine['commit']}; {machine['minutes']} minutes",
        f"Programs that wanted a core, a mean of 15 minutes: {machine['load before']} before the"
        f" run, {machine['load after']} at its end, with itself",
    ]
    return "\n".join(f"- {line}" for line in lines)


def markdown(machine: dict[str, Any], tables: Sequence[dict[str, Any]]) -> str:
    """Return the whole report."""
    return "\n".join([
        "# Speed", "",
        "Written by `make bench`. The ratios hold for this machine, BLAS and its kernels; another",
        "CPU gives others. Each cell is the median over the rounds and, in parentheses, the",
        "quartiles.", "",
        described(machine), "",
        "![Epochs beside other libraries, and the share of the limit](plot.svg)", "",
        "![Time and memory of one step as width, depth and batch grow](scaling.svg)", "",
        *(Table(**table).markdown() for table in tables),
    ])  # fmt: skip


def draw(tables: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the first table: other libraries' times over backprop's, and the shares."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    from backprop.book.figures.plots import COLORS, MARKERS, use_style

    use_style()
    mpl.rcParams["figure.facecolor"] = "#f7f7f7"
    rows = [row for row in tables[0]["data"] if row["optimizer"] == "SGD"]
    nets = list(dict.fromkeys(row["net"] for row in rows))
    batches = sorted({row["batch"] for row in rows})
    names = [n for n in rows[0]["seconds"] if n not in (BACKPROP, LIMIT, ONE_THREAD)]
    fig, axes = plt.subplots(1, len(nets) + 1, figsize=(9.6, 4.2), squeeze=False)
    for ax, net in zip(axes[0], nets, strict=False):
        mine = {row["batch"]: row["seconds"] for row in rows if row["net"] == net}
        for k, name in enumerate(names):
            points = [middle(ratios(mine[b], name, BACKPROP)) for b in batches if name in mine[b]]
            ax.plot(
                range(len(points)), [p[0] for p in points], label=name,
                color=COLORS[k % len(COLORS)], marker=MARKERS[k % len(MARKERS)],
            )  # fmt: skip
        ax.axhline(1, color="0.4", linestyle=":", linewidth=1)
        ax.set_yscale("log")
        ax.set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
        ax.minorticks_off()
        ax.set_xticks(range(len(batches)), map(str, batches))
        ax.set(xlabel="batch", title=f"{net}, SGD")
    axes[0][0].set_ylabel("time / backprop's time")
    ax = axes[0][-1]
    for k, net in enumerate(nets):
        mine = [row["seconds"] for row in rows if row["net"] == net]
        shares = [100 * middle(ratios(times, LIMIT, BACKPROP))[0] for times in mine]
        ax.plot(range(len(shares)), shares, label=net, color=COLORS[k], marker=MARKERS[k])
    ax.set_xticks(range(len(batches)), map(str, batches))
    ax.set(xlabel="batch", ylabel="%", ylim=(0, 102), title="share of the limit")
    ax.legend(loc="lower right")
    handles, labels = axes[0][0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=len(names))
    fig.savefig(path, transparent=False, metadata={"Date": None})
    plt.close(fig)


def draw_scaling(tables: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw time and memory of one step against what grows, with the theory's slope beside them."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    from backprop.book.figures.plots import COLORS, MARKERS, use_style

    use_style()
    mpl.rcParams["figure.facecolor"] = "#f7f7f7"
    curves = next(t["data"] for t in tables if t["title"].startswith("Exponents"))
    fig, axes = plt.subplots(1, 2, figsize=(9.6, 4.2))
    for k, row in enumerate(curves):
        sizes = row["sizes"]
        grown = [size / sizes[0] for size in sizes]
        medians = [statistics.median(row["seconds"][str(size)]) for size in sizes]
        theory = 2 if row["varied"] == "width" else 1
        style = {"color": COLORS[k], "marker": MARKERS[k]}
        for ax, values, slope in zip(axes, (medians, row["bytes"]), (theory, 1), strict=True):
            # Apart by a factor, so that lines of one slope do not hide each other.
            start = 2.0**-k
            ax.plot(grown, [start * v / values[0] for v in values], label=row["varied"], **style)
            ax.plot(grown, [start * g**slope for g in grown], color="0.4", linestyle=":", lw=1)
    for ax, quantity in zip(axes, ("time", "peak memory"), strict=True):
        ax.set_xscale("log", base=2)
        ax.set_yscale("log", base=2)
        ax.set(xlabel="times as large", ylabel="relative (curves shifted)", title=quantity)
    axes[0].legend(title="dotted: theory")
    fig.savefig(path, transparent=False, metadata={"Date": None})
    plt.close(fig)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the jobs and write the three files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute, to see that all works")
    parser.add_argument("--light", action="store_true", help="without PyTorch and JAX")
    parser.add_argument("--out", type=Path, help="folder for the results")
    given = parser.parse_args(arguments)
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        # Only the description is made here; the scripts set their own.
        os.environ.update(thread_environment(1))
        os.environ.pop("BACKPROP_BENCHMARK_THREADS", None)
    out = given.out or HERE / "results" / ("quick" if given.quick else "")
    out.mkdir(parents=True, exist_ok=True)
    flags = [f"--{name}" for name in ("quick", "light") if getattr(given, name)]
    start, before = time.perf_counter(), load()
    jobs = [job for job in JOBS if job[1] != 0 or not given.quick]
    tables = [table for script, threads in jobs for table in run(script, threads, flags)]
    machine = environment() | {
        "minutes": round((time.perf_counter() - start) / 60, 1),
        "load before": before, "load after": load(),
    }  # fmt: skip
    (out / "results.json").write_text(
        json.dumps({"machine": machine, "tables": tables}, indent=1, ensure_ascii=False) + "\n"
    )
    (out / "results.md").write_text(markdown(machine, tables).rstrip() + "\n")
    draw(tables, out / "plot.svg")
    draw_scaling(tables, out / "scaling.svg")
    print(f"{out}: results.json, results.md, plot.svg, scaling.svg")


if __name__ == "__main__":
    main()
