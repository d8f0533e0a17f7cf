"""The builder ``notebooks``: the notebooks as a reader opens them, with or without a network.

The sources hold MyST's directives and roles, which JupyterLab, Colab and Binder show as they are
written. The builder writes, from the doctrees that the site is made of and with the outputs of the
execution cache, notebooks in plain Markdown (``reader_markdown``): the same numbers, titles and
links, each link to the other notebook or, for a page without one, to the site. The code cells are
the sources' own, cell by cell; those that the site folds are folded by Jupyter's metadata.

In an HTML build the extension points the buttons of the pages at these notebooks: the download
button to ``notebooks/`` on the site, where ``tools/reader.py`` puts them, Colab and Binder to the
branch ``reader_branch`` of the repository, to which they are published. With ``reader_lite`` a
button for the site's own JupyterLite comes first.
"""

from __future__ import annotations

import base64
import json
import posixpath
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nbformat
from docutils import nodes
from jupyter_cache import get_cache
from reader_markdown import Markdown
from report_error import site_of
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging
from streams import joined

LOGGER = logging.getLogger(__name__)
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
HIDDEN_SOURCE = {"hide-input", "hide-cell", "remove-input", "remove-cell", "evidence"}
HIDDEN_OUTPUTS = {"hide-output", "hide-cell", "remove-output", "remove-cell"}
ALONE = "<style>svg{color-scheme:light;background:#fff;color:#000}</style>"
"""What a drawing would take from its page."""
LINES_A_CELL = 10000
"""MyST-NB numbers the lines of cell k (from 0) from (k + 1) times this."""


class NotebookBuilder(Builder):
    """Writes every page that is to have a notebook, once all pages are resolved."""

    name = "notebooks"
    format = "markdown"
    epilog = "The reader's notebooks are in %(outdir)s."
    allow_parallel = False

    def init(self) -> None:
        self.doctrees: dict[str, nodes.document] = {}
        self.exercises: dict[str, list[dict[str, str]]] = {}
        self.links: dict[str, Links] = {}

    def get_outdated_docs(self) -> set[str]:
        """Return all pages: which targets one needs depends on the links of the others."""
        return set(self.env.found_docs)

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:
        """Return where a page's notebook is, below the folder of all."""
        return docname + ".ipynb"

    def prepare_writing(self, docnames: set[str]) -> None:
        """Look up what the links need to know of the other pages."""
        self.tops = {name: top_ids(self.env, name) for name in self.env.found_docs}
        self.citations = {
            (citation.bibliography_key.docname, citation.citation_id): citation.entry.fields
            for citation in getattr(self.env.domains.get("cite"), "citations", ())
        }

    def write_doc(self, docname: str, doctree: nodes.document) -> None:
        """Keep the resolved page until the links of all are known."""
        for contents in list(doctree.findall(nodes.compound)):
            # JupyterLab has a pane of its own for these.
            if "toctree-wrapper" in contents["classes"]:
                contents.parent.remove(contents)
        if has_notebook(self.config, docname):
            self.doctrees[docname] = doctree
            self.links[docname] = Links(self, docname)
            for reference in doctree.findall(is_link):
                self.links[docname](reference)

    def finish(self) -> None:
        """Write the notebooks."""
        wanted: dict[str, set[str]] = {}
        for links in self.links.values():
            for page, anchor in links.followed:
                wanted.setdefault(page, set()).add(anchor)
        for docname, doctree in self.doctrees.items():
            page = Page(self, docname, doctree, wanted.get(docname, set()))
            path = Path(self.outdir) / self.get_target_uri(docname)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(nbformat.writes(page.notebook()) + "\n", encoding="utf-8")
            if exercises := list(page.exercises()):
                self.exercises[docname] = exercises
            for anchor in sorted(wanted.get(docname, set()) - page.markdown.placed):
                LOGGER.warning(
                    "a notebook links to %s, which has no place", anchor, location=docname
                )
        # What make classroom takes apart once more; it is not published with the notebooks.
        path = Path(self.outdir).parent / "exercises.json"
        path.write_text(json.dumps(self.exercises, indent=1), encoding="utf-8")


def is_link(node: nodes.Node) -> bool:
    return isinstance(node, nodes.reference | nodes.footnote_reference)


def has_notebook(config: Any, docname: str) -> bool:
    """Say whether a page becomes a notebook, or stays on the site alone."""
    return not any(fnmatch(docname, pattern) for pattern in config.reader_except)


def top_ids(env: BuildEnvironment, docname: str) -> set[str]:
    """Return the ids of a page's first heading: a link to one of them is a link to the page."""
    section = env.get_doctree(docname).next_node(nodes.section)
    return set(section["ids"]) if section is not None else set()


