"""Light runs: a bounded queue in the process and one thread that opens them, so that the caller waits for nothing."""

from __future__ import annotations

import atexit
import collections
import copy
import logging
import marshal
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import NoneType
from typing import Any, NamedTuple
from uuid import UUID

from preflight.exceptions import InvalidRun, PreFlightError

logger = logging.getLogger("preflight")

CAPACITY = 10_000
#: Calls that are opened in one round trip.
BATCH = 50
#: After a call the thread looks for more at this interval, so often, before it waits to be woken.
LINGER_SECONDS, LINGERINGS = 0.002, 50
FLUSH_SECONDS = 2.0
_SAY_EVERY_SECONDS = 60.0
#: What nobody can change after the call.
_CONSTANT = frozenset({str, int, float, bool, NoneType, UUID})


class LightCall(NamedTuple):
    """A light run as its caller asked for it: arguments copied, not validated yet."""

    run_id: UUID
    arguments: Mapping[str, Any]


#: Opens light runs; returns for each why it could not be opened, or None.
SendAll = Callable[[Sequence[LightCall]], Sequence[Exception | None]]


class LightSender:
    """Sends light calls in the background. What cannot be sent is counted, and said once a minute.

    The caller's side is one `put` on a `SimpleQueue`: the sender's thread holds no lock that it needs. Callers write
    the counts "attempted" and "dropped", the thread the others.
    """

    def __init__(self, send_all: SendAll, capacity: int = CAPACITY) -> None:
        self._send_all = send_all
        self._capacity = capacity
        self._forget()
        os.register_at_fork(after_in_child=self._forget)
        atexit.register(self.flush, FLUSH_SECONDS)

    def _forget(self) -> None:
        """Start empty: what the parent had queued is the parent's to send."""
        self._queue: queue.SimpleQueue[bytes | LightCall | threading.Event | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._counts: collections.Counter[str] = collections.Counter()
        self._said_at = 0.0
        self._last_error = ""

    @property
    def counts(self) -> dict[str, int]:
        """How many calls were attempted, sent, dropped (queue full), could not be sent ("unsent"), or were invalid."""
        return dict(self._counts)

    def put(self, run_id: UUID, arguments: dict[str, Any]) -> bool:
        """Queue a call and return at once; False if the queue is full. Does no I/O and never raises."""
        with self._lock:
            self._counts["attempted"] += 1
            if self._queue.qsize() >= self._capacity:
                self._counts["dropped"] += 1
                return False
        self._queue.put(_packed(run_id, arguments))
        if self._thread is None:
            self._start()
        return True

    def send(self, run_id: UUID, arguments: dict[str, Any]) -> None:
        """Send a call before returning, in the caller's thread: for tests."""
        self._counts["attempted"] += 1
        self._send([LightCall(run_id, arguments)])

    def flush(self, seconds: float) -> bool:
        """Wait until everything queued was sent, at most `seconds`; return whether it was."""
        if self._thread is None:
            return True
        reached = threading.Event()
        self._queue.put(reached)
        return reached.wait(seconds)

    def close(self) -> None:
        """Send what is queued, for `FLUSH_SECONDS` at most, and end the thread."""
        self.flush(FLUSH_SECONDS)
        atexit.unregister(self.flush)
        self._queue.put(None)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="preflight-light", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        going_on = True
        while going_on:
            taken = self._take()
            self._send([_unpacked(item) for item in taken if isinstance(item, bytes | LightCall)])
            for item in taken:
                if isinstance(item, threading.Event):
                    item.set()
            going_on = None not in taken

    def _take(self) -> list[bytes | LightCall | threading.Event | None]:
        """Wait for a call and take what else waits, up to a batch.

        Who puts a call while this thread lingers wakes nobody: that would be a system call in the caller's thread.
        """
        for _ in range(LINGERINGS):
            if not self._queue.empty():
                break
            time.sleep(LINGER_SECONDS)
        taken = [self._queue.get()]
        while len(taken) < BATCH and not self._queue.empty():
            taken.append(self._queue.get())
        return taken

    def _send(self, calls: Sequence[LightCall]) -> None:
        if not calls:
            return
        try:
            failures = self._send_all(calls)
        except Exception as error:
            failures = [error] * len(calls)
        for failure in failures:
            self._count(failure)
        self._say()

    def _count(self, failure: Exception | None) -> None:
        if failure is None:
            self._counts["sent"] += 1
        elif isinstance(failure, InvalidRun):
            self._counts["invalid"] += 1
            logger.warning("light run refused: %s", failure)
        else:
            self._counts["unsent"] += 1
            ours = isinstance(failure, PreFlightError)
            self._last_error = str(failure) if ours else f"{type(failure).__name__}: {failure}"

    def _say(self) -> None:
        """Log what was lost, once a minute at most."""
        lost = self._counts["dropped"] + self._counts["unsent"]
        if lost and time.monotonic() - self._said_at > _SAY_EVERY_SECONDS:
            self._said_at = time.monotonic()
            logger.error("%d light runs were not sent so far. Last reason: %s", lost, self._last_error or "queue full")


def _packed(run_id: UUID, arguments: dict[str, Any]) -> bytes | LightCall:
    """Copy a call into what Python's garbage collector does not count.

    While Redis is silent calls pile up, and the collections that their objects bring about would be the caller's.
    """
    plain = {name: str(value) if type(value) is UUID else value for name, value in arguments.items()}
    try:
        return marshal.dumps((run_id.int, plain))
    except ValueError:  # not made of plain values alone
        return LightCall(run_id, _copied(arguments))


def _unpacked(item: bytes | LightCall) -> LightCall:
    if isinstance(item, LightCall):
        return item
    number, arguments = marshal.loads(item)  # noqa: S302  # written by this process
    return LightCall(UUID(int=number), arguments)


def _copied(arguments: dict[str, Any]) -> dict[str, Any]:
    """Copy what a caller could change afterwards; a value that cannot be copied is refused later, by validation."""
    try:
        return {name: value if type(value) in _CONSTANT else copy.deepcopy(value) for name, value in arguments.items()}
    except Exception:
        return {**arguments, "metadata": _UNCOPIABLE}


class _Uncopiable:
    def __repr__(self) -> str:
        return "<a value that cannot be copied>"


_UNCOPIABLE = _Uncopiable()
