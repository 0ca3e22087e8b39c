"""Celery's pool of threads, in a worker that counts those that hang and ends in time although they never do."""

from __future__ import annotations

import faulthandler
import logging
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from celery.concurrency import thread
from celery.platforms import EX_FAILURE
from celery.worker import state

from preflight.engine.hung_threads import HUNG_AFTER_SECONDS, hung_threads

logger = logging.getLogger("preflight.worker")

#: How often the worker looks for threads that hang.
LOOK_SECONDS = 1.0
#: A process in which the look did not get its turn for so long is ended by C: a check holds the interpreter's lock.
FROZEN_SECONDS = 15.0
_POLL_SECONDS = 0.05


class ThreadPool(thread.TaskPool):
    """The pool of threads of PreFlight's workers."""

    executor: ThreadPoolExecutor

    def on_stop(self) -> None:
        """Let the threads finish what they are at, for as long as a check may take; Celery would wait for ever."""
        self.executor.shutdown(wait=False, cancel_futures=True)
        give_up_at = time.monotonic() + self.app.conf.worker_soft_shutdown_timeout + HUNG_AFTER_SECONDS
        while self._working() and time.monotonic() < give_up_at:
            time.sleep(_POLL_SECONDS)

    def alive(self) -> list[threading.Thread]:
        """Return the threads that have not ended."""
        return [found for found in self.executor._threads if found.is_alive()]  # noqa: SLF001  # as Celery's own pool

    def _working(self) -> bool:
        hung = hung_threads()
        return any(found.ident not in hung for found in self.alive())


class Recycler:
    """Ends a worker of which half of the threads hang, so that its supervisor starts it anew."""

    def __init__(self, slots: int) -> None:
        self._slots = slots

    def look(self) -> int:
        """Have the worker finish what it is at, and end, when too many threads hang. Needs no server."""
        hung = hung_threads()
        if hung and 2 * len(hung) >= self._slots and state.should_stop is None:
            logger.error(_last_words(sorted(hung.values()), self._slots))
            state.should_stop = EX_FAILURE  # type: ignore[assignment]  # the type stubs know no value of it
        faulthandler.dump_traceback_later(FROZEN_SECONDS, exit=True)
        return 0

    def stop(self) -> None:
        """End the watch over the process."""
        faulthandler.cancel_dump_traceback_later()


def _last_words(checks: list[str], slots: int) -> str:
    names = ", ".join(dict.fromkeys(checks))
    return (
        f"{len(checks)} of {slots} threads hang ({names}): this worker finishes the rest and ends with status"
        f" {EX_FAILURE}, to be started again. Give what these checks call a timeout of its own."
    )


def leave_threads_behind(worker: Any) -> None:
    """End the process here and now if a thread of its pool never will: Python's own exit waits for every thread."""
    if isinstance(worker.pool, ThreadPool) and worker.pool.alive():
        logging.shutdown()
        os._exit(worker.exitcode or 0)
