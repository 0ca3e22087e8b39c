"""The partitions of the reports and of the rows that lead to them: a day each, made ahead and dropped whole."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from preflight.reports.instants import DAY_SECONDS, first_id, floor, made_at

#: Days after today that have a partition already.
AHEAD_DAYS = 14
#: After a standstill for longer than this, days before it get none.
_CATCH_UP_DAYS = 60
#: Any number that nobody else uses: who makes or drops partitions waits for the one before.
LOCK = 7_305_661_925
#: Who waits for a table holds up everybody behind it, for this long at most.
LOCK_TIMEOUT_MS = 500

#: What is partitioned, always together: the reports by ids, the others by instants.
TABLES = ("preflight_reports", "preflight_run_slots", "preflight_check_slots")

_EXISTING = sa.text(
    "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = 'preflight_reports'::regclass"
)


class Partition(NamedTuple):
    """One day's partition of every table: what was made before `end` and is not in the one before it."""

    end: datetime
    name: str

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of its tables."""
        return tuple(table + self.name for table in TABLES)


def existing(connection: Connection) -> list[Partition]:
    """Return the partitions, oldest first."""
    found = connection.execute(_EXISTING).all()
    # One that is being dropped has a name and no bounds any more.
    return sorted(Partition(_end(bound), name.removeprefix(TABLES[0])) for name, bound in found if bound)


def _end(bound: str) -> datetime:
    return made_at(UUID(re.findall(r"'([0-9a-f-]{36})'", bound)[-1]))


def missing(connection: Connection) -> list[datetime]:
    """Return the days up to two weeks ahead, by the database's clock, that have no partition."""
    today = floor(connection.execute(sa.select(sa.func.now())).scalar_one(), DAY_SECONDS)
    begin = max([today - timedelta(days=_CATCH_UP_DAYS), *(partition.end for partition in existing(connection)[-1:])])
    days = (today + timedelta(days=AHEAD_DAYS + 1) - begin).days
    return [begin + timedelta(days=day) for day in range(days)]


def make_ahead(connection: Connection) -> list[str]:
    """Make the partitions that are missing and return their names. Harmless when there are all, or when two do it."""
    wait_for_turn(connection)
    return [_make(connection, day) for day in missing(connection)]


def wait_for_turn(connection: Connection) -> None:
    """Wait until nobody else changes the partitions, and keep it so to the end of the transaction."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    connection.execute(sa.text(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}"))


def _make(connection: Connection, day: datetime) -> str:
    """Make tables first and attach them then: readers and writers of the others need not wait for that."""
    partition = Partition(day + timedelta(days=1), f"_{day:%Y%m%d}")
    for table, name in zip(TABLES, partition.tables, strict=True):
        connection.execute(sa.text(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)"))
        attach(connection, table, name, day, partition.end)
    return partition.tables[0]


def attach(connection: Connection, table: str, name: str, begin: datetime | None, end: datetime) -> None:
    """Make a table the partition of a span of another; without a beginning, of all that is older."""
    bounds = [first_id(at) if table == TABLES[0] else at.isoformat() for at in (begin or end, end)]
    low = f"'{bounds[0]}'" if begin else "MINVALUE"
    connection.execute(
        sa.text(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({low}) TO ('{bounds[1]}')")
    )
