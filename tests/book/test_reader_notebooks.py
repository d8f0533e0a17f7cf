"""MyST's constructs in the plain Markdown of the reader's notebooks."""

import base64
import sys
from pathlib import Path

import nbformat
import pytest
import sphinx_project

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "book" / "_ext"))
from reader_notebooks import as_in_a_notebook, code_cell, moved  # noqa: E402

EXTENSIONS = (
    "sphinx_exercise", "sphinx_design", "sphinx_togglebutton", "sphinxcontrib.bibtex",
    "round_citations", "reader_notebooks",
)  # fmt: skip
BIB = """@article{someone1986, author={Someone, A. and Other, B. and Third, C.}, title={T},
journal={J}, year={1986}, doi={10.1000/(x)y}}
@book{other1990, author={Other, B.}, title={U}, publisher={P}, year={1990},
url={https://example.org/u}}
"""


@pytest.fixture
def written(tmp_path):
    """Build pages with the builder and return each page's cells, joined."""

    def make(text, **more):
        toc = "".join(f"{name}\n" for name in ["page", "bib", *more])
        pages = {
            "index": f"# Book\n\n```{{toctree}}\n{toc}```\n",
            "page": text,
            "bib": "# Works\n\n```{bibliography}\n:all:\n```\n",
            **more,
        }
        (tmp_path / "x.bib").write_text(BIB)
        (tmp_path / "x.py").write_text("def one():\n    return 1\n\n\ndef two():\n    return 2\n")
        (tmp_path / "dot.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
        sphinx_project.write(
            tmp_path, pages, *EXTENSIONS, bibtex_bibfiles=["x.bib"], numfig=True,
            bibtex_reference_style="author_year_round", reader_except=["reference/*"],
            html_theme_options={"repository_url": "https://github.com/Owner/book"},
            myst_heading_anchors=3,
            html_theme="alabaster",
        )  # fmt: skip
        conf = tmp_path / "conf.py"
        extra = "myst_enable_extensions += ['amsmath', 'deflist', 'attrs_inline']\n"
        # alabaster knows no such option; the builder reads it all the same
        conf.write_text(conf.read_text() + "\n" + extra)
        sphinx_project.build(tmp_path, "notebooks")
        return read(tmp_path, "page")

    return make


def read(root, page):
    notebook = nbformat.read(root / f"_build/notebooks/{page}.ipynb", 4)
    nbformat.validate(notebook)
    return "\n\n".join(cell.source for cell in notebook.cells)


def test_an_exercise_is_a_heading_and_a_solution_a_fold(written):
    text = written(
        "# Page\n\n## Exercises\n\n:::{exercise} By $x^2$ {bdg-secondary-line}`5 minutes`\n"
        ":label: ex-a\nFind `y`.\n:::\n\n"
        "```{solution} ex-a\n:class: dropdown\nIt is $y$.\n\n- one\n```\n\nSee {ref}`ex-a`.\n"
    )
    assert '### <a id="ex-a"></a>Exercise 1: By $x^2$ (5 minutes)\n\nFind `y`.' in text
    fold = "<summary>Solution to Exercise 1 (By $x^2$ (5 minutes))</summary>\n\nIt is $y$."
    assert "See [Exercise 1](#ex-a)." in text
    assert f"<details>\n{fold}\n\n- one\n\n</details>" in text


def test_a_formula_has_its_number_and_a_reference_leads_to_it(written):
    text = written(
        "# Page\n\n```{math}\n:label: eq-a\na = b \\\\\nc = d\n```\n\nBy {eq}`eq-a`. {eq}`eq-b`\n\n"
        "$$\nx\n$$\n",
        other="# Other\n\n$$ y $$ (eq-b)\n",
    )
    formula = "\\begin{split}a = b \\\\\nc = d\\end{split}\n\\tag{1}"
    assert f'<a id="equation-eq-a"></a>\n\n$$\n{formula}\n$$' in text
    assert "By [(1)](#equation-eq-a). [(2)](other.ipynb#equation-eq-b)" in text
    assert text.endswith("$$\nx\n$$")


def test_links_lead_to_notebooks_and_to_the_site_where_there_is_none(written):
    text = written(
        "# Page\n\n{ref}`other`, {ref}`part`, {doc}`bib`, [x](other.md#a-part), {ref}`far`\n\n"
        "[y](https://example.org/a_b)\n",
        other="(other)=\n# The other\n\n(part)=\n## A part\n\nText.\n",
        **{"reference/far": "(far)=\n# Far\n\n## Deep\n"},
    )
    assert "[The other](other.ipynb), [A part](other.ipynb#part), [Works](bib.ipynb)" in text
    assert "[x](other.ipynb#a-part)" in text
    assert "[Far](https://owner.github.io/book/reference/far.html#far)" in text
    assert "[y](https://example.org/a_b)" in text


def test_the_target_of_a_link_is_placed(written, tmp_path):
    written("# Page\n\n{ref}`part`\n", other="# The other\n\n(part)=\n## A part\n\n## B\n\nText.\n")
    text = read(tmp_path, "other")
    assert '## <a id="part"></a>A part' in text and "\n## B\n" in text
    assert not (tmp_path / "_build/notebooks/reference").exists()


def test_a_citation_leads_to_the_work_itself(written):
    text = written("# Page\n\n{cite}`someone1986`; {cite:t}`other1990` says.\n")
    assert "([Someone *et al.*, 1986](https://doi.org/10.1000/%28x%29y))" in text
    assert "Other ([1990](https://example.org/u)) says" in text


def test_listings_show_their_lines(written):
    text = written(
        "# Page\n\n```{literalinclude} x.py\n:pyobject: two\n:language: python\n```\n\n"
        "```{literalinclude} x.py\n:lines: 1\n```\n\n````\n```\n````\n"
    )
    assert "```python\ndef two():\n    return 2\n```" in text
    assert "```\ndef one():\n```" in text
    assert "````\n```\n````" in text


def test_boxes_folds_cards_and_tabs(written):
    text = written(
        "# Page\n\n```{warning}\nTake care of $x$.\n```\n\n"
        "```{admonition} Why?\n:class: dropdown\nBecause.\n```\n\n"
        ":::{dropdown} Going `deeper`\nText.\n:::\n\n"
        "::::{grid} 2\n:::{grid-item-card} Start *here*\n:link: other\n:link-type: ref\nBody.\n"
        ":::\n::::\n\n"
        "::::{tab-set}\n:::{tab-item} A\nfirst\n:::\n:::{tab-item} B\nsecond\n:::\n::::\n",
        other="(other)=\n# The other\n",
    )
    assert 'alert-warning">\n\n**Warning.** Take care of $x$.\n\n</div>' in text
    assert "<details>\n<summary>Why?</summary>\n\nBecause.\n\n</details>" in text
    assert "<summary>Going <code>deeper</code></summary>\n\nText." in text
    assert "**[Start *here*](other.ipynb)**\n\nBody." in text
    assert "**A**\n\nfirst\n\n**B**\n\nsecond" in text


def test_lists_tables_quotations_and_footnotes(written):
    text = written(
        "# Page\n\n- one\n- two\n  - deep\n\n3. three\n4. four\n\n"
        "| a | b |\n|---|---|\n| $\\|x\\| y$ | `c \\| d` |\n\n> Said $x$.\n\nText[^n].\n\n"
        "[^n]: The note.\n\nTerm\n: What it is.\n"
    )
    assert "- one\n- two\n  - deep" in text
    assert "3. three\n4. four" in text
    assert "| a | b |\n| --- | --- |\n| $\\vert x\\vert y$ | `c \\| d` |" in text
    assert "<blockquote>\n\nSaid $x$.\n\n</blockquote>" in text
    assert "Text<sup>[1](#n)</sup>." in text
    assert '<a id="n"></a><sup>1</sup> The note.' in text
    assert "- **Term**: What it is." in text


def test_terms_of_the_glossary(written):
    text = written(
        "# Page\n\nA {term}`loss` here.\n\n```{index} loss; of a batch\n```\n",
        words="# Words\n\n```{glossary}\nloss\n  What is minimised, $L$.\n```\n",
    )
    assert "A [loss](words.ipynb#term-loss) here." in text
    assert "index" not in text


def test_a_picture_travels_in_the_notebook(written, tmp_path):
    text = written("# Page\n\n```{figure} dot.svg\n:name: fig-dot\n:alt: A dot\nA *dot*.\n```\n")
    assert "![A dot](attachment:dot.svg)\n\n**Fig. 1.** A *dot*." in text
    notebook = nbformat.read(tmp_path / "_build/notebooks/page.ipynb", 4)
    assert list(notebook.cells[0].attachments["dot.svg"]) == ["image/svg+xml"]


def test_signs_of_the_text_are_no_markup(written):
    text = written(
        "# Page\n\n2 \\* 3 \\[a\\] snake_case \\_b\\_ a < b, \\$5 and \\$6 &amp;lt;\n\n1\\. x\n"
    )
    dollar = "<span>&#36;</span>"
    expected = r"2 \* 3 \[a\] snake_case \_b\_ a &lt; b, "
    assert expected + f"{dollar}5 and {dollar}6 &amp;lt;" in text
    assert "\n\n1\\. x" in text


def test_what_has_no_markdown_stops_the_build(written):
    with pytest.raises(AssertionError, match="no Markdown for the node desc"):
        written("# Page\n\n```{py:function} f(x)\nText.\n```\n")


@pytest.mark.parametrize(
    ("tag", "folds"),
    [
        ("hide-input", {"source_hidden": True}),
        ("hide-output", {"outputs_hidden": True}),
        ("hide-cell", {"source_hidden": True, "outputs_hidden": True}),
        ("remove-cell", {"source_hidden": True, "outputs_hidden": True}),
        ("nbval-ignore-output", None),
    ],
)
def test_what_the_site_folds_is_folded(tag, folds):
    cell = code_cell(nbformat.v4.new_code_cell("1", id="a", metadata={"tags": [tag]}))
    assert cell.metadata.get("jupyter") == folds and cell.metadata["tags"] == [tag]
    assert cell.id == "a"


def test_a_drawing_is_what_a_notebook_shows():
    svg = '<svg class="bp-drawn" width="300" font-family="inherit"><title></title></svg>'
    both = {"image/svg+xml": svg, "image/png": "AA=="}
    as_in_a_notebook(both, "a < b")
    assert both == {"image/png": "AA=="}
    alone = {"image/svg+xml": svg, "text/plain": "x"}
    as_in_a_notebook(alone, "a < b")
    assert alone["text/plain"] == "x" and len(alone) == 2
    start, encoded = alone["text/html"].removesuffix('">').split("base64,")
    image = '<img class="bp-drawn" alt="a &lt; b" width="300" src="data:image/svg+xml;'
    assert start == image
    lone = base64.b64decode(encoded).decode()
    assert "background:#fff" in lone and "inherit" not in lone
    assert lone.endswith("<title></title></svg>")


def test_buttons_lead_to_the_reader_s_branch():
    colab = "https://colab.research.google.com/github/o/r/blob/main/book/main/x.ipynb"
    assert moved(colab, "main", "notebooks") == colab.replace("blob/main", "blob/notebooks")
    binder = "https://mybinder.org/v2/gh/o/r/main?urlpath=lab/tree/x.ipynb"
    assert (
        moved(binder, "main", "nb") == "https://mybinder.org/v2/gh/o/r/nb?urlpath=lab/tree/x.ipynb"
    )
    with pytest.raises(Exception, match="does not name the branch"):
        moved("https://example.org/main", "main", "notebooks")