class Links:
    """Gives the address of each reference on a page, and notes the targets in other notebooks."""

    def __init__(self, builder: NotebookBuilder, docname: str) -> None:
        self.builder, self.docname = builder, docname
        self.followed: set[tuple[str, str]] = set()

    def __call__(self, node: nodes.Element) -> str:
        """Return where the reference leads to, as it is written in Markdown."""
        uri = node.get("refuri", "")
        if not uri:
            return self.to(self.docname, node["refid"])
        path, _, anchor = uri.partition("#")
        folder = posixpath.dirname(self.docname)
        target = posixpath.normpath(posixpath.join(folder, path)) if path else self.docname + "."
        page = target.removesuffix(".ipynb").removesuffix(".")
        if "://" in uri or page not in self.builder.env.found_docs:
            return markdown_address(uri)
        return self.to(page, anchor)

    def to(self, page: str, anchor: str) -> str:
        if fields := self.builder.citations.get((page, anchor)):
            # The entry itself: a notebook is read where its bibliography may not be at hand.
            doi = fields.get("doi")
            return markdown_address(f"https://doi.org/{doi}" if doi else fields["url"])
        if not has_notebook(self.builder.config, page):
            site = site_of(self.builder.config.html_theme_options["repository_url"])
            return markdown_address(f"{site}{page}.html" + (f"#{anchor}" if anchor else ""))
        if page != self.docname and anchor in self.builder.tops[page]:
            anchor = ""
        if anchor:
            self.followed.add((page, anchor))
        there = self.builder.get_relative_uri(self.docname, page) if page != self.docname else ""
        return markdown_address(there + (f"#{anchor}" if anchor or not there else ""))


def markdown_address(uri: str) -> str:
    """Return an address without signs that would end it in Markdown."""
    return quote(uri, safe="/:?#[]@!$&'*+,;=%~._-")


