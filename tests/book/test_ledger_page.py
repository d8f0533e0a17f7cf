"""The ledger's page shows every entry of the executed notebooks, and refuses one that is off."""

import json

import nbformat
import pytest
from jupyter_cache import get_cache
from sphinx_project import build, html, write

MIME = "application/vnd.backprop.ledger+json"
CHECK = {"tolerance": 1e-14, "reason": ""}


def entry(name, error):
    checks = [CHECK | {"oracle": o, "error": error} for o in ("symbolic", "autograd")]
    return {"name": name, "latex": "x^2", "function": "backprop.losses.Huber", "checks": checks}


def project(root, *entries):
    """A book of one executed notebook and the ledger's page."""
    write(
        root, {"index": "# Small\n\n```{toctree}\none\nledger\n```\n",
               "ledger": "# Ledger\n\n```{ledger}\n```\n"},
        "derivative_ledger", parser="myst_nb", nb_execution_mode="cache",
        nb_execution_cache_path=str(root / "cache"), exclude_patterns=["cache"],
    )  # fmt: skip
    cells = [nbformat.v4.new_markdown_cell("# One", id="title")]
    for k, made in enumerate(entries):
        # A kernel without the package: the output says by itself what it is.
        lines = f"from IPython.display import display\ndisplay({{{MIME!r}: {json.dumps(made)!r},"
        lines += " 'text/plain': 'an entry'}, raw=True)"
        cells.append(nbformat.v4.new_code_cell(lines, id=f"c{k}"))
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"display_name": "", "language": "python", "name": "python3"}
    path = root / "one.ipynb"
    path.write_text(nbformat.writes(notebook))
    cache = get_cache(str(root / "cache"))
    for k, made in enumerate(entries):
        data = {MIME: json.dumps(made), "text/plain": "an entry"}
        output = nbformat.v4.new_output("display_data", data)
        notebook.cells[k + 1].outputs, notebook.cells[k + 1].execution_count = [output], k + 1
    executed = root / "executed.ipynb"
    executed.write_text(nbformat.writes(notebook))
    cache.cache_notebook_file(path=str(executed), uri=str(path), check_validity=False)
    executed.unlink()


def test_every_entry_is_on_the_page(tmp_path):
    project(tmp_path, entry("first", 3e-16), entry("second", 0.0))
    build(tmp_path, "html", "-D", "suppress_warnings=mystnb.unknown_mime_type")
    page = html(tmp_path, "ledger")
    assert page.count("losses.Huber") == 2 and "3e-16" in page and "0e+00" in page


@pytest.mark.parametrize("error", [2e-14, pytest.param(float("nan"), marks=pytest.mark.long)])
def test_an_entry_that_is_off_fails_the_build(tmp_path, error):
    project(tmp_path, entry("first", 0.0), entry("second", error))
    with pytest.raises(AssertionError, match="ledger: one: second is off"):
        build(tmp_path, "html", "-D", "suppress_warnings=mystnb.unknown_mime_type")
