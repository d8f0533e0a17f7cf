"""The reader's notebooks as the build wrote them: nothing raw in them, every link resolves."""

import configparser
import re
import sys
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from conftest import SITE, lacking
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
BUILT = SITE.parent / "notebooks"
sys.path.insert(0, str(ROOT / "tools"))
from notebooks import chapters, install_cell, normalized  # noqa: E402

DIRECTIVE = re.compile(r"^\s*(`{3,}|~{3,}|:{3,})\s*\{[\w:.-]+\}", re.MULTILINE)
ROLE = re.compile(r"(?<!`)\{[a-z][\w:.+-]*\}`[^`\s]")
LABEL = re.compile(r"^\([\w:.-]+\)=\s*$", re.MULTILINE)
FENCED = re.compile(r"^(`{3,})(?![`{])[^`\n]*\n.*?^\1$", re.MULTILINE | re.DOTALL)
NAMES = sorted(p.relative_to(BUILT).as_posix() for p in BUILT.rglob("*.ipynb"))
SOURCES = [p.relative_to(ROOT).as_posix() for p in chapters()]

named = pytest.mark.parametrize("name", NAMES or ["absent"])
with_source = pytest.mark.parametrize("name", SOURCES)


@pytest.fixture(autouse=True)
def built():
    if not NAMES:
        lacking(f"no notebooks in {BUILT}: run make book")


@cache
def read(path):
    return nbformat.read(path, nbformat.NO_CONVERT)


def markdown(name):
    return [c for c in read(BUILT / name).cells if c.cell_type == "markdown"]


def code(path):
    return [c for c in read(path).cells if c.cell_type == "code"]


def raw(text):
    """What MyST alone would understand; a shown source may hold anything."""
    text = FENCED.sub("", text)
    return [m[0] for pattern in (DIRECTIVE, ROLE, LABEL) for m in pattern.finditer(text)]


@cache
def parsed(name):
    """The notebook's Markdown as HTML: math apart, CommonMark with tables, as in JupyterLab."""
    parser = MarkdownIt("commonmark").enable("table")
    pages = [parser.render(re.sub(r"\$[^$]*\$", "MATH", c.source)) for c in markdown(name)]
    return BeautifulSoup("\n".join(pages), "html.parser")


def test_every_page_has_one_but_those_of_the_site_alone():
    assert set(SOURCES) <= set(NAMES)
    excluded = yaml.safe_load((ROOT / "_config.yml").read_text())["sphinx"]["config"]
    assert excluded["reader_except"]
    assert not any(name.startswith(("genindex", "book/reference/")) for name in NAMES)
    assert {"book/appendices/glossary.ipynb", "book/appendices/bibliography.ipynb"} <= set(NAMES)


@named
def test_it_is_a_notebook(name):
    notebook = read(BUILT / name)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert all(cell.source.strip() for cell in notebook.cells)
    assert markdown(name)[0].source.lstrip().startswith("# ")


@named
def test_no_directive_or_role_is_left(name):
    assert [found for cell in markdown(name) for found in raw(cell.source)] == []


def test_the_check_itself_sees_what_is_raw():
    for text in (
        "```{exercise} A\n:label: a\n```", "  :::{note}\nx\n:::", "by {cite:t}`a1990`", "(a)=\n# A",
    ):  # fmt: skip
        assert raw(text), text
    assert raw("a {x}, `{x}` and $\\frac{a}{b}$\n\n````\n```{note}\n```\n````") == []


@named
def test_its_links_resolve(name):
    broken = []
    for link in parsed(name).find_all("a", href=True):
        url = urlsplit(link["href"])
        if url.scheme:
            assert url.scheme in ("https", "http"), link
            continue
        target = ((BUILT / name).parent / unquote(url.path)).resolve() if url.path else BUILT / name
        if not target.is_file():
            broken.append(f"{link['href']}: no such file")
        elif url.fragment:
            other = parsed(target.relative_to(BUILT).as_posix())
            if not other.find(id=unquote(url.fragment)):
                broken.append(f"{link['href']}: no such target")
    assert broken == []


@named
def test_a_target_is_there_once(name):
    ids = [a["id"] for a in parsed(name).find_all(id=True)]
    assert len(ids) == len(set(ids))


def test_links_are_found_at_all():
    page = parsed("book/part1-idea/chain-rule.ipynb")
    hrefs = [a["href"] for a in page.find_all("a", href=True)]
    assert "gradients.ipynb" in hrefs
    assert any(h.startswith("https://doi.org/") for h in hrefs)
    assert any(h.startswith("#equation-eq-") for h in hrefs)


@named
def test_its_pictures_are_in_it(name):
    for cell in markdown(name):
        for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", cell.source):
            assert picture.removeprefix("attachment:") in cell.get("attachments", {}), picture


@with_source
def test_pictures_are_in_the_outputs(name):
    stored, shown = code(ROOT / name), code(BUILT / name)
    for source, cell in zip(stored, shown, strict=True):
        if any("<Figure size" in o.get("data", {}).get("text/plain", "") for o in source.outputs):
            assert any("image/png" in o.get("data", {}) for o in cell.outputs), cell.id