class Page:
    """One page, as it is taken apart into cells."""

    def __init__(
        self, builder: NotebookBuilder, docname: str, doctree: nodes.document, wanted: set[str]
    ) -> None:
        self.builder, self.docname, self.doctree = builder, docname, doctree
        self.source = Path(builder.env.doc2path(docname))
        self.markdown = Markdown(
            builder.links[docname], self.number, self.level, wanted, self.source.parent
        )

    def number(self, node: nodes.Element) -> str:
        """Return the number that the site gives to a section, figure, table or formula."""
        env, config = self.builder.env, self.builder.config
        ids = node.get("ids", ())
        if isinstance(node, nodes.section):
            numbers = env.toc_secnumbers.get(self.docname, {})
            top = not isinstance(node.parent, nodes.section)
            found = next((numbers[f"#{i}"] for i in ids if f"#{i}" in numbers), None)
            found = found or (numbers.get("") if top else None)
            return ".".join(map(str, found)) + "." if found else ""
        is_formula = isinstance(node, nodes.math_block)
        kind = "displaymath" if is_formula else env.domains["std"].get_enumerable_node_type(node)
        of_kind = env.toc_fignumbers.get(self.docname, {}).get(kind, {})
        found = next((of_kind[i] for i in ids if i in of_kind), None)
        if found is None:
            return str(node.get("number") or "") if is_formula and not config.math_numfig else ""
        text = ".".join(map(str, found))
        if is_formula:
            return config.math_numsep.join(text.rsplit(".", 1))
        return str(config.numfig_format[kind] % text)

    def level(self, node: nodes.Element) -> int:
        """Return how deep a section, or an exercise below it, is."""
        level, at = 1, node.parent
        while at is not None:
            level += isinstance(at, nodes.section)
            at = at.parent
        return level

    def pieces(self, parent: nodes.Element) -> Iterator[nodes.Element | str]:
        """Yield the code cells, and between them what becomes Markdown, in the page's order."""
        for node in parent.children:
            if not isinstance(node, nodes.Element):
                continue
            if node.get("nb_element") == "cell_code":
                yield node
            elif isinstance(node, nodes.section):
                yield from self.opened(node)
            elif any(n.get("nb_element") == "cell_code" for n in node.findall(nodes.container)):
                # A box around code cells cannot be one in a notebook: its title opens them.
                yield from self.opened(node)
            else:
                yield node

    def opened(self, node: nodes.Element) -> Iterator[nodes.Element | str]:
        """Yield a section's heading, or the title of a box around code cells, and what follows."""
        has_title = bool(node.children) and isinstance(node.children[0], nodes.title)
        if has_title:
            yield Title(node)
        inner = nodes.Element()
        # The children keep their parents, which say how deep a heading is.
        inner.children = node.children[1:] if has_title else node.children
        yield from self.pieces(inner)

    def cells(self) -> Iterator[tuple[int, str]]:
        """Yield each piece of Markdown with the index of the cell that it belongs to."""
        at = 0
        for piece in self.pieces(self.doctree):
            if isinstance(piece, Title):
                text, line = self.title(piece.node), line_of(piece.node)
            elif piece.get("nb_element") == "cell_code":
                at = piece["cell_index"]
                captions = map(self.markdown.caption, piece.findall(nodes.figure))
                text, line = "\n\n".join(filter(None, captions)), None
            else:
                text, line = self.markdown.block(piece), line_of(piece)
            if line is not None:
                at = max(at, line // LINES_A_CELL - 1)
            if text.strip():
                yield at, text

    def title(self, node: nodes.Element) -> str:
        if isinstance(node, nodes.section):
            return self.markdown.heading(node)
        kind = type(node).__name__
        if kind.startswith("exercise"):
            return self.markdown.exercise_heading(node)
        return f"{self.markdown.anchors(node)}**{self.markdown.inline(node.children[0])}**"

    def notebook(self) -> Any:
        """Return the page as a notebook."""
        out = nbformat.v4.new_notebook()
        out.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
        if self.source.suffix == ".ipynb":
            out.cells = list(self.from_notebook())
        else:
            out.cells = list(self.from_text())
        return out

    def exercises(self) -> Iterator[dict[str, str]]:
        """Yield the exercises: label, heading, text, and the words of the solution."""
        solutions = {
            node["target_label"]: self.markdown.blocks(
                [part for part in node.children[1:] if not holds_code(part)]
            )
            for node in self.doctree.findall(is_solution)
        }
        for node in self.doctree.findall(is_exercise):
            heading = self.markdown.exercise_heading(node).lstrip("# ")
            yield {
                "label": node["label"],
                "heading": re.sub(r"<a id=[^>]*></a>", "", heading).strip(),
                "text": self.markdown.blocks(node.children[1:]),
                "solution": solutions.get(node["label"], ""),
            }
        self.markdown.attachments = {}

    def from_notebook(self) -> Iterator[Any]:
        """Yield the source's cells: those of code with their outputs, and the Markdown anew."""
        texts: dict[int, list[str]] = {}
        attached: dict[int, dict[str, Any]] = {}
        for index, text in self.cells():
            texts.setdefault(index, []).append(text)
            attached.setdefault(index, {}).update(self.markdown.attachments)
            self.markdown.attachments = {}
        for index, cell in enumerate(self.executed().cells):
            if cell.cell_type == "code":
                yield code_cell(cell)
            if index in texts:
                name = cell.id if cell.cell_type == "markdown" else f"{cell.id}-caption"
                yield markdown_cell(name, texts[index], attached[index])

    def executed(self) -> Any:
        """Return the source with the outputs that the site shows."""
        cache = get_cache(str(self.builder.config.nb_execution_cache_path))
        source = nbformat.read(self.source, nbformat.NO_CONVERT)
        return cache.merge_match_into_notebook(source, cell_meta=())[1]

    def from_text(self) -> Iterator[Any]:
        """Yield a cell for each section of a page that is no notebook."""
        sections: list[list[str]] = [[]]
        for piece in self.pieces(self.doctree):
            if isinstance(piece, Title):
                sections.append([self.title(piece.node)])
            else:
                sections[-1].append(self.markdown.block(piece))
        for index, texts in enumerate(filter(any, sections)):
            yield markdown_cell(f"section-{index}", texts, self.markdown.attachments)
            self.markdown.attachments = {}


class Title(nodes.Element):
    """Stands for the title of a section or a box in the sequence of pieces."""

    def __init__(self, node: nodes.Element) -> None:
        super().__init__()
        self.node = node


def is_exercise(node: nodes.Node) -> bool:
    return type(node).__name__ in ("exercise_node", "exercise_enumerable_node")


def is_solution(node: nodes.Node) -> bool:
    return type(node).__name__ == "solution_node"


def holds_code(node: nodes.Node) -> bool:
    return any(part.get("nb_element") == "cell_code" for part in node.findall(nodes.container))


def line_of(node: nodes.Element) -> int | None:
    """Return the line of a node, or of the first in it that has one."""
    lines = (n.line for n in node.findall(nodes.Element) if n.line)
    return next((line for line in lines if line >= LINES_A_CELL), None)


def markdown_cell(name: str, texts: list[str], attachments: dict[str, Any]) -> Any:
    source = "\n\n".join(text for text in texts if text.strip())
    extra = {"attachments": attachments} if attachments else {}
    return nbformat.v4.new_markdown_cell(source, id=name, **extra)


def as_in_a_notebook(data: dict[str, Any], alt: str) -> None:
    """Replace a drawing, made for the site's pages, by what a notebook shows.

    Matplotlib's are PNG besides. Of the others Jupyter would strip the markup, and leave their
    words, until the reader trusts the notebook or runs the cell; an image is shown to everybody.
    """
    drawn = data.pop("image/svg+xml", None)
    if drawn is not None and "image/png" not in data:
        data["text/html"] = still(drawn, alt)


def still(drawn: str, alt: str) -> str:
    """Return a drawing as an image with a light ground of its own, whatever surrounds it."""
    width = re.search(r'<svg [^>]*?width="(\d+)"', drawn)
    lone = drawn.replace('font-family="inherit"', 'font-family="system-ui, sans-serif"', 1)
    lone = lone.replace("<title>", f"{ALONE}<title>", 1)
    encoded = base64.b64encode(lone.encode()).decode()
    return (
        f'<img class="bp-drawn" alt="{escape(alt)}" width="{width[1] if width else 450}"'
        f' src="data:image/svg+xml;base64,{encoded}">'
    )


def code_cell(cell: Any) -> Any:
    """Return the cell as executed, folded where the site folds it or leaves it out."""
    tags = set(cell.metadata.get("tags", []))
    folds = {
        name: True
        for name, hiding in (("source_hidden", HIDDEN_SOURCE), ("outputs_hidden", HIDDEN_OUTPUTS))
        if tags & hiding
    }
    metadata: dict[str, Any] = {"tags": sorted(tags)} if tags else {}
    if folds:
        metadata["jupyter"] = folds
    if "source_hidden" in folds:
        metadata["cellView"] = "form"  # the same for Colab
    outputs = [nbformat.from_dict(output) for output in joined(cell.outputs)]
    alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    for output in outputs:
        as_in_a_notebook(output.get("data", {}), alt)
    return nbformat.v4.new_code_cell(
        cell.source, id=cell.id, metadata=metadata,
        outputs=outputs, execution_count=cell.execution_count,
    )  # fmt: skip


def point_buttons(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Point a page's download and launch buttons at its reader's notebook."""
    if pagename not in app.env.found_docs or not has_notebook(app.config, pagename):
        return
    branch = app.config.html_theme_options.get("repository_branch") or "master"
    reader = app.config.reader_branch
    for group in context.get("header_buttons", []):
        if group.get("label") == "download-buttons":
            group["buttons"][:] = [
                with_notebook(button, context["pathto"], pagename) for button in group["buttons"]
            ]
        if group.get("label") == "launch-buttons":
            for button in group["buttons"]:
                button["url"] = moved(button["url"], branch, reader)
            if app.config.reader_lite:
                group["buttons"].insert(0, in_this_browser(context["pathto"], pagename))


def with_notebook(button: dict[str, Any], pathto: Any, pagename: str) -> dict[str, Any]:
    if button.get("label") == "download-source-button" and button["text"] == ".ipynb":
        return {**button, "url": f"{pathto('notebooks', 1)}/{pagename}.ipynb"}
    return button


def in_this_browser(pathto: Any, pagename: str) -> dict[str, Any]:
    """Return the button for JupyterLite, which ``tools/lite.py`` puts on the site itself."""
    return {
        "type": "link",
        "text": "This browser",
        "tooltip": "Run the notebook in this browser: nothing is installed, nothing is sent",
        "icon": "fas fa-play",
        "url": f"{pathto('lite', 1)}/notebooks/index.html?path={quote(pagename)}.ipynb",
    }


def moved(url: str, branch: str, reader: str) -> str:
    """Return the address of Colab or Binder with the reader's branch for the sources'."""
    for place in ("/blob/{}/", "/{}?urlpath="):
        if place.format(branch) in url:
            return url.replace(place.format(branch), place.format(reader), 1)
    raise ExtensionError(f"a launch button's address does not name the branch {branch}: {url}")


def choose_text(app: Sphinx, config: Config) -> None:
    """Have MyST-NB choose some output for this builder: its figure, and so its caption, stays."""
    if "nb_mime_priority_overrides" not in config:  # a book of pages alone
        return
    config.nb_mime_priority_overrides = [
        *config.nb_mime_priority_overrides,
        (NotebookBuilder.name, "text/plain", 0),
    ]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_builder(NotebookBuilder)
    # Both matter when a page is written, not when it is read.
    app.add_config_value("reader_branch", "notebooks", "html", [str])
    app.add_config_value("reader_except", [], "html", [list])
    app.add_config_value("reader_lite", False, "html", [bool])
    app.connect("config-inited", choose_text)
    # The theme adds its buttons with the priority 501.
    app.connect("html-page-context", point_buttons, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
