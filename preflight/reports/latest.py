"""The last runs of a check and the last verdicts of every event type, for strips of small marks."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from preflight.reports import search, statistics
from preflight.reports.models import reports, run_slots
from preflight.reports.search import ReportFilter
from preflight.types import Status


@dataclasses.dataclass(frozen=True, kw_only=True)
class StripEntry:
    """What became of a check in one run."""

    report_id: UUID
    created_at: datetime
    status: Status
    duration_ms: float | None
    cached: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class VerdictEntry:
    """What became of one run."""

    report_id: UUID
    created_at: datetime
    success: bool
    mode: str
    short_circuited_by: str | None


def strip(connection: Connection, check: str, limit: int) -> list[StripEntry]:
    """Return what became of a check in its last runs, newest last."""
    found = search.page(connection, ReportFilter(check=check), limit, None)
    lines = ((report, report[check]) for report in reversed(found))
    return [
        StripEntry(
            report_id=report.id,
            created_at=report.created_at,
            status=line.status,
            duration_ms=line.duration_ms,
            cached=line.cached,
        )
        for report, line in lines
    ]


def verdicts(connection: Connection, limit: int) -> dict[str, list[VerdictEntry]]:
    """Return the last verdicts of every event type of which there are reports, newest last."""
    oldest = connection.execute(sa.select(sa.func.min(run_slots.c.at))).scalar()
    found: defaultdict[str, list[VerdictEntry]] = defaultdict(list)
    for event_type in sorted(statistics.event_types(connection, oldest)) if oldest else []:
        columns = (reports.c[name] for name in ("id", "created_at", "success", "mode", "short_circuited_by"))
        of_event = sa.select(*columns).where(reports.c.event_type == event_type).order_by(reports.c.id.desc())
        for report_id, *rest in reversed(connection.execute(of_event.limit(limit)).all()):
            found[event_type].append(VerdictEntry(report_id=report_id, **dict(zip(_REST, rest, strict=True))))
    return dict(found)


_REST = ("created_at", "success", "mode", "short_circuited_by")
