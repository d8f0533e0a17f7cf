"""Put a cell's figure into the page itself, where it takes the page's colours, light or dark.

The build's kernels draw figures as SVG (``use_style`` in ``backprop.book.figures.plots``), and
MyST-NB links to them as images, which know nothing of the page's style. Here the link becomes the
drawing, with the alternative text as its name. Where a figure has too many marks for that, or the
page is no HTML, the image stays.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

MARK = '<svg class="bp-drawn" role="img" aria-label=""'


def inline_figures(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    if app.builder.format != "html":
        return
    for image in list(doctree.findall(nodes.image)):
        path = Path(app.srcdir, image["uri"])
        if path.suffix != ".svg" or not path.is_file():
            continue
        drawing = path.read_text(encoding="utf-8")
        if not drawing.startswith(MARK):
            continue
        name = escape(image.get("alt", ""))
        drawing = drawing.replace('aria-label=""', f'aria-label="{name}"', 1)
        drawing = drawing.replace("<title></title>", f"<title>{name}</title>", 1)
        image.replace_self(nodes.raw("", drawing, format="html"))


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-resolved", inline_figures)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
