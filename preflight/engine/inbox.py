"""Wake-ups for callers that wait: one blocking connection and one thread per process, however many runs wait.

The inbox only says that a run ended. The report is read from the run's state, by the same thread over the same
connection: a caller that is woken has it in hand.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import cast
from uuid import UUID

import redis

from preflight.engine.connection import Client, connect
from preflight.engine.keys import Keys

BLOCK_SECONDS = 1.0
IDLE_SECONDS = 30.0
#: Runs whose states are read in one round trip.
BATCH = 50
_PAUSE_SECONDS = 0.1

#: Takes the state of a run that has ended, in the inbox's thread.
Woken = Callable[[Mapping[str, str]], None]


class Inbox:
    """Calls `woken` of each run that ends. Silent without harm while Redis is away: callers look by themselves."""

    def __init__(self, url: str, namespace: str) -> None:
        self.url = url
        self.namespace = namespace
        self._keys = Keys(namespace)
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self.key = f"{self.namespace}:inbox:{secrets.token_hex(8)}"
        self._waiting: dict[str, Woken] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = False

    def expect(self, run_id: UUID, woken: Woken) -> None:
        """Have `woken` called, in the inbox's thread, with the run's state when it has ended."""
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
            for run_id, fields in self._ended(client):
                with self._lock:
                    woken = self._waiting.pop(run_id, None)
                if woken:
                    woken(fields)
        except redis.RedisError:
            time.sleep(_PAUSE_SECONDS)

    def _ended(self, client: Client) -> Iterator[tuple[str, dict[str, str]]]:
        """Wait for a run's end; return it and those that have ended meanwhile, with their states."""
        message = client.blpop([self.key], timeout=BLOCK_SECONDS)
        if not message:
            return iter(())
        first = str(message[1])
        if len(self._waiting) == 1:
            return iter([(first, cast("dict[str, str]", client.hgetall(self._keys.state(first))))])
        run_ids = [first, *cast("list[str]", client.lpop(self.key, BATCH - 1) or [])]
        with client.pipeline(transaction=False) as pipeline:
            for run_id in run_ids:
                pipeline.hgetall(self._keys.state(run_id))
            return zip(run_ids, pipeline.execute(), strict=True)
