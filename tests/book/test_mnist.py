"""Where MNIST is at hand, every assertion of the chapters that can use it holds on it too."""

import os

import nbformat
import pytest
from nbclient import NotebookClient
from test_anatomy import NOTEBOOKS

READERS = [p for p in NOTEBOOKS if "BACKPROP_MNIST_DIR" in p.read_text(encoding="utf-8")]


def test_a_chapter_reads_mnist():
    assert READERS


@pytest.mark.skipif(
    not os.environ.get("BACKPROP_MNIST_DIR"),
    reason="BACKPROP_MNIST_DIR names no folder with MNIST's files",
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("path", READERS, ids=lambda p: p.stem)
def test_chapter_holds_on_mnist(path):
    notebook = nbformat.read(path, as_version=4)
    stored = printed(notebook)
    place = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=place).execute()
    # The stored outputs are those of the embedded digits: the same ones would mean the same data.
    assert printed(notebook) != stored


def printed(notebook):
    return "".join(o.get("text", "") for c in notebook.cells for o in c.get("outputs", []))
