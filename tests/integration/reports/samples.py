"""Reports made up for tests, now or at another time, and what the rollups must say about those that are stored."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any
from uuid import UUID

from preflight.reports.instants import first_id
from preflight.types import CheckReport, PreFlightReport, Status

_numbers = itertools.count(1)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def new_id(at: dt.datetime | None = None) -> UUID:
    """Return an id of an instant, larger than the ones before it of the same instant."""
    return UUID(int=first_id(at or now()).int | 7 << 76 | 2 << 62 | next(_numbers))


def line(status: str = "passed", name: str = "redis", **fields: Any) -> CheckReport:
    return CheckReport(name=name, priority=0, status=Status(status), **fields)


def report(*checks: CheckReport, at: dt.datetime | None = None, age_days: float = 0, **fields: Any) -> PreFlightReport:
    at = at or now() - dt.timedelta(days=age_days)
    values = {"id": new_id(at), "mode": "full", "event_type": "poll_launch", "created_at": at, "duration_ms": 12}
    return PreFlightReport(**{**values, "checks": checks or (line(),), **fields})


GO, NO_GO = line("passed"), line("failed")

#: Rows of rollups that say something. Rows of zeros are what is left of an overruled report.
_RUNS = "SELECT '{0}', t.* FROM {0} t WHERE runs <> 0 ORDER BY 2, 3, 4"
_CHECKS = "SELECT '{0}', t.* FROM {0} t WHERE passed + warning + failed + error + skipped <> 0 ORDER BY 2, 3, 4, 5"
ROLLUPS = {
    "preflight_run_slots": _RUNS,
    "preflight_run_hours": _RUNS,
    "preflight_check_slots": _CHECKS,
    "preflight_check_hours": _CHECKS,
}


def rollups(database) -> list[tuple[Any, ...]]:
    """Return every row of the four tables."""
    return [row for table, query in ROLLUPS.items() for row in database.sql(query.format(table))]
