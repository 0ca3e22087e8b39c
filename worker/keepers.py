"""Threads in a worker's main process: one keeps runs going, one keeps their reports. Both repair, neither works.

A third, where there is a database, publishes operators' changes that Redis does not have. In a worker whose pool has
threads, one more looks for those that hang.
"""

from __future__ import annotations

import functools
import importlib.metadata
import logging
import threading
from collections.abc import Callable
from typing import Any

import redis

from preflight.engine import worker_process, workers
from preflight.engine.celery_app import queues_of
from preflight.engine.connection import connect, explain
from preflight.engine.dead_child import report_deaths
from preflight.engine.dispatch import ByWinner
from preflight.engine.hung_threads import hung_threads
from preflight.engine.keys import Keys
from preflight.engine.runs import Runs
from preflight.engine.watchdog import Watchdog
from preflight.live_settings import Republisher
from preflight.recorder import Recorder
from preflight.registry import default_registry
from preflight.settings import settings
from worker.thread_pool import LOOK_SECONDS, Recycler, ThreadPool

logger = logging.getLogger("preflight.worker")

GUARD_SECONDS = 0.2
#: More often, a fifth of a worker's time goes into batches of a few reports.
RECORD_SECONDS = 0.25
SETTINGS_SECONDS = 0.5
_PATIENCE_SECONDS = 5.0


class Keepers:
    """The watchdog's and the recorder's threads, each with a connection of its own, in the worker of a consumer."""

    def __init__(self, consumer: Any) -> None:
        self.settings = settings()
        self.name = worker_process.name()
        self._stopping = threading.Event()
        self._guarded = self._runs()
        self._watchdog = Watchdog(self._guarded, self.name)
        self._recorder = Recorder(self._runs(), self.settings, consumer.app, self.name)
        self._recycler = Recycler(consumer.pool.limit) if isinstance(consumer.pool, ThreadPool) else None
        self._describe = functools.partial(
            workers.describe,
            importlib.metadata.version("celery-preflight"),
            queues_of(self._guarded.keys, self.settings.worker_role),
            [check.name for check in default_registry()],
        )
        self._threads = [
            self._thread("preflight-watchdog", self._guard, GUARD_SECONDS),
            self._thread("preflight-recorder", self._recorder.flush, RECORD_SECONDS),
        ]
        if self._recycler:
            self._threads.append(self._thread("preflight-recycler", self._recycler.look, LOOK_SECONDS))
        #: What a worker that stops does not wait for: another one publishes.
        self._unawaited: list[threading.Thread] = []
        if self.settings.database_url:
            republisher = Republisher(self._runs(), self.settings)
            self._unawaited.append(self._thread("preflight-settings", republisher.look, SETTINGS_SECONDS))

    def _thread(self, name: str, step: Callable[[], int], pause: float) -> threading.Thread:
        return threading.Thread(target=self._repeat, args=(step, pause), name=name, daemon=True)

    def _runs(self) -> Runs:
        client = connect(self.settings.redis, timeout=2.0)
        return Runs(client, Keys(self.settings.namespace), ByWinner(self.settings))

    def start(self) -> None:
        """Start the threads."""
        for thread in (*self._threads, *self._unawaited):
            thread.start()

    def stop(self) -> None:
        """Stop them, store what has finished, and say that this worker is gone."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(_PATIENCE_SECONDS)
        if self._recycler:
            self._recycler.stop()
        try:
            workers.retire(self._guarded, self.name)
        except redis.RedisError as error:
            logger.warning("%s; this worker's heartbeat will grow old by itself", explain(error))

    def _guard(self) -> int:
        """Say that this worker is alive, answer for its dead processes, and mend what is due."""
        description = self._describe(hung_threads=len(hung_threads()))
        workers.beat(self._guarded, self.name, description, asks_checks=self.settings.worker_role != "requests")
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
