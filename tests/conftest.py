"""What holds for all tests."""

import importlib.util
import os
import sys

import pytest

PEERS = ("torch", "jax", "optax")

if os.environ.get("BACKPROP_WITHOUT_PEERS"):
    # As on a reader's machine: what imports one of them is skipped.
    sys.modules.update(dict.fromkeys(PEERS))


def pytest_sessionstart(session):
    # Where the peers are said to be there, no test may be skipped for want of one.
    if os.environ.get("BACKPROP_REQUIRE_PEERS"):
        missing = [name for name in PEERS if importlib.util.find_spec(name) is None]
        if missing:
            pytest.exit(f"peers missing: {', '.join(missing)}; run make peers", returncode=3)
