"""One daemon thread that does a caller's I/O, so that a dead name server or a silent Redis cannot hold the caller."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class IoThread:
    """Runs calls one after another in a thread of its own. A forked process gets a new thread."""

    def __init__(self, name: str) -> None:
        self.name = name
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
                future.set_result(call())
            except BaseException as error:
                future.set_exception(error)
