"""Which checks a worker starts: some of its slots are kept from what could fill them all.

A slot is a process or thread of the pool. The checks of light runs together, and any one check of full runs, never
take the last quarter of them: a flood of light runs does not make full ones wait, nor one slow dependency all others.
"""

from __future__ import annotations

import collections
import functools
from collections.abc import Callable
from typing import Any

from celery.exceptions import TaskRevokedError
from kombu.asynchronous.semaphore import LaxBoundedSemaphore

from preflight.engine.celery_app import CHECK_TASK
from preflight.engine.execution import read_message

#: So many requests of one check wait here for its turn; with more, the worker leaves them in their queue.
MOST_WAITING = 100


class Slots:
    """Starts requests of checks when there is a slot for them; `release` runs a call in the worker's event loop."""

    def __init__(
        self, slots: int, light_queue: str, start: Callable[[Any], None], soon: Callable[[Callable[[], None]], object]
    ) -> None:
        self.most = slots - (slots + 3) // 4 if slots > 1 else 1
        self._light_queue = light_queue
        self._start = start
        self._soon = soon
        self.clear()

    def clear(self) -> None:
        """Forget what waits: its connection is lost, and the runs' state has it sent again."""
        self._light = LaxBoundedSemaphore(self.most)
        self._full = collections.defaultdict[str, LaxBoundedSemaphore](lambda: LaxBoundedSemaphore(self.most))

    def admit(self, request: Any) -> None:
        """Start a request, now or when others have ended."""
        message = read_message(request.args) if request.name == CHECK_TASK else None
        if message is None:
            self._start(request)
        elif request.delivery_info["routing_key"] == self._light_queue:
            self._light.acquire(self._hold, request, self._light)
        else:
            own = self._full[message[1]]
            waiting: Any = own._waiting  # type: ignore[attr-defined]  # noqa: SLF001  # kombu has no other way to ask
            if not own.acquire(self._hold, request, own) and len(waiting) <= MOST_WAITING:
                request.acknowledge()  # else the checks behind it would wait in the queue, for no reason of theirs

    def _hold(self, request: Any, semaphore: LaxBoundedSemaphore) -> None:
        """Start a request that gives its slot back once, whichever way it ends."""
        held = [semaphore]

        def release() -> None:
            while held:
                self._soon(held.pop().release)

        request.on_success = _after(release, request.on_success)
        request.on_failure = _after(release, request.on_failure)
        request.execute_using_pool = functools.partial(_unless_revoked, release, request.execute_using_pool)
        self._start(request)


def _after(release: Callable[[], None], call: Callable[..., Any]) -> Callable[..., Any]:
    def after(*arguments: Any, **options: Any) -> Any:
        release()
        return call(*arguments, **options)

    return after


def _unless_revoked(release: Callable[[], None], execute: Callable[..., Any], pool: Any, **options: Any) -> Any:
    try:
        return execute(pool, **options)
    except TaskRevokedError:
        release()
        raise
