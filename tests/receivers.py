"""A receiver of Sentry's protocol that keeps what it gets, and can be slow, strict, or talk nonsense."""

from __future__ import annotations

import gzip
import http.server
import json
import threading
from typing import Any, Literal

from preflight.embedded.server import HOST

Behaviour = Literal["takes", "limits", "refuses", "is silent", "talks nonsense"]


class Receiver:
    """Listens on a port of its own from the start. `behaviour` may change at any time; `close` ends it."""

    def __init__(self) -> None:
        self.behaviour: Behaviour = "takes"
        self.requests = 0
        self.items: list[tuple[str, dict[str, Any]]] = []
        self._released = threading.Event()
        self._server = http.server.ThreadingHTTPServer((HOST, 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="receiver")
        self._thread.start()

    @property
    def dsn(self) -> str:
        return f"http://{'0123456789abcdef' * 2}@{HOST}:{self._server.server_port}/1"

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the items of a kind ("event", "check_in") that were taken."""
        return [item for name, item in self.items if name == kind]

    def release(self):
        """Let go of those who wait for a silent receiver."""
        self._released.set()

    def close(self):
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests += 1
                if receiver.behaviour == "is silent":
                    receiver._released.wait()
                elif receiver.behaviour == "talks nonsense":
                    self.wfile.write(b"\x00\xff" * 5000)
                elif receiver.behaviour == "takes":
                    receiver.items += read(body if self.headers["Content-Encoding"] is None else gzip.decompress(body))
                    self.answer(200)
                else:
                    self.answer(429 if receiver.behaviour == "limits" else 500)

            def answer(self, status: int):
                self.send_response(status)
                self.send_header("Content-Length", "2")
                if status == 429:
                    self.send_header("Retry-After", "1")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format, *arguments):  # noqa: A002  # its own name
                """Say nothing."""

        return Handler


def read(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Return the items of an envelope: lines of headers and JSON."""
    lines = [json.loads(line) for line in body.splitlines() if line.strip()][1:]
    return [(header["type"], item) for header, item in zip(lines[::2], lines[1::2], strict=True)]
