"""What the README, the citation and the metadata say is so."""

import io
import re
import sys
import tomllib
import xml.etree.ElementTree as ET
from contextlib import redirect_stdout
from pathlib import Path

import nbformat
import numpy as np
import pytest
import yaml

import backprop

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import addresses  # noqa: E402
import hero  # noqa: E402

README = (ROOT / "README.md").read_text(encoding="utf-8")
REPOSITORY = addresses.repository()
SITE = addresses.site_of(REPOSITORY)


def block(language):
    return re.search(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[1]


def test_the_example_prints_what_stands_below_it():
    code = block("python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    said = io.StringIO()
    with redirect_stdout(said):
        exec(compile(code, "README.md", "exec"), {})
    assert said.getvalue() == block("text")


def title(page):
    """The first heading of a page."""
    path = next(p for p in ROOT.glob(f"{page}.*") if p.suffix in (".ipynb", ".md", ".rst"))
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".rst":
        return re.search(r"^(.+)\n[=*#-]{3,}$", text, re.MULTILINE)[1]
    if path.suffix == ".ipynb":
        text = nbformat.reads(text, as_version=4).cells[0].source
    return re.search(r"^# (.+)$", text, re.MULTILINE)[1]


def contents():
    """The table of contents as the README has it."""
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    lines = []
    for part in parts:
        pages = [chapter["file"] for chapter in part["chapters"]]
        links = " · ".join(f"[{title(page)}]({SITE}{page}.html)" for page in pages)
        lines.append(f"- **{part['caption']}**: {links}")
    return "\n".join(lines) + "\n"


def test_the_chapters_are_those_of_the_table_of_contents():
    section = README.split("## The chapters\n\n")[1].split("\n\n")[0] + "\n"
    assert section == contents()


def test_one_line_decides_the_address_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["urls"]["Homepage"] == SITE and project["urls"]["Repository"] == REPOSITORY
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["url"] == SITE and citation["repository-code"] == REPOSITORY
    assert f"<{SITE}>" in README
    ours = (SITE, REPOSITORY, REPOSITORY.replace("github.com", "raw.githubusercontent.com"))
    for name in addresses.FILES:
        text = (ROOT / name).read_text(encoding="utf-8")
        found = re.findall(r"https://[\w.-]*github[\w.-]*/[^\s\"')>\]]*", text)
        assert found and not [url for url in found if not url.startswith(ours)], name
    for path in ROOT.glob("book/part*/*.ipynb"):
        first = next(
            cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"
        )
        assert f"{REPOSITORY}/raw/v{backprop.__version__}/" in first.source


def test_a_forks_addresses_are_carried_over():
    old, new = "https://github.com/Some/book", "https://github.com/other/its-fork"
    text = (
        "https://github.com/Some/book/issues https://some.github.io/book/a.html"
        " https://raw.githubusercontent.com/Some/book/main/x.svg https://github.com/Some/bookcase"
    )
    assert addresses.moved(text, old, new) == (
        "https://github.com/other/its-fork/issues https://other.github.io/its-fork/a.html"
        " https://raw.githubusercontent.com/other/its-fork/main/x.svg"
        " https://github.com/Some/bookcase"
    )


def test_every_file_that_the_readme_links_to_is_there():
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(links) >= 8
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_task_that_the_readme_names_exists():
    sessions = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {task for group in re.findall(r"nox -s ((?:\w+ ?)+)", README) for task in group.split()}
    versions = {f"py{v.replace('.', '')}" for v in re.findall(r'"(3\.\d+)"', sessions)}
    assert named and {n for n in named - versions if f"\ndef {n}(" not in sessions} == set()
    for task in re.findall(r"make ([a-z]+)", README):
        assert re.search(rf"^(TASKS :=.* )?{task}\b", makefile, re.MULTILINE) or task == "is"


def test_the_badges_are_true():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = [c.split(" :: ")[-1] for c in project["classifiers"] if " :: 3." in c]
    assert f"python-{versions[0]}_to_{versions[-1]}" in README
    assert project["requires-python"] == f">={versions[0]}"
    assert project["license"] == "BSD-3-Clause" and "BSD--3--Clause" in README
    assert (ROOT / ".github/workflows/tests.yml").exists()
    matrix = re.search(r'^MATRIX = \("(.*)"\)$', (ROOT / "noxfile.py").read_text(), re.MULTILINE)
    assert matrix[1].split('", "') == versions


def test_citation_and_change_log_are_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == backprop.__version__
    log = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version, date = re.search(r"^## \[(\d[^\]]*)\] - (\S+)$", log, re.MULTILINE).groups()
    assert (version, date) == (backprop.__version__, citation["date-released"])
    released = re.findall(r"^## \[([^\]]+)\]", log, re.MULTILINE)
    assert released[0] == "Unreleased"
    assert released == re.findall(r"^\[([^\]]+)\]: https", log, re.MULTILINE)


def test_third_parties_have_the_versions_that_are_pinned():
    text = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "constraints.txt").read_text(), re.M))
    named = re.findall(r"\| ([a-z-]+) ([\d.]+) \|$", text, re.MULTILINE)
    assert len(named) >= 10
    assert {name: version for name, version in named if pins[name] != version} == {}
    vendor = ROOT / "book/_static/vendor"
    vendored = {p.relative_to(vendor).as_posix() for p in vendor.rglob("*.js")}
    assert {name for name in vendored if f"vendor/{name}" not in text} == set()


@pytest.fixture(scope="module")
def travelled():
    return hero.travelled()


def shape(svg):
    """The figure with its numbers cut out, and the numbers."""
    number = re.compile(r"(?<![\w#])[-−+]?\d+(?:\.\d+)?")
    return number.sub("#", svg), np.array([float(n.replace("−", "-")) for n in number.findall(svg)])


def test_the_hero_is_what_the_code_draws_today(travelled):
    stored = (ROOT / "book" / "_static" / "hero.svg").read_text(encoding="utf-8")
    (words, numbers), (now, drawn) = shape(stored), shape(hero.drawing(travelled[1]) + "\n")
    assert words == now, "run make hero"
    # Opacities and what is written have two or three digits; a last one depends on the CPU.
    np.testing.assert_allclose(drawn, numbers, atol=0.0101, err_msg="run make hero")


def test_the_hero_says_what_happens(travelled):
    network, journey = travelled
    loss, y = backprop.SoftmaxCrossEntropy(), np.array([1])
    for pixel in np.abs(journey.dx).argsort()[-5:]:
        up, down = journey.x.copy(), journey.x.copy()
        up[pixel] += 1e-5
        down[pixel] -= 1e-5
        slope = np.subtract(
            *(loss.forward(network.forward(image[None]), y) for image in (up, down))
        )
        assert slope / 2e-5 == pytest.approx(journey.dx[pixel], rel=1e-6)
    root = ET.fromstring((ROOT / "book" / "_static" / "hero.svg").read_text(encoding="utf-8"))
    space = {"svg": "http://www.w3.org/2000/svg"}
    said = root.findtext("svg:desc", namespaces=space)
    assert f"the one {journey.p[1]:.2f}" in said and root.get("role") == "img"
    alt = re.search(r"!\[(.*?)\]\(\S+hero\.svg\)", README)[1]
    assert "blue" in alt and "orange" in alt and len(alt) < 300
