"""Wake-ups for callers that wait: one blocking connection and one thread per process, however many runs wait.

The inbox only says that a run ended. The report is read from the run's state.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable
from uuid import UUID

import redis

from preflight.engine.connection import Client, connect

BLOCK_SECONDS = 1.0
IDLE_SECONDS = 30.0
_PAUSE_SECONDS = 0.1


class Inbox:
    """Calls `woken` of each run that ends. Silent without harm while Redis is away: callers look by themselves."""

    def __init__(self, url: str, namespace: str) -> None:
        self.url = url
        self.namespace = namespace
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self.key = f"{self.namespace}:inbox:{secrets.token_hex(8)}"
        self._waiting: dict[str, Callable[[], None]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = False

    def expect(self, run_id: UUID, woken: Callable[[], None]) -> None:
        """Have `woken` called, in the inbox's thread, when the run ends."""
        with self._lock:
            self._closing = False
            self._waiting[str(run_id)] = woken
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="preflight-inbox", daemon=True)
                self._thread.start()

    def forget(self, run_id: UUID) -> None:
        """Stop waiting for a run."""
        with self._lock:
            self._waiting.pop(str(run_id), None)

    def close(self) -> None:
        """End the thread, at the latest when its blocking command returns."""
        self._closing = True

    def _work(self) -> None:
        """Take wake-ups until nobody has waited for a while: a thread and a connection per run would cost more."""
        client, idle_since = connect(self.url, timeout=BLOCK_SECONDS + 1), time.monotonic()
        while True:
            with self._lock:
                if self._waiting:
                    idle_since = time.monotonic()
                elif self._closing or time.monotonic() - idle_since > IDLE_SECONDS:
                    self._thread = None
                    break
            self._take(client)
        client.close()

    def _take(self, client: Client) -> None:
        try:
            message = client.blpop([self.key], timeout=BLOCK_SECONDS)
        except redis.RedisError:
            time.sleep(_PAUSE_SECONDS)
            return
        if message:
            with self._lock:
                woken = self._waiting.pop(str(message[1]), None)
            if woken:
                woken()
