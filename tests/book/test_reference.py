"""The library's reference: complete, linked to the chapters, and they to it."""

import importlib
import inspect
import json
import pkgutil
import re
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from sphinx.util.inventory import InventoryFile
from sphinx_project import EXTENSIONS, build, write

import backprop

sys.path.insert(0, str(EXTENSIONS))
import public_names
from reference_links import mentioned

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "book" / "reference"
REPOSITORY = "https://github.com/owner/book"
MIME = "application/vnd.backprop.ledger+json"
PROSE = """(chapter)=
# About `Dense`

First `Dense`, then `Dense` again, `Dense.backward`, `fit(x, y)`, `grad` and `losses.Huber`.
A piece `backprop.optimizers.Adam`, the module `backprop.schedules`, and the package `backprop`.

Not `jacobian`, which may be another's, nor `Momentum`, the page's own, nor `x`, nor
`Dense + Dense`, nor [`GRU`](https://example.org).
"""
CODE = """\
from backprop import SGD, Dense, fit, losses
from backprop.autodiff import grad as slope

class Momentum: ...
losses.Huber(1.0)
"""


def chapter(prose=PROSE, code=CODE, function="backprop.activations.relu_prime"):
    entry = json.dumps({"name": "", "latex": "", "function": function, "checks": []})
    output = nbformat.v4.new_output("execute_result", {MIME: entry}, execution_count=1)
    return nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell(prose, id="prose"),
            nbformat.v4.new_code_cell(code, id="code", execution_count=1, outputs=[output]),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}},
    )


