"""The control arm: the same kills against plain Celery chords. It must turn red, or the battery sees nothing."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
from acceptance.processes import REPOSITORY, TESTS, CeleryProcess
from faults.battery import lines
from faults.battery.servers_under_fault import Servers

from preflight.embedded.process import wait_until

WORKERS = 2
RUNS = 150
#: A run without a verdict so long after the last kill is stuck.
PATIENCE_SECONDS = 30.0
#: A pool collects a process that was killed within its next look.
GONE_SECONDS = 10.0
#: What PreFlight's runs have at most in the battery: their deadline and 2 s more.
DEADLINE_SECONDS = 10.0
_START = """
import sys
from faults.battery import chord
truth, ended, first, count = sys.argv[1:]
for number in range(int(first), int(first) + int(count)):
    chord.start(f"run{number}", 0.02 + number % 10 / 100, truth, ended)
"""


@dataclasses.dataclass(frozen=True)
class Control:
    """What became of chords: how many there were, how many kills hit, how many chords never ended or ended late."""

    careful: bool
    runs: int
    hits: int
    stuck: int
    late: int
    asked_twice: int

    @property
    def red(self) -> bool:
        """Whether the battery's kills left chords without a verdict."""
        return self.stuck > 0


class _Chords:
    """Plain Celery under a supervisor that starts again what has ended."""

    def __init__(self, servers: Servers, folder: Path, *, careful: bool) -> None:
        folder.mkdir(parents=True)
        self.truth, self.ended = folder / "truth", folder / "ended"
        self.environment = {
            "CONTROL_REDIS_URL": f"{servers.valkey.url.removesuffix('/0')}/{2 if careful else 1}",
            "CONTROL_CAREFUL": "yes" if careful else "no",
            "PYTHONPATH": str(TESTS),
        }
        arguments = ("-A", "faults.battery.chord", "worker", "--concurrency", "8", "--loglevel", "WARNING")
        self.workers = [
            CeleryProcess(f"chord{n}", (*arguments, "-n", f"c{n}@%h"), folder / f"{n}.log", self.environment)
            for n in range(WORKERS)
        ]

    @contextlib.contextmanager
    def starting(self, first: int, count: int) -> Iterator[None]:
        """Start runs meanwhile: a fast worker is through with them before their caller has ended."""
        command = [sys.executable, "-c", _START, str(self.truth), str(self.ended), str(first), str(count)]
        environment = {**os.environ, **self.environment}
        # What Celery's results say while the interpreter ends is no news.
        with subprocess.Popen(command, env=environment, cwd=REPOSITORY, stderr=subprocess.DEVNULL) as caller:
            yield
        assert caller.returncode == 0

    def asking(self, pids: set[int]) -> set[int]:
        """Return which of these processes are asking a check."""
        asking: collections.Counter[int] = collections.Counter()
        for line in lines.read(self.truth):
            asking[line["pid"]] += 1 if line["said"] == "asked" else -1
        return {pid for pid in pids if asking[pid] > 0}

    def supervise(self) -> None:
        for worker in self.workers:
            if worker.ended():
                worker.start_again()

    def times(self, note: str) -> dict[str, float]:
        """Return when each run was started, or ended first."""
        noted = [line for line in lines.read(self.ended) if line["note"] == note]
        return {line["run"]: line["at"] for line in reversed(noted)}


def run(  # a test asks for less of each
    servers: Servers,
    folder: Path,
    *,
    careful: bool = False,
    runs: int = RUNS,
    kills: int = 6,
    patience: float = PATIENCE_SECONDS,
) -> Control:
    """Kill main processes and pool processes while chords run; return what became of the runs."""
    dice, hits, chords = random.Random(1), 0, _Chords(servers, folder, careful=careful)
    try:
        for kill in range(kills):
            with chords.starting(kill * runs // kills, runs // kills):
                hits += _kill(chords, dice, main=kill % 2 == 0)
        wait_until(lambda: chords.supervise() or len(chords.times("ended")) >= runs, patience)
    finally:
        for worker in chords.workers:
            worker.kill()
    return _counted(chords, hits, careful=careful)


def _counted(chords: _Chords, hits: int, *, careful: bool) -> Control:
    asked = collections.Counter(
        (line["run"], line["check"]) for line in lines.read(chords.truth) if line["said"] == "asked"
    )
    started, ended = chords.times("started"), chords.times("ended")
    return Control(
        careful=careful,
        runs=len(started),
        hits=hits,
        stuck=len(started.keys() - ended.keys()),
        late=sum(ended[run] - started[run] > DEADLINE_SECONDS for run in ended),
        asked_twice=sum(count > 1 for count in asked.values()),
    )


def _kill(chords: _Chords, dice: random.Random, *, main: bool) -> int:
    """Kill a worker, or a process of its pool, that is asking a check; return whether there was one."""
    found: list[tuple[CeleryProcess, set[int]]] = []

    def look() -> bool:
        chords.supervise()
        found[:] = _victims(chords)  # a moment later they may be through
        return bool(found)

    if not wait_until(look, 20.0):
        return 0
    worker, children = dice.choice(found)
    if main:
        worker.kill()
    else:
        child = psutil.Process(dice.choice(sorted(children)))
        child.kill()
        child.wait(GONE_SECONDS)  # until its pool has taken notice of it
    chords.supervise()
    return 1


def _victims(chords: _Chords) -> list[tuple[CeleryProcess, set[int]]]:
    asking = [(worker, chords.asking(worker.pids)) for worker in chords.workers]
    return [(worker, children) for worker, children in asking if children]
