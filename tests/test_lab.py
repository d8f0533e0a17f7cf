"""`make lab` never writes over what a reader has changed."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import nbformat
import pytest
from nbformat.sign import NotebookNotary

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import lab  # noqa: E402


@pytest.fixture
def source(tmp_path):
    """Notebooks as the build writes them; what is in them does not matter here."""
    for name in ("book/index.ipynb", "book/part1/one.ipynb"):
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}, first edition")
    return tmp_path / "source"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "my notebooks 中文"


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*.ipynb")}


def test_the_first_time_all_are_written(source, folder):
    report = lab.copy(source, folder)
    assert report.written == ["book/index.ipynb", "book/part1/one.ipynb"]
    assert contents(folder) == contents(source)
    assert not report.beside and not report.kept


def test_what_the_reader_left_alone_is_brought_up_to_date(source, folder):
    lab.copy(source, folder)
    (source / "book/index.ipynb").write_text("second edition")
    assert not lab.copy(source, folder).beside
    assert contents(folder) == contents(source)


def test_what_the_reader_changed_is_kept_and_nothing_new_offered(source, folder):
    lab.copy(source, folder)
    (folder / "book/index.ipynb").write_text("mine")
    report = lab.copy(source, folder)
    assert report.kept == ["book/index.ipynb"] and not report.beside
    assert contents(folder) == contents(source) | {"book/index.ipynb": "mine"}


def test_a_newer_one_is_put_beside_it_and_that_is_said(source, folder):
    lab.copy(source, folder)
    (folder / "book/index.ipynb").write_text("mine")
    (source / "book/index.ipynb").write_text("second edition")
    for _ in range(2):
        report = lab.copy(source, folder)
        assert report.beside == {"book/index.ipynb": "book/index.new.ipynb"}
        found = contents(folder)
        assert found["book/index.ipynb"] == "mine"
        assert found["book/index.new.ipynb"] == "second edition"
    said = lab.said(report, folder)
    assert "You have changed book/index.ipynb, so it is kept" in said
    assert "the new one is book/index.new.ipynb" in said


def test_the_one_beside_it_is_not_written_over_either(source, folder):
    lab.copy(source, folder)
    (folder / "book/index.ipynb").write_text("mine")
    for edition in ("second", "third"):
        (source / "book/index.ipynb").write_text(f"{edition} edition")
        lab.copy(source, folder)
        if edition == "second":
            (folder / "book/index.new.ipynb").write_text("mine as well")
    found = contents(folder)
    assert found["book/index.ipynb"] == "mine"
    assert found["book/index.new.ipynb"] == "mine as well"
    assert found["book/index.new-2.ipynb"] == "third edition"


def test_a_reader_s_file_that_was_there_before_is_kept(source, folder):
    (folder / "book").mkdir(parents=True)
    (folder / "book/index.ipynb").write_text("another book's")
    assert lab.copy(source, folder).beside == {"book/index.ipynb": "book/index.new.ipynb"}
    assert (folder / "book/index.ipynb").read_text() == "another book's"


def test_what_the_reader_deleted_comes_back(source, folder):
    lab.copy(source, folder)
    (folder / "book/index.ipynb").unlink()
    assert "book/index.ipynb" in lab.copy(source, folder).written


def test_a_manifest_that_is_none_is_named(source, folder):
    folder.mkdir()
    (folder / lab.MANIFEST).write_text("[]")
    with pytest.raises(ValueError, match=r"\.written\.json holds a list, expected an object"):
        lab.copy(source, folder)


def test_what_is_written_is_trusted_and_what_the_reader_changed_is_not(
    source, folder, tmp_path, monkeypatch
):
    def notebook(text):
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text, id="a")])

    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    (source / "book/part1/one.ipynb").unlink()
    nbformat.write(notebook("1"), source / lab.LANDING)
    lab.trust(folder, lab.copy(source, folder))
    assert trusted(folder / lab.LANDING)
    nbformat.write(notebook("mine"), folder / lab.LANDING)
    lab.trust(folder, lab.copy(source, folder))
    assert not trusted(folder / lab.LANDING)


def trusted(path):
    notary = NotebookNotary()
    with closing(notary.store):
        return notary.check_signature(nbformat.read(path, 4))


def test_git_ignores_the_folder():
    assert "my-notebooks/" in (ROOT / ".gitignore").read_text().split()


def test_without_a_built_book_it_says_what_to_do(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(lab, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["lab.py", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match="make book"):
        lab.main()


def test_the_landing_notebook_is_opened_in_the_folder(monkeypatch, source, folder):
    calls = []

    def run(command, **options):
        calls.append((command[1:], options["cwd"]))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(lab, "NOTEBOOKS", source)
    monkeypatch.setattr(lab, "trust", lambda folder, report: calls.append(report.written))
    monkeypatch.setattr(lab.subprocess, "run", run)
    monkeypatch.setattr(sys, "argv", ["lab.py", str(folder)])
    with pytest.raises(SystemExit) as end:
        lab.main()
    assert end.value.code == 0
    assert calls.pop(0) == ["book/index.ipynb", "book/part1/one.ipynb"]
    assert calls == [(["-m", "jupyterlab", "book/index.ipynb"], folder.resolve())]
