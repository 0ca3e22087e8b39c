"""Faults of PostgreSQL, of both stores, and of beat: scenarios 12, 13 and 15. Each function lives one through.

No verdict may notice the first; when PostgreSQL is back, every report is there once.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import psycopg2
from faults.battery.redis_faults import begin
from faults.battery.world import World

from preflight import PreFlightReport
from preflight.reports.store import ReportFilter

SWEEP_SECONDS = 5
_BALLAST = "INSERT INTO ballast SELECT repeat('x', %s) FROM generate_series(1, 200)"
_DISCONNECT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'preflight'"


@contextlib.contextmanager
def struck(world: World) -> Iterator[None]:
    """Wait for the load, count what ends during the fault as hit, and see that all of it is stored afterwards."""
    world.await_load()
    world.hit(len(world.observer.open_now()) > 0)
    yield
    world.until(world.observer.stored, "every report is stored", 60.0)
    world.recover()


def down(world: World) -> None:
    """Stop PostgreSQL for a minute."""
    begin(world)
    with struck(world):
        world.servers.postgresql.stop()
        world.let(60.0 * world.effort)
        world.servers.postgresql.start()


def killed(world: World) -> None:
    """End PostgreSQL as a power cut would, again and again, in the middle of transactions."""
    begin(world)
    for _ in world.rounds(5):
        with struck(world):
            world.let(0.1, 1.0)
            world.servers.postgresql.child.kill()
            world.servers.postgresql.start()


@contextlib.contextmanager
def session(world: World) -> Iterator[Any]:
    """Yield a cursor in the world's database; each statement is a transaction of its own."""
    with contextlib.closing(psycopg2.connect(world.servers.postgresql.database_url(world.database))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


def out_of_connections(world: World) -> None:
    """Take every connection of the server for six seconds."""
    begin(world)
    with struck(world), contextlib.ExitStack() as taken, session(world) as cursor:
        cursor.execute(_DISCONNECT)
        until = time.monotonic() + 6.0
        while time.monotonic() < until:
            with contextlib.suppress(psycopg2.OperationalError):
                url = world.servers.postgresql.database_url(world.database)
                taken.enter_context(contextlib.closing(psycopg2.connect(url)))
                continue
            world.let(0.1)


def read_only(world: World) -> None:
    """Make every transaction read-only for six seconds."""
    begin(world)
    with struck(world), session(world) as cursor:
        cursor.execute(f"ALTER DATABASE {world.database} SET default_transaction_read_only = on")
        cursor.execute(_DISCONNECT)
        world.let(6.0)
        cursor.execute(f"ALTER DATABASE {world.database} RESET default_transaction_read_only")
        cursor.execute(_DISCONNECT)


def slow(world: World) -> None:
    """Let every statement that stores take a second more, for ten seconds."""
    begin(world)
    with struck(world), session(world) as cursor:
        body = "BEGIN PERFORM pg_sleep(1); RETURN NULL; END"
        cursor.execute(f"CREATE FUNCTION doze() RETURNS trigger LANGUAGE plpgsql AS '{body}'")
        trigger = "CREATE TRIGGER doze AFTER INSERT ON preflight_reports FOR EACH STATEMENT EXECUTE FUNCTION doze()"
        cursor.execute(trigger)
        world.let(10.0)
        cursor.execute("DROP TRIGGER doze ON preflight_reports")


def disk_full(world: World) -> None:
    """Fill PostgreSQL's disk for six seconds."""
    if not world.servers.small_disk:
        world.told.problems.append("this process may not make a small disk")
        return
    with contextlib.closing(psycopg2.connect(world.servers.postgresql.database_url("postgres"))) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"ALTER DATABASE {world.database} SET TABLESPACE small")
    begin(world)
    with struck(world), session(world) as cursor:
        cursor.execute("CREATE TABLE ballast (filling text)")
        cursor.execute("ALTER TABLE ballast ALTER filling SET STORAGE PLAIN")
        until = time.monotonic() + 6.0
        while time.monotonic() < until:
            with contextlib.suppress(psycopg2.errors.DiskFull):
                cursor.execute(_BALLAST, (6000,))
                continue
            with contextlib.suppress(psycopg2.errors.DiskFull):
                cursor.execute(_BALLAST, (1,))
            world.let(0.1)
        cursor.execute("DROP TABLE ballast")


def deadlock(world: World) -> None:
    """Wait for a run that the recorder is storing, which waits for what this connection has locked."""
    begin(world)
    for _ in world.rounds(4):
        with struck(world), contextlib.closing(_connection(world)) as connection, connection.cursor() as cursor:
            cursor.execute("SET deadlock_timeout = '60s'")  # the recorder looks first, and loses
            cursor.execute("LOCK TABLE preflight_run_slots IN SHARE MODE")
            with session(world) as other:
                world.until(lambda other=other: _waits(other), "the recorder waits")
            (first, *_) = world.observer.client.zrange(world.observer.keys["outbox"], 0, 0)
            with contextlib.suppress(psycopg2.Error):
                cursor.execute(_SAME, (str(first),))
            connection.rollback()


def _connection(world: World) -> Any:
    return psycopg2.connect(world.servers.postgresql.database_url(world.database))


def _waits(cursor: Any) -> bool:
    cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'preflight_run_slots'::regclass")
    return bool(cursor.fetchall())


_SAME = (
    "INSERT INTO preflight_reports (id, mode, event_type, success, checks, duration_ms, created_at, verdict,"
    " streamer_ids, metadata) VALUES (%s, 'full', 'x', true, '[]', 1, now(), 'GO', '[]', '{}')"
)


def both_down(world: World) -> None:
    """Stop both stores for five seconds: what callers are told meanwhile is in their logs, whole."""
    begin(world)
    world.told.logged_is_enough = True
    for _ in world.rounds(2):
        world.await_load()
        world.hit(len(world.observer.open_now()) > 0)
        with world.blackout():
            world.servers.postgresql.stop()
            world.servers.valkey.stop()
            world.let(5.0)
            world.servers.valkey.start()
            world.servers.postgresql.start()
        world.recover()


def two_beats(world: World) -> None:
    """Run two beats, kill one after the other and the worker of their jobs, in the middle of a purge too."""
    arguments = ("-A", "worker", "beat", "--pidfile=", "--schedule")
    settings = {"PREFLIGHT_SWEEP_SECONDS": str(SWEEP_SECONDS)}
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


def _purge_in_use(world: World, cursor: Any) -> None:
    """Have a purge wait for a table of last year, and kill the worker that waits."""
    cursor.execute("SET lock_timeout = 0")
    world.observer.client.hdel(world.observer.keys["beat"], "purge")
    world.observer.client.delete(world.observer.keys["lease:job:purge"])
    with contextlib.closing(_connection(world)) as connection, connection.cursor() as holder:
        holder.execute("SELECT count(*) FROM preflight_reports")
        world.trial.send("preflight.purge")
        world.until(lambda: world.observer.client.exists(world.observer.keys["lease:job:purge"]), "a purge is at work")
        requests = world.workers[-1]
        requests.kill()
        world.hit()
    world.observer.client.delete(world.observer.keys["lease:job:purge"])  # as if its time were over
    world.until(lambda: len(world.up()) >= len(world.workers), "the workers are alive")
    world.trial.send("preflight.purge")


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
    missing = {"tick", "sweep", "purge", "partitions"} - set(world.observer.client.hkeys(world.observer.keys["beat"]))
    if missing:
        world.told.problems.append(f"jobs without a heartbeat: {sorted(missing)}")
