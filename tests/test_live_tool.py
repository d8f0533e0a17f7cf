"""The live cells' runtime: only listed files, each with its hash; off where it cannot be had."""

import hashlib
import io
import json
import re
import sys
import tomllib
import urllib.error
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import live  # noqa: E402


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No cache, and nobody who answers."""

    def refuse(*_, **__):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(live, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(live, "RUNTIME", tmp_path / "site" / "runtime")
    monkeypatch.setattr(live.urllib.request, "urlopen", refuse)
    return tmp_path


def test_without_a_network_live_cells_are_off_and_the_build_goes_on(offline, capsys, monkeypatch):
    monkeypatch.delenv("BACKPROP_REQUIRE_LIVE", raising=False)
    live.RUNTIME.mkdir(parents=True)
    (live.RUNTIME / "manifest.json").write_text("{}")
    live.main()
    assert "Live cells are off" in capsys.readouterr().out
    assert not live.RUNTIME.exists(), "nothing half-made is left"
    monkeypatch.setenv("BACKPROP_REQUIRE_LIVE", "1")
    with pytest.raises(SystemExit):
        live.main()


def test_a_file_that_is_not_what_its_hash_says_ends_the_work(offline):
    digest = hashlib.sha256(b"right").digest()
    with pytest.raises(live.Altered, match=r"a\.whl: sha256 is .*, expected "):
        live.kept("a.whl", "sha256", digest, lambda: b"wrong")
    assert live.kept("a.whl", "sha256", digest, lambda: b"right") == b"right"
    assert live.kept("a.whl", "sha256", digest, lambda: b"not asked") == b"right"
    (stored,) = live.CACHE.glob("*/a.whl")
    stored.write_bytes(b"changed on the disk")
    with pytest.raises(live.Altered):
        live.kept("a.whl", "sha256", digest, lambda: b"right")


def test_the_carrier_is_asked_where_the_release_cannot_be_reached(offline, monkeypatch):
    carrier = offline / "carrier.whl"
    with zipfile.ZipFile(carrier, "w") as archive:
        archive.writestr("some/where/pyodide/x.whl", b"content")
    monkeypatch.setattr(live, "pip_download", lambda *_: carrier)
    digest = hashlib.sha256(b"content").hexdigest()
    wheels = live.Wheels({"x": {"file_name": "x.whl", "sha256": digest, "depends": []}}, "1")
    assert wheels.get("x") == ("x.whl", b"content")
    with pytest.raises(live.Unreachable, match=r"y\.whl is neither in"):
        wheels.fetch("y.whl")


def test_what_a_package_depends_on_comes_with_it_once():
    lock = {"a": {"depends": ["b", "c"]}, "b": {"depends": ["c"]}, "c": {"depends": []}}
    assert live.Wheels(lock, "1").closure(("a", "b")) == ["a", "b", "c"]


def test_the_package_is_the_same_archive_for_the_same_sources():
    assert live.package() == live.package()
    with zipfile.ZipFile(io.BytesIO(live.package())) as archive:
        names = archive.namelist()
    assert "backprop/__init__.py" in names and "backprop/book/alice.txt" in names
    assert not [name for name in names if "__pycache__" in name]


def test_the_package_has_the_files_that_an_installed_one_has():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    code, patterns = ROOT / "code", settings["package-data"]["backprop"]
    named = {path for pattern in patterns for path in (code / "backprop").glob(pattern)}
    with zipfile.ZipFile(io.BytesIO(live.package())) as archive:
        names = set(archive.namelist())
    assert len(named) >= len(patterns)
    assert {path.relative_to(code).as_posix() for path in named} <= names


def test_the_editors_packages_are_in_the_lock():
    lock = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    ours = {n.removeprefix("node_modules/") for n, p in lock.items() if n and not p.get("dev")}
    assert set(live.EDITOR) | {"pyodide"} <= ours


def test_the_frame_names_its_script_by_its_hash_and_allows_no_address():
    text = live.frame().decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    script = text.partition("<script>")[2].partition("</script>")[0]
    assert live.integrity(script.encode()) in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe-eval" not in policy.replace("wasm-unsafe-eval", "")
    assert "connect-src" not in policy and "unsafe-inline" not in policy


def test_every_file_of_the_runtime_has_its_licence_on_the_page():
    manifest = live.RUNTIME / "manifest.json"
    if not manifest.exists():
        pytest.skip("no runtime on the site: run make live")
    page = (ROOT / "book/appendices/licences.md").read_text(encoding="utf-8").lower()
    for name in json.loads(manifest.read_text())["files"]:
        if name.endswith(".whl"):
            distribution, version = name.split("-")[:2]
            line = next((x for x in page.splitlines() if re.search(rf"\b{version}\b", x)), "")
            assert re.sub(r"[-_]", "", distribution)[:4] in re.sub(r"[-_]", "", line), name
