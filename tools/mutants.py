"""Plant mistakes one by one, and see whether the tests of the module notice.

``tests/mutants/*.toml`` describe them: a file, the words that stand there once, the words of
somebody who made a usual mistake, and the tests that ought to fail. Each runs in a copy of the
project, without the heavy peers, so that what catches it is what a reader's ``make test`` has.
What happened is written to ``tests/mutants/results.json``, which a page of the book shows.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MUTANTS = ROOT / "tests" / "mutants"
RESULTS = MUTANTS / "results.json"
SECONDS = 300


@dataclass(frozen=True)
class Mutant:
    """One planted mistake.

    Attributes
    ----------
    name : str
        Unique; the file's stem and a word or two.
    file : str
        Path below the project.
    old, new : str
        ``old`` stands once in the file.
    tests : list of str
        What pytest is to run.
    what : str
        The mistake in a reader's words.
    equivalent : str
        Why no test can notice it, if none can.
    """

    name: str
    file: str
    old: str
    new: str
    tests: list[str]
    what: str
    equivalent: str = ""

    def applied(self, root: Path) -> str:
        """Return the file's text with the mistake; ``ValueError`` where it cannot be planted."""
        text = (root / self.file).read_text(encoding="utf-8")
        if text.count(self.old) != 1 or self.old == self.new:
            raise ValueError(
                f"{self.name}: its words stand {text.count(self.old)} times in {self.file},"
                " expected once, and others in their place"
            )
        return text.replace(self.old, self.new)


@dataclass
class Outcome:
    """What the tests said: the tests that failed, or nothing where the mistake survived."""

    name: str
    module: str
    what: str
    caught: bool
    failed: list[str] = field(default_factory=list)
    equivalent: str = ""


def mutants(folder: Path = MUTANTS) -> list[Mutant]:
    """Return all that are described, sorted by name."""
    found = []
    for path in sorted(folder.glob("*.toml")):
        described = tomllib.loads(path.read_text(encoding="utf-8"))
        shared = {k: v for k, v in described.items() if k != "mutant"}
        for entry in described["mutant"]:
            name = f"{path.stem}: {entry.pop('name')}"
            found.append(Mutant(name=name, **(shared | entry)))
    names = [mutant.name for mutant in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two mutants have the same name: {sorted(twice)}")
    return found


def copied(target: Path) -> Path:
    """Copy what git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    return target


def tried(mutant: Mutant, root: Path, seconds: float = SECONDS) -> Outcome:
    """Plant the mistake in the copy at ``root``, run its tests, and take it out again."""
    path = root / mutant.file
    before = path.read_text(encoding="utf-8")
    environment = os.environ | {
        "PYTHONPATH": str(root / "code"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "BACKPROP_WITHOUT_PEERS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    environment.pop("BACKPROP_REQUIRE_PEERS", None)
    path.write_text(mutant.applied(root), encoding="utf-8")
    try:
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider",
             "--maxfail=5", "--tb=no", "-rfE", *mutant.tests],
            cwd=root, capture_output=True, text=True, check=False, timeout=seconds,
            env=environment, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        output, code = run.stdout, run.returncode
    except subprocess.TimeoutExpired:
        output, code = "FAILED (the tests did not end)\n", 1
    finally:
        path.write_text(before, encoding="utf-8")
    if code not in (0, 1, 2, 3):
        raise RuntimeError(f"{mutant.name}: pytest ended with {code}:\n{output[-2000:]}")
    failed = re.findall(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", output, re.MULTILINE)
    module = mutant.file.removeprefix("code/backprop/")
    return Outcome(mutant.name, module, mutant.what, code != 0, failed, mutant.equivalent)


def run(chosen: list[Mutant], workers: int) -> Iterator[Outcome]:
    """Yield an outcome for each mutant, in their order."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        roots: SimpleQueue[Path] = SimpleQueue()
        for number in range(workers):
            roots.put(copied(Path(scratch) / str(number)))

        def one(mutant: Mutant) -> Outcome:
            root = roots.get()
            try:
                return tried(mutant, root)
            finally:
                roots.put(root)

        with ThreadPoolExecutor(workers) as pool:
            yield from pool.map(one, chosen)


def unharmed(chosen: list[Mutant]) -> None:
    """Stop where the tests fail without a mutant: then they would "catch" everything."""
    tests = sorted({test for mutant in chosen for test in mutant.tests})
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blank = Mutant("none", "README.md", text, text + "\n", tests, "a blank line in the README")
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        # All tests in one run.
        outcome = tried(blank, copied(Path(scratch) / "0"), 12 * SECONDS)
    if outcome.caught:
        raise SystemExit(f"these tests fail without any mutant: {outcome.failed}")


def keep(outcomes: list[Outcome], before: list[dict[str, Any]]) -> None:
    """Store the outcomes, and what was found ``before`` of the mutants that did not run now."""
    known = {old["name"]: old for old in before} | {o.name: asdict(o) for o in outcomes}
    order = [m.name for m in mutants()] or list(known)
    found = [known[name] for name in order if name in known]
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "words",
        nargs="*",
        help="only mutants whose name holds one of these; the others' results are kept",
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    chosen = [
        m for m in mutants() if not arguments.words or any(w in m.name for w in arguments.words)
    ]
    unharmed(chosen)
    outcomes = []
    for outcome in run(chosen, arguments.workers):
        outcomes.append(outcome)
        verdict = "caught" if outcome.caught else "equivalent" if outcome.equivalent else "SURVIVED"
        print(f"{verdict:<10} {outcome.name}: {outcome.what}", flush=True)
    counted = [o for o in outcomes if not o.equivalent]
    caught = sum(o.caught for o in counted)
    print(f"{caught} of {len(counted)} caught ({caught / max(1, len(counted)):.1%})")
    if not arguments.words:
        keep(outcomes, [])
    elif RESULTS.exists():
        keep(outcomes, json.loads(RESULTS.read_text(encoding="utf-8")))
    sys.exit(caught < 0.97 * len(counted))


if __name__ == "__main__":
    main()
