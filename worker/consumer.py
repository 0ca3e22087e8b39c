"""Celery's consumer, looking for a lost broker often enough."""

from __future__ import annotations

import functools
from typing import Any

from celery.worker import consumer

#: Seconds between two looks for a broker that is away: the first pause, what each later one adds, the longest.
#: Celery's own pauses grow by 2 s up to 32: after a long outage its workers would stay deaf for half a minute, and
#: whoever waits longer than a check may take has its processes killed as if their checks had hung.
FIRST_SECONDS, MORE_SECONDS, MOST_SECONDS = 0.5, 0.5, 1.0


class Consumer(consumer.Consumer):
    """Celery's consumer with short pauses between its attempts to connect."""

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, or try again until it works."""
        conn.ensure_connection = functools.partial(
            conn.ensure_connection,
            interval_start=FIRST_SECONDS,
            interval_step=MORE_SECONDS,
            interval_max=MOST_SECONDS,
        )
        return super().ensure_connected(conn)