def sanitized(text):
    """Mask what nbval masks."""
    config = configparser.RawConfigParser()
    config.read(ROOT / "tests/book/sanitize.cfg")
    for section in config.sections():
        text = re.sub(config[section]["regex"], config[section]["replace"], text)
    return text


def compared(cell):
    """A cell's outputs as nbval compares them: as stored, masked."""
    notebook = nbformat.v4.new_notebook(cells=[cell])
    outputs = nbformat.reads(normalized(notebook), 4).cells[0].outputs
    out = []
    for output in outputs:
        data = output.get("data", {}) or {output.get("name"): output.get("text")}
        out.append({kind: sanitized(str(value)) for kind, value in data.items()})
    return out


@with_source
def test_its_code_and_outputs_are_the_source_s_cell_by_cell(name):
    # So what nbval finds of the sources holds of these.
    stored, shown = code(ROOT / name), code(BUILT / name)
    assert [c.id for c in shown] == [c.id for c in stored]
    assert [c.source for c in shown] == [c.source for c in stored]
    assert [c.execution_count for c in shown] == [c.execution_count for c in stored]
    for before, after in zip(stored, shown, strict=True):
        tags = before.metadata.get("tags", [])
        assert sorted(tags) == after.metadata.get("tags", [])
        if "nbval-ignore-output" not in tags:
            assert compared(after) == compared(before), after.id


@with_source
def test_the_first_code_cell_installs_the_release_and_is_folded(name):
    first = code(BUILT / name)[0]
    assert first.source == install_cell()
    assert first.metadata.jupyter.source_hidden


@with_source
def test_what_the_site_folds_is_folded(name):
    for cell in code(BUILT / name):
        tags = set(cell.metadata.get("tags", []))
        folds = cell.metadata.get("jupyter", {})
        hidden = {"hide-input", "hide-cell", "remove-cell", "remove-input", "evidence"}
        assert bool(tags & hidden) == folds.get("source_hidden", False), cell.id
        hidden = {"hide-output", "hide-cell", "remove-cell", "remove-output"}
        assert bool(tags & hidden) == folds.get("outputs_hidden", False), cell.id


@with_source
def test_its_numbers_are_the_site_s(site, name):
    page = BeautifulSoup((site / name).with_suffix(".html").read_text("utf-8"), "html.parser")
    text = "\n".join(cell.source for cell in markdown(name))
    article = page.find("article")
    equations = [e.get_text().strip("()#") for e in article.select(".eqno")]
    assert re.findall(r"\\tag\{([\d.]+)\}", text) == equations
    figures = [c.get_text().strip() for c in article.select("figcaption .caption-number")]
    found = re.findall(r"^(?:<a id=\"[^\"]*\"></a>)?\*\*(Fig\. [\d.]+)\.\*\* ", text, re.M)
    assert found == figures
    exercises = [
        re.match(r"Exercise [\d.]+", p.get_text().strip())[0]
        for p in article.select("div.exercise > p.admonition-title")
    ]
    assert re.findall(r"^#+ .*?(Exercise [\d.]*\d)", text, re.M) == exercises
    heading = article.find("h1").get_text().strip().removesuffix("#")
    first = re.sub(r"<a id=\"[^\"]*\"></a>|[\\*`#]", "", text.splitlines()[0]).strip()
    assert "".join(first.split()) == "".join(heading.split())


@named
def test_the_site_offers_it(site, name):
    assert (site / "notebooks" / name).read_bytes() == (BUILT / name).read_bytes()


@with_source
def test_the_buttons_lead_to_it(site, name):
    page = (site / name).with_suffix(".html")
    soup = BeautifulSoup(page.read_text("utf-8"), "html.parser")
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    slug = config["repository"]["url"].removeprefix("https://github.com/")
    branch = config["sphinx"]["config"]["reader_branch"]
    hrefs = {a["href"] for a in soup.select(".article-header-buttons a[href]")}
    assert f"https://colab.research.google.com/github/{slug}/blob/{branch}/{name}" in hrefs
    assert f"https://mybinder.org/v2/gh/{slug}/{branch}?urlpath=lab/tree/{name}" in hrefs
    own = {h for h in hrefs if h.endswith(".ipynb") and "://" not in h}
    (lite,) = {h for h in own if "?" in h}
    (download,) = own - {lite}
    assert (page.parent / download).resolve() == site / "notebooks" / name
    opened, _, path = lite.partition("?path=")
    assert (page.parent / opened).resolve() == site / "lite/notebooks/index.html"
    assert path == name


def test_the_published_branch_says_what_it_is_and_what_binder_installs():
    requirements = (BUILT / "binder/requirements.txt").read_text().split("\n")
    assert requirements[0].startswith("-c https://github.com/")
    assert requirements[0].endswith("/constraints.txt")
    assert re.fullmatch(r"backprop-book\[book\]==[\d.]+", requirements[1])
    assert "written by the build" in (BUILT / "README.md").read_text().lower()
    assert (BUILT / "LICENSE").is_file()
