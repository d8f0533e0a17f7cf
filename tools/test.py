"""Run everything and end in a readable summary."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter

PARTS = {
    "unit tests, gradient checks, the built site": ["tests", "-n", "2", "--dist", "loadgroup"],
    "every notebook re-run and compared": [
        "book", "-n", "2", "--dist", "loadfile", "--nbval", "--nbval-current-env",
        "--nbval-sanitize-with=tests/book/sanitize.cfg", "--nbval-cell-timeout=300",
    ],
}  # fmt: skip


def main() -> None:
    total: Counter[str] = Counter()
    rows = []
    failed = False
    for title, arguments in PARTS.items():
        print(f"== {title}", flush=True)
        environment = dict(os.environ)
        if "--nbval" in arguments:
            # The stored outputs are those of the embedded digits; a test runs them on MNIST.
            environment.pop("BACKPROP_MNIST_DIR", None)
        run = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            env=environment | {"BACKPROP_REQUIRE_SITE": "1"},
        )  # fmt: skip
        print(run.stdout, flush=True)
        closing = run.stdout.strip().splitlines()[-1] if run.stdout.strip() else ""
        counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|skipped)", closing)}
        errors = re.search(r"(\d+) errors?", closing)
        counts["failed"] = counts.get("failed", 0) + (int(errors[1]) if errors else 0)
        total.update(counts)
        failed |= run.returncode != 0
        verdict = "ok" if run.returncode == 0 else f"FAILED (pytest exit {run.returncode})"
        rows.append(f"{title:<40} {verdict:<24} {closing.strip('= ')}")
    print("\n".join(["== summary", *rows]))
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    sys.exit(failed)


if __name__ == "__main__":
    main()
