"""Carry the repository's address from ``_config.yml`` into the files that cannot read it there.

After a fork has changed ``repository: url:`` in ``_config.yml``, run this, and
``tools/notebooks.py`` for the notebooks' first cells. The site's own address follows from the
repository's: it is where GitHub Pages serves it.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))
from report_error import site_of  # noqa: E402

FILES = (
    "README.md", "CHANGELOG.md", "CITATION.cff", "pyproject.toml",
    ".github/ISSUE_TEMPLATE/config.yml",
)  # fmt: skip


def repository() -> str:
    """Return the repository's address, from the one line that decides it."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    return str(config["repository"]["url"]).rstrip("/")


def moved(text: str, old: str, new: str) -> str:
    """Return the text with the addresses of one repository and its site for another's."""
    text = text.replace(site_of(old), site_of(new))
    slug, other = (urlsplit(address).path.strip("/") for address in (old, new))
    hosts = r"(github\.com|raw\.githubusercontent\.com|mybinder\.org/v2/gh)"
    return re.sub(rf"{hosts}/{re.escape(slug)}(?=[/\s\")#>]|$)", rf"\1/{other}", text)


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for name in FILES:
        path = ROOT / name
        before = path.read_text(encoding="utf-8")
        after = moved(before, project["urls"]["Repository"], repository())
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"{name}: its addresses are now those of {repository()}")


if __name__ == "__main__":
    main()
