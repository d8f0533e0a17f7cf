"""The gates: a build, a lint or a server that is broken says so by its exit status."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from jupyter_cache.base import CacheBundleIn

from backprop.book.figures.embed import figure, source

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import addresses  # noqa: E402
import build  # noqa: E402
import lint_scripts  # noqa: E402
import notebooks  # noqa: E402
import serve  # noqa: E402


@pytest.fixture
def no_cache(monkeypatch, tmp_path):
    """A build whose cache holds nothing, and whose executor finds what a test says."""
    cache = SimpleNamespace(list_project_records=lambda: [], add_nb_to_project=lambda path: None)
    monkeypatch.setattr(build, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "digest", lambda: "")
    monkeypatch.setattr(build, "Cache", lambda path: cache)
    monkeypatch.setattr(build, "chapters", lambda: [])

    def found(errored=(), excepted=()):
        result = SimpleNamespace(errored=list(errored), excepted=list(excepted))
        executor = SimpleNamespace(run_and_cache=lambda timeout: result)
        monkeypatch.setattr(build, "load_executor", lambda name, cache: executor)

    return found


@pytest.mark.parametrize("kind", ["errored", "excepted"])
def test_a_notebook_that_failed_ends_the_build(no_cache, kind):
    no_cache()
    build.execute()
    no_cache(**{kind: ["chapter.ipynb"]})
    with pytest.raises(SystemExit, match=r"these notebooks failed: \['chapter.ipynb'\]"):
        build.execute()


def test_the_cache_keeps_what_another_process_has_just_added(tmp_path):
    cache = build.Cache(tmp_path)
    cache.change_cache_limit(1)
    for code in ("1", "2"):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
        bundle = CacheBundleIn(notebook, f"{code}.ipynb")
        cache.cache_notebook_bundle(bundle, check_validity=False)
    assert len(cache.list_cache_records()) == 2


def test_the_builds_own_status_is_passed_on_and_warnings_count(monkeypatch):
    commands = []

    def run(command, **options):
        commands.append(command)
        return SimpleNamespace(returncode=3)

    monkeypatch.setattr(build, "execute", lambda: None)
    monkeypatch.setattr(build.subprocess, "run", run)
    with pytest.raises(SystemExit) as ended:
        build.make()
    assert ended.value.code == 3
    assert {"-W", "-n", "--keep-going"} <= set(commands[0])


def executed(*outputs, count=1):
    cell = nbformat.v4.new_code_cell("1", id="a", execution_count=count, outputs=list(outputs))
    return nbformat.v4.new_notebook(cells=[cell])


@pytest.fixture
def stored(tmp_path):
    def write(notebook):
        path = tmp_path / "one.ipynb"
        path.write_text(notebooks.normalized(notebook), encoding="utf-8")
        return path

    return write


def stream(name, text="a line\n"):
    return nbformat.v4.new_output("stream", name=name, text=text)


def shown(page):
    return nbformat.v4.new_output("display_data", {"text/html": page})


def test_a_notebook_as_git_keeps_it_has_no_fault(stored):
    drawn = nbformat.v4.new_output("display_data", {"text/plain": "x", "image/png": "AAAA"})
    path = stored(executed(stream("stdout"), drawn))
    assert notebooks.problems(path) == [] and "AAAA" not in path.read_text()


@pytest.mark.parametrize(
    ("notebook", "fault"),
    [
        (executed(nbformat.v4.new_output("error", ename="KeyError", evalue="", traceback=[])),
         "cell a holds the error KeyError"),
        (executed(stream("stderr", "Warning: /home/me")), "cell a wrote to stderr"),
        (executed(count=2), "was not executed once from top to bottom"),
        (executed(count=None), "was not executed once from top to bottom"),
    ],
)  # fmt: skip
def test_a_fault_of_a_stored_notebook_is_found_and_fails_the_lint(stored, notebook, fault):
    path = stored(notebook)
    assert [f for f in notebooks.problems(path) if fault in f]
    run = subprocess.run(
        [sys.executable, "tools/notebooks.py", "--check", str(path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 1 and fault in run.stderr


def test_a_figure_s_script_and_style_are_those_of_the_package(stored):
    page = figure("ravine", "one", "One", "<p></p>", sliders=True)
    path = stored(executed(shown(page)))
    assert notebooks.problems(path) == []
    for old, what in ((source("ravine.js"), "script"), (source("sliders.css"), "style sheet")):
        path = stored(executed(shown(page.replace(old, f"x{old}"))))
        assert notebooks.problems(path) == [f"cell a holds a {what} as it was before"]


def test_what_is_not_normalized_is_found(stored):
    path = stored(executed())
    path.write_text(path.read_text() + "\n")
    assert notebooks.problems(path) == ["is not normalized"]


def test_pieces_of_one_stream_are_joined_and_two_streams_are_not():
    pieces = [stream("stdout", "a"), stream("stdout", "b\n"), stream("stderr", "c\n")]
    text = notebooks.normalized(executed(*pieces))
    kept = nbformat.reads(text, 4).cells[0].outputs
    assert [(o.name, o.text) for o in kept] == [("stdout", "ab\n"), ("stderr", "c\n")]


def test_the_site_is_served_on_loopback_alone(monkeypatch):
    served = {}

    class Server:
        server_port = 1

        def __init__(self, address, handler):
            served["address"] = address

        def __enter__(self):
            return self

        def __exit__(self, *exception):
            return None

        def serve_forever(self):
            raise KeyboardInterrupt

    monkeypatch.setattr(serve.http.server, "ThreadingHTTPServer", Server)
    monkeypatch.setattr(serve.webbrowser, "open", lambda url: served.update(url=url))
    serve.main()
    assert served == {"address": ("127.0.0.1", 0), "url": "http://127.0.0.1:1/"}


def test_faults_of_scripts_end_their_lint(monkeypatch, capsys):
    monkeypatch.setattr(lint_scripts.shutil, "which", lambda name: "npm")
    monkeypatch.setattr(
        lint_scripts.subprocess, "run", lambda *a, **o: SimpleNamespace(returncode=2)
    )
    with pytest.raises(SystemExit) as ended:
        lint_scripts.main()
    assert ended.value.code == 2
    monkeypatch.setattr(lint_scripts.shutil, "which", lambda name: None)
    lint_scripts.main()
    assert "were not linted" in capsys.readouterr().out


def test_an_address_is_moved_whole():
    old, new = "https://github.com/one/book", "https://github.com/two/text"
    text = "github.com/one/book/raw github.com/one/book-two https://one.github.io/book/a.html"
    moved = addresses.moved(text, old, new)
    assert moved == (
        "github.com/two/text/raw github.com/one/book-two https://two.github.io/text/a.html"
    )
