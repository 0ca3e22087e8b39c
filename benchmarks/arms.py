"""What is compared. Each arm can do a full run, and open light runs and say when they have all finished."""

from __future__ import annotations

import collections
import time
import uuid
from collections.abc import Iterable
from typing import Any, Protocol, cast
from uuid import UUID

import redis
from celery import Celery

from benchmarks import echo, native
from benchmarks.checks import registry_of
from benchmarks.machine import NAMESPACE, THREADS, Machine
from benchmarks.shapes import SHAPES, WARM
from preflight.engine.connection import connect
from preflight.engine.keys import Keys
from preflight.runner import PreFlightRunner
from preflight.settings import load

PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 0.002


class Arm(Protocol):
    """One contestant: its name in the results, and what it is."""

    name: str
    description: str

    def full(self, shape: str) -> None:
        """Do one run and wait for its verdict."""


class LightArm(Arm, Protocol):
    """A contestant that also opens runs without waiting for them."""

    def light(self, shape: str, count: int) -> None:
        """Open `count` runs, and return when all have their verdict."""

    def settle(self) -> None:
        """Wait until nothing is left to do from earlier runs."""


class Preflight:
    """PreFlight as installed: default pool, claim, reports stored in PostgreSQL."""

    name = "preflight"
    description = (
        "`runner.run` as installed: the worker of `preflight up` (role checks, no broker acknowledgements),"
        " every check claimed and recorded, reports stored in PostgreSQL"
    )

    def __init__(self, machine: Machine, namespace: str = NAMESPACE) -> None:
        settings = load(machine.words(namespace))
        self.client = connect(machine.redis_url, timeout=5)
        self.keys = Keys(namespace)
        self.runners = {shape: PreFlightRunner(settings, registry_of(shape)) for shape in SHAPES}

    def full(self, shape: str) -> None:
        """Do one run and wait for its report; NO-GO raises."""
        self.runners[shape].run(mode="full", event_type=shape)

    def light(self, shape: str, count: int) -> None:
        """Open `count` light runs, and return when all have ended."""
        self.wait([self.runners[shape].run(mode="light", event_type=shape).id for _ in range(count)])

    def wait(self, run_ids: Iterable[UUID]) -> None:
        """Return when all of these runs have ended."""
        walk(run_ids, self._ended)

    def settle(self) -> None:
        """Wait until the reports of earlier runs are stored."""
        walk(["outbox"], lambda _: not self.client.exists(self.keys["outbox"]))

    def _ended(self, run_id: object) -> bool:
        return bool(self.client.hexists(self.keys.state(str(run_id)), "end"))


class Threads(Preflight):
    """PreFlight with the other pool it supports."""

    name = "preflight, threads"
    description = "the same with `--pool threads`, a worker and a namespace of its own"

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine, THREADS)


class WarmCache(Preflight):
    """PreFlight when every answer is in its cache: runs of the same size, and no check is executed."""

    name = "preflight, warm cache"
    description = "`preflight` with checks whose answers are kept (`cache_ttl`, global scope), all of them in the cache"

    def full(self, shape: str) -> None:
        """Do one run of the warm shape, whatever the shape."""
        super().full(WARM)

    def light(self, shape: str, count: int) -> None:
        """Open light runs of the warm shape, whatever the shape."""
        super().light(WARM, count)


class NativeChord:
    """Native Celery: a chord per tier, whose body sends the next chord."""

    def __init__(self, machine: Machine, *, acknowledge: bool) -> None:
        words = "on" if acknowledge else "off"
        self.name = f"native_chord, acknowledgements {words}"
        self.description = (
            f"a chord per tier in its lightest form, broker acknowledgements {words}, waiting by AsyncResult"
        )
        self.app: Celery = native.create_app(machine.redis_url, acknowledge=acknowledge)
        self.client = redis.Redis.from_url(machine.redis_url)

    def full(self, shape: str) -> None:
        """Do one run and wait for its result."""
        run_id = str(uuid.uuid4())
        native.send(self.app, run_id, SHAPES[shape])
        if not self.app.AsyncResult(run_id).get(timeout=PATIENCE_SECONDS)["success"]:
            raise RuntimeError("a native run of no-op checks was NO-GO: the arm is broken")

    def light(self, shape: str, count: int) -> None:
        """Open `count` runs, and return when the result of each is there."""
        ids = [str(uuid.uuid4()) for _ in range(count)]
        for run_id in ids:
            native.send(self.app, run_id, SHAPES[shape])
        walk(ids, self._ended)

    def settle(self) -> None:
        """Native runs leave nothing to do."""

    def send_task(self) -> None:
        """Send one task that does nothing: the yardstick of a light call."""
        self.app.send_task("native.nothing", ignore_result=True)

    def close(self) -> None:
        """Let go of the servers: a result that Celery still keeps would look for them until its retries end."""
        consumer = cast("Any", self.app.backend).result_consumer
        consumer.stop()
        consumer.subscribed_to.clear()
        self.app.close()

    def _ended(self, run_id: object) -> bool:
        return bool(self.client.exists(f"celery-task-meta-{run_id}"))


class Hops:
    """Messages through Redis from process to process and nothing else: what no design on Redis can beat.

    A run of five tiers needs six hops: from the caller to a worker, from tier to tier, and back to the caller.
    """

    def __init__(self, machine: Machine, hops: int = 6) -> None:
        self.name = f"{ {6: 'six', 12: 'twelve'}[hops] }_hops"
        self.description = f"{hops} dependent LPUSH/BRPOP hand-overs between two processes, redis-py and hiredis"
        self.echoes = hops // 2
        self.client = redis.Redis.from_url(machine.redis_url, socket_timeout=30)

    def full(self, shape: str) -> None:
        """Send a message to the echo and take it back, as often as it takes."""
        for _ in range(self.echoes):
            self.client.lpush(echo.THERE, b"a check's message")
            if not self.client.brpop([echo.BACK], timeout=5):
                raise RuntimeError("the echo did not answer: its process has ended")


class _Ended(Protocol):
    def __call__(self, run_id: object, /) -> bool: ...


def walk(run_ids: Iterable[UUID | str], ended: _Ended) -> None:
    """Wait until every run has ended, looking at one of them at a time: the same small cost for every arm."""
    waiting, give_up_at = collections.deque(run_ids), time.monotonic() + PATIENCE_SECONDS
    while waiting:
        if ended(waiting[0]):
            waiting.popleft()
        elif time.monotonic() > give_up_at:
            raise TimeoutError(f"{len(waiting)} runs had not ended after {PATIENCE_SECONDS:g} s")
        else:
            time.sleep(_LOOK_SECONDS)
