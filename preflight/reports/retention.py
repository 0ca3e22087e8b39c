"""Forget old reports by dropping whole partitions: what that costs does not grow with their number."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from preflight.context import shown
from preflight.exceptions import InvalidSettings
from preflight.reports import partitions
from preflight.reports.instants import DAY_SECONDS, floor
from preflight.reports.models import check_hours, run_hours
from preflight.reports.partitions import Partition
from preflight.reports.patience import is_locked

MAX_DAYS = 3650
#: How often a table that somebody uses is tried, and the pause in between, which lets others through.
ATTEMPTS = 20
PAUSE_SECONDS = 0.5
#: Rows of rollups that one transaction deletes.
_BATCH = 10_000
_HOURS = (run_hours, check_hours)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Purged:
    """What was forgotten, or would be: the partitions' names, the reports in them as the rollups count them, hours.

    `hours` are rows of statistics by the hour that were past their own time.
    """

    partitions: tuple[str, ...]
    reports: int
    hours: int


def purge(engine: Engine, older_than_days: int, statistics_days: int, *, dry_run: bool) -> Purged:
    """Drop the partitions of which every report is older, by the database's clock, then rollups of their own age.

    Each partition goes in a transaction of its own, so that an interrupted purge is simply repeated. Two at a time
    take turns, and each returns what it dropped itself. A table that somebody uses all the time raises what
    PostgreSQL says after some attempts.
    """
    days, kept_days = _days(older_than_days, "Reports"), _days(statistics_days, "Statistics")
    with engine.connect() as connection:
        # Before PostgreSQL 18 the bounds of a table that is dropped meanwhile are an error.
        partitions.wait_for_turn(connection)
        oldest = floor(_now(connection), DAY_SECONDS) - timedelta(days=days)
        old = [partition for partition in partitions.existing(connection) if partition.end <= oldest]
        oldest_hour = oldest - timedelta(days=max(0, kept_days - days))
        if dry_run:
            counts = {partition: _counted(connection, partition) for partition in old}
            return _purged(counts, _count_hours(connection, oldest_hour))
    dropped = {partition: _patiently(functools.partial(_drop, engine, partition)) for partition in old}
    return _purged(dropped, _forget_hours(engine, oldest_hour))


def _now(connection: Connection) -> datetime:
    now: datetime = connection.execute(sa.select(sa.func.now())).scalar_one()
    return now


def _purged(counts: Mapping[Partition, int | None], hours: int) -> Purged:
    """Say what went, or would go: None stands for what another purge had dropped."""
    mine = {partition.tables[0]: count for partition, count in counts.items() if count is not None}
    return Purged(partitions=tuple(mine), reports=sum(mine.values()), hours=hours)


def _counted(connection: Connection, partition: Partition) -> int:
    """Return how many reports a partition holds, without looking at them.

    Asked of the day's own rollups: after every drop the partitioned table would first read all of its partitions anew.
    """
    _, slots, _ = partition.tables
    runs: sa.ColumnClause[int] = sa.column("runs")
    return int(connection.execute(sa.select(sa.func.sum(runs)).select_from(sa.table(slots))).scalar() or 0)


def _drop(engine: Engine, partition: Partition) -> int | None:
    """Drop a day of reports and of what leads to them, and return how many there were; None if it is gone."""
    with engine.begin() as connection:
        partitions.wait_for_turn(connection)
        if partition not in partitions.existing(connection):
            return None
        count = _counted(connection, partition)
        connection.execute(sa.text(f"DROP TABLE {', '.join(partition.tables)}"))
    return count


def _patiently(step: Callable[[], int | None]) -> int | None:
    for _ in range(ATTEMPTS - 1):
        try:
            return step()
        except DBAPIError as error:
            if not is_locked(error):
                raise
            time.sleep(PAUSE_SECONDS)
    return step()


def _count_hours(connection: Connection, oldest: datetime) -> int:
    counts = (sa.select(sa.func.count()).where(table.c.at < oldest) for table in _HOURS)
    return sum(connection.execute(count).scalar_one() for count in counts)


def _forget_hours(engine: Engine, oldest: datetime) -> int:
    """Delete statistics past their time. They are few: their number does not grow with the reports'."""
    deleted = 0
    for table in _HOURS:
        while some := _delete_some(engine, table, oldest):  # one transaction each
            deleted += some
    return deleted


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
