"""Publishing checks' messages through Celery, for when a run's scripts cannot push them."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from kombu import Connection, Producer
from kombu.exceptions import ChannelError

from preflight.engine.celery_app import create_app
from preflight.engine.messages import Sending, send
from preflight.exceptions import BrokerUnavailable
from preflight.redaction import redact
from preflight.settings import Settings

T = TypeVar("T")

#: A broker that is silent is given up after this time. The watchdog publishes between two heartbeats.
TIMEOUT_SECONDS = 0.5
#: After a failure nobody tries again for this long: a hundred runs must not wait for a dead broker in turn.
PAUSE_SECONDS = 1.0
_OPTIONS = {
    "max_retries": 0,
    # For AMQP: a message counts as sent when the broker has confirmed it.
    "confirm_publish": True,
    "read_timeout": TIMEOUT_SECONDS,
    "write_timeout": TIMEOUT_SECONDS,
    # For Redis.
    "socket_timeout": TIMEOUT_SECONDS,
    "socket_connect_timeout": TIMEOUT_SECONDS,
}


class Publisher:
    """Sends messages over a connection of its own, from any thread. A forked process gets its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process = 0
        self._line: _Line

    def send(self, sendings: Sequence[Sending]) -> None:
        """Publish messages; raise `BrokerUnavailable` in one clear line. Some may have been sent then."""
        line = self._of_this_process()

        def send_all(producer: Producer) -> None:
            for sending in sendings:
                send(line.app, sending, producer=producer, retry=False)

        line.call(send_all)

    def waiting(self, queue: str) -> int:
        """Return how many messages wait in a queue; raise `BrokerUnavailable`."""
        return self._of_this_process().call(lambda producer: _waiting(producer, queue))

    def close(self) -> None:
        """Close the connection; the next message opens it again."""
        if self._process == os.getpid():
            self._line.close()

    def _of_this_process(self) -> _Line:
        if self._process != os.getpid():
            self._line, self._process = _Line(self._settings), os.getpid()
        return self._line


class _Line:
    """The connection to the broker: opened when needed, opened again once when it turns out to be broken."""

    def __init__(self, settings: Settings) -> None:
        self.app = create_app(settings)
        self._url = settings.broker
        self._lock = threading.Lock()
        self._producer: Producer | None = None
        self._paused_until = 0.0
        self._reason = ""

    def call(self, step: Callable[[Producer], T]) -> T:
        with self._lock:
            if time.monotonic() < self._paused_until:
                raise BrokerUnavailable(self._reason)
            try:
                return self._persistently(step)
            except Exception as error:
                self._close()
                self._paused_until = time.monotonic() + PAUSE_SECONDS
                self._reason = _reason(error, self._url)
                raise BrokerUnavailable(self._reason) from error

    def close(self) -> None:
        with self._lock:
            self._close()

    def _persistently(self, step: Callable[[Producer], T]) -> T:
        if self._producer is not None:
            with contextlib.suppress(Exception):  # the broker was restarted, or has closed what was idle
                return step(self._producer)
            self._close()
        return step(self._connected())

    def _connected(self) -> Producer:
        connection = self.app.connection_for_write(
            connect_timeout=TIMEOUT_SECONDS, heartbeat=0, transport_options=_OPTIONS
        )
        self._producer = self.app.amqp.Producer(connection, auto_declare=False)
        return self._producer

    def _close(self) -> None:
        if self._producer is not None:
            with contextlib.suppress(Exception):
                cast("Connection", self._producer.connection).collect(TIMEOUT_SECONDS)
        self._producer = None


def _waiting(producer: Producer, queue: str) -> int:
    channel: Any
    with cast("Connection", producer.connection).channel() as channel:
        try:
            declared = channel.queue_declare(queue, passive=True)
        except ChannelError:  # nobody has declared it: nothing waits there
            return 0
        return int(declared.message_count)


def _reason(error: Exception, url: str) -> str:
    place = urlsplit(url)
    text = redact(" ".join(str(error).split()))[:200] or type(error).__name__
    return (
        f"The broker takes no messages: {text} ({place.hostname}{f':{place.port}' if place.port else ''})."
        " Check PREFLIGHT_BROKER_URL and the server behind it."
    )
