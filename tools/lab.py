"""Put the reader's notebooks into a folder of the reader's own, and open them in JupyterLab.

A file that the reader has changed is never written over: the new one is put beside it, as
``name.new.ipynb``, and that is said. What was changed is told by a manifest of hashes, which lies
in the folder; a notebook that was only run again counts as changed as well, since its outputs may
be what the reader wants to keep.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import nbformat
from nbformat.sign import NotebookNotary

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "_build" / "notebooks"
MANIFEST = ".written.json"
LANDING = "book/index.ipynb"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Report:
    """What was done with each notebook, by its path in the folder."""

    written: list[str] = field(default_factory=list)
    """New, or brought up to date where the reader had changed nothing."""
    beside: dict[str, str] = field(default_factory=dict)
    """Kept as the reader has them, with the names of the new ones."""
    kept: list[str] = field(default_factory=list)
    """Changed by the reader, with nothing newer to offer."""


def read_manifest(folder: Path) -> dict[str, str]:
    path = folder / MANIFEST
    if not path.exists():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds a {type(found).__name__}, expected an object")
    return {str(name): str(value) for name, value in found.items()}


def names(name: str) -> Iterator[str]:
    """Yield the names that a notebook may have: its own, then those beside it."""
    yield name
    stem, suffix = name.removesuffix(".ipynb"), ".ipynb"
    yield f"{stem}.new{suffix}"
    for k in count(2):
        yield f"{stem}.new-{k}{suffix}"


def copy(source: Path, folder: Path) -> Report:
    """Copy the notebooks below ``source`` into ``folder``; what the reader has changed stays.

    The manifest holds, for each file that this function wrote, the hash of what it wrote.
    """
    report = Report()
    manifest = read_manifest(folder)
    for path in sorted(source.rglob("*.ipynb")):
        own, content = path.relative_to(source).as_posix(), path.read_bytes()
        new = digest(content)
        for name in names(own):
            target = folder / name
            present = digest(target.read_bytes()) if target.exists() else None
            if present in (None, new, manifest.get(name)):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
                manifest[name] = new
                if name == own:
                    report.written.append(name)
                else:
                    report.beside[own] = name
                break
            if manifest.get(name) == new:
                # Made from this very version: there is nothing newer to offer.
                report.kept.append(name)
                break
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(manifest, indent=1, sort_keys=True)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return report


def trust(folder: Path, report: Report) -> None:
    """Sign what was written here: Jupyter strips drawings and scripts from what others wrote."""
    notary = NotebookNotary()
    with closing(notary.store):  # a database, which would stay open
        for name in (*report.written, *report.beside.values()):
            notary.sign(nbformat.read(folder / name, 4))


def said(report: Report, folder: Path) -> str:
    """Return what to tell the reader."""
    lines = [f"{len(report.written)} notebooks are in {folder}."]
    if report.kept:
        lines.append("Kept as you changed them: " + ", ".join(report.kept) + ".")
    for own, name in report.beside.items():
        lines.append(f"You have changed {own}, so it is kept; the new one is {name}.")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "my-notebooks")
    parser.add_argument("--no-open", action="store_true", help="only write the notebooks")
    arguments = parser.parse_args()
    if not (NOTEBOOKS / LANDING).exists():
        raise SystemExit(f"there is nothing in {NOTEBOOKS}: run `make book` first")
    folder = arguments.folder.resolve()
    report = copy(NOTEBOOKS, folder)
    trust(folder, report)
    print(said(report, folder))
    if not arguments.no_open:
        command = [sys.executable, "-m", "jupyterlab", LANDING]
        raise SystemExit(subprocess.run(command, cwd=folder, check=False).returncode)


if __name__ == "__main__":
    main()
