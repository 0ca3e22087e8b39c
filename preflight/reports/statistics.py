"""What the rollups say about a span of time. None of it reads a report, so none of it grows with their number."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from preflight.reports.durations import COLUMNS, percentile
from preflight.reports.instants import DAY_SECONDS, HOUR_SECONDS, aware, ceiling, floor
from preflight.reports.models import check_hours, check_slots, run_hours, run_slots
from preflight.reports.rollups import SLOT_SECONDS

Step = Literal["hour", "day"]
STEPS: dict[Step, int] = {"hour": HOUR_SECONDS, "day": DAY_SECONDS}
#: Longer spans begin with a full hour: rows of five minutes live no longer than the reports.
_EXACT = timedelta(days=1)
#: Points of a trend; an earlier beginning is cut off.
MAX_POINTS = 10_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class EventStatistics:
    """The runs of one event type and mode. Durations are in ms, within a few percent."""

    event_type: str
    mode: str
    runs: int
    success_rate: float
    duration_p50_ms: float | None
    duration_p95_ms: float | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Statistics:
    """All runs of a span. Rates and durations are None without runs."""

    total_runs: int
    go_runs: int
    success_rate: float | None
    average_duration_ms: float | None
    duration_p50_ms: float | None
    duration_p95_ms: float | None
    event_types: tuple[EventStatistics, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckStatistics:
    """One check in a span. `asked` counts executions, `cached` answers that were taken from an earlier one.

    `failures` are executions that failed or were an error; who was skipped because of another was not asked.
    """

    check_name: str
    asked: int
    cached: int
    failures: int
    failure_rate: float | None
    last_failure_at: datetime | None
    duration_p50_ms: float | None
    duration_p95_ms: float | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrendPoint:
    """An hour or a day that begins `at`: its runs (of a check: its executions) and those that failed."""

    at: datetime
    runs: int
    failures: int


def statistics(
    connection: Connection, since: datetime, until: datetime | None, event_type: str | None, mode: str | None
) -> Statistics:
    """Return the totals of a span, and those of each event type and mode."""
    counted = covering(run_hours, run_slots, since, until)
    kind = (counted.c.event_type, counted.c.mode)
    query = sa.select(*kind, *_sums(counted, "runs", "go", "duration_ms", *COLUMNS))
    query = query.where(*_equal(counted, event_type=event_type, mode=mode))
    rows = connection.execute(query.group_by(*kind).order_by(*kind)).mappings().all()
    runs, go, took, *counts = (sum(int(row[name]) for row in rows) for name in ("runs", "go", "duration_ms", *COLUMNS))
    return Statistics(
        total_runs=runs,
        go_runs=go,
        success_rate=_rate(go, runs),
        average_duration_ms=round(took / runs, 1) if runs else None,
        duration_p50_ms=percentile(counts, 50),
        duration_p95_ms=percentile(counts, 95),
        event_types=tuple(_event(dict(row)) for row in rows if row["runs"]),
    )


def _event(row: Mapping[str, Any]) -> EventStatistics:
    counts = _counts(row)
    return EventStatistics(
        event_type=row["event_type"],
        mode=row["mode"],
        runs=int(row["runs"]),
        success_rate=int(row["go"]) / int(row["runs"]),
        duration_p50_ms=percentile(counts, 50),
        duration_p95_ms=percentile(counts, 95),
    )


def check_statistics(connection: Connection, since: datetime, until: datetime | None) -> list[CheckStatistics]:
    """Return every check that was planned in a span, the one with most failures first."""
    counted = covering(check_hours, check_slots, since, until)
    query = sa.select(
        counted.c.check_name,
        sa.func.sum(_asked(counted)).label("asked"),
        sa.func.max(counted.c.last_failure_at).label("last_failure_at"),
        *_sums(counted, "cached", "failures", *COLUMNS),
    )
    rows = connection.execute(query.group_by(counted.c.check_name)).mappings()
    return sorted((_check(dict(row)) for row in rows), key=lambda check: (-check.failures, check.check_name))


def _check(row: Mapping[str, Any]) -> CheckStatistics:
    counts, asked, failures = _counts(row), int(row["asked"]), int(row["failures"])
    return CheckStatistics(
        check_name=row["check_name"],
        asked=asked,
        cached=int(row["cached"]),
        failures=failures,
        failure_rate=_rate(failures, asked),
        last_failure_at=row["last_failure_at"] if failures else None,
        duration_p50_ms=percentile(counts, 50),
        duration_p95_ms=percentile(counts, 95),
    )


def trend(
    connection: Connection, since: datetime, until: datetime | None, step: Step, **only: str | None
) -> list[TrendPoint]:
    """Return a point for every hour or day of a span, also where nothing ran; at most the last 10,000."""
    end = aware(until or datetime.now(UTC))
    length = timedelta(seconds=STEPS[step])
    begin = floor(max(aware(since), end - MAX_POINTS * length), STEPS[step])
    found = {row[0]: row[1:] for row in _trend(connection, (begin, end), step, **only)}
    points = []
    for at in (begin + place * length for place in range(-((begin - end) // length))):
        runs, failures = found.get(at, (0, 0))
        points.append(TrendPoint(at=at, runs=int(runs), failures=int(failures)))
    return points


def _trend(
    connection: Connection, span: tuple[datetime, datetime], step: Step, *, event_type: str | None, check: str | None
) -> Iterator[tuple[Any, ...]]:
    table = run_hours if check is None else check_hours
    at = sa.func.date_trunc(step, table.c.at, "UTC").label("at")
    chosen = [table.c.at >= span[0], table.c.at < span[1]]
    chosen += _equal(table, event_type=event_type, check_name=check)
    query = sa.select(at, *(sa.func.sum(counted) for counted in _trend_counts(table))).where(*chosen).group_by(at)
    yield from connection.execute(query).all()


def _trend_counts(table: sa.Table) -> list[sa.ColumnElement[int]]:
    if table is run_hours:
        return [table.c.runs, table.c.runs - table.c.go]
    return [_asked(table), table.c.failures]


def _asked(counted: sa.FromClause) -> sa.ColumnElement[int]:
    found = counted.c
    return found.passed + found.warning + found.failed + found.error - found.cached


def event_types(connection: Connection, since: datetime) -> list[str]:
    """Return the event types that ran in the hours from an instant on."""
    chosen = (run_hours.c.at >= floor(since, HOUR_SECONDS), run_hours.c.runs > 0)
    return list(connection.execute(sa.select(run_hours.c.event_type).where(*chosen).distinct()).scalars())


def covering(hours: sa.Table, slots: sa.Table, since: datetime, until: datetime | None) -> sa.FromClause:
    """Return the fewest rows that cover a span: full hours, and five minutes at its ends."""
    end = aware(until or datetime.now(UTC))
    begin = floor(since, SLOT_SECONDS if end - aware(since) <= _EXACT else HOUR_SECONDS)
    first_hour, last_hour = ceiling(begin, HOUR_SECONDS), floor(end, HOUR_SECONDS)
    if until is None:
        parts = [(hours, first_hour, None), (slots, begin, first_hour)]
    elif first_hour >= last_hour:
        parts = [(slots, begin, end)]
    else:
        parts = [(hours, first_hour, last_hour), (slots, begin, first_hour), (slots, last_hour, end)]
    return sa.union_all(*(_between(*part) for part in parts)).subquery()


def _between(table: sa.Table, begin: datetime, end: datetime | None) -> sa.Select[Any]:
    query = sa.select(table).where(table.c.at >= begin)
    return query if end is None else query.where(table.c.at < end)


def _equal(table: sa.FromClause, **wanted: str | None) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in wanted.items() if value is not None]


def _sums(table: sa.FromClause, *names: str) -> Iterable[sa.ColumnElement[Any]]:
    return [sa.func.sum(table.c[name]).label(name) for name in names]


def _counts(row: Mapping[str, Any]) -> list[int]:
    return [int(row[name]) for name in COLUMNS]


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None
