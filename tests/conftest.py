"""What holds for all tests."""

import importlib.abc
import importlib.util
import os
import sys

import pytest

PEERS = ("torch", "jax", "optax")


class Absent(importlib.abc.MetaPathFinder):
    """Finds no peer, as on a reader's machine: what imports one of them is skipped."""

    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in PEERS:
            raise ModuleNotFoundError(f"BACKPROP_WITHOUT_PEERS hides {name}", name=name)


if os.environ.get("BACKPROP_WITHOUT_PEERS"):
    sys.meta_path.insert(0, Absent())


@pytest.fixture(autouse=True)
def first_try():
    """Let every test begin without an earlier wrong answer to an exercise."""
    if verdict := sys.modules.get("backprop.book.exercises.verdict"):
        verdict.WRONG.clear()


def pytest_sessionstart(session):
    # Where the peers are said to be there, no test may be skipped for want of one.
    if os.environ.get("BACKPROP_REQUIRE_PEERS"):
        missing = [name for name in PEERS if importlib.util.find_spec(name) is None]
        if missing:
            pytest.exit(f"peers missing: {', '.join(missing)}; run make peers", returncode=3)
