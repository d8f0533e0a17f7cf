"""The site is built from the run of the notebooks that was compared."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_cache.cache.main import JupyterCacheBase
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[1]
PATH = os.pathsep.join(str(ROOT / folder) for folder in ("tools", "code"))
REDIRECT = "import build, pathlib\nbuild.CACHE = pathlib.Path(__file__).parent / 'cache'\n"
DRAWN = """from IPython.display import SVG, display
import os
kind = {"svg": "image/svg+xml"}.get(os.environ.get("BACKPROP_FIGURES"), "text/html")
display({kind: "<svg class='bp-drawn'>1</svg>"}, raw=True)"""


@pytest.fixture
def ran(tmp_path):
    """Run a notebook of a drawing and one more cell; return the status and what was kept."""

    def run(source, *outputs, arguments=()):
        drawing = new_output("display_data", data={"text/html": '<svg class="bp-drawn"></svg>'})
        cells = [
            new_code_cell(DRAWN, execution_count=1, outputs=[drawing]),
            new_code_cell(source, execution_count=2, outputs=list(outputs)),
        ]
        notebook = new_notebook(cells=cells)
        notebook.metadata["kernelspec"] = {
            "name": "python3", "display_name": "", "language": "python",
        }  # fmt: skip
        notebook.metadata["language_info"] = {"name": "python"}
        page = tmp_path / "page.ipynb"
        nbformat.write(notebook, page)
        (tmp_path / "conftest.py").write_text(REDIRECT)
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "run_once", "--nbval", "--nbval-current-env",
             f"--nbval-sanitize-with={ROOT / 'tests/book/sanitize.cfg'}", page.name, *arguments],
            cwd=tmp_path, env=os.environ | {"PYTHONPATH": PATH}, capture_output=True, text=True,
            check=False, timeout=100,
        )  # fmt: skip
        cache = JupyterCacheBase(tmp_path / "cache")
        try:
            record = cache.match_cache_notebook(nbformat.read(page, 4))
        except KeyError:
            return done, None
        return done, cache.get_cache_bundle(record.pk).nb

    return run


def test_what_was_compared_is_kept_with_its_drawing_as_svg(ran):
    result = new_output("execute_result", data={"text/plain": "2"}, execution_count=2)
    done, notebook = ran("1 + 1", result)
    assert done.returncode == 0, done.stdout
    assert [*notebook.cells[0].outputs[0].data] == ["image/svg+xml"]
    last = notebook.cells[1]
    assert last.outputs[0].data["text/plain"] == "2"
    assert last.execution_count == last.outputs[0].execution_count == 2


def test_another_output_fails_and_the_page_shows_it(ran):
    done, notebook = ran("print(1 + 1)", new_output("stream", name="stdout", text="3\n"))
    assert done.returncode == 1 and "outputs differ" in done.stdout
    assert notebook.cells[1].outputs[0].text == "2\n"


@pytest.mark.long
def test_a_lost_drawing_is_seen(ran):
    more = new_output("display_data", data={"text/html": '<svg class="bp-drawn"></svg>'})
    done, _ = ran("print('no drawing')", more)
    assert done.returncode == 1 and "outputs differ" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("-k", "1")], ids=["an error", "a cell left out"])
def test_half_a_run_is_not_kept(ran, arguments):
    done, notebook = ran("1 / 0" if not arguments else "1", arguments=arguments)
    assert notebook is None, done.stdout


@pytest.mark.long
def test_an_error_that_is_shown_on_purpose_is_kept(ran):
    told = new_output("error", ename="ValueError", evalue="so", traceback=[])
    done, notebook = ran("# NBVAL_RAISES_EXCEPTION\nraise ValueError('so')", told)
    assert done.returncode == 0, done.stdout
    assert notebook.cells[1].outputs[0].ename == "ValueError"
