"""Add JupyterLite to the site, in ``lite``: each chapter's notebook, run in the reader's browser.

``jupyter lite`` puts its application and the reader's notebooks together, in an environment of its
own in ``_build``. Python is the one that the live cells run on (``live.py``), so this comes after
it; JupyterLite needs a few more wheels beside those, and a list of all, in which the package itself
is one. Every wheel has its hash in that list, and comes from the site.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tempfile
import venv
import zipfile
from pathlib import Path

import live
from notebooks import requirement, version

ROOT = live.ROOT
ENVIRONMENT = ROOT / "_build" / "lite-env"
NOTEBOOKS = ROOT / "_build" / "notebooks"
SITE = ROOT / "_build" / "html"
LITE = SITE / "lite"
REQUIREMENTS = ROOT / "requirements-lite.txt"
BUILDERS = ("jupyter-server", "jupyterlab-server")
"""What ``jupyter lite`` needs to list the notebooks, besides the wheels of the requirements."""
PACKAGE = "backprop-book"
APPS = ("notebooks", "tree")
LOCK = "lite-lock.json"
OFF = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Notebooks in the browser are off</title>
<body style="font: 1.1rem/1.5 sans-serif; max-width: 36rem; margin: 3rem auto; padding: 0 1rem">
<h1>Notebooks in the browser are off</h1>
<p>This copy of the site was built without a network, and so without what runs notebooks in the
browser. <code>make book</code> adds it once there is one. Every page's download button has its
notebook.</p>
</body>
</html>
"""
SERVED_ONLY = """\
<noscript>Notebooks run in the browser by its scripts, which are off.</noscript>
<script>
  if (location.protocol === 'file:')
    document.write('<p>Notebooks run in the browser from a server only: <code>make serve</code>.');
</script>
"""
"""What the first lines of each page say where JupyterLite would stay empty without a word."""


def environment() -> Path:
    """Return the folder of programs of an environment that has JupyterLite."""
    programs = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
    constraints = ROOT / "constraints.txt"
    decisive = REQUIREMENTS.read_bytes() + constraints.read_bytes() + repr(BUILDERS).encode()
    digest = hashlib.sha256(decisive).hexdigest()
    stamp = ENVIRONMENT / ".installed"
    if not stamp.exists() or stamp.read_text() != digest:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        wheels = [live.pip_download(*wheel) for wheel in live.pinned(REQUIREMENTS)]
        venv.create(ENVIRONMENT, with_pip=True)
        command = [programs / "python", "-m", "pip", "install", "-q", *wheels, *BUILDERS]
        done = subprocess.run([*command, "-c", constraints], capture_output=True, text=True)
        if done.returncode:
            raise live.Unreachable(f"JupyterLite: {done.stderr.strip()[-300:]}")
        stamp.write_text(digest)
    return programs


def own_wheel() -> tuple[str, bytes]:
    """Return the name and the content of the package's wheel, the same for the same sources."""
    stem = f"{PACKAGE.replace('-', '_')}-{version()}"
    metadata = f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {version()}\n"
    described = "Wheel-Version: 1.0\nGenerator: tools/lite.py\nRoot-Is-Purelib: true\n"
    described += "Tag: py3-none-any\n"
    out = io.BytesIO(live.package())
    with zipfile.ZipFile(out, "a") as archive:
        for name, text in (("METADATA", metadata), ("WHEEL", described), ("RECORD", "")):
            archive.writestr(zipfile.ZipInfo(f"{stem}.dist-info/{name}"), text)
    return f"{stem}-py3-none-any.whl", out.getvalue()


def entry(name: str, file: str, content: bytes, depends: tuple[str, ...]) -> dict[str, object]:
    """Return what Pyodide's lock says of a wheel."""
    return {
        "name": name, "version": file.split("-")[1], "file_name": file, "install_dir": "site",
        "sha256": hashlib.sha256(content).hexdigest(), "package_type": "package",
        "imports": [], "depends": depends, "unvendored_tests": False,
    }  # fmt: skip


