"""Run everything, show it while it runs, and end in a readable summary."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import suites

TOOLS = Path(__file__).resolve().parent
PYTEST = ("-m", "pytest")
# The notebooks come first: what they show when they are compared is what the site is built from.
PARTS = {
    "every notebook re-run and compared": [*PYTEST, "book", *suites.COMPARED, "-p", "run_once"],
    "the site built": [str(TOOLS / "build.py")],
    "unit tests, gradient checks, the built site": [*PYTEST, *suites.TESTS],
}
# A count at the end of each line, and failures when they happen.
SHOWN = ["-o", "console_output_style=count", "-p", "instant_failures"]
NONE_CHOSEN = 5
"""pytest's exit status where nothing was collected."""


def run(arguments: Sequence[str], chosen: Sequence[str] = ()) -> tuple[int, Counter[str] | None]:
    """Run Python in front of the reader; return its exit status and pytest's counts."""
    tests = tuple(arguments[:2]) == PYTEST
    environment = os.environ | {"BACKPROP_REQUIRE_SITE": "1", "PYTHONUNBUFFERED": "1"}
    path = [str(TOOLS), environment.get("PYTHONPATH")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    if not tests or "--nbval" in arguments:
        # The stored outputs are those of the embedded digits; a test runs them on MNIST.
        environment.pop("BACKPROP_MNIST_DIR", None)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        shown = [*SHOWN, f"--junitxml={report}", *chosen] if tests else []
        done = subprocess.run([sys.executable, *arguments, *shown], check=False, env=environment)
        return done.returncode, counts(report) if tests else None


def counts(report: Path) -> Counter[str]:
    """Read how many tests passed, failed (errors are failures) and were skipped."""
    out: Counter[str] = Counter()
    if not report.exists():
        return out
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        failed = kinds & {"failure", "error"}
        out["failed" if failed else "skipped" if "skipped" in kinds else "passed"] += 1
    return out


def told(n: Mapping[str, int]) -> str:
    return ", ".join(f"{n.get(word, 0)} {word}" for word in ("passed", "failed", "skipped"))


def main(parts: Mapping[str, Sequence[str]] = PARTS, chosen: Sequence[str] = ()) -> int:
    """Run the parts and return the exit status: 0 only if each of them succeeded.

    ``chosen`` are further arguments of pytest, such as ``-k layers``, of which a part may know
    nothing.
    """
    total: Counter[str] = Counter()
    rows = []
    failed = False
    for number, (title, arguments) in enumerate(parts.items(), 1):
        print(f"== {number}/{len(parts)} {title}", flush=True)
        start = time.monotonic()
        status, found = run(arguments, chosen)
        broken = status != 0
        if found is not None:
            total.update(found)
            # A process that ends before it can report has failed, whatever status it leaves.
            broken = broken or not found.total() or found["failed"] > 0
            broken = broken and not (chosen and status == NONE_CHOSEN)
        failed |= broken
        verdict = "FAILED" if broken else "ok"
        counted = "" if found is None else f": {told(found)}"
        reason = f" (exit {status})" if broken else ""
        minutes, seconds = divmod(round(time.monotonic() - start), 60)
        rows.append(f"{verdict:<7} {title}{counted} in {minutes} min {seconds} s{reason}")
    print("\n".join(["", "== summary", *rows]))
    print(told(total), flush=True)
    return int(failed or (bool(chosen) and not total.total()))


if __name__ == "__main__":
    sys.exit(main(chosen=sys.argv[1:]))
