"""Faults of who watches: scenario 14. Each function lives one through.

No verdict changes, no caller waits, and a worker says once what it cannot tell.
"""

from __future__ import annotations

import contextlib
import itertools
import urllib.request
from pathlib import Path
from typing import get_args

from acceptance.processes import worker_arguments
from faults.battery.world import World
from faults.postgresql_trouble import small_disk
from receivers import Behaviour, Receiver

from preflight.embedded.server import HOST, free_port

WORKERS = 2
BEGINS, ENDS, LOST = "Sentry takes no events", "Sentry takes events again", "log lines are lost"
NO_DISK = "this process may not make a small disk"
_CHUNK = 2**16


def begin(world: World, *arguments: str, **settings: str) -> None:
    """Start two workers with more arguments and settings than usual, and the load. `{place}` is a worker's number."""
    for place in range(WORKERS):
        more = [argument.format(place=place) for argument in arguments]
        worker = world.trial.celery(*worker_arguments(f"w{place}@%h", world.pool), *more, **settings)
        world.workers.append(worker)
        world.sessions.append(worker.session)
    world.until(lambda: len(world.up()) == WORKERS, "the workers are alive")
    world.start_callers()
    world.await_load()


def sentry_troubled(world: World) -> None:
    """Have Sentry's receiver be silent, limit, refuse, talk nonsense, then gone, and there again."""
    receiver = Receiver()
    world.trial.values |= {"sentry_dsn": receiver.dsn, "sentry_events_per_minute": 10_000}
    try:
        begin(world)
        for behaviour in world.dice.sample(get_args(Behaviour), len(get_args(Behaviour))):
            _behave(world, receiver, behaviour)
        receiver.behaviour = "takes"
        receiver.release()
        taken = len(receiver.items)
        world.until(lambda: len(receiver.items) > taken, "events are taken again")
    finally:
        receiver.close()
    world.let(3.0)  # nobody listens any more
    world.recover()
    _expect_once(world, BEGINS, ENDS)


def _behave(world: World, receiver: Receiver, behaviour: Behaviour) -> None:
    """Let the receiver behave so until it was asked; count how often it was."""
    before, receiver.behaviour = receiver.requests, behaviour
    world.until(lambda: receiver.requests > before, f"the receiver {behaviour} and is asked")
    world.let(2.0)
    world.hit(receiver.requests - before)
    if behaviour == "is silent":
        receiver.release()
    world.recover()


def _expect_once(world: World, begins: str, ends: str) -> None:
    """Note a problem where a worker did not say that the trouble began, or said it again before the trouble ended."""
    for worker in world.workers:
        said = [line for line in worker.log.splitlines() if begins in line or ends in line]
        if any(begins in one and begins in other for one, other in itertools.pairwise(said)):
            world.told.problems.append(f"{worker.name} says more than once: {begins}")
    if not any(begins in worker.log for worker in world.workers):
        world.told.problems.append(f"no worker says: {begins}")


def metrics_disk_full(world: World) -> None:
    """Fill the disk that Prometheus' client would write to, if the engine let it: metrics are there all the same."""
    with small_disk(world.folder) as disk:
        if disk is None:
            world.told.problems.append(NO_DISK)
            return
        _fill(disk)
        port = str(free_port())
        begin(world, PROMETHEUS_MULTIPROC_DIR=str(disk), PREFLIGHT_HEALTH_PORT=port)
        world.let(6.0)
        world.hit(len(world.observer.open_now()))
        with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=5) as answer:
            if b"worker_slots" not in answer.read():
                world.told.problems.append("a worker's metrics are gone")
        world.recover()


def log_disk_full(world: World) -> None:
    """Fill the disk of the workers' logs in the middle of runs, and make room again."""
    with small_disk(world.folder) as disk:
        if disk is None:
            world.told.problems.append(NO_DISK)
            return
        begin(world, "--logfile", f"{disk}/worker{{place}}")
        ballast = _fill(disk)
        world.let(6.0)
        world.hit(len(world.observer.open_now()))
        world.until(lambda: any(LOST in worker.log for worker in world.workers), "a worker says that lines are lost")
        ballast.unlink()
        sizes = _sizes(disk)
        world.until(lambda: _sizes(disk) > sizes, "lines are written again")
        world.recover()
    for worker in world.workers:
        if worker.log.count(LOST) > len(worker.pids):
            world.told.problems.append(f"{worker.name} says more than once per process: {LOST}")


def _fill(disk: Path) -> Path:
    """Write until there is no room for one more byte; return the file that takes it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (_CHUNK, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)) == size:
                    """There was room."""
    return ballast


def _sizes(disk: Path) -> int:
    return sum(path.stat().st_size for path in disk.glob("worker*"))