def wheels() -> dict[str, bytes]:
    """Return the wheels that a kernel loads, and the lock that lists them."""
    core = live.npm("pyodide")
    lock = json.loads(core["pyodide-lock.json"])
    source = live.Wheels(lock["packages"], json.loads(core["package.json"])["version"])
    own = {name: (file, content) for name, file, content in live.pure()}
    own[PACKAGE] = own_wheel()
    needed = ("numpy", "threadpoolctl", "tqdm", *live.LATER.values())
    entries = {
        name: entry(name, *wheel, needed if name == PACKAGE else ()) for name, wheel in own.items()
    }
    files = dict(own.values())
    for name in source.closure(("micropip", *needed)):
        if name not in own:
            file, content = source.get(name)
            files[file], entries[name] = content, lock["packages"][name]
    lock["packages"] = entries
    files[LOCK] = json.dumps(lock).encode()
    return files


def settings() -> dict[str, object]:
    """Return JupyterLite's settings: where Python is, and what a kernel loads at its start."""
    runtime = f"./../{live.RUNTIME.relative_to(SITE).as_posix()}"
    wanted = [requirement.partition("==")[0] for requirement, _ in live.pinned()]
    kernel = {
        "pyodideUrl": f"{runtime}/pyodide.mjs",
        "disablePyPIFallback": True,
        "loadPyodideOptions": {
            "lockFileURL": f"{runtime}/{LOCK}",
            "packages": ["micropip", *wanted, PACKAGE],
        },
    }
    return {
        "jupyter-lite-schema-version": 0,
        "jupyter-config-data": {
            "appName": "Backpropagation, derived and checked",
            "exposeAppInBrowser": True,
            "litePluginSettings": {"@jupyterlite/pyodide-kernel-extension:kernel": kernel},
        },
    }


def contents(folder: Path) -> None:
    """Copy the reader's notebooks, whose first cell installs from the site and asks no other."""
    shutil.copytree(NOTEBOOKS, folder)
    constraints = f" -c {requirement()[1]}"
    for path in folder.rglob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(constraints, ""), encoding="utf-8")


def assemble(programs: Path) -> None:
    """Build the folder ``lite`` of the site anew: what is left of an old one would be kept."""
    shutil.rmtree(LITE, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        contents(Path(folder, "contents"))
        Path(folder, "jupyter-lite.json").write_text(json.dumps(settings()), encoding="utf-8")
        options = ["--contents", "contents", "--output-dir", LITE, "--no-sourcemaps"]
        options += [option for app in APPS for option in ("--apps", app)]
        command = [programs / "jupyter-lite", "build", *options]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"jupyter lite build failed:\n{done.stdout}\n{done.stderr}")
    for app in APPS:
        page = LITE / app / "index.html"
        head, body, rest = page.read_text(encoding="utf-8").partition("<body>")
        page.write_text(head + body + SERVED_ONLY + rest, encoding="utf-8")


def write() -> int:
    """Write JupyterLite and its wheels, and return how many bytes they have."""
    programs = environment()
    files = wheels()
    for name, content in files.items():
        path = live.RUNTIME / name
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
    assemble(programs)
    return sum(path.stat().st_size for path in LITE.rglob("*"))


def main() -> None:
    try:
        size = write()
    except live.Unreachable as error:
        shutil.rmtree(LITE, ignore_errors=True)
        for app in APPS:
            page = LITE / app / "index.html"
            page.parent.mkdir(parents=True)
            page.write_text(OFF, encoding="utf-8")
        print(f"Notebooks in the browser are off: {error}")
        if os.environ.get("BACKPROP_REQUIRE_LIVE"):
            raise SystemExit(1) from error
    else:
        print(f"Notebooks in the browser are on: {size / 1e6:.0f} MB in {LITE}.")


if __name__ == "__main__":
    main()
