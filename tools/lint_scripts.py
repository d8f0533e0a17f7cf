"""Lint the figures' scripts with ESLint where Node.js is there, and say so where it is not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    npm = shutil.which("npm")
    if npm is None:
        print("Node.js is not here: the figures' scripts (.js) were not linted")
        return
    lock, installed = ROOT / "package-lock.json", ROOT / "node_modules/.package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=ROOT, check=True)
    done = subprocess.run([npm, "run", "--silent", "lint"], cwd=ROOT, check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
