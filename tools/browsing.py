"""What opens the built site in headless Chromium: a server, the browser, and what a page weighs.

``paper.py``, the benchmark of the pages and the tests of the site share it.
"""

from __future__ import annotations

import functools
import gzip
import http.server
import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Response

# Left on, these talk to the browser's maker, or need a sandbox that root has not.
ARGUMENTS = [
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
MISSING = "no chromium: install it or set BACKPROP_CHROMIUM"
PACKED = (".woff2", ".woff", ".png", ".webp", ".jpg", ".jpeg")
"""What a server sends as it is; the rest goes through gzip."""
READY = """() => document.fonts.status === 'loaded'
  && !('arriving' in document.documentElement.dataset)"""
"""A page is there once its fonts are, and all of its parts (``arriving.js``)."""
OBSERVE = """
  window.seen = {shift: 0, tasks: []};
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) seen.shift += entry.value;
  }).observe({type: 'layout-shift', buffered: true});
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) seen.tasks.push(entry.duration);
  }).observe({type: 'longtask', buffered: true});
"""
"""Sums what has moved without the reader's doing, and notes long tasks, in milliseconds."""


def chromium() -> str | None:
    """Return the path of the browser, or nothing where there is none."""
    path = os.environ.get("BACKPROP_CHROMIUM") or shutil.which("chromium")
    return path if path and Path(path).exists() else None


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves without a word."""

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback, and yield its address."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def weights(answers: Iterable[Response]) -> dict[str, int]:
    """Return what each answer weighs on the line, in bytes, by its address."""
    out = {}
    for answer in answers:
        if answer.ok and not answer.url.startswith(("data:", "blob:")):
            body = answer.body()
            packed = answer.url.partition("?")[0].endswith(PACKED)
            out[answer.url] = len(body if packed else gzip.compress(body))
    return out
