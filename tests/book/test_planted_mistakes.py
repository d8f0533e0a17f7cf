"""The page of planted mistakes counts what the last run found, and names what survived."""

import json
import sys
from pathlib import Path

from sphinx_project import EXTENSIONS, build, html, write

sys.path.insert(0, str(EXTENSIONS))
import planted_mistakes as page

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
def test_slope():
    gradcheck.check_layer(layer)

def test_error():
    with pytest.raises(ValueError):
        f()

def test_value():
    assert f() == 3
"""


def outcome(module, what, failed=(), equivalent=""):
    names = [f"tests/test_a.py::{name}" for name in failed]
    return {"name": f"{module}: {what}", "module": module, "what": what, "caught": bool(names),
            "failed": names, "equivalent": equivalent}  # fmt: skip


def test_counts_kinds_and_survivors(tmp_path):
    write(tmp_path, {"index": "# Small\n\n```{planted-mistakes}\n```\n"}, "planted_mistakes")
    folder = tmp_path / "tests/mutants"
    folder.mkdir(parents=True)
    (tmp_path / "tests/test_a.py").write_text(TESTS)
    found = [
        outcome("losses.py", "a", ["test_slope[1]", "test_slope[2]", "test_value"]),
        outcome("losses.py", "b", ["test_error"]),
        outcome("network.py", "the one that nobody saw"),
        outcome("network.py", "c", equivalent="Nothing changes."),
    ]
    (folder / "results.json").write_text(json.dumps(found))
    build(tmp_path)
    text = html(tmp_path, "index")
    assert "4 mistakes were planted. 2 of the 3 that change anything were caught (66.7%)" in text
    assert "the one that nobody saw" in text.split("Not caught")[1].split("Without any effect")[0]
    assert "Nothing changes." in text.split("Without any effect")[1]
    cells = [line.strip() for line in text.split("<td>")[1:]]
    rows = [c.removeprefix("<p>").split("<")[0] for c in cells]
    assert set(zip(rows[:6:2], rows[1:6:2], strict=True)) == {
        ("a derivative by differences or the complex step", "1"),
        ("a known value or a property", "1"),
        ("the error that bad input must raise", "1"),
    }
    assert rows[6:] == ["losses.py", "2", "2", "network.py", "1", "0"]


def test_the_stored_results_are_of_the_mistakes_that_are_there():
    sys.path.insert(0, str(ROOT / "tools"))
    import mutants

    stored = page.results(ROOT)
    assert [o["name"] for o in stored] == [m.name for m in mutants.mutants()]
    planted, caught = page.counted(stored)
    assert planted >= 150 and caught >= 0.97 * planted
    assert all(o["failed"] for o in stored if o["caught"])
