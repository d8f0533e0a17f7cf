"""Write a resolved document as the plain Markdown that JupyterLab, Colab and GitHub show alike.

What goes in is a doctree of Sphinx after all its transforms: numbers, titles and targets are those
of the site. What comes out uses headings, lists, pipe tables, fenced code, links, ``$`` and ``$$``,
and as HTML only what these programs leave alone: ``<details>``, ``<blockquote>``, ``<sub>``,
``<sup>``, an alert's ``<div>`` and ``<a id>`` as a target of links.

A node that the writer does not know is an error, so nothing is lost in silence. The package
sphinx-markdown-builder was tried: it drops such nodes, leaves ``$`` and ``[`` of the text to be
taken for markup, numbers no equation and puts display formulas behind ``>``, where MathJax finds
the sign in them.
"""

from __future__ import annotations

import base64
import html
import mimetypes
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.errors import ExtensionError

SHOWN_AS_NOTHING = (
    "index", "target", "comment", "substitution_definition", "toctree", "meta", "tabular_col_spec",
    "transition", "colspec", "pending",
)  # fmt: skip
"""Nodes without a place in a notebook. A transition stands only before the footnotes."""

ALERTS = {
    "note": "info", "tip": "info", "hint": "info", "seealso": "info", "admonition": "info",
    "important": "warning", "warning": "warning", "attention": "warning", "caution": "warning",
    "danger": "danger", "error": "danger",
}  # fmt: skip
"""Admonitions, and the alert that Jupyter's own style sheet colours for each."""

LANGUAGES = {"ipython3": "python", "ipython": "python", "default": "", "none": "", "text": ""}
MARKUP = re.compile(r"[\\`*\[\]]|(?<!\w)_|_(?!\w)|~~")
AT_LINE_START = re.compile(r"^(\d*)(#{1,6}|[-+>]|(?<=\d)[.)])(?=\s)")
ENTITY = re.compile(r"&(?=#?\w+;)")
DOLLAR = "<span>&#36;</span>"
"""A dollar that neither Jupyter's search for formulas nor MathJax's takes for theirs."""

Node = nodes.Node


