"""Whoever watches from outside: a receiver for Sentry's events, and what Prometheus does, each second.

`python -m benchmarks.onlookers PORT METRICS...`, where PORT is the receiver's and METRICS are ports of workers. The
namespace's totals are read as the admin process reads them, with the settings of the environment.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import sys
import threading
import urllib.request
from collections.abc import Sequence

from preflight.embedded.server import HOST
from preflight.observability.metrics import fleet_metrics
from preflight.settings import settings

#: Fifteen times as often as `deploy/prometheus/prometheus.yml` does.
SCRAPE_SECONDS = 1.0
_counts = {"events": 0, "scrapes": 0}


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes whatever is posted, and says how much there was so far."""

    def do_POST(self) -> None:
        """Take an envelope."""
        self.rfile.read(int(self.headers["Content-Length"]))
        _counts["events"] += 1
        self._answer(b"{}")

    def do_GET(self) -> None:
        """Say how many envelopes and scrapes there were."""
        self._answer(json.dumps(_counts).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:  # type: ignore[override]  # its arguments are nobody's
        """Say nothing."""


def scrape(ports: Sequence[str]) -> None:
    """Read the totals and each worker's metrics, again and again; one that has not begun is left out."""
    pause = threading.Event()
    while not pause.wait(SCRAPE_SECONDS):
        fleet_metrics(settings())
        for port in ports:
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=5) as one,
            ):
                one.read()
                _counts["scrapes"] += 1


def counts(port: int) -> dict[str, int]:
    """Return what the onlookers at a port have seen so far."""
    with urllib.request.urlopen(f"http://{HOST}:{port}/", timeout=5) as answer:
        return dict(json.load(answer))


if __name__ == "__main__":
    threading.Thread(target=scrape, args=(sys.argv[2:],), daemon=True).start()
    http.server.ThreadingHTTPServer((HOST, int(sys.argv[1])), Receiver).serve_forever()
