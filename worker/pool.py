"""Celery's prefork pool, handing a check to an idle process at once instead of at the event loop's next turn."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

from celery.concurrency import asynpool, prefork


class PromptPool(asynpool.AsynPool):
    """Writes to an idle process as soon as there is a job.

    Celery's own pool watches the pipes of all processes before each poll and forgets them after it: that is 16 system
    calls a check with 8 processes, and one turn of the loop.
    """

    _all_inqueues: set[int]
    _active_writes: set[int]
    _busy_workers: set[int]
    outbound_buffer: collections.deque[Any]
    on_poll_start: Callable[[], None]
    _quick_put: Callable[[Any], None]

    def _create_write_handlers(self, hub: Any, **options: Any) -> None:
        super()._create_write_handlers(hub, **options)  # type: ignore[misc]  # the type stubs leave it out
        queue_up, watch_pipes = self._quick_put, self.on_poll_start

        def put(job: Any) -> None:
            queue_up(job)
            if idle := self._all_inqueues - self._active_writes - self._busy_workers:
                hub.consolidate_callback([min(idle)])

        def on_poll_start() -> None:
            if self.outbound_buffer or not hub.writers.keys().isdisjoint(self._all_inqueues):
                watch_pipes()

        self._quick_put, self.on_poll_start = put, on_poll_start


class TaskPool(prefork.TaskPool):
    """The prefork pool of PreFlight's workers."""

    Pool = PromptPool
