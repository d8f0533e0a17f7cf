"""Serve MathJax from the site itself, so that its pages read offline and ask nobody else.

The Python package sphinx-mathjax-offline ships MathJax 3; only the one component that the book
uses and its fonts are copied, 2 MB instead of 24.
"""

from __future__ import annotations

import shutil
from importlib.metadata import files
from pathlib import Path

from sphinx.application import Sphinx


def copy_mathjax(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static" / "mathjax"
    for file in files("sphinx-mathjax-offline") or []:
        name = str(file)
        if name.endswith("/mathjax/tex-chtml.js") or name.endswith(".woff"):
            copy = target / name.split("/mathjax/", 1)[1]
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), copy)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
