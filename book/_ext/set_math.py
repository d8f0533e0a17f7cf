"""Set the formulas while the book is built, so that a page needs no script to show them.

KaTeX, in ``book/_static/vendor/katex``, runs in an embedded V8. What it writes has two halves: HTML
for the eye, and MathML, with the source as an annotation, for a screen reader and for copying.
The page's script ``formulas.js`` copies the source and enlarges a displayed formula. What KaTeX
cannot set is a warning, and so fails the build.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from py_mini_racer import JSEvalException, MiniRacer
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

# KaTeX applies a function even as an index, in \lambda_{\max}: that child is one too many.
NAMED = re.compile("<mo>\u2061</mo>(?=(?:<m[a-z]+>[^<]*</m[a-z]+>)?</msu(?:b|p|bsup)>)")
# An empty attribute, where a matrix has one column, which Firefox reports as an error.
EMPTY = ' columnspacing=""'
# What may not begin a line, and what may not end one.
CLOSING, OPENING = re.compile(r"[.,;:!?)\]’”…]+"), re.compile(r"[(\[‘“]+$")
LOGGER = logging.getLogger(__name__)
SCRIPT = Path(__file__).parents[1] / "_static/vendor/katex/katex.min.js"
STYLE = "vendor/katex/katex.min.css"
FORMULAS = "formulas.js"


@cache
def engine() -> MiniRacer:
    """Return the engine, with KaTeX in it."""
    racer = MiniRacer()
    racer.eval(SCRIPT.read_text(encoding="utf-8"))
    return racer


@cache
def html(latex: str, display: bool) -> str:
    """Return a formula as KaTeX sets it.

    Raises
    ------
    ValueError
        If KaTeX cannot read it; what KaTeX says.
    """
    # A letter outside mathematics, as in \text{…é}, is set like another.
    options = {"displayMode": display, "strict": "ignore"}
    try:
        made = str(engine().call("katex.renderToString", latex, options))
    except JSEvalException as error:
        raise ValueError(str(error).partition("ParseError: ")[2].partition("\n")[0]) from error
    return NAMED.sub("", made).replace(EMPTY, "")


def lines(latex: str) -> str:
    r"""Return a display as Sphinx has it: ``\\`` breaks a line, and so does an empty one."""
    parts = [part for part in latex.split("\n\n") if part.strip()]
    parts = [rf"\begin{{split}}{part}\end{{split}}" if r"\\" in part else part for part in parts]
    if len(parts) == 1:
        return parts[0]
    return r"\begin{aligned}" + r"\\".join(parts) + r"\end{aligned}"


def set_or_warn(node: nodes.Node, latex: str, display: bool) -> str:
    """Return the formula set, or as it is written, with a warning."""
    try:
        return html(latex, display)
    except ValueError as error:
        LOGGER.warning("%s", error, location=node)
        return f"<code>{escape(latex)}</code>"


def close_up(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Keep the punctuation at a formula on its line; the formula itself may break as before."""
    for node in list(doctree.findall(nodes.math)):
        parent, place = node.parent, node.parent.index(node)
        before = parent[place - 1] if place else None
        after = parent[place + 1] if place + 1 < len(parent) else None
        opening = OPENING.search(before) if isinstance(before, nodes.Text) else None
        closing = CLOSING.match(after) if isinstance(after, nodes.Text) else None
        if not opening and not closing:
            continue
        held = nodes.inline("", "", classes=["held"])
        # By place: two equal texts are one to docutils' own replace.
        parent[place] = held
        if opening:
            held += nodes.Text(opening[0])
            parent[place - 1] = nodes.Text(before[: opening.start()])
        held += node
        if closing:
            held += nodes.Text(closing[0])
            parent[place + 1] = nodes.Text(after[closing.end() :])


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    self.body.append(set_or_warn(node, node.astext(), False) + "</span>")
    raise nodes.SkipNode


def visit_displaymath(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node.get("number"):
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    latex = node.astext().strip()
    if not node.get("nowrap"):
        latex = lines(latex)
    self.body.append(set_or_warn(node, latex, True) + "</div>\n")
    raise nodes.SkipNode


def add_assets(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Add style and script where there are formulas."""
    if 'class="katex' in context.get("body", ""):
        app.add_css_file(STYLE)
        app.add_js_file(FORMULAS, defer="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("katex", (visit_math, None), (visit_displaymath, None))
    app.connect("doctree-resolved", close_up)
    app.connect("html-page-context", add_assets)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
