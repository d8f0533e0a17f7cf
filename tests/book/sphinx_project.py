"""A small Sphinx project for the tests of the book's own extensions."""

import subprocess
import sys
from pathlib import Path

EXTENSIONS = Path(__file__).resolve().parents[2] / "book" / "_ext"


def write(root, pages, *extensions, parser="myst_parser", **options):
    """Write conf.py and the pages (name without .md, text); myst_nb parses notebooks as well."""
    lines = [
        f"import sys; sys.path.insert(0, {str(EXTENSIONS)!r})",
        f"extensions = {[parser, *extensions]!r}",
        "myst_enable_extensions = ['dollarmath', 'colon_fence']",
        "project = 'small'",
        *(f"{name} = {value!r}" for name, value in options.items()),
    ]
    (root / "conf.py").write_text("\n".join(lines))
    for name, text in pages.items():
        path = root / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def build(root, builder="html", *options):
    """Build with warnings as errors and return what was printed."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-b", builder, *options]
    run = subprocess.run(
        [*command, str(root), str(root / "_build" / builder)],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    if run.returncode:
        raise AssertionError(run.stdout + run.stderr)
    return run.stdout + run.stderr


def html(root, page):
    return (root / "_build" / "html" / f"{page}.html").read_text()
