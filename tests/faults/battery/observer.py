"""Looks at Redis from beside the engine: which runs it holds, and how many are open at once."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator

import psutil
import redis

from preflight.engine.connection import connect
from preflight.engine.keys import Keys

_PAUSE_SECONDS = 0.05


class Observer:
    """Notes the id of every open run that it sees: Redis holds it, so it is accepted. Blind while Redis is away."""

    def __init__(self, url: str, namespace: str) -> None:
        self.client = connect(url, timeout=2.0)
        self.keys = Keys(namespace)
        self.seen: set[str] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while not self._stopping.wait(_PAUSE_SECONDS):
            try:
                self.seen |= self.open_now()
            except redis.RedisError:
                continue

    def open_now(self) -> set[str]:
        """Return the ids of the runs that are open now."""
        return {str(run_id) for run_id in self.client.zrange(self.keys["due"], 0, -1)}

    def settled(self) -> bool:
        """Whether every run has ended and is stored."""
        try:
            return not self.client.zcard(self.keys["due"]) and not self.client.zcard(self.keys["outbox"])
        except redis.RedisError:
            return False

    def stored(self) -> bool:
        """Whether every run that has ended is stored, for a moment at least."""
        try:
            return not self.client.zcount(self.keys["outbox"], "-inf", 1000 * (time.time() - 1))
        except redis.RedisError:
            return False

    def close(self) -> None:
        """Stop looking."""
        self._stopping.set()
        self._thread.join(10)
        self.client.close()


def sessions() -> Iterator[tuple[int, int]]:
    """Yield every living process and the session that it belongs to."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if process.status() != psutil.STATUS_ZOMBIE:
                yield process.pid, os.getsid(process.pid)
