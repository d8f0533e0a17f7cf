"""Write the reader's notebooks, which are the sources in plain Markdown.

``book/_ext/reader_notebooks.py`` says how. They go to ``_build/notebooks``, with what Binder needs
beside them: this folder is published to the branch that Colab and Binder open. A copy goes to the
site, for its download buttons. The site must have been built: its pages are read from the same
stored doctrees.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import yaml
from addresses import repository
from notebooks import requirement, version

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "_build" / "notebooks"
SITE = ROOT / "_build" / "html"
README = """\
# The notebooks of "{title}"

Written by the build from the sources in [{url}]({url}), version {version}; changes belong there.
Start with [book/index.ipynb](book/index.ipynb).
"""


def wanted(extension: str = "reader_notebooks") -> bool:
    """Say whether the book loads an extension; asked for none, the one with the builder."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    return extension in config.get("sphinx", {}).get("local_extensions", {})


def write() -> None:
    """Run the builder ``notebooks`` on the stored doctrees."""
    shutil.rmtree(NOTEBOOKS, ignore_errors=True)
    book = str(Path(sys.executable).with_name("jupyter-book"))
    builder = ["--builder", "custom", "--custom-builder", "notebooks"]
    command = [book, "build", str(ROOT), *builder, "-W", "-n", "--keep-going", "-q"]
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def add_surroundings(root: Path = NOTEBOOKS) -> None:
    """Add what the published branch needs: an explanation, the licences, Binder's requirements."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    needed, constraints = requirement()
    (root / "binder").mkdir(exist_ok=True)
    (root / "binder/requirements.txt").write_text(f"-c {constraints}\n{needed}\n", encoding="utf-8")
    shutil.copyfile(ROOT / "binder/runtime.txt", root / "binder/runtime.txt")
    for licence in ROOT.glob("LICENSE*"):
        shutil.copyfile(licence, root / licence.name)
    text = README.format(title=config["title"], url=repository(), version=version())
    (root / "README.md").write_text(text, encoding="utf-8")


def paths(root: Path = NOTEBOOKS) -> list[Path]:
    """Return the written notebooks."""
    return sorted(root.rglob("*.ipynb"))


def publish(site: Path = SITE) -> None:
    """Put the notebooks on the site, where its download buttons find them."""
    shutil.rmtree(site / "notebooks", ignore_errors=True)
    for path in paths():
        nbformat.validate(nbformat.read(path, nbformat.NO_CONVERT))
        copy = site / "notebooks" / path.relative_to(NOTEBOOKS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def main() -> None:
    write()
    add_surroundings()
    publish()
    print(f"The reader's notebooks are in {NOTEBOOKS}; `make lab` opens a copy of them.")


if __name__ == "__main__":
    main()
