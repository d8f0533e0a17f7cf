"""Every stored result is read whole, and by the module that wrote it."""

import importlib
import json
from importlib.resources import files

import pytest

from backprop.book import results

NAMES = sorted(
    path.name.removesuffix(".json")
    for path in files("backprop.book").iterdir()
    if path.name.endswith(".json")
)


@pytest.mark.parametrize("name", NAMES)
def test_a_result_is_what_its_file_holds(name):
    text = files("backprop.book").joinpath(f"{name}.json").read_bytes().decode("utf-8")
    assert results.read(name) == json.loads(text)
    module = importlib.import_module(f"backprop.book.{name}")
    assert len(module.stored()) == len(json.loads(text))


def test_a_result_that_is_not_stored_is_named():
    with pytest.raises(FileNotFoundError, match=r"no_such\.json"):
        results.read("no_such")


def test_some_entries_are_made_anew_and_the_others_are_kept(tmp_path, capsys):
    path, makers = tmp_path / "a.json", {"a": lambda: 1, "b": lambda: 2}
    results.renew(path, makers, makers, lambda: pytest.fail("nothing is to be kept"))
    assert json.loads(path.read_text()) == {"a": 1, "b": 2}
    results.renew(path, makers, ["b"], lambda: {"a": 3, "b": 4})
    assert path.read_text() == '{"a": 3, "b": 2}\n' and capsys.readouterr().out == "a\nb\nb\n"
