"""Faults of PostgreSQL and of both stores: scenarios 12 and 13. Each function lives one through.

No verdict may notice the first; when PostgreSQL is back, every report is there once.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import psycopg2
from faults.battery.redis_faults import begin
from faults.battery.world import World

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
