"""What runs cost besides time: CPU of workers and Valkey, and memory of a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import psutil

from benchmarks import native
from benchmarks.arms import LightArm, Preflight
from benchmarks.effort import Effort
from benchmarks.machine import NAMESPACE, Machine
from benchmarks.rounds import Measurement, Slice, interleave
from benchmarks.shapes import SEVEN, SHALLOW

MEMORY_RUNS = 50_000
_MEMORY_BATCH = 1000
#: Runs after which every process of the pool has imported and connected.
_WARM_UP_RUNS = 1000


def measure(machine: Machine, arms: Sequence[LightArm], effort: Effort) -> dict[str, Measurement]:
    """Return the CPU of a full and of a light run, for each of the arms."""
    return {
        f"cpu_{mode}": _measurement(machine, arms, mode, count, effort.usage_rounds)
        for mode, count in (("full", effort.usage_full_runs), ("light", effort.usage_light_runs))
    }


def _measurement(machine: Machine, arms: Sequence[LightArm], mode: str, count: int, rounds: int) -> Measurement:
    title = f"CPU of one {mode} run, 7 checks in 5 tiers: the arm's worker and Valkey"
    samples = interleave({arm.name: _slice(machine, arm, mode, count) for arm in arms}, rounds)
    return Measurement(title=title, unit="ms of CPU", samples=samples)


def _slice(machine: Machine, arm: LightArm, mode: str, count: int) -> Slice:
    worker = NAMESPACE if isinstance(arm, Preflight) else native.queue_of(acknowledge=False)

    def run() -> None:
        if mode == "light":
            arm.light(SEVEN, count)
        else:
            for _ in range(count):
                arm.full(SEVEN)
        arm.settle()  # storing the reports is a part of it

    return lambda: [1000 * _cpu_seconds([machine.workers[worker], machine.valkey.pid], run) / count]


def _cpu_seconds(pids: Sequence[int], step: Callable[[], object]) -> float:
    """Return the CPU that these processes and their children use during a step, in seconds."""
    before = sum(_cpu(one) for one in _families(pids))
    step()
    return sum(_cpu(one) for one in _families(pids)) - before


def _families(pids: Sequence[int]) -> Iterator[psutil.Process]:
    for pid in pids:
        parent = psutil.Process(pid)
        yield from (parent, *parent.children(recursive=True))


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def memory(machine: Machine, preflight: Preflight) -> tuple[float, float]:
    """Return the MB that PreFlight's worker has for itself, before and after `MEMORY_RUNS` light runs of one check."""
    preflight.light(SHALLOW, _WARM_UP_RUNS)
    preflight.settle()
    before = _megabytes(machine.workers[NAMESPACE])
    for _ in range(MEMORY_RUNS // _MEMORY_BATCH):
        preflight.light(SHALLOW, _MEMORY_BATCH)
    preflight.settle()
    return before, _megabytes(machine.workers[NAMESPACE])


def _megabytes(pid: int) -> float:
    """Return the memory of a process and its children. Pages that they share with each other do not count."""
    return sum(one.memory_full_info().uss for one in _families([pid])) / 1e6
