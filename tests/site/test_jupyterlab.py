"""The reader's notebooks in a real JupyterLab and in Jupyter Notebook: `make test-lab`."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from conftest import SITE, lacking

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import lab  # noqa: E402

MISSING = [name for name in ("jupyterlab", "notebook") if importlib.util.find_spec(name) is None]
if MISSING and os.environ.get("BACKPROP_REQUIRE_LAB"):
    pytest.fail(f"not installed: {', '.join(MISSING)}", pytrace=False)
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}; make test-lab"),
    pytest.mark.xdist_group("jupyterlab"),
]
CHAPTER = "book/part1-idea/chain-rule.ipynb"
LANDING = lab.LANDING
VIEWS = {"lab": "lab/tree", "notebook": "notebooks"}
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
# A plot is a picture; a drawing by hand is an image too, and an SVG once its cell has run.
DRAWN = ('<svg class="bp-drawn"', '<img class="bp-drawn"')
FIGURES = ".jp-OutputArea-output :is(img, svg.bp-drawn)"
SHOWN = """selector => [...document.querySelectorAll(selector)].map(e => {
  const box = e.getBoundingClientRect(), loaded = e.tagName !== 'IMG' || e.naturalWidth > 0;
  return {top: box.top, bottom: box.bottom, width: box.width, loaded};
})"""
RAW = r"""() => [...document.querySelectorAll('.jp-RenderedMarkdown')].map(e => e.innerText)
  .filter(t => /\{(cite|ref|numref|eq|doc)|```\{|:::\{|\$\$|\\frac|^\([\w-]+\)=$/m.test(t))"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, home):
    """The reader's notebooks as `make lab` hands them over: copied and trusted."""
    if not (SITE.parent / "notebooks" / LANDING).exists():
        lacking("no reader's notebooks: run make book")
    out = tmp_path_factory.mktemp("reader")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_DATA_DIR", str(home / "data"))
        lab.trust(out, lab.copy(SITE.parent / "notebooks", out))
    return out


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The folder of the server's settings, its own."""
    return tmp_path_factory.mktemp("home")


def choose(home, theme):
    """Store the settings, which each page reads: a theme, and no news from elsewhere."""
    for name, values in (SETTINGS | {"apputils-extension/themes": {"theme": theme}}).items():
        path = home / f"settings/@jupyterlab/{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))


@pytest.fixture(scope="module")
def server(folder, home):
    """A server that anybody on this machine may ask."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = os.environ | {
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
    }
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
        "--ServerApp.ip=127.0.0.1", "--IdentityProvider.token=", "--ServerApp.port_retries=0",
    ]  # fmt: skip
    log = home / "log"
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=out, stderr=out)
    base = f"http://127.0.0.1:{port}/"
    try:
        wait_for(lambda: answers(f"{base}api") or process.poll() is not None, 120)
        assert process.poll() is None, log.read_text()
        yield base
    finally:
        process.terminate()
        process.wait(60)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"waited {seconds} s"
        time.sleep(0.5)
    return found


@pytest.fixture
def opened(browser, server, home):
    """A function that opens a notebook in a view and waits until it is set."""
    pages = []

    def open_notebook(view, name, theme="JupyterLab Light"):
        choose(home, theme)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(120_000)
        pages.append(page)
        # Without what an earlier page left open.
        page.goto(f"{server}{VIEWS[view]}/{name}?reset")
        page.wait_for_selector(".jp-Notebook .jp-RenderedMarkdown h1")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", state="attached")
        page.wait_for_load_state("networkidle")
        return page

    yield open_notebook
    for page in pages:
        page.close()


def keep(page, name):
    """Store a picture of the screen where somebody asks for it."""
    if target := os.environ.get("BACKPROP_SCREENSHOTS"):
        Path(target).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{target}/{name}.png")


@pytest.mark.parametrize("name", [LANDING, CHAPTER], ids=["landing", "chapter"])
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"], ids=["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_the_first_screen_shows_a_figure_and_nothing_raw(opened, request, view, theme, name):
    page = opened(view, name, theme)
    page.wait_for_selector(FIGURES, state="attached")
    page.wait_for_function("() => !document.querySelector('.MathJax_Preview')")
    keep(page, request.node.callspec.id)
    shown = [box for box in page.evaluate(SHOWN, FIGURES) if box["loaded"] and box["width"] > 100]
    assert any(box["top"] < 900 for box in shown), shown
    assert page.evaluate(RAW) == []


@pytest.mark.parametrize("view", VIEWS)
def test_a_notebook_that_nobody_signed_shows_its_drawings(opened, folder, view):
    source = nbformat.read(folder / CHAPTER, 4)
    source.metadata["downloaded"] = view
    name = f"book/part1-idea/unsigned-{view}.ipynb"
    nbformat.write(source, folder / name)
    page = opened(view, name)
    shown = page.wait_for_selector(".jp-OutputArea-output img.bp-drawn")
    assert shown.evaluate("e => e.naturalWidth > 0 && e.alt.length > 20")
    assert shown.bounding_box()["y"] < 900


def figures_of(cells):
    """Count the plots and the drawings in the outputs."""
    data = [o.get("data", {}) for c in cells if c.cell_type == "code" for o in c.outputs]
    pages = [d.get("text/html", "") for d in data]
    return sum("image/png" in d for d in data) + sum(any(k in p for k in DRAWN) for p in pages)


@pytest.mark.parametrize("view", VIEWS)
def test_all_cells_run_without_an_error(opened, folder, server, view):
    source = nbformat.read(folder / CHAPTER, 4)
    figures = figures_of(source.cells)
    assert figures >= 4
    for cell in source.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    name = f"book/part1-idea/run-{view}.ipynb"
    nbformat.write(source, folder / name)
    page = opened(view, name)
    # In the notebook view the menus come last.
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    def done():
        page.keyboard.press("Control+s")
        page.wait_for_timeout(2000)
        try:
            notebook = nbformat.read(folder / name, 4)
        except nbformat.reader.NotJSONError:  # while it is being written
            return None
        cells = [c for c in notebook.cells if c.cell_type == "code"]
        return cells if all(c.execution_count for c in cells) else None

    cells = wait_for(done, 300)
    assert [o for c in cells for o in c.outputs if o.output_type == "error"] == []
    assert figures_of(cells) == figures
    folded = [c for c in cells if c.metadata.get("jupyter", {}).get("source_hidden")]
    assert len(folded) > 10, "running unfolds nothing"


def test_a_link_opens_the_other_notebook(opened):
    page = opened("lab", CHAPTER)
    page.locator(".jp-RenderedMarkdown a", has_text="Gradients").first.click()
    page.wait_for_selector(".lm-TabBar-tabLabel:text-is('gradients.ipynb')")
