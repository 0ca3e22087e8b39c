"""The partitions of the reports' table: a day each, by the range of ids, made ahead and dropped whole."""

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

_EXISTING = sa.text(
    "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = 'preflight_reports'::regclass"
)


class Partition(NamedTuple):
    """One partition: ids made before `end` and not in the one before it."""

    end: datetime
    name: str


def existing(connection: Connection) -> list[Partition]:
    """Return the partitions, oldest first."""
    found = connection.execute(_EXISTING).all()
    # One that is being dropped has a name and no bounds any more.
    return sorted(Partition(_end(bound), name) for name, bound in found if bound)


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
    if not missing(connection):
        return []
    wait_for_turn(connection)
    return [_make(connection, day) for day in missing(connection)]


def wait_for_turn(connection: Connection) -> None:
    """Wait until nobody else changes the partitions, and keep it so to the end of the transaction."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    connection.execute(sa.text(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}"))


def _make(connection: Connection, day: datetime) -> str:
    """Make a table first and attach it then: readers and writers of the others need not wait for that."""
    name, end = f"preflight_reports_{day:%Y%m%d}", day + timedelta(days=1)
    connection.execute(sa.text(f"CREATE TABLE {name} (LIKE preflight_reports INCLUDING ALL)"))
    bounds = f"FROM ('{first_id(day)}') TO ('{first_id(end)}')"
    connection.execute(sa.text(f"ALTER TABLE preflight_reports ATTACH PARTITION {name} FOR VALUES {bounds}"))
    return name
