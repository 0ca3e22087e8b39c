"""What can be wrong with a PostgreSQL that runs: no connection, read-only, a full disk, slow statements, a deadlock.

The system under test uses the role `clerk`, which owns its database; the trouble is made by the server's superuser.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import servers

from preflight.reports import migrations

#: A disk that is full after a few thousand reports.
DISK = "48m"


class Clerk:
    """A role that owns a migrated database on a server, and what can be done to both."""

    def __init__(self, server: servers.Fragile, disk: Path | None = None):
        self.server = server.server
        self.name, self.disk = "clerk", disk
        self.sql("CREATE ROLE clerk LOGIN PASSWORD 'clerk'")
        self.sql("ALTER DATABASE preflight OWNER TO clerk")
        self.sql("ALTER SCHEMA public OWNER TO clerk")
        if disk:
            self.sql(f"CREATE TABLESPACE small LOCATION '{disk}'")
            self.sql("GRANT CREATE ON TABLESPACE small TO clerk")
            self.sql("ALTER ROLE clerk SET default_tablespace = small")
        migrations.upgrade(self.url)

    @property
    def url(self) -> str:
        """The address with which the system under test connects."""
        return self.server.url.replace(f"preflight:{self.server.password}@", "clerk:clerk@")

    @contextlib.contextmanager
    def session(self) -> Iterator[Any]:
        """Yield a cursor of the superuser's; each statement is a transaction of its own."""
        with contextlib.closing(psycopg2.connect(self.server.url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement."""
        with self.session() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _disconnect(self):
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'clerk'")

    @contextlib.contextmanager
    def out_of_connections(self) -> Iterator[None]:
        """Leave the role no connection."""
        self.sql("ALTER ROLE clerk CONNECTION LIMIT 0")
        self._disconnect()
        try:
            yield
        finally:
            self.sql("ALTER ROLE clerk CONNECTION LIMIT -1")

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        """Make every transaction read-only, as on a standby."""
        self.sql("ALTER ROLE clerk SET default_transaction_read_only = on")
        self._disconnect()
        try:
            yield
        finally:
            self.sql("ALTER ROLE clerk RESET default_transaction_read_only")
            self._disconnect()

    @contextlib.contextmanager
    def slow(self) -> Iterator[None]:
        """Let every statement that stores reports or counts take a second more."""
        self.sql(
            "CREATE FUNCTION doze() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1); RETURN NULL; END'"
        )
        tables = ("preflight_reports", "preflight_run_slots")
        for table in tables:
            self.sql(f"CREATE TRIGGER doze AFTER INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION doze()")
        try:
            yield
        finally:
            for table in tables:
                self.sql(f"DROP TRIGGER doze ON {table}")
            self.sql("DROP FUNCTION doze()")

    @contextlib.contextmanager
    def disk_full(self) -> Iterator[None]:
        """Fill the small disk to the last page."""
        with self.session() as cursor:
            cursor.execute("CREATE TABLE ballast (filling text) TABLESPACE small")
            cursor.execute("ALTER TABLE ballast ALTER filling SET STORAGE PLAIN")
            for size in (6000, 1):
                with contextlib.suppress(psycopg2.errors.DiskFull):
                    while True:
                        cursor.execute(
                            "INSERT INTO ballast SELECT repeat('x', %s) FROM generate_series(1, 200)", (size,)
                        )
        try:
            yield
        finally:
            self.sql("DROP TABLE ballast")

    @contextlib.contextmanager
    def circle(self, run_id: Callable[[], object]) -> Iterator[None]:
        """Yield once nobody can count runs, then store the run that waits for that: both wait for each other."""
        with contextlib.closing(psycopg2.connect(self.server.url)) as connection, connection.cursor() as cursor:
            cursor.execute("SET deadlock_timeout = '60s'")  # the other one looks first, and loses
            cursor.execute("LOCK TABLE preflight_run_slots IN SHARE MODE")
            yield
            while self.sql(_WAITING) == [(0,)]:
                """The recorder comes to it."""
            with contextlib.suppress(psycopg2.Error):
                cursor.execute(_SAME, (str(run_id()),))
            connection.rollback()


_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'preflight_run_slots'::regclass"
_BALLAST = "INSERT INTO ballast SELECT repeat('x', %s) FROM generate_series(1, 200)"
_SAME = (
    "INSERT INTO preflight_reports (id, mode, event_type, success, checks, duration_ms, created_at, verdict,"
    " streamer_ids, metadata) VALUES (%s, 'full', 'x', true, '[]', 1, now(), 'GO', '[]', '{}')"
)


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """Yield a directory on a small disk of its own, None where this process may not make one."""
    place = folder / "small"
    place.mkdir(mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "tmpfs", str(place)]
    mounted = os.geteuid() == 0 and not subprocess.run(command, check=False, capture_output=True).returncode
    try:
        yield place if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(place)], check=True)
