"""Light runs: a bounded queue in the process and one thread that opens them, so that the caller waits for nothing."""

from __future__ import annotations

import atexit
import collections
import copy
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from preflight.exceptions import InvalidRun, PreFlightError

logger = logging.getLogger("preflight")

CAPACITY = 10_000
FLUSH_SECONDS = 2.0
_SAY_EVERY_SECONDS = 60.0


class LightCall(NamedTuple):
    """A light run as its caller asked for it: arguments copied, not validated yet."""

    run_id: UUID
    arguments: Mapping[str, Any]


class LightSender:
    """Sends light calls in the background. What cannot be sent is counted, and said once a minute."""

    def __init__(self, send: Callable[[LightCall], None], capacity: int = CAPACITY) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self._send = send
        self._capacity = capacity
        self._forget()
        os.register_at_fork(after_in_child=self._forget)
        atexit.register(self.flush, FLUSH_SECONDS)

    def _forget(self) -> None:
        """Start empty: what the parent had queued is the parent's to send."""
        self._calls: collections.deque[LightCall] = collections.deque()
        self._wanted = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._thread: threading.Thread | None = None
        self._said_at = 0.0
        self._closing = False

    def put(self, run_id: UUID, arguments: dict[str, Any]) -> bool:
        """Queue a call and return at once; False if the queue is full. Does no I/O and never raises."""
        self.counts["attempted"] += 1
        if len(self._calls) >= self._capacity:
            self.counts["dropped"] += 1
            return False
        self._calls.append(LightCall(run_id, _copied(arguments)))
        self._idle.clear()
        self._wanted.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="preflight-light", daemon=True)
            self._thread.start()
        return True

    def flush(self, seconds: float) -> bool:
        """Wait until everything queued was sent, at most `seconds`; return whether it was."""
        return self._thread is None or self._idle.wait(seconds)

    def close(self) -> None:
        """Send what is queued, for `FLUSH_SECONDS` at most, and end the thread."""
        self.flush(FLUSH_SECONDS)
        atexit.unregister(self.flush)
        self._closing = True
        self._wanted.set()

    def _work(self) -> None:
        while not self._closing:
            self._wanted.wait()
            self._wanted.clear()
            while self._calls:
                self._send_one(self._calls.popleft())
                self._say()
            self._idle.set()
            if self._calls:
                self._idle.clear()
                self._wanted.set()

    def _send_one(self, call: LightCall) -> None:
        try:
            self._send(call)
            self.counts["sent"] += 1
        except InvalidRun as error:
            self.counts["invalid"] += 1
            logger.warning("light run refused: %s", error)
        except PreFlightError as error:
            self.counts["unsent"] += 1
            self._last_error = str(error)
        except Exception as error:
            self.counts["unsent"] += 1
            self._last_error = f"{type(error).__name__}: {error}"

    _last_error = ""

    def _say(self) -> None:
        """Log what was lost, once a minute at most."""
        lost = self.counts["dropped"] + self.counts["unsent"]
        if lost and time.monotonic() - self._said_at > _SAY_EVERY_SECONDS:
            self._said_at = time.monotonic()
            logger.error("%d light runs were not sent so far. Last reason: %s", lost, self._last_error or "queue full")


def _copied(arguments: dict[str, Any]) -> dict[str, Any]:
    """Copy what a caller could change afterwards; a value that cannot be copied is refused later, by validation."""
    try:
        return {name: value if isinstance(value, str) else copy.deepcopy(value) for name, value in arguments.items()}
    except Exception:
        return {**arguments, "metadata": _UNCOPIABLE}


class _Uncopiable:
    def __repr__(self) -> str:
        return "<a value that cannot be copied>"


_UNCOPIABLE = _Uncopiable()
