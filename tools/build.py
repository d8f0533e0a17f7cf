"""Execute the notebooks in parallel into the cache, then build the site from it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import lite
import live
import reader
from filelock import FileLock, Timeout
from home import writable_home
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.main import JupyterCacheBase
from jupyter_cache.executors import load_executor
from nbformat import NotebookNode
from notebooks import chapters

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "_build" / ".jupyter_cache"


class Cache(JupyterCacheBase):
    """The cache of executed notebooks, which keeps them all.

    jupyter-cache 1.0 asks twice, after each notebook, which records there are, and takes for
    superfluous what another process has added in between.
    """

    def truncate_caches(self) -> None:
        """Leave the others' notebooks alone."""


def digest(root: Path = ROOT) -> str:
    """Hash what the notebooks' results depend on besides themselves."""
    out = hashlib.sha256(os.environ.get("BACKPROP_MNIST_DIR", "").encode())
    package = (root / "code/backprop").rglob("*")
    sources = sorted(path for path in package if path.suffix in (".py", ".js", ".css", ".txt"))
    for path in [*sources, root / "constraints.txt"]:
        out.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return out.hexdigest()


def opened() -> Cache:
    """Return the cache, emptied where the package's code is another by now."""
    key = CACHE / "backprop.sha256"
    if not key.exists() or key.read_text() != digest():
        # The cache looks at the notebooks alone: it would not notice an edit in the package.
        shutil.rmtree(CACHE, ignore_errors=True)
        # Nor would Sphinx read the pages again, since the notebooks themselves are the same.
        shutil.rmtree(ROOT / "_build/.doctrees", ignore_errors=True)
        CACHE.mkdir(parents=True)
        key.write_text(digest())
    return Cache(CACHE)


def store(path: Path, notebook: NotebookNode, seconds: float) -> None:
    """Keep a notebook as it came from its run."""
    data = {"execution_seconds": seconds}
    bundle = CacheBundleIn(notebook, str(path), data=data)
    Cache(CACHE).cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def execute() -> None:
    """Run what has changed since its last run."""
    cache = opened()
    for record in cache.list_project_records():
        cache.remove_nb_from_project(record.pk)
    for path in chapters():
        cache.add_nb_to_project(str(path))
    # The pages take figures as SVG, which follows their colours; stored notebooks hold neither.
    os.environ["BACKPROP_FIGURES"] = "svg"
    result = load_executor("local-parallel", cache).run_and_cache(timeout=300)
    if result.errored or result.excepted:
        raise SystemExit(f"these notebooks failed: {result.errored + result.excepted}")


def alone() -> AbstractContextManager[object]:
    """Hold the lock on this checkout's ``_build``; wait where another build has it."""
    (ROOT / "_build").mkdir(exist_ok=True)
    lock = FileLock(str(ROOT / "_build" / ".lock"))
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        print("Another build runs in this folder; this one begins when it has ended.", flush=True)
        return lock.acquire()


def main() -> None:
    writable_home(ROOT / "_build" / "home")
    with alone():
        make()


def make() -> None:
    execute()
    build = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(ROOT)]
    done = subprocess.run([*build, "-W", "-n", "--keep-going", "-q"], cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
    if reader.wanted():
        reader.main()
    if reader.wanted("live_cells"):
        live.main()
        if (live.RUNTIME / "manifest.json").exists() and reader.wanted():
            lite.main()
    print(f"The site is at {ROOT / '_build/html/index.html'}; `make serve` opens it.")


if __name__ == "__main__":
    main()
