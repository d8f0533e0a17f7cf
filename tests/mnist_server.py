"""A web server on loopback that serves given files, and misbehaves as told."""

from __future__ import annotations

import gzip
import http.server
import threading
from types import TracebackType


class MnistServer:
    """Serve ``files`` under ``/first/`` and ``/second/``, two mirrors in one.

    ``faults`` maps a mirror to what it does wrong on every request; ``log`` lists the requests.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.faults: dict[str, str] = {}
        self.log: list[str] = []
        self.released = threading.Event()
        self.stopped = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    def __enter__(self) -> MnistServer:
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def first(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/first/"

    @property
    def second(self) -> str:
        # No slash at the end: a reader may well leave it out.
        return f"http://127.0.0.1:{self.server.server_port}/second"

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        self.log.append(request.path)
        _, mirror, name = request.path.split("/")
        fault = self.faults.get(mirror)
        body = self.files[name]
        if fault in ("404", "500"):
            request.send_error(int(fault))
            return
        if fault == "wrong":
            body = next(other for key, other in self.files.items() if key != name)
        if fault == "corrupt":
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 0xFF]) + body[middle + 1 :]
        if fault == "page":
            body = b"<!DOCTYPE html><title>Please log in</title>"
        if fault == "empty":
            body = b""
        if fault == "bomb":
            # 128 MB in 130 kB, to be unpacked on the way
            body = gzip.compress(bytes(2**27), 9)
        request.send_response(200)
        if fault == "number":
            request.send_header("Content-Length", "1e9")
        if fault in ("encoding", "bomb"):
            request.send_header("Content-Encoding", "gzip")
        if fault not in ("unannounced", "endless", "number"):
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if fault in ("short", "unannounced", "stall"):
            body = body[: len(body) // 2]
        for _ in range(1000 if fault == "endless" else 0):
            # until the client has had enough, or all that a test can wait for
            try:
                request.wfile.write(bytes(100_000))
            except OSError:
                self.stopped.set()
                return
        request.wfile.write(body)
        if fault == "stall":
            request.wfile.flush()
            self.released.wait(10)
