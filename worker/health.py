"""Whether this very worker works: its main process, its pool and its Redis really answer. For compose and Kubernetes.

`/healthz`: it does. `/readyz`: it also takes checks, as its heartbeat in Redis says. `/metrics`: what belongs to it.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from typing import Any

import psutil
import redis
from celery import bootsteps
from celery.worker import state
from celery.worker.components import Pool

from preflight import runner
from preflight.engine import worker_process
from preflight.engine.connection import connect, explain, now_ms
from preflight.engine.hung_threads import hung_threads
from preflight.engine.keys import Keys
from preflight.engine.runs import ALIVE_MS
from preflight.observability.catalogue import WORKER_SLOTS, WORKER_SLOTS_ALIVE
from preflight.observability.process import Gauges, LightCalls, exposition
from preflight.settings import settings
from worker.probes import ProbeServer, Reply, facts, metrics, serve
from worker.thread_pool import ThreadPool

#: The worker's event loop has this long to take a turn, and Redis to answer.
LOOP_SECONDS = 2.0
REDIS_SECONDS = 1.0
#: States of a process that will not take a check.
_GONE = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD, psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)


class Health(bootsteps.StartStopStep):
    """Answers probes of this worker on `PREFLIGHT_HEALTH_PORT`, if that is set."""

    requires = (Pool,)

    def __init__(self, parent: Any, **options: Any) -> None:
        self._server: ProbeServer | None = None
        super().__init__(parent, **options)

    def include_if(self, parent: Any) -> bool:
        """Leave probes out without a port."""
        return settings().health_port > 0

    def start(self, parent: Any) -> None:
        """Begin to answer; the pool is there already."""
        worker = Questions(parent)
        routes = {"/healthz": worker.healthz, "/readyz": worker.readyz, "/metrics": worker.metrics}
        self._server = serve(settings(), routes)

    def stop(self, parent: Any) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.close()
            self._server = None

    close = terminate = stop


class Questions:
    """What probes may ask of a worker."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        prefix = settings().metrics_prefix
        values = {WORKER_SLOTS: self._slots, WORKER_SLOTS_ALIVE: self._slots_alive}
        self._collectors = (Gauges(prefix, values), LightCalls(runner.default, prefix))

    @functools.cached_property
    def _client(self) -> redis.Redis:
        return connect(settings().redis, REDIS_SECONDS)

    def healthz(self) -> Reply:
        """Ask the main process for a turn of its loop, the pool for a living slot, and Redis for an answer."""
        loop, slots, answer = self._loop_turns(), self._slots_alive(), self._redis()
        return facts(loop and slots > 0 and answer == "ok", loop=loop, slots_alive=slots, redis=answer)

    def readyz(self) -> Reply:
        """Look for this worker's heartbeat: it begins when its queues are read."""
        try:
            age = self._heartbeat_ms()
        except redis.RedisError as error:
            return facts(False, redis=explain(error))
        stopping = state.should_stop is not None or state.should_terminate is not None
        ready = age is not None and age <= ALIVE_MS and not stopping
        return facts(ready, heartbeat_ms_ago=age, stopping=stopping)

    def metrics(self) -> Reply:
        """Return the metrics of this process."""
        return metrics(exposition(*self._collectors))

    def _loop_turns(self) -> bool:
        """Whether the event loop takes a call. A main process that is stopped, or waits for its broker, does not."""
        hub = self._worker.hub
        if hub is None:  # without a loop, the consumer waits in the broker's own call
            return self._worker.consumer is not None
        turned = threading.Event()
        hub.call_soon(turned.set)
        return turned.wait(LOOP_SECONDS)

    def _slots(self) -> int:
        return int(self._worker.pool.limit)

    def _slots_alive(self) -> int:
        pool = self._worker.pool
        if isinstance(pool, ThreadPool):
            return self._slots() - len(hung_threads())
        processes = getattr(getattr(pool, "_pool", None), "_pool", None)
        if processes is None:  # `solo`: the main process is the slot
            return 1
        return sum(_lives(process.pid) for process in list(processes))

    def _redis(self) -> str:
        try:
            self._client.ping()
        except redis.RedisError as error:
            return explain(error)
        return "ok"

    def _heartbeat_ms(self) -> int | None:
        """Return the age of this worker's last heartbeat, or None without one."""
        keys, name = Keys(settings().namespace), worker_process.name()
        seen = [self._client.zscore(keys[alive], name) for alive in ("alive", "alive:requests")]
        now = now_ms(self._client)
        return min((max(0, now - int(at)) for at in seen if at is not None), default=None)


def _lives(pid: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() not in _GONE
    return False