class Markdown:
    """Writes the nodes of one page.

    Parameters
    ----------
    link
        Gives the address that a reference leads to from this page; it sees every reference.
    number
        Gives the number of a node with its word, "Fig. 4.1", or "".
    level
        Gives the level of a section's heading.
    referenced
        The ids on this page that a link of any page leads to; they become targets.
    source
        The folder in which pictures are looked up.
    """

    def __init__(
        self,
        link: Callable[[nodes.Element], str],
        number: Callable[[nodes.Element], str],
        level: Callable[[nodes.Element], int],
        referenced: Iterable[str],
        source: Path,
    ) -> None:
        self.link, self.number, self.level = link, number, level
        self.referenced, self.source = set(referenced), source
        self.placed: set[str] = set()
        self.attachments: dict[str, dict[str, str]] = {}
        self.in_table = False

    # What stands on lines of its own.

    def blocks(self, children: Iterable[Node]) -> str:
        """Return the blocks with an empty line between them."""
        return "\n\n".join(text for text in map(self.block, children) if text.strip())

    def block(self, node: Node) -> str:
        """Return one block without its last line's end."""
        if not isinstance(node, nodes.Element):
            return self.inline(node)
        kind = type(node).__name__
        if kind in SHOWN_AS_NOTHING:
            return ""
        if kind in ALERTS:
            return self.admonition(node)
        method = getattr(self, f"block_{kind}", None)
        if method is not None:
            return str(method(node))
        if isinstance(node, nodes.Inline | nodes.TextElement):
            return self.inline(node)
        raise ExtensionError(f"no Markdown for the node {kind}: {node.astext()[:80]!r}")

    def anchors(self, node: nodes.Element) -> str:
        """Return the targets that links to the node lead to."""
        ids = [i for i in node.get("ids", ()) if i in self.referenced]
        self.placed.update(ids)
        return "".join(f'<a id="{html.escape(i)}"></a>' for i in ids)

    def with_anchor(self, node: nodes.Element, text: str) -> str:
        """Return a block under the node's targets."""
        found = self.anchors(node)
        return f"{found}\n\n{text}" if found and text else text or found

    def heading(self, node: nodes.Element) -> str:
        """Return the heading of a section with its number."""
        title = node[node.first_child_matching_class(nodes.title)]
        marks = "#" * min(self.level(node), 6)
        words = " ".join(filter(None, [self.number(node), self.inline(title)]))
        return f"{marks} {self.anchors(node)}{words}"

    def block_section(self, node: nodes.Element) -> str:
        """Return a section, of which the bodies of exercises have no title."""
        index = node.first_child_matching_class(nodes.title)
        if index is None:
            return self.blocks(node.children)
        return f"{self.heading(node)}\n\n{self.blocks(node.children[index + 1 :])}"

    def block_paragraph(self, node: nodes.Element) -> str:
        """Return a paragraph in one line, which starts no heading and no list."""
        text = self.inline(node).strip()
        return self.anchors(node) + AT_LINE_START.sub(r"\1\\\2", text)

    block_compact_paragraph = block_paragraph

    def block_rubric(self, node: nodes.Element) -> str:
        """Return a heading outside the sections as a line in bold."""
        return self.with_anchor(node, f"**{self.inline(node)}**")

    block_title = block_rubric
    block_subtitle = block_rubric
    block_caption = block_rubric

    def block_math_block(self, node: nodes.Element) -> str:
        """Return a formula with its number."""
        return self.with_anchor(node, f"$$\n{displayed(node, self.number(node))}\n$$")

    def block_literal_block(self, node: nodes.Element) -> str:
        """Return a listing; what docutils marked up in it is its plain text."""
        language = node.get("language", "")
        return self.with_anchor(node, fenced(node.astext(), LANGUAGES.get(language, language)))

    def block_doctest_block(self, node: nodes.Element) -> str:
        """Return an interactive session."""
        return fenced(node.astext(), "pycon")

    def block_bullet_list(self, node: nodes.Element) -> str:
        """Return a list; it is tight where no item has more than a paragraph and a list."""
        return self.items(node, lambda k: "- ")

    def block_enumerated_list(self, node: nodes.Element) -> str:
        """Return a numbered list."""
        start = node.get("start", 1)
        return self.items(node, lambda k: f"{start + k}. ")

    def items(self, node: nodes.Element, mark: Callable[[int], str]) -> str:
        out, tight = [], True
        for k, item in enumerate(node.children):
            assert isinstance(item, nodes.Element)
            lists = nodes.bullet_list | nodes.enumerated_list
            parts = [part for part in item.children if self.is_shown(part)]
            tight &= len(parts) < 2 or (len(parts) == 2 and isinstance(parts[1], lists))
            text = "\n\n".join(map(self.block, parts))
            if len(parts) == 2 and isinstance(parts[1], lists):
                text = "\n".join(map(self.block, parts))
            indent = " " * len(mark(k))
            out.append(mark(k) + text.replace("\n", f"\n{indent}"))
        joined = ("\n" if tight else "\n\n").join(out)
        return self.with_anchor(node, re.sub(r"[ \t]+$", "", joined, flags=re.MULTILINE))

    def is_shown(self, node: Node) -> bool:
        return type(node).__name__ not in SHOWN_AS_NOTHING

    def block_definition_list(self, node: nodes.Element) -> str:
        """Return terms with their definitions as a list, since notebooks know no other form."""
        out = []
        for item in node.children:
            assert isinstance(item, nodes.Element)
            terms = [part for part in item.children if isinstance(part, nodes.term)]
            rest = [part for part in item.children if isinstance(part, nodes.definition)]
            names = ", ".join(f"{self.anchors(t)}**{self.inline(t)}**" for t in terms)
            text = self.blocks(child for part in rest for child in part.children)
            out.append("- " + f"{names}: {text}".replace("\n", "\n  "))
        joined = "\n".join(out)
        return re.sub(r"[ \t]+$", "", joined, flags=re.MULTILINE)

    def block_glossary(self, node: nodes.Element) -> str:
        """Return the list of a glossary."""
        return self.blocks(node.children)

    def block_block_quote(self, node: nodes.Element) -> str:
        """Return a quotation as HTML: behind ``>`` MathJax would find the sign in formulas."""
        return f"<blockquote>\n\n{self.blocks(node.children)}\n\n</blockquote>"

    def block_attribution(self, node: nodes.Element) -> str:
        """Return who is quoted."""
        return f"({self.inline(node)})"

    def block_line_block(self, node: nodes.Element) -> str:
        """Return lines that keep their breaks."""
        return "<br>".join(self.inline(line) for line in node.children)

    def block_table(self, node: nodes.Element) -> str:
        """Return a pipe table, the title in bold above it."""
        title, rows, heads = "", [], 0
        self.in_table = True
        for child in node.children:
            if isinstance(child, nodes.title):
                words = " ".join(filter(None, [self.number(node), self.inline(child)]))
                title = f"**{words}**\n\n"
        for row in node.findall(nodes.row):
            heads += isinstance(row.parent, nodes.thead)
            rows.append([self.cell(entry) for entry in row.children])
        self.in_table = False
        head = rows.pop(0) if heads else [""] * len(rows[0])
        lines = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
        return self.with_anchor(node, title + "\n".join(lines))

    def cell(self, entry: Node) -> str:
        parts = [self.block(child) for child in entry.children]
        return "<br>".join(" ".join(part.split()) for part in parts if part.strip())

    def block_image(self, node: nodes.Element) -> str:
        """Return a picture that travels in the notebook."""
        return self.inline_image(node)

    def block_figure(self, node: nodes.Element) -> str:
        """Return a picture and its caption."""
        pictures = [c for c in node.children if not isinstance(c, nodes.caption | nodes.legend)]
        legends = [c for c in node.children if isinstance(c, nodes.legend)]
        rest = self.blocks(child for legend in legends for child in legend.children)
        return "\n\n".join(filter(None, [self.blocks(pictures), self.caption(node), rest]))

    def caption(self, figure: nodes.Element) -> str:
        """Return the line below a figure: its number and its caption."""
        index = figure.first_child_matching_class(nodes.caption)
        if index is None:
            return self.anchors(figure)
        number = self.number(figure)
        text = self.inline(figure[index])
        return self.anchors(figure) + (f"**{number}.** {text}" if number else text)

    def block_raw(self, node: nodes.Element) -> str:
        """Return HTML that the author wrote, and nothing of another format."""
        return node.astext().strip() if "html" in node.get("format", "").split() else ""

    # Boxes.

    def admonition(self, node: nodes.Element) -> str:
        """Return a box, folded where it is folded on the site."""
        kind = type(node).__name__
        children = list(node.children)
        if children and isinstance(children[0], nodes.title):
            title_node = children.pop(0)
            plain, title = self.html(title_node), self.inline(title_node)
        else:
            plain = title = {"seealso": "See also"}.get(kind, kind.capitalize())
        body = self.blocks(children)
        if "dropdown" in node.get("classes", ()):
            return self.with_anchor(node, folded(plain, body))
        stop = "" if title.endswith((".", "?", "!", ":")) else "."
        text = f"**{title}{stop}** {body}" if is_text(children) else f"**{title}**\n\n{body}"
        box = f'<div class="alert alert-block alert-{ALERTS[kind]}">\n\n{text}\n\n</div>'
        return self.with_anchor(node, box)

    def block_topic(self, node: nodes.Element) -> str:
        """Return a box beside the text."""
        text = self.blocks(node.children)
        return f'<div class="alert alert-block alert-info">\n\n{text}\n\n</div>'

    block_sidebar = block_topic

    def exercise_title(self, node: nodes.Element) -> list[Node]:
        """Return an exercise's own title, which sphinx-exercise puts in parentheses."""
        children = list(node[0].children)
        if children and children[0].astext() == "Exercise":
            children.pop(0)
        if len(children) > 2 and children[0].astext() == " (" and children[-1].astext() == ")":
            children = children[1:-1]
        return children

    def exercise_heading(self, node: nodes.Element) -> str:
        """Return the heading of an exercise."""
        number = self.number(node) or "Exercise"
        title = self.inlines(self.exercise_title(node))
        marks = "#" * min(self.level(node), 6)
        return f"{marks} {self.anchors(node)}{number}" + (f": {title}" if title else "")

    def block_exercise_enumerable_node(self, node: nodes.Element) -> str:
        """Return an exercise: a heading and its text."""
        return f"{self.exercise_heading(node)}\n\n{self.blocks(node.children[1:])}"

    block_exercise_node = block_exercise_enumerable_node

    def solution_title(self, node: nodes.Element) -> str:
        """Return the words on a solution's fold, in HTML."""
        return " ".join(self.html(node[0]).split())

    def block_solution_node(self, node: nodes.Element) -> str:
        """Return a solution, folded."""
        body = self.blocks(node.children[1:])
        return self.with_anchor(node, folded(self.solution_title(node), body))

    def block_container(self, node: nodes.Element) -> str:
        """Return a container: of sphinx-design, a listing with its caption, or just its content."""
        design = str(node.get("design_component", ""))
        method = getattr(self, "design_" + design.replace("-", "_"), None)
        if method is not None:
            return str(method(node))
        if "toggle" in node.get("classes", ()):
            return folded("Show", self.blocks(node.children))
        if "literal-block-wrapper" in node.get("classes", ()):
            return "\n\n".join(filter(None, [self.caption(node), self.blocks(node.children[1:])]))
        return self.with_anchor(node, self.blocks(node.children))

    block_compound = block_container
    block_citation_list = block_container

    def design_dropdown(self, node: nodes.Element) -> str:
        """Return a fold. Its title is what stands in a rubric."""
        title, children = "Details", list(node.children)
        if children and isinstance(children[0], nodes.rubric):
            title = self.html(children.pop(0))
        return folded(title, self.blocks(children))

    def design_card(self, node: nodes.Element) -> str:
        """Return a card: its title, which is the link, and its text."""
        links = [
            reference
            for reference in node.findall(nodes.reference)
            if "sd-stretched-link" in reference.get("classes", ())
            or "sd-stretched-link" in reference.parent.get("classes", ())
        ]
        parts = []
        for child in node.children:
            if is_design(child, "card-body"):
                assert isinstance(child, nodes.Element)
                for part in child.children:
                    if is_design(part, "card-title"):
                        title = self.blocks(part.children)
                        if links:
                            title = f"[{title}]({self.link(links[0])})"
                            links = []
                        parts.append(f"**{title}**")
                    else:
                        parts.append(self.block(part))
            elif not (isinstance(child, nodes.Element) and list(child.findall(nodes.reference))):
                parts.append(self.block(child))
            elif links:
                parts.append(self.block(child))
        return "\n\n".join(filter(None, parts))

    def design_tab_item(self, node: nodes.Element) -> str:
        """Return a tab: its label in bold and its content below."""
        label, content = node.children[0], node.children[1:]
        return f"**{self.inline(label)}**\n\n{self.blocks(content)}"

    # Footnotes and the bibliography.

    def block_footnote(self, node: nodes.Element) -> str:
        """Return a footnote as a small paragraph."""
        label = node[0].astext()
        text = self.blocks(node.children[1:])
        return f"{self.anchors(node)}<sup>{label}</sup> {text}"

    def block_citation(self, node: nodes.Element) -> str:
        """Return an entry of the bibliography as an item of a list."""
        text = self.blocks(c for c in node.children if not isinstance(c, nodes.label))
        return f"- {self.anchors(node)}{text}"

    # What stands in a line.

    def inlines(self, children: Iterable[Node]) -> str:
        """Return the pieces of a line side by side."""
        return "".join(map(self.inline, children))

    def inline(self, node: Node) -> str:
        """Return a piece of a line."""
        if isinstance(node, nodes.Text):
            return self.escape(node.astext())
        assert isinstance(node, nodes.Element)
        kind = type(node).__name__
        if kind in SHOWN_AS_NOTHING:
            return ""
        method = getattr(self, f"inline_{kind}", None)
        if method is not None:
            return str(method(node))
        if isinstance(node, nodes.Inline | nodes.TextElement) and not isinstance(
            node, nodes.Special | addnodes.pending_xref
        ):
            text = self.inlines(node.children)
            # A badge of sphinx-design, as after a title, stands in parentheses.
            return f"({text})" if "sd-badge" in node.get("classes", ()) and text else text
        raise ExtensionError(f"no Markdown for {kind} in a line: {node.astext()[:80]!r}")

    def escape(self, text: str) -> str:
        """Return text in which nothing is taken for markup, with breaks of lines as spaces."""
        text = ENTITY.sub("&amp;", text.replace("\n", " "))
        text = MARKUP.sub(r"\\\g<0>", text).replace("<", "&lt;").replace("$", DOLLAR)
        return text.replace("|", "\\|") if self.in_table else text

    def inline_emphasis(self, node: nodes.Element) -> str:
        """Return text in italics."""
        return self.wrapped("*", node)

    inline_title_reference = inline_emphasis
    inline_literal_emphasis = inline_emphasis

    def inline_strong(self, node: nodes.Element) -> str:
        """Return text in bold."""
        return self.wrapped("**", node)

    inline_literal_strong = inline_strong

    def wrapped(self, mark: str, node: nodes.Element) -> str:
        text = self.inlines(node.children)
        inner = text.strip()
        if not inner:
            return text
        start = text[: len(text) - len(text.lstrip())]
        return f"{start}{mark}{inner}{mark}{text[len(text.rstrip()) :]}"

    def inline_PassthroughTextElement(self, node: nodes.Element) -> str:
        """Return a title of sphinx-design."""
        return self.inlines(node.children)

    def inline_subscript(self, node: nodes.Element) -> str:
        """Return text below the line."""
        return f"<sub>{self.inlines(node.children)}</sub>"

    def inline_superscript(self, node: nodes.Element) -> str:
        """Return text above the line."""
        return f"<sup>{self.inlines(node.children)}</sup>"

    def inline_literal(self, node: nodes.Element) -> str:
        """Return code in a line."""
        text = node.astext().replace("\n", " ")
        if self.in_table:
            text = text.replace("|", "\\|")
        ticks = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
        space = " " if text.startswith("`") or text.endswith("`") else ""
        return f"{ticks}{space}{text}{space}{ticks}"

    def inline_math(self, node: nodes.Element) -> str:
        """Return a formula in a line."""
        text = " ".join(node.astext().split())
        if self.in_table:
            # GitHub cuts a table at every bar, also inside a formula.
            text = text.replace(r"\|", r"\Vert ").replace("|", r"\vert ")
        return f"${text}$"

    def inline_math_block(self, node: nodes.Element) -> str:
        """Return a displayed formula where only a line has room."""
        return f"$${displayed(node, self.number(node))}$$"

    def inline_reference(self, node: nodes.Element) -> str:
        """Return a link."""
        text = self.inlines(node.children).strip()
        return f"[{text or self.escape(self.link(node))}]({self.link(node)})"

    def inline_number_reference(self, node: nodes.Element) -> str:
        """Return a link whose text is a number."""
        return self.inline_reference(node)

    def inline_footnote_reference(self, node: nodes.Element) -> str:
        """Return the number of a footnote, raised."""
        return f"<sup>[{node.astext()}]({self.link(node)})</sup>"

    def inline_image(self, node: nodes.Element) -> str:
        """Return a picture, which becomes an attachment of its cell."""
        uri, alt = node["uri"], self.escape(node.get("alt", ""))
        if re.match(r"(https?|data):", uri):
            return f"![{alt}]({uri})"
        path = self.source / uri
        kind = mimetypes.guess_type(path.name)[0]
        if kind is None or not path.is_file():
            raise ExtensionError(f"the picture {uri} is missing, or of an unknown kind")
        self.attachments[path.name] = {kind: base64.b64encode(path.read_bytes()).decode()}
        return f"![{alt}](attachment:{path.name})"

    def inline_raw(self, node: nodes.Element) -> str:
        """Return HTML in a line, and nothing of another format."""
        return " ".join(self.block_raw(node).split("\n"))

    def inline_download_reference(self, node: nodes.Element) -> str:
        """Return the name of what the site lets one download."""
        return self.inlines(node.children)

    # The line on a fold, which no program reads as Markdown.

    def html(self, node: Node) -> str:
        """Return a title in HTML, formulas between dollars, without links."""
        if isinstance(node, nodes.Text):
            return html.escape(node.astext().replace("\n", " "), quote=False).replace("$", DOLLAR)
        assert isinstance(node, nodes.Element)
        if isinstance(node, nodes.math):
            # Jupyter takes formulas out before it reads the rest as HTML, and escapes them itself.
            return f"${' '.join(node.astext().split())}$"
        inner = "".join(map(self.html, node.children))
        if isinstance(node, nodes.inline) and "sd-badge" in node.get("classes", ()):
            return f"({inner})"
        names = {nodes.literal: "code", nodes.emphasis: "em", nodes.strong: "strong"}
        name = names.get(type(node))
        return f"<{name}>{inner}</{name}>" if name else inner


