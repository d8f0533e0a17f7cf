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

PARTS = {
    "unit tests, gradient checks, the built site": ["tests", "-n", "2", "--dist", "loadgroup"],
    "every notebook re-run and compared": [
        "book", "-n", "2", "--dist", "loadfile", "--nbval", "--nbval-current-env",
        "--nbval-sanitize-with=tests/book/sanitize.cfg", "--nbval-cell-timeout=300",
    ],
}  # fmt: skip
# A count at the end of each line, and failures when they happen.
SHOWN = ["-o", "console_output_style=count", "-p", "instant_failures"]


def run(arguments: Sequence[str]) -> tuple[int, Counter[str]]:
    """Run pytest in front of the reader; return its exit status and how many tests did what."""
    environment = os.environ | {"BACKPROP_REQUIRE_SITE": "1", "PYTHONUNBUFFERED": "1"}
    path = [str(Path(__file__).resolve().parent), environment.get("PYTHONPATH")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    if "--nbval" in arguments:
        # The stored outputs are those of the embedded digits; a test runs them on MNIST.
        environment.pop("BACKPROP_MNIST_DIR", None)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *SHOWN, f"--junitxml={report}", *arguments],
            check=False,
            env=environment,
        )
        return done.returncode, counts(report)


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


def main(parts: Mapping[str, Sequence[str]] = PARTS) -> int:
    """Run the parts and return the exit status: 0 only if each of them succeeded."""
    total: Counter[str] = Counter()
    rows = []
    failed = False
    for number, (title, arguments) in enumerate(parts.items(), 1):
        print(f"== {number}/{len(parts)} {title}", flush=True)
        start = time.monotonic()
        status, found = run(arguments)
        total.update(found)
        # A process that ends before it can report has failed, whatever status it leaves.
        broken = status != 0 or not found.total() or found["failed"] > 0
        failed |= broken
        verdict = "FAILED" if broken else "ok"
        reason = f" (pytest exit {status})" if broken else ""
        minutes, seconds = divmod(round(time.monotonic() - start), 60)
        rows.append(f"{verdict:<7} {title}: {told(found)} in {minutes} min {seconds} s{reason}")
    print("\n".join(["", "== summary", *rows]))
    print(told(total), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
