"""Whole notebooks in the site's own JupyterLite, in a browser that reaches nothing else."""

import json
import os
import re

import pytest
from conftest import SITE, chapters, lacking

START = 300_000
"""Milliseconds in which JupyterLite and Python must be ready, on a busy machine too."""
WHOLE = 1_500_000
"""Milliseconds for all cells of a chapter: Python in a browser takes a multiple of the time."""
QUICK = "book/part1-idea/networks.html"
OPEN = "() => window.jupyterapp?.shell?.currentWidget?.content?.model?.cells.length"
RUN = """async () => {
  const panel = jupyterapp.shell.currentWidget;
  await panel.sessionContext.ready;
  await jupyterapp.commands.execute('notebook:run-all-cells');
  return [...panel.content.model.cells].filter(cell => cell.type === 'code').map(cell => ({
    count: cell.executionCount,
    errors: cell.outputs.toJSON().filter(output => output.output_type === 'error')
      .map(output => [output.ename, output.evalue, ...output.traceback].join('\\n').slice(-1500)),
    told: cell.outputs.toJSON().filter(output => output.name === 'stderr')
      .map(output => [output.text].flat().join('')),
    source: cell.sharedModel.getSource().slice(0, 200),
  }));
}"""


@pytest.fixture(autouse=True)
def jupyterlite(site):
    if not (site / "lite" / "jupyter-lite.json").exists():
        if os.environ.get("BACKPROP_REQUIRE_LIVE") or os.environ.get("BACKPROP_LIVE"):
            pytest.fail("no JupyterLite on the site: run make live")
        lacking("no JupyterLite on the site: run make live")


def chosen():
    """The chapters to run: all of them, or the quickest."""
    return chapters() if os.environ.get("BACKPROP_LIVE") == "all" else [QUICK]


def test_every_notebook_is_there_and_python_is_the_sites_own(site):
    listed = set()
    for index in (site / "lite/api/contents").rglob("all.json"):
        listed |= {entry["path"] for entry in json.loads(index.read_text())["content"]}
    assert {page.replace(".html", ".ipynb") for page in chapters()} <= listed
    settings = json.loads((site / "lite/jupyter-lite.json").read_text())["jupyter-config-data"]
    kernel = settings["litePluginSettings"]["@jupyterlite/pyodide-kernel-extension:kernel"]
    assert kernel["disablePyPIFallback"] is True
    for address in (kernel["pyodideUrl"], kernel["loadPyodideOptions"]["lockFileURL"]):
        assert (SITE / "lite" / address).resolve().is_relative_to(SITE), address
        assert (SITE / "lite" / address).exists(), address
    lock = SITE / "lite" / kernel["loadPyodideOptions"]["lockFileURL"]
    for name, package in json.loads(lock.read_text())["packages"].items():
        assert (lock.parent / package["file_name"]).exists(), name


@pytest.mark.parametrize("page", chosen())
def test_a_chapter_runs_whole_in_the_browser(browser, base, page):
    context = browser.new_context()
    tab = context.new_page()
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    button = tab.locator(".dropdown-launch-buttons a").first
    tab.goto(base + page)
    tab.goto(button.evaluate("link => link.href"))
    tab.set_default_timeout(START)
    tab.wait_for_function(OPEN)
    tab.set_default_timeout(WHOLE)
    cells = tab.evaluate(RUN)
    context.close()
    assert len(cells) > 10
    failed = [cell for cell in cells if cell["errors"] or not cell["count"]]
    if failed:
        pytest.fail(
            re.sub(r"\x1b\[[0-9;]*m", "", json.dumps(failed, indent=1).replace("\\u001b", "\x1b"))
        )
    assert not cells[0]["told"], "the first cell installs without a word"
    foreign = [url for url in asked if not url.startswith((base, "data:", "blob:"))]
    assert not foreign, foreign
