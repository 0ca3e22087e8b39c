"""Celery's consumer: it looks for a lost broker often enough, and reads light runs' checks apart from the others."""

from __future__ import annotations

import functools
import time
from typing import Any

import kombu
from celery import bootsteps
from celery.worker import consumer
from celery.worker.consumer.tasks import Tasks
from kombu.common import ignore_errors

from preflight.engine.keys import Keys
from preflight.settings import settings
from worker.slots import Slots

#: Seconds between two looks for a broker that is away: the first pause, what each later one adds, the longest.
#: Celery's own pauses grow by 2 s up to 32: after a long outage its workers would stay deaf for half a minute, and
#: whoever waits longer than a check may take has its processes killed as if their checks had hung.
FIRST_SECONDS, MORE_SECONDS, MOST_SECONDS = 0.5, 0.5, 1.0


class Consumer(consumer.Consumer):
    """Celery's consumer with short pauses between its attempts to connect, and slots that not everybody may take."""

    hub: Any
    slots: Slots
    _connected_at = 0.0

    def __init__(self, on_task_request: Any, **options: Any) -> None:
        super().__init__(self._admit, **options)
        pool: Any = self.pool
        # Threads end their requests by themselves; what that sets off belongs into the loop.
        soon = _now if pool.uses_semaphore or self.hub is None else self.hub.call_soon
        self.slots = Slots(pool.limit, Keys(settings().namespace).light_queue, on_task_request, soon)

    def _admit(self, request: Any) -> None:
        self.slots.admit(request)

    def on_close(self) -> None:
        """Forget what waits for its turn, with the connection that it came from."""
        super().on_close()
        self.slots.clear()

    def connect(self) -> Any:
        """Make the connection that messages come from; one that was lost at once is not made anew at once."""
        time.sleep(max(0.0, self._connected_at + MOST_SECONDS - time.monotonic()))
        self._connected_at = time.monotonic()
        return super().connect()

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, or try again until it works."""
        conn.ensure_connection = functools.partial(
            conn.ensure_connection,
            interval_start=FIRST_SECONDS,
            interval_step=MORE_SECONDS,
            interval_max=MOST_SECONDS,
        )
        return super().ensure_connected(conn)


def _now(call: Any) -> None:
    call()


class LightQueue(bootsteps.StartStopStep):
    """Reads the queue of light runs' checks over a channel of its own, if the worker reads it at all.

    Over one channel with the others, light checks that wait for a slot would use up what the worker may take ahead.
    """

    requires = (Tasks,)

    def __init__(self, parent: Any, **options: Any) -> None:
        self._consumer: kombu.Consumer | None = None
        super().__init__(parent, **options)

    def start(self, parent: Any) -> None:
        """Begin to read, and take the queue from Celery's own consumer."""
        name = Keys(settings().namespace).light_queue
        queue = parent.app.amqp.queues.consume_from.get(name)
        if queue is None or len(parent.app.amqp.queues.consume_from) == 1:
            return
        parent.task_consumer.cancel_by_queue(name)
        channel = parent.connection.channel()
        channel.basic_qos(0, parent.slots.most * parent.prefetch_multiplier, False)
        self._consumer = kombu.Consumer(channel, queues=[queue], accept=parent.app.conf.accept_content)
        self._consumer.on_message = parent.create_task_handler()
        self._consumer.consume()

    def stop(self, parent: Any) -> None:
        """Stop reading; what was taken goes on."""
        if self._consumer is not None:
            ignore_errors(parent, self._consumer.cancel)
            self._consumer = None

    shutdown = stop
