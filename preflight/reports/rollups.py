"""What reports add to the rollups: small rows that say how many there were, by span of time, event type and mode."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from preflight.reports.durations import column_of
from preflight.reports.instants import HOUR_SECONDS, floor, made_at
from preflight.reports.models import LENGTHS, check_rollups, run_rollups
from preflight.types import BLOCKING_STATUSES

#: The span of the rows that lead to reports; rows of an hour are what statistics of long times add up.
SLOT_SECONDS = 300
SPANS = (SLOT_SECONDS, HOUR_SECONDS)


class RunKey(NamedTuple):
    """The key of a row about runs. The span is that of the id, so that a report belongs to it for ever."""

    span_s: int
    at: datetime
    event_type: str
    mode: str


class CheckKey(NamedTuple):
    """The key of a row about one check."""

    span_s: int
    at: datetime
    check_name: str
    event_type: str
    mode: str


class Rollups:
    """What a batch of rows adds to the rollups."""

    def __init__(self) -> None:
        self._runs = collections.defaultdict[RunKey, collections.Counter[str]](collections.Counter)
        self._checks = collections.defaultdict[CheckKey, collections.Counter[str]](collections.Counter)
        self._last_failures: dict[CheckKey, datetime] = {}

    def add(self, row: Mapping[str, Any], sign: int = 1) -> None:
        """Count a report's row; with `sign` -1 take it back. When a check failed last is never taken back."""
        key = RunKey(SLOT_SECONDS, floor(made_at(row["id"]), SLOT_SECONDS), row["event_type"], row["mode"])
        counts = self._runs[key]
        for column, count in (("runs", 1), ("go", int(row["success"])), ("duration_ms", row["duration_ms"])):
            counts[column] += sign * count
        counts[column_of(row["duration_ms"])] += sign
        for check in row["checks"]:
            self._add_check(key, check, row["created_at"], sign)

    def _add_check(self, run: RunKey, check: Mapping[str, Any], at: datetime, sign: int) -> None:
        name = check["name"][: LENGTHS["check_name"]]
        key = CheckKey(run.span_s, run.at, name, run.event_type, run.mode)
        counts, status = self._checks[key], check["status"]
        counts[status] += sign
        if check.get("cached"):
            counts["cached"] += sign
        elif status in BLOCKING_STATUSES:
            counts["failures"] += sign
            for both in _spans(key):
                self._last_failures[both] = max(at, self._last_failures.get(both, at))
        if check.get("duration_ms") is not None:
            counts[column_of(check["duration_ms"])] += sign

    def write(self, connection: Connection) -> None:
        """Add everything to the tables, in the order of their keys: two writers wait for each other in one order."""
        runs = [_values(run_rollups, key, counts) for key, counts in _in_order(self._runs)]
        checks = [
            {**_values(check_rollups, key, counts), "last_failure_at": self._last_failures.get(key)}
            for key, counts in _in_order(self._checks)
        ]
        _upsert(connection, run_rollups, runs)
        _upsert(connection, check_rollups, checks)


def _spans(key: Any) -> list[Any]:
    return [key._replace(span_s=span, at=floor(key.at, span)) for span in SPANS]


def _in_order(counted: Mapping[Any, collections.Counter[str]]) -> list[tuple[Any, collections.Counter[str]]]:
    """Return the counts of every span, by key."""
    found = collections.defaultdict[Any, collections.Counter[str]](collections.Counter)
    for key, counts in counted.items():
        for both in _spans(key):
            for column, count in counts.items():  # not update(): it is slow, and += forgets what is negative
                found[both][column] += count
    return sorted(found.items())


def counted_columns(table: sa.Table) -> list[str]:
    """Return the columns of a table of rollups that are sums."""
    return [column.name for column in table.c if not column.primary_key and column.name != "last_failure_at"]


def _values(table: sa.Table, key: Any, counts: Mapping[str, int]) -> dict[str, Any]:
    return {**key._asdict(), **{name: counts.get(name, 0) for name in counted_columns(table)}}


def _upsert(connection: Connection, table: sa.Table, rows: Iterable[Mapping[str, Any]]) -> None:
    found = list(rows)
    if not found:
        return
    statement = insert(table)
    added: dict[str, Any] = {name: table.c[name] + statement.excluded[name] for name in counted_columns(table)}
    if "last_failure_at" in table.c:
        added["last_failure_at"] = sa.func.greatest(table.c.last_failure_at, statement.excluded.last_failure_at)
    keys = [column.name for column in table.primary_key]
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=added), found)
