"""Forget old reports by dropping whole partitions: what that costs does not grow with their number."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from preflight.context import shown
from preflight.exceptions import InvalidSettings
from preflight.reports import partitions
from preflight.reports.instants import DAY_SECONDS, floor
from preflight.reports.models import check_hours, run_hours, run_slots
from preflight.reports.partitions import Partition

MAX_DAYS = 3650
#: How often a table that somebody uses is tried, and the pause in between, which lets others through.
ATTEMPTS = 20
PAUSE_SECONDS = 0.5
#: PostgreSQL's code for a lock that was not to be had in time.
_LOCKED = "55P03"
#: Rows of rollups that one transaction deletes.
_BATCH = 10_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Purged:
    """What was forgotten, or would be: the partitions' names, and the reports in them as the rollups count them."""

    partitions: tuple[str, ...]
    reports: int


def purge(engine: Engine, older_than_days: int, statistics_days: int, *, dry_run: bool) -> Purged:
    """Drop the partitions of which every report is older, by the database's clock, then rollups of their own age.

    Each partition goes in a transaction of its own, so that an interrupted purge is simply repeated. Two at a time
    wait for each other. A table that somebody uses all the time raises what PostgreSQL says after some attempts.
    """
    days, kept_days = _days(older_than_days, "Reports"), _days(statistics_days, "Statistics")
    with engine.connect() as connection:
        oldest = floor(_now(connection), DAY_SECONDS) - timedelta(days=days)
        old = [partition for partition in partitions.existing(connection) if partition.end <= oldest]
        purged = Purged(partitions=tuple(one.tables[0] for one in old), reports=_counted(connection, old))
    if not dry_run:
        for partition in old:
            _patiently(functools.partial(_drop, engine, partition))
        _forget_hours(engine, oldest - timedelta(days=max(0, kept_days - days)))
    return purged


def _now(connection: Connection) -> datetime:
    now: datetime = connection.execute(sa.select(sa.func.now())).scalar_one()
    return now


def _counted(connection: Connection, old: list[Partition]) -> int:
    """Return how many reports partitions hold, without looking at them."""
    if not old:
        return 0
    query = sa.select(sa.func.sum(run_slots.c.runs)).where(run_slots.c.at < old[-1].end)
    return int(connection.execute(query).scalar() or 0)


def _drop(engine: Engine, partition: Partition) -> None:
    """Drop a day of reports and of what leads to them; nothing happens when it is gone."""
    with engine.begin() as connection:
        partitions.wait_for_turn(connection)
        connection.execute(sa.text(f"DROP TABLE IF EXISTS {', '.join(partition.tables)}"))


def _patiently(step: Callable[[], None]) -> None:
    for _ in range(ATTEMPTS - 1):
        try:
            step()
        except DBAPIError as error:
            if getattr(error.orig, "pgcode", None) != _LOCKED:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return
    step()


def _forget_hours(engine: Engine, oldest: datetime) -> None:
    """Delete statistics past their time. They are few: their number does not grow with the reports'."""
    for table in (run_hours, check_hours):
        while _delete_some(engine, table, oldest) == _BATCH:
            """One transaction each."""


def _delete_some(engine: Engine, table: sa.Table, oldest: datetime) -> int:
    ctid: sa.ColumnClause[Any] = sa.literal_column("ctid")
    some = sa.select(ctid).select_from(table).where(table.c.at < oldest).limit(_BATCH)
    with engine.begin() as connection:
        return connection.execute(sa.delete(table).where(ctid.in_(some))).rowcount


def _days(value: object, what: str) -> int:
    """Return the days; 0 and less never mean "delete everything"."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_DAYS:
        return value
    raise InvalidSettings(f"{what} are kept a whole number of days from 1 to {MAX_DAYS}, not {shown(value)}.")