def is_design(node: Node, component: str) -> bool:
    return isinstance(node, nodes.Element) and node.get("design_component") == component


def is_text(children: list[Node]) -> bool:
    return bool(children) and isinstance(children[0], nodes.paragraph)


def folded(title: str, body: str) -> str:
    """Return a fold; the empty lines let the body be read as Markdown."""
    return f"<details>\n<summary>{title}</summary>\n\n{body}\n\n</details>"


def fenced(text: str, language: str) -> str:
    """Return a block of code whose fence is longer than any in it."""
    ticks = "`" * max(3, max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{ticks}{language}\n{text.strip(chr(10))}\n{ticks}"


def displayed(node: nodes.Element, number: str) -> str:
    """Return a displayed formula as Sphinx has MathJax set it, with its number as a tag."""
    lines = [" ".join(line.split()) for line in node.astext().split("\n")]
    parts = [part for part in re.split(r"\n\n+", "\n".join(lines).strip()) if part.strip()]
    if not node.get("nowrap", node.get("no-wrap", False)):
        parts = [rf"\begin{{split}}{p}\end{{split}}" if r"\\" in p else p for p in parts]
        if len(parts) > 1:
            parts = [r"\begin{aligned}" + "\\\\\n".join(parts) + r"\end{aligned}"]
    tag = f"\n\\tag{{{number}}}" if number else ""
    return "\n".join(parts) + tag
