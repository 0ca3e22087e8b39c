"""A light call beside a bare control, in every condition that Redis or the process can be in.

The control is `queue.Queue.put_nowait` on a queue of its own. Both take turns in one loop, a millisecond apart, so
that whatever else the machine does meets both. An exception that escapes a light call ends the benchmark.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import queue
import threading
import time
from collections.abc import Callable, Iterator

from benchmarks.arms import Preflight
from benchmarks.effort import Effort
from benchmarks.machine import Machine, paused
from benchmarks.rounds import Measurement, Samples, milliseconds
from benchmarks.shapes import SEVEN
from preflight.embedded.server import free_port
from preflight.engine.connection import connect
from preflight.engine.light import CAPACITY
from preflight.runner import PreFlightRunner
from preflight.settings import load

CALL, CONTROL = "light call", "put_nowait"
CONDITIONS = ("healthy", "refused", "silent", "paused", "queue_full", "after_fork")
_PACE_SECONDS = 0.001
_FLUSH_SECONDS = 60.0
_PAUSE_MS = 600_000

#: The times in ms of the calls and of the controls of one round.
Pair = tuple[list[float], list[float]]
#: Takes all rounds of a condition.
Take = Callable[[], list[Pair]]


def arm_of(condition: str, what: str) -> str:
    """Return the name under which a condition's samples stand."""
    return f"{condition}: {what}"


def measure(machine: Machine, preflight: Preflight, effort: Effort) -> Measurement:
    """Time both in every condition."""
    conditions = Conditions(machine, preflight, effort)
    samples: dict[str, Samples] = {}
    for condition in CONDITIONS:
        with getattr(conditions, condition)() as take:
            rounds = take()
        for what, found in zip((CALL, CONTROL), zip(*rounds, strict=True), strict=True):
            samples[arm_of(condition, what)] = Samples(tuple(tuple(one) for one in found))
    title = "a light call and a bare put_nowait, in turns"
    return Measurement(title=title, unit="ms", samples=samples, percentiles=(50, 99, 99.9))


class Conditions:
    """Each method puts a runner in a condition and yields what takes the rounds in it."""

    def __init__(self, machine: Machine, preflight: Preflight, effort: Effort) -> None:
        self.machine = machine
        self.preflight = preflight
        self.rounds, self.calls = effort.control_rounds, effort.control_calls
        self.registry = preflight.runners[SEVEN].registry

    @contextlib.contextmanager
    def healthy(self) -> Iterator[Take]:
        """Have a Redis that answers, and workers that ask the checks."""

        def catch_up() -> None:
            runner.flush(_FLUSH_SECONDS)
            self.preflight.wait([runner.run(mode="light", event_type=SEVEN).id])  # the last of the queue
            self.preflight.settle()

        runner = self.preflight.runners[SEVEN]
        yield lambda: self._take(runner, then=catch_up)

    @contextlib.contextmanager
    def refused(self) -> Iterator[Take]:
        """Have no server on the port."""
        with self._runner(f"redis://127.0.0.1:{free_port()}/0") as runner:
            yield functools.partial(self._take, runner)

    @contextlib.contextmanager
    def silent(self) -> Iterator[Take]:
        """Have a server that is stopped: connections stay open, nothing answers."""
        with self._connected() as runner, paused(self.machine.silent):
            yield functools.partial(self._take, runner)

    @contextlib.contextmanager
    def paused(self) -> Iterator[Take]:
        """Have a server that holds back every command that may write: CLIENT PAUSE."""
        with self._connected() as runner, connect(self.machine.silent.url) as client:
            client.client_pause(_PAUSE_MS, all=False)
            try:
                yield functools.partial(self._take, runner)
            finally:
                client.client_unpause()

    @contextlib.contextmanager
    def queue_full(self) -> Iterator[Take]:
        """Have a silent server and no room left in the sender's queue; the control's queue is full too."""
        with self._connected() as runner, paused(self.machine.silent):
            while runner.light_counts.get("dropped", 0) == 0:
                for _ in range(CAPACITY // 10):
                    runner.run(mode="light", event_type=SEVEN)
            yield functools.partial(self._take, runner, full=True)

    @contextlib.contextmanager
    def after_fork(self) -> Iterator[Take]:
        """Have a child, forked from a process whose runner is in use; its calls go to a server that answers."""
        with self._connected() as runner:
            yield lambda: _in_fork(lambda: self._take(runner))

    def _take(
        self, runner: PreFlightRunner, *, full: bool = False, then: Callable[[], object] = lambda: None
    ) -> list[Pair]:
        found = []
        for _ in range(self.rounds):
            found.append(alternate(runner, self.calls, full=full))
            then()
        return found

    @contextlib.contextmanager
    def _connected(self) -> Iterator[PreFlightRunner]:
        """Yield a runner that has sent a light run to the server that may be paused."""
        with self._runner(self.machine.silent.url) as runner:
            runner.run(mode="light", event_type=SEVEN)
            runner.flush(_FLUSH_SECONDS)
            yield runner

    @contextlib.contextmanager
    def _runner(self, url: str) -> Iterator[PreFlightRunner]:
        runner = PreFlightRunner(load({"redis_url": url}), self.registry)
        try:
            yield runner
        finally:
            runner.flush(_FLUSH_SECONDS)
            runner.close()


def alternate(runner: PreFlightRunner, count: int, *, full: bool = False) -> Pair:
    """Time so many light calls and as many controls, in turns."""
    calls: list[float] = []
    controls: list[float] = []
    with _control(full=full) as control:
        for _ in range(count):
            for step, found in ((lambda: runner.run(mode="light", event_type=SEVEN), calls), (control, controls)):
                found.append(milliseconds(step))
                time.sleep(_PACE_SECONDS)
    return calls, controls


@contextlib.contextmanager
def _control(*, full: bool) -> Iterator[Callable[[], object]]:
    """Yield a `put_nowait` on a queue that a thread empties, or on one that is full."""
    places: queue.Queue[object] = queue.Queue(1 if full else 0)
    if full:
        places.put_nowait(None)
        yield functools.partial(_refused, places)
        return
    taker = threading.Thread(target=_empty, args=(places,), daemon=True)
    taker.start()
    yield functools.partial(places.put_nowait, places)
    places.put(None)
    taker.join()


def _empty(places: queue.Queue[object]) -> None:
    while places.get() is not None:
        """Nothing more is done with it."""


def _refused(places: queue.Queue[object]) -> None:
    with contextlib.suppress(queue.Full):
        places.put_nowait(places)


def _in_fork(take: Take) -> list[Pair]:
    """Take all rounds in one forked child."""
    forking = multiprocessing.get_context("fork")
    reader, writer = forking.Pipe(duplex=False)
    child = forking.Process(target=lambda: writer.send(take()))
    child.start()
    writer.close()  # so that the child's death is the end of what can be read
    found: list[Pair] = reader.recv()
    child.join()
    return found
