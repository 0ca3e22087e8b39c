"""One daemon thread that does a caller's I/O, so that a dead name server or a silent Redis cannot hold the caller."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class IoThread:
    """Runs calls one after another in a thread of its own. A forked process gets a new thread."""

    def __init__(self, name: str) -> None:
        self.name = name
        #: When a call last returned, of `time.monotonic`. One that raised does not count.
        self.returned_at = 0.0
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._pid = 0
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._calls, self._pid, self._lock = queue.SimpleQueue(), 0, threading.Lock()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Queue a call and return its future; waits for nothing."""
        future: Future[T] = Future()
        self._calls.put((future, call))
        if self._pid != os.getpid():
            self._start()
        return future

    def take(self, call: Callable[[], T], quiet: float, seconds: float) -> T:
        """Make a call and return what it returns; raise `TimeoutError` when it takes too long, and forget it if queued.

        That is after `seconds`, or after `quiet` seconds in which no call of this thread returned: whoever waits in a
        long queue waits for the calls before, and not for what they all ask.
        """
        future, until = self.submit(call), _Patience(self, quiet, seconds)
        try:
            while not future.done() and (left := until.left()) > 0:
                with contextlib.suppress(TimeoutError):
                    future.exception(left)
            return future.result(0)
        finally:
            future.cancel()  # else calls that nobody waits for any more would hold up the others

    async def atake(self, call: Callable[[], T], quiet: float, seconds: float) -> T:
        """Do what `take` does without blocking the event loop."""
        future, until = asyncio.wrap_future(self.submit(call)), _Patience(self, quiet, seconds)
        try:
            while not future.done() and (left := until.left()) > 0:
                await asyncio.wait([future], timeout=left)
            if not future.done():
                raise TimeoutError
            return future.result()
        finally:
            future.cancel()

    def close(self) -> None:
        """End the thread when it has done what was queued; a later call starts a new one."""
        with self._lock:
            if self._pid == os.getpid():
                self._pid = 0
                self._calls.put(None)

    def _start(self) -> None:
        with self._lock:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                threading.Thread(target=self._work, name=self.name, daemon=True).start()

    def _work(self) -> None:
        while True:
            queued = self._calls.get()
            if queued is None:
                return
            future, call = queued
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = call()
            except BaseException as error:
                future.set_exception(error)
            else:
                self.returned_at = time.monotonic()
                future.set_result(result)


class _Patience:
    """How long one call is waited for. Times are of `time.monotonic`."""

    def __init__(self, thread: IoThread, quiet: float, seconds: float) -> None:
        self._thread, self._quiet = thread, quiet
        self._from = time.monotonic()
        self._until = self._from + seconds

    def left(self) -> float:
        """Return the seconds until the call is given up, as far as is known now."""
        return min(self._until, max(self._from, self._thread.returned_at) + self._quiet) - time.monotonic()
