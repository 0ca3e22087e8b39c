"""How many events a minute one process may send: a thousand failing runs do not become a thousand events."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

WINDOW_SECONDS = 60.0


class Budget:
    """So many events in each minute. Those beyond are counted, and told when an event may be sent again."""

    def __init__(self, most: int, now: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._now = now
        self._lock = threading.Lock()
        self._since, self._spent = now(), 0
        self._missed = 0

    def take(self) -> bool:
        """Return whether one more event may be sent now; count it otherwise."""
        with self._lock:
            if self._now() - self._since >= WINDOW_SECONDS:
                self._since, self._spent = self._now(), 0
            if self._spent >= self._most:
                self._missed += 1
                return False
            self._spent += 1
            return True

    @property
    def missed(self) -> int:
        """How many were not sent since `forget`."""
        return self._missed

    def forget(self) -> int:
        """Return how many were not sent, and begin to count anew."""
        with self._lock:
            missed, self._missed = self._missed, 0
            return missed
