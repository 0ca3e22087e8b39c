"""Many concurrent `arun` of one process against few, and how many connections to Redis that process needs.

The runs are of a process of its own, whose connections are nobody else's; this one looks at its sockets meanwhile.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import multiprocessing
import time
from collections.abc import Mapping

import psutil

from benchmarks.checks import registry_of
from benchmarks.effort import Effort
from benchmarks.machine import NAMESPACE, Machine
from benchmarks.rounds import Measurement, Samples, interleave
from benchmarks.shapes import SEVEN
from preflight.runner import PreFlightRunner
from preflight.settings import load

FEW, MANY = 8, 500
RUN_SECONDS = 300.0
_LOOK_SECONDS = 0.05


class Crowd:
    """A process that does concurrent runs."""

    def __init__(self, machine: Machine) -> None:
        self._port = machine.valkey.port
        self._pool = concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        self._words = machine.words(NAMESPACE)
        #: The most connections that were open, one number per slice of `MANY`.
        self.connections: list[float] = []

    def take(self, concurrent_runs: int, runs: int) -> list[float]:
        """Do so many runs, as many at once as asked; return runs per second."""
        future = self._pool.submit(runs_per_second, self._words, concurrent_runs, runs)
        most = 0
        while not future.done():
            most = max([most, *(self._open(pid) for pid in self._pool._processes)])  # noqa: SLF001  # it has no name
            time.sleep(_LOOK_SECONDS)
        if concurrent_runs == MANY:
            self.connections.append(most)
        return [future.result()]

    def _open(self, pid: int) -> int:
        """Return how many sockets of a process lead to Redis."""
        sockets = psutil.Process(pid).net_connections("tcp")
        return sum(bool(one.raddr) and one.raddr[1] == self._port for one in sockets)

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown()


def measure(machine: Machine, effort: Effort) -> dict[str, Measurement]:
    """Return the throughput of few and of many concurrent runs, and the connections of many."""
    crowd = Crowd(machine)
    try:
        crowd.take(FEW, 2 * FEW)  # it imports and connects at first
        slices = {
            f"{count} concurrent": functools.partial(crowd.take, count, effort.crowd_runs) for count in (FEW, MANY)
        }
        samples = interleave(slices, effort.crowd_rounds)
    finally:
        crowd.close()
    connections = {f"{MANY} concurrent": Samples(tuple((most,) for most in crowd.connections))}
    title = f"full runs per second by arun from one process, {effort.crowd_runs} runs of 7 checks in 5 tiers"
    return {
        "arun": Measurement(title=title, unit="runs/s", samples=samples),
        "arun_connections": Measurement(
            title="connections to Redis of a process with concurrent arun", unit="connections", samples=connections
        ),
    }


def runs_per_second(words: Mapping[str, str], concurrent_runs: int, runs: int) -> float:
    """Do the runs in this process, with the one runner it has."""
    return asyncio.run(_crowd(_runner(tuple(words.items())), concurrent_runs, runs))


@functools.cache
def _runner(words: tuple[tuple[str, str], ...]) -> PreFlightRunner:
    return PreFlightRunner(load(dict(words)), registry_of(SEVEN))


async def _crowd(runner: PreFlightRunner, concurrent_runs: int, runs: int) -> float:
    places = asyncio.Semaphore(concurrent_runs)

    async def one() -> None:
        async with places:
            await runner.arun(event_type=SEVEN, timeout=RUN_SECONDS)

    started_at = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(runs)))
    return runs / (time.perf_counter() - started_at)
