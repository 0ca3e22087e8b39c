"""What reports add to the rollups: small rows that say how many there were, by span of time, event type and mode."""

from __future__ import annotations

import collections
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from preflight.reports.durations import column_of
from preflight.reports.instants import HOUR_SECONDS, floor, made_at
from preflight.reports.models import LENGTHS, check_hours, check_slots, run_hours, run_slots
from preflight.types import BLOCKING_STATUSES

#: The span of the rows that lead to reports; those of an hour are what statistics of long times add up.
SLOT_SECONDS = 300


class RunKey(NamedTuple):
    """The key of a row about runs. The instant is that of the id, so that a report belongs to it for ever."""

    at: datetime
    event_type: str
    mode: str


class CheckKey(NamedTuple):
    """The key of a row about one check."""

    at: datetime
    check_name: str
    event_type: str
    mode: str


class Tally:
    """Counts by key, and when something of that key failed last, which is never taken back."""

    def __init__(self) -> None:
        self.counts = collections.defaultdict[Any, collections.Counter[str]](collections.Counter)
        self.failed_at: dict[Any, datetime] = {}

    def fail(self, key: Any, at: datetime) -> None:
        """Note a failure."""
        self.failed_at[key] = max(at, self.failed_at.get(key, at))

    def by_hour(self) -> Tally:
        """Return the same by the hour."""
        hours = Tally()
        for key, counts in self.counts.items():
            sums = hours.counts[_hour(key)]
            for column, count in counts.items():  # not update(): it is slow
                sums[column] += count
        for key, at in self.failed_at.items():
            hours.fail(_hour(key), at)
        return hours

    def write(self, connection: Connection, table: sa.Table) -> None:
        """Add everything to a table, in the order of the keys: two writers wait for each other in one order."""
        columns, rows = counted_columns(table), []
        for key, counts in sorted(self.counts.items()):
            row = {**key._asdict(), **{name: counts.get(name, 0) for name in columns}}
            rows.append({**row, "last_failure_at": self.failed_at.get(key)} if "last_failure_at" in table.c else row)
        if rows:
            connection.execute(_upsert(table), rows)


class Rollups:
    """What a batch of rows adds to the rollups."""

    def __init__(self) -> None:
        self._runs = Tally()
        self._checks = Tally()

    def add(self, row: Mapping[str, Any], sign: int = 1) -> None:
        """Count a report's row; with `sign` -1 take it back."""
        key = RunKey(floor(made_at(row["id"]), SLOT_SECONDS), row["event_type"], row["mode"])
        counts = self._runs.counts[key]
        for column, count in (("runs", 1), ("go", int(row["success"])), ("duration_ms", row["duration_ms"])):
            counts[column] += sign * count
        counts[column_of(row["duration_ms"])] += sign
        for check in row["checks"]:
            self._add_check(key, check, row["created_at"], sign)

    def _add_check(self, run: RunKey, check: Mapping[str, Any], at: datetime, sign: int) -> None:
        key = CheckKey(run.at, check["name"][: LENGTHS["check_name"]], run.event_type, run.mode)
        counts, status = self._checks.counts[key], check["status"]
        counts[status] += sign
        if check.get("cached"):
            counts["cached"] += sign
        elif status in BLOCKING_STATUSES:
            counts["failures"] += sign
            self._checks.fail(key, at)
        if check.get("duration_ms") is not None:
            counts[column_of(check["duration_ms"])] += sign

    def write(self, connection: Connection) -> None:
        """Add everything to the tables, one after another in the same order for every writer."""
        self._runs.write(connection, run_slots)
        self._runs.by_hour().write(connection, run_hours)
        self._checks.write(connection, check_slots)
        self._checks.by_hour().write(connection, check_hours)


def _hour(key: Any) -> Any:
    return key._replace(at=floor(key.at, HOUR_SECONDS))


def counted_columns(table: sa.Table) -> list[str]:
    """Return the columns of a table of rollups that are sums."""
    return [column.name for column in table.c if not column.primary_key and column.name != "last_failure_at"]


def _upsert(table: sa.Table) -> sa.Executable:
    statement = insert(table)
    added: dict[str, Any] = {name: table.c[name] + statement.excluded[name] for name in counted_columns(table)}
    if "last_failure_at" in table.c:
        added["last_failure_at"] = sa.func.greatest(table.c.last_failure_at, statement.excluded.last_failure_at)
    keys = [column.name for column in table.primary_key]
    return statement.on_conflict_do_update(index_elements=keys, set_=added)
