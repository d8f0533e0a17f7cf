"""Bring notebooks into the form that git keeps: executed, outputs as text, nothing else.

Without arguments every chapter is executed afresh; with paths only these are. ``--check`` executes
nothing and fails where a notebook is not in that form. Pictures are dropped from the stored
outputs: they would bloat the history, and the build draws them anew.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from addresses import repository
from nbclient import NotebookClient
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))
from streams import joined  # noqa: E402

SCRIPT = re.compile(r'<script type="module">\n(.*?)\n</script>', re.DOTALL)
STYLE = re.compile(r"<style>\n(.*?)\n</style>", re.DOTALL)
DRAWN = re.compile(r'<svg class="bp-drawn".*?</svg>', re.DOTALL)
PICTURES = ("image/png", "image/jpeg", "image/svg+xml", "application/pdf")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


INSTALL = """\
from importlib.util import find_spec

if find_spec("backprop") is None:  # as on Colab: install the release that was checked
    %pip install -q "{requirement}" -c {constraints}
elif find_spec("backprop.book") is None:
    raise ImportError(
        "another package called backprop is installed here, and this book's is backprop-book:"
        " run `pip uninstall backprop`, restart the kernel, and run this cell again"
    )"""


def version() -> str:
    """Return the version, which stands in the package alone."""
    source = (ROOT / "code/backprop/__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', source, re.MULTILINE)
    assert found, "code/backprop/__init__.py names no __version__"
    return found[1]


def requirement() -> tuple[str, str]:
    """Return what a reader's notebooks need installed, and the address of its constraints."""
    release = version()
    return f"backprop-book[book]=={release}", f"{repository()}/raw/v{release}/constraints.txt"


def install_cell() -> str:
    """Return the first cell of every notebook: it installs the package where it is missing."""
    needed, constraints = requirement()
    return INSTALL.format(requirement=needed, constraints=constraints)


def chapters() -> list[Path]:
    """Return the notebooks that the table of contents names, in its order."""
    paths = [ROOT / f"{name}.ipynb" for name in parse_toc_yaml(ROOT / "_toc.yml")]
    return [path for path in paths if path.exists()]


def normalized(notebook: Any) -> str:
    """Return the text of the notebook as git keeps it."""
    out = nbformat.from_dict(notebook)
    out.metadata = nbformat.from_dict(METADATA)
    out.nbformat, out.nbformat_minor = 4, 5
    first = next((cell for cell in out.cells if cell.cell_type == "code"), None)
    if first is not None and first.id == "install":
        first.source = install_cell()
    for cell in out.cells:
        cell.metadata.pop("execution", None)
        if "outputs" in cell:
            cell.outputs = joined(cell.outputs)
        for output in cell.get("outputs", []):
            for kind in PICTURES:
                output.get("data", {}).pop(kind, None)
            if "text/html" in output.get("data", {}):
                page = output.data["text/html"]
                output.data["text/html"] = DRAWN.sub('<svg class="bp-drawn"></svg>', page)
            output.pop("metadata", None)
            if output.output_type in ("display_data", "execute_result"):
                output.metadata = {}
    return nbformat.writes(out) + "\n"


@cache
def embedded(kind: str) -> list[str]:
    """Return the texts of the package's scripts or style sheets."""
    paths = (ROOT / "code/backprop/book").rglob(f"*.{kind}")
    return [path.read_text(encoding="utf-8").strip() for path in paths]


def stale(page: str) -> list[str]:
    """Say which embedded texts of an output's HTML the package no longer has."""
    styles = STYLE.findall(page)
    for sheet in embedded("css"):
        styles = [text.replace(sheet, "") for text in styles]
    scripts = [text for text in SCRIPT.findall(page) if text not in embedded("js")]
    return ["script" for _ in scripts] + ["style sheet" for text in styles if text.strip()]


def problems(path: Path) -> list[str]:
    """Say how the notebook differs from the form that git keeps."""
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, nbformat.NO_CONVERT)
    found = [] if text == normalized(notebook) else ["is not normalized"]
    counts = [c.execution_count for c in notebook.cells if c.cell_type == "code"]
    if counts != list(range(1, len(counts) + 1)):
        found.append(f"was not executed once from top to bottom: counts {counts}")
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                found.append(f"cell {cell.id} holds the error {output.ename}")
            old = stale(output.get("data", {}).get("text/html", ""))
            found += [f"cell {cell.id} holds a {what} as it was before" for what in old]
            if output.get("name") == "stderr":
                found.append(f"cell {cell.id} wrote to stderr: {output.text[:80]!r}")
    return found


def execute(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=place).execute()
    path.write_text(normalized(notebook), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--check", action="store_true", help="execute nothing, only look")
    arguments = parser.parse_args()
    paths = arguments.notebooks or chapters()
    if not arguments.check:
        # The stored outputs are those of the embedded digits, wherever this runs.
        os.environ.pop("BACKPROP_MNIST_DIR", None)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(execute, paths))
    faults = [f"{path}: {fault}" for path in paths for fault in problems(path)]
    if faults:
        heading = "run `make notebooks`; these are not as git keeps them:"
        raise SystemExit("\n".join([heading, *faults]))


if __name__ == "__main__":
    main()