def settings():
    """Return what the book's own configuration says about the reference."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text())["sphinx"]["config"]
    kept = r"reference_|napoleon_|autodoc_|autosummary_|intersphinx_|add_module_names|toc_object"
    found = {key: value for key, value in config.items() if re.match(kept, key)}
    found["reference_links_pages"] = ["part1/*"]
    found["intersphinx_mapping"] = {k: tuple(v) for k, v in found["intersphinx_mapping"].items()}
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("reference")
    shutil.copytree(PAGES, root / "book" / "reference")
    names = [f"book/reference/{path.stem}" for path in sorted(PAGES.glob("*.rst"))]
    toctree = "\n".join(["part1/chapter", "labels", *names])
    labels = set(settings()["reference_chapters"].values())
    pages = {
        "index": f"# Book\n\n```{{toctree}}\n{toctree}\n```\n",
        "labels": "# Others\n\n" + "".join(f"({x})=\n## About {x}\n\n" for x in sorted(labels)),
    }
    options = settings() | {
        "nb_execution_mode": "off",
        "suppress_warnings": ["mystnb.unknown_mime_type"],
        "html_theme": "sphinx_book_theme",
        "html_theme_options": {"repository_url": REPOSITORY},
        "exclude_patterns": ["_build"],
    }
    write(root, pages, "reference", "reference_links", parser="myst_nb", **options)
    (root / "part1").mkdir()
    nbformat.write(chapter(), root / "part1" / "chapter.ipynb")
    build(root)
    return root


def soup(root, page):
    text = (root / "_build" / "html" / f"{page}.html").read_text()
    return BeautifulSoup(text, "html.parser")


def inventory(root):
    with (root / "_build" / "html" / "objects.inv").open("rb") as file:
        found = InventoryFile.load(file, "", lambda base, path: path)
    return {
        name: entry for kind, of in found.items() if kind[:3] == "py:" for name, entry in of.items()
    }


def entry(root, name):
    """Return the description list of a documented name."""
    page, _, anchor = inventory(root)[name][2].partition("#")
    term = soup(root, page.removesuffix(".html")).find(id=anchor)
    assert term is not None and term.name == "dt", name
    return term.parent


def field(root, name, title):
    """Return the texts and addresses of the links in a field of an entry."""
    for term in entry(root, name).select("dl.field-list > dt"):
        # A class's own fields, not those of its methods.
        if term.get_text().startswith(title) and term.find_parent(class_="py") == entry(root, name):
            return [(a.get_text(), a["href"]) for a in term.find_next_sibling("dd").select("a")]
    return []


def public():
    """Yield (module, name) for all that the library makes public, found without the extension."""
    for info in pkgutil.walk_packages(backprop.__path__, "backprop."):
        if not info.name.startswith("backprop.book"):
            module = importlib.import_module(info.name)
            for name, thing in vars(module).items():
                of_module = getattr(thing, "__module__", None) == info.name
                if (
                    not name.startswith("_")
                    and of_module
                    and getattr(thing, "__name__", "") == name
                ):
                    if inspect.isclass(thing) or inspect.isfunction(thing):
                        yield info.name, name


def test_every_public_name_has_an_entry_under_every_path(project):
    found = inventory(project)
    paths = {f"backprop.{name}" for name in backprop.__all__}
    paths |= {f"{module}.{name}" for module, name in public()}
    assert len(paths) > 250
    assert paths - set(found) == set()
    assert {module for module, _ in public()} - set(found) == set()
    # All of them lead to an anchor that is there.
    addresses = {found[path][2] for path in paths}
    anchors = {page: ids(project, page) for page in {a.partition("#")[0] for a in addresses}}
    lost = [a for a in addresses if a.partition("#")[2] not in anchors[a.partition("#")[0]]]
    assert lost == []


def ids(root, page):
    return {tag["id"] for tag in soup(root, page.removesuffix(".html")).find_all(id=True)}


def test_the_overview_names_all_that_the_top_exports(project):
    overview = soup(project, "book/reference/overview")
    named = {a.get_text() for a in overview.select("table.autosummary td:first-child a")}
    assert named == set(backprop.__all__)


def test_others_can_link_here(project):
    project_and_version = inventory(project)["backprop.Dense"][:2]
    assert project_and_version == ("small", backprop.__version__)


HERE = [("About Dense", "../../part1/chapter.html")]


def test_an_entry_names_the_chapters_that_derive_and_use_it(project):
    for name in ("activations.relu_prime", "activations.relu", "layers.ReLU"):
        assert field(project, f"backprop.{name}", "Derived in") == HERE, name
        assert field(project, f"backprop.{name}", "Explained in") == []
    for name in ("optimizers.SGD", "layers.Dense", "training.fit", "losses.Huber", "autodiff.grad"):
        assert field(project, f"backprop.{name}", "Used in") == HERE, name
    assert field(project, "backprop.optimizers.Adam", "Used in") == []
    label = settings()["reference_chapters"]["backprop.optimizers"]
    assert field(project, "backprop.optimizers.Adam", "Explained in") == [
        (f"About {label}", f"../../labels.html#{label}")
    ]
    # The closest of several: gradient checks are a module of autodiff.
    label = settings()["reference_chapters"]["backprop.autodiff.gradcheck"]
    (link,) = field(project, "backprop.autodiff.gradcheck.check_layer", "Explained in")
    assert link == (f"About {label}", f"../../labels.html#{label}")


def test_first_mentions_are_linked_and_nothing_else(project):
    article = soup(project, "part1/chapter").select_one("article")
    footer = article.select_one("p.library-names").extract()
    links = [
        (a.get_text(), a["href"].removeprefix("../book/reference/"))
        for a in article.select("a.reference-link")
    ]
    assert links == [
        ("Dense", "layers.html#backprop.layers.Dense"),
        ("Dense.backward", "layers.html#backprop.layers.Dense.backward"),
        ("fit(x, y)", "training.html#backprop.training.fit"),
        ("losses.Huber", "losses.html#backprop.losses.Huber"),
        ("backprop.optimizers.Adam", "optimizers.html#backprop.optimizers.Adam"),
        ("backprop.schedules", "schedules.html#module-backprop.schedules"),
    ]
    assert footer.get_text() == "From the library: Dense, fit, grad, Huber, SGD."
    assert all(a["href"].startswith("../book/reference/") for a in footer.select("a"))


@pytest.mark.long
def test_links_follow_an_edit_of_the_chapter(project):
    path = project / "part1" / "chapter.ipynb"
    edited = chapter(
        PROSE.replace("`Dense`", "`GRU`"), "from backprop import Adam", "backprop.grad"
    )
    nbformat.write(edited, path)
    try:
        build(project)
        (used,) = field(project, "backprop.optimizers.Adam", "Used in")
        assert used == ("About GRU", "../../part1/chapter.html")
        assert field(project, "backprop.autodiff.grad", "Derived in") == [used]
        assert field(project, "backprop.layers.ReLU", "Derived in") == []
        first = soup(project, "part1/chapter").select_one("article a.reference-link")
        assert first["href"].endswith("layers.html#backprop.layers.GRU")
    finally:
        nbformat.write(chapter(), path)
        build(project)
    assert field(project, "backprop.layers.ReLU", "Derived in") == HERE


def test_an_entry_shows_annotations_as_the_source_has_them_and_links_them(project):
    term = entry(project, "backprop.layers.Dense").dt
    text = term.get_text().replace("[source]", "").strip()
    assert re.sub(r"\s+", " ", text).startswith(
        "class Dense(n_in: int, n_out: int, *, rng: np.random.Generator, initializer: Initializer ="
        " glorot, dtype: DTypeLike = np.float64)"
    )
    links = {a.get_text(): a["href"] for a in term.select("a.reference")}
    assert links["Initializer"].endswith("initializers.html#backprop.initializers.Initializer")
    assert links["np.random.Generator"] == (
        "https://numpy.org/doc/stable/reference/random/generator.html#numpy.random.Generator"
    )
    # Two things have this name; the loop's own is meant.
    (optimizer,) = [a for a in entry(project, "backprop.fit").dt.select("a") if "Opt" in a.text]
    assert optimizer["href"] == "#backprop.training.loop.Optimizer"


def test_formulas_stay_as_they_are(project):
    assert "Σ_k |a_nk - y_nk|" in entry(project, "backprop.losses.MeanAbsoluteError").dd.get_text()
    assert "a = f(*inputs)" in entry(project, "backprop.vjp").dd.get_text()


def test_a_link_leads_to_the_source_at_the_released_version(project):
    (link,) = entry(project, "backprop.layers.Dense").dt.select("a[href*=blob]")
    found = re.fullmatch(rf"{REPOSITORY}/blob/v([\d.]+)/(.+)#L(\d+)-L(\d+)", link["href"])
    version, path, start, end = found.groups()
    assert version == backprop.__version__
    lines = (ROOT / path).read_text().splitlines()
    assert lines[int(start) - 1] == "class Dense(Layer):"
    assert "\n".join(lines[int(start) - 1 : int(end)]) == inspect.getsource(backprop.Dense).rstrip()


def test_what_the_stored_inventories_name_is_there():
    for path in (PAGES / "inventories").glob("*.txt"):
        names = [line.split()[0] for line in path.read_text().splitlines() if line[0] != "#"]
        assert names == sorted(names), path
        for name in names:
            # NumPy's bool_ is a second name; of the others, the module is what is imported.
            head, _, last = name.rpartition(".")
            assert hasattr(importlib.import_module(head or "builtins"), last), name


def test_every_page_of_the_reference_is_in_the_table_of_contents():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    listed = {c["file"] for part in toc["parts"] for c in part["chapters"]}
    assert {f"book/reference/{path.stem}" for path in PAGES.glob("*.rst")} <= listed
    rooms = {public_names.room_of(name) for name in public_names.documented()}
    written = {
        r for p in PAGES.glob("*.rst") for r in re.findall(r"room:: (\S+)\n(?! *:)", p.read_text())
    }
    assert written == rooms


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Dense", "backprop.layers.Dense"),
        ("Dense(3, 2)", "backprop.layers.Dense"),
        ("Dense.backward(dz)", "backprop.layers.Dense.backward"),
        ("backprop.Dense", "backprop.layers.Dense"),
        ("backprop.layers.dense.Dense", "backprop.layers.Dense"),
        ("slope", "backprop.autodiff.grad"),
        ("losses.Huber.backward", "backprop.losses.Huber.backward"),
        ("optimizers.Adam", "backprop.optimizers.Adam"),
        ("grad", None),
        ("Dense.sideways", None),
        ("Momentum", None),
        ("Momentum.step", None),
        ("backprop", None),
        ("layers", None),
        ("backprop.book.ledger", None),
        ("np.tanh", None),
        ("x = Dense", None),
        ("", None),
    ],
)
def test_what_a_piece_of_code_mentions(tmp_path, text, name):
    nbformat.write(chapter(), tmp_path / "page.ipynb")
    assert mentioned(text, public_names.read(tmp_path / "page.ipynb")) == name
