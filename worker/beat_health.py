"""Whether this very beat works. For compose and Kubernetes.

`/healthz`: it goes through its schedule, and Redis answers. `/readyz`: what it sends is done, as the last tick in Redis
says. `/metrics`: what belongs to it.
"""

from __future__ import annotations

import time
from typing import Any

import redis

from preflight.engine.connection import connect, explain, now_ms
from preflight.engine.keys import Keys
from preflight.observability.catalogue import BEAT_LAST_TURN
from preflight.observability.process import Gauges, exposition
from preflight.observability.reading import beat_successes
from preflight.settings import settings
from worker.probes import Reply, facts, metrics
from worker.probes import serve as serve_probes

#: Beat ticks every 10 s; three missed ticks are no hiccup.
SILENT_SECONDS = 30.0
REDIS_SECONDS = 1.0


def serve(sender: Any, **_: Any) -> None:
    """Answer probes of a beat that starts, if `PREFLIGHT_HEALTH_PORT` is set."""
    if settings().health_port > 0:
        beat = Questions(sender.scheduler)
        serve_probes(settings(), {"/healthz": beat.healthz, "/readyz": beat.readyz, "/metrics": beat.metrics})


class Questions:
    """What probes may ask of beat. `turned_at` is when it last went through its schedule, by the monotonic clock."""

    def __init__(self, scheduler: Any) -> None:
        self.turned_at: float | None = None
        self._keys = Keys(settings().namespace)
        self._client = connect(settings().redis, REDIS_SECONDS)
        self._turn = scheduler.tick
        scheduler.tick = self._noted_turn

    def _noted_turn(self, *arguments: Any, **options: Any) -> Any:
        interval = self._turn(*arguments, **options)
        self.turned_at = time.monotonic()
        return interval

    def healthz(self) -> Reply:
        """Ask when the schedule was gone through. One that waits for another beat's lock has not begun yet."""
        age = self._turn_seconds()
        try:
            self._client.ping()
        except redis.RedisError as error:
            return facts(False, redis=explain(error))
        return facts(age is None or age < SILENT_SECONDS, turned_seconds_ago=age, redis="ok")

    def readyz(self) -> Reply:
        """Ask when a worker last did what some beat had sent."""
        try:
            tick, now = beat_successes(self._client, self._keys).get("tick"), now_ms(self._client)
        except redis.RedisError as error:
            return facts(False, redis=explain(error))
        age = None if tick is None else max(0.0, (now - tick) / 1000)
        return facts(age is not None and age < SILENT_SECONDS, tick_seconds_ago=age)

    def metrics(self) -> Reply:
        """Return the metrics of this process."""
        return metrics(exposition(Gauges(settings().metrics_prefix, {BEAT_LAST_TURN: self._turned_at})))

    def _turn_seconds(self) -> float | None:
        return None if self.turned_at is None else round(time.monotonic() - self.turned_at, 3)

    def _turned_at(self) -> float | None:
        age = self._turn_seconds()
        return None if age is None else time.time() - age
