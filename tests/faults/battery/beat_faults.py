"""Faults of beat: scenario 15. Each function lives one through.

No job is done twice at a time, none is lost for good, and the heartbeats say what is missed.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from faults.battery.postgresql_faults import session
from faults.battery.world import World
from pydantic import SecretStr

from preflight import PreFlightReport
from preflight.checks.beat import BeatCheck
from preflight.context import CheckContext
from preflight.reports import partitions
from preflight.reports.instants import DAY_SECONDS, floor
from preflight.reports.store import ReportFilter
from preflight.types import Status

SWEEP_SECONDS = 5
JOBS = ("tick", "sweep", "purge", "partitions")
_OLD_DAYS = 400
_DAY_MS = 24 * 3600 * 1000


def two_beats(world: World) -> None:
    """Run two beats, kill one after the other and the worker of their jobs, in the middle of a purge too."""
    arguments = ("-A", "worker", "beat", "--pidfile=", "--schedule")
    settings = {"PREFLIGHT_SWEEP_SECONDS": str(SWEEP_SECONDS)}
    _begin_later(world)
    world.start_workers(2)
    world.start_workers(1, role="requests", **settings)
    beats = [world.trial.celery(*arguments, str(world.folder / f"beat{place}"), **settings) for place in range(2)]
    world.start_callers(full=10)
    for round_ in world.rounds(4):
        world.await_load(20)
        with session(world) as cursor:
            _purge_in_use(world, cursor)
        beats[round_ % 2].kill()
        world.hit()
        world.let(SWEEP_SECONDS)
        beats[round_ % 2].start_again()
        world.sessions.append(beats[round_ % 2].session)
        world.recover()
    world.trial.send("preflight.partitions")  # as after an hour
    world.until(lambda: _done(world, "purge") and _done(world, "partitions"), "both jobs were done", 60.0)
    world.until(lambda: len(_sweeps(world)) >= 3, "three sweeps are stored", 60.0)
    for beat in beats:
        beat.kill()
    world.stop_callers()
    world.settle()
    _expect_one_at_a_time(world)


def beat_away(world: World) -> None:
    """Kill the only beat and make all that it noted a day older: that is told, and all is done when it is back."""
    settings = {"PREFLIGHT_SWEEP_SECONDS": str(SWEEP_SECONDS)}
    world.start_workers(2)
    world.start_workers(1, role="requests", **settings)
    arguments = ("-A", "worker", "beat", "--pidfile=", "--schedule", str(world.folder / "beat"))
    beat = world.trial.celery(*arguments, **settings)
    world.start_callers(full=10)
    for job in JOBS[2:]:
        world.trial.send(f"preflight.{job}")
    world.until(lambda: all(_done(world, job) for job in JOBS), "every job was done", 60.0)
    for _ in world.rounds(2):
        world.await_load(20)
        beat.kill()
        world.hit()
        world.until(lambda: not world.observer.client.keys(world.observer.keys["lease:job:*"]), "no job is at work")
        noted = _age(world)
        _expect_told(world)
        beat.start_again()
        world.sessions.append(beat.session)
        for job in JOBS[2:]:
            world.trial.send(f"preflight.{job}")  # as it does within the hour
        world.until(lambda noted=noted: all(noted[job] < _at(world, job) for job in JOBS), "each job is done", 60.0)
        world.recover()
    beat.kill()
    world.stop_callers()
    world.settle()


def _age(world: World) -> dict[str, int]:
    """Make what beat's jobs noted a day older, and return instants that only a job done anew is after."""
    aged = {job: _at(world, job) - _DAY_MS for job in JOBS}
    world.observer.client.hset(world.observer.keys["beat"], mapping=aged)
    return {job: at + _DAY_MS // 2 for job, at in aged.items()}


def _expect_told(world: World) -> None:
    """Note a problem if the check `beat` does not fail, or does not say why."""
    check = BeatCheck(url=SecretStr(world.servers.valkey.url), namespace=world.trial.namespace)
    result = asyncio.run(check.execute(CheckContext(mode="full", event_type="poll_launch")))
    if result.status is not Status.FAILED or "has not ticked" not in result.message:
        world.told.problems.append(f"a beat that was away for a day is told as: {result.message}")


def _old_end() -> datetime:
    return floor(datetime.now(UTC), DAY_SECONDS) - timedelta(days=_OLD_DAYS)


def _make_old(world: World) -> None:
    """Attach partitions of more than a year ago, which the next purge drops."""
    with world.trial.store._engine.begin() as connection:
        for table in partitions.TABLES:
            connection.exec_driver_sql(f"CREATE TABLE {table}_old (LIKE {table} INCLUDING ALL)")
            partitions.attach(connection, table, f"{table}_old", None, _old_end())


def _begin_later(world: World) -> None:
    """Let the oldest partition, which has nothing in it yet, begin where old ones end."""
    with world.trial.store._engine.begin() as connection:
        oldest = partitions.existing(connection)[0]
        for table, name in zip(partitions.TABLES, oldest.tables, strict=True):
            connection.exec_driver_sql(f"ALTER TABLE {table} DETACH PARTITION {name}")
            partitions.attach(connection, table, name, _old_end(), oldest.end)


def _purge_in_use(world: World, cursor: Any) -> None:
    """Have a purge wait for tables of last year that somebody reads, and kill the worker that waits."""
    _make_old(world)
    world.observer.client.hdel(world.observer.keys["beat"], "purge")
    world.observer.client.delete(world.observer.keys["lease:job:purge"])
    with session(world) as reader:
        reader.execute("BEGIN; SELECT count(*) FROM preflight_reports")
        world.trial.send("preflight.purge")
        world.until(lambda: _drop_waits(cursor), "a purge waits for a table")
        world.workers[-1].kill()
        world.hit()
    world.observer.client.delete(world.observer.keys["lease:job:purge"])  # as if its time were over
    world.until(lambda: len(world.up()) >= len(world.workers), "the workers are alive")
    world.trial.send("preflight.purge")
    world.until(lambda: not _is_there(cursor), "the purge is done by another", 60.0)


def _drop_waits(cursor: Any) -> bool:
    cursor.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'DROP TABLE%'")
    return bool(cursor.fetchall())


def _is_there(cursor: Any) -> bool:
    cursor.execute("SELECT to_regclass('preflight_reports_old')")
    return cursor.fetchone()[0] is not None


def _at(world: World, job: str) -> int:
    return int(world.observer.client.hget(world.observer.keys["beat"], job) or 0)


def _done(world: World, job: str) -> bool:
    return bool(world.observer.client.hexists(world.observer.keys["beat"], job))


def _sweeps(world: World) -> list[PreFlightReport]:
    return world.trial.store.page(ReportFilter(event_type="health_sweep"), limit=1000)


def _expect_one_at_a_time(world: World) -> None:
    """Note a problem where sweeps came too close to each other, or stayed away."""
    sweeps = _sweeps(world)
    ats = sorted(report.created_at for report in sweeps)
    close = [
        later - earlier for earlier, later in pairwise(ats) if (later - earlier).total_seconds() < 0.75 * SWEEP_SECONDS
    ]
    if close:
        world.told.problems.append(f"{len(sweeps)} sweeps, of which {len(close)} came too early")
    missing = set(JOBS) - set(world.observer.client.hkeys(world.observer.keys["beat"]))
    if missing:
        world.told.problems.append(f"jobs without a heartbeat: {sorted(missing)}")
