"""Uvicorn in front of the application: the socket, and how long clients may take."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from preflight.admin.app import create_app
from preflight.exceptions import InvalidSettings
from preflight.registry import PreFlightRegistry
from preflight.settings import Settings

#: A request's head comes within this time.
HEAD_SECONDS = 10.0
MOST_CONNECTIONS = 1000
MOST_HEAD_BYTES = 32 * 1024
STOP_SECONDS = 3


class ImpatientProtocol(H11Protocol):
    """HTTP/1.1 that leaves clients whose request's head does not come: uvicorn itself would wait for ever."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Read on; what does not complete a head does not earn more time."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._head_timer is None:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def serve(settings: Settings, registry: PreFlightRegistry, announce: Callable[[str], Any]) -> None:
    """Serve the admin page until Ctrl-C or SIGTERM; `InvalidSettings` if its address cannot be listened on."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("preflight").setLevel(logging.INFO)
    listening = _listening(settings)
    # Uvicorn ends in order and then passes the signal on: to be asked to end is no error.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    announce(f"The admin page is at {settings.admin_address}. Ctrl-C stops it.")
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config(settings, registry)).run(sockets=[listening])


def config(settings: Settings, registry: PreFlightRegistry | None = None) -> uvicorn.Config:
    """Return how uvicorn serves the page."""
    return uvicorn.Config(
        create_app(settings, registry),
        http=ImpatientProtocol,
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        # Headers of proxies are read by `proxy.py`, from trusted addresses only.
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=STOP_SECONDS,
        h11_max_incomplete_event_size=MOST_HEAD_BYTES,
    )


def _listening(settings: Settings) -> socket.socket:
    host, port = settings.admin_host, settings.admin_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise InvalidSettings(
            f"The admin page cannot listen on {host}:{port} ({reason}): free it, or set PREFLIGHT_ADMIN_HOST"
            " and PREFLIGHT_ADMIN_PORT."
        ) from None
