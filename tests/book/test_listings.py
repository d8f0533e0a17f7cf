"""A listing that a page takes from the package begins and ends where the page says."""

import re
from pathlib import Path

import nbformat
import pytest
import yaml
from sphinx.config import Config
from sphinx.directives.code import LiteralIncludeReader

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"```\{literalinclude\} (\S+)\n((?::.*\n)*)```")


def sources(path):
    if path.suffix == ".md":
        return [path.read_text()]
    return [c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown"]


def listings():
    for path in sorted((ROOT / "book").rglob("*")):
        if path.suffix not in (".md", ".ipynb") or ".ipynb_checkpoints" in path.parts:
            continue
        for source in sources(path):
            for file, lines in BLOCK.findall(source):
                block = "\n".join(line[1:] for line in lines.splitlines())
                options = {name: str(value) for name, value in yaml.safe_load(block).items()}
                yield pytest.param(
                    path.parent / file, options, id=f"{path.stem}-{next(iter(options.values()))}"
                )


def listing(file, options):
    asked = {name: value for name, value in options.items() if name not in ("language", "dedent")}
    text, count = LiteralIncludeReader(str(file), asked, Config()).read()
    assert count
    return text


@pytest.mark.parametrize(("file", "options"), list(listings()))
def test_a_listing_is_found_and_holds_code(file, options):
    assert listing(file, options).strip()


def test_a_missing_line_is_seen(tmp_path):
    file = tmp_path / "a.py"
    file.write_text("x = 1\ny = 2\n")
    assert listing(file, {"start-at": "y = 2"}) == "y = 2\n"
    with pytest.raises(ValueError, match="start-at pattern not found"):
        listing(file, {"start-at": "z = 3"})
