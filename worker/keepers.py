"""Two threads in a worker's main process: one keeps runs going, one keeps their reports. Both repair, neither works."""

from __future__ import annotations

import importlib.metadata
import logging
import threading
from collections.abc import Callable

import redis
from celery import Celery

from preflight.engine import worker_process, workers
from preflight.engine.celery_app import queues_of
from preflight.engine.connection import connect, explain
from preflight.engine.dead_child import report_deaths
from preflight.engine.dispatch import ByWinner
from preflight.engine.keys import Keys
from preflight.engine.runs import Runs
from preflight.engine.watchdog import Watchdog
from preflight.recorder import Recorder
from preflight.registry import default_registry
from preflight.settings import settings

logger = logging.getLogger("preflight.worker")

GUARD_SECONDS = 0.2
RECORD_SECONDS = 0.1
_PATIENCE_SECONDS = 5.0


class Keepers:
    """The watchdog's and the recorder's threads, each with a connection of its own."""

    def __init__(self, app: Celery) -> None:
        self.settings = settings()
        self.name = worker_process.name()
        self._stopping = threading.Event()
        self._guarded = self._runs()
        self._watchdog = Watchdog(self._guarded, self.name)
        self._recorder = Recorder(self._runs(), self.settings, app, self.name)
        self._description = workers.describe(
            importlib.metadata.version("celery-preflight"),
            queues_of(self._guarded.keys, self.settings.worker_role),
            [check.name for check in default_registry()],
        )
        self._threads = [
            threading.Thread(target=self._repeat, args=(self._guard, GUARD_SECONDS), name="preflight-watchdog"),
            threading.Thread(
                target=self._repeat, args=(self._recorder.flush, RECORD_SECONDS), name="preflight-recorder"
            ),
        ]

    def _runs(self) -> Runs:
        client = connect(self.settings.redis, timeout=2.0)
        return Runs(client, Keys(self.settings.namespace), ByWinner(self.settings))

    def start(self) -> None:
        """Start both threads."""
        for thread in self._threads:
            thread.daemon = True
            thread.start()

    def stop(self) -> None:
        """Stop both, store what has finished, and say that this worker is gone."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(_PATIENCE_SECONDS)
        try:
            workers.retire(self._guarded, self.name)
        except redis.RedisError as error:
            logger.warning("%s; this worker's heartbeat will grow old by itself", explain(error))

    def _guard(self) -> int:
        """Say that this worker is alive, answer for its dead processes, and mend what is due."""
        workers.beat(self._guarded, self.name, self._description, asks_checks=self.settings.worker_role != "requests")
        report_deaths(self._guarded)
        return self._watchdog.look()

    def _repeat(self, step: Callable[[], int], pause: float) -> None:
        """Take a step again and again; at once while there is more to do. Redis may come and go meanwhile."""
        failing = ""
        while not self._stopping.is_set():
            try:
                found, failing = step(), ""
            except Exception as error:
                found, words = 0, explain(error) if isinstance(error, redis.RedisError) else repr(error)
                if words != failing:
                    logger.error("%s: %s", threading.current_thread().name, words)  # noqa: TRY400  # one line is enough
                failing = words
            if found < 100:
                self._stopping.wait(pause)
        step()
