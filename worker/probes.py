"""A small HTTP server in a thread that answers probes: a few known paths, GET only, nothing kept."""

from __future__ import annotations

import functools
import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST

from preflight.redaction import redact
from preflight.settings import Settings

logger = logging.getLogger("preflight.worker")

#: A client that is slower than this is left.
CLIENT_SECONDS = 5.0
#: Requests that are answered at the same time; more are turned away.
MOST_REQUESTS = 16


class Reply(NamedTuple):
    """What a path answers."""

    good: bool
    body: bytes
    content_type: str = "application/json"


Route = Callable[[], Reply]


def facts(good: bool, **said: Any) -> Reply:
    """Return a probe's reply: its facts as JSON, and whether they are good."""
    return Reply(good, json.dumps(said).encode() + b"\n")


def metrics(text: bytes) -> Reply:
    """Return Prometheus text as a reply."""
    return Reply(True, text, CONTENT_TYPE_LATEST)


class _Handler(BaseHTTPRequestHandler):
    """Answers one request. It tells nobody which Python it is."""

    server_version, sys_version = "preflight", ""
    timeout = CLIENT_SECONDS

    def __init__(self, routes: Mapping[str, Route], *arguments: Any) -> None:
        self._routes = routes
        super().__init__(*arguments)

    def do_GET(self) -> None:  # http.server's name
        route = self._routes.get(self.path.partition("?")[0])
        if route is None:
            return self.send_error(HTTPStatus.NOT_FOUND)
        try:
            reply = route()
        except Exception as error:
            reply = facts(False, error=redact(f"{type(error).__name__}: {error}"))
        self.send_response(HTTPStatus.OK if reply.good else HTTPStatus.SERVICE_UNAVAILABLE)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)
        return None

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  # http.server's name
        """Say nothing: a probe comes every few seconds."""


class ProbeServer(ThreadingHTTPServer):
    """Listens until it is closed. Its threads never keep the process from ending."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 2 * MOST_REQUESTS

    def __init__(self, host: str, port: int, routes: Mapping[str, Route]) -> None:
        """Listen at once; `OSError` if the port is taken."""
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._free = threading.BoundedSemaphore(MOST_REQUESTS)
        super().__init__((host, port), functools.partial(_Handler, routes))
        # A process of the pool would hold the port after its parent's death.
        os.register_at_fork(after_in_child=self.socket.close)

    def start(self) -> None:
        """Answer from now on."""
        threading.Thread(target=self.serve_forever, name="preflight-probes", daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self.shutdown()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, if there are not too many already."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and make room."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that went away is its own affair."""


def serve(settings: Settings, routes: Mapping[str, Route]) -> ProbeServer | None:
    """Answer probes where the settings say; None, with a line in the log, when that place is taken."""
    host, port = settings.health_host, settings.health_port
    try:
        server = ProbeServer(host, port, routes)
    except OSError as error:
        logger.error(  # noqa: TRY400  # one line is enough
            "probes cannot be answered on %s:%d: %s. Set PREFLIGHT_HEALTH_HOST to an address of this machine and"
            " PREFLIGHT_HEALTH_PORT to a port that no other process has.",
            host,
            port,
            error.strerror or error,
        )
        return None
    server.start()
    return server
