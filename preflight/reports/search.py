"""Reports by filter, newest first. What has no index of its own is found through the rollups of five minutes."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection

from preflight.reports.instants import aware, first_id, floor, made_at
from preflight.reports.models import TROUBLED, check_slots, report_of, reports, run_slots
from preflight.reports.rollups import SLOT_SECONDS
from preflight.types import BLOCKING_STATUSES, PreFlightReport, Status

#: Five minutes that are looked through at first, and that are asked for at once.
_FIRST_SLOTS, _MOST_SLOTS = 4, 60


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportFilter:
    """Which reports. None leaves a field out; all None is every report.

    `check` keeps the runs that planned a check of that name, `check_status` those where it has that status.
    `since` (included) and `until` (not included) are about the instant in the id, by the caller's clock.
    """

    success: bool | None = None
    event_type: str | None = None
    mode: str | None = None
    campaign_id: UUID | None = None
    check: str | None = None
    check_status: Status | None = None
    since: datetime | None = None
    until: datetime | None = None


def page(connection: Connection, wanted: ReportFilter, limit: int, before: UUID | None) -> list[PreFlightReport]:
    """Return at most `limit` reports, newest first, of those with a smaller id than `before`."""
    query = sa.select(reports).where(*_conditions(wanted), *_range(wanted, before))
    query = query.order_by(reports.c.id.desc()).limit(limit)
    about = _about(wanted)
    rows = _rows(connection, query) if about is None else _guided(connection, query, _slots(connection, about, before))
    return [report_of(row) for row in itertools.islice(rows, limit)]


def following(connection: Connection, report: PreFlightReport) -> PreFlightReport | None:
    """Return the next run of a report's event type and mode, None for the newest.

    The report's own five minutes and the next that hold such a run are enough.
    """
    same = ReportFilter(event_type=report.event_type, mode=report.mode)
    at, begin = run_slots.c.at, floor(made_at(report.id), SLOT_SECONDS)
    slots = sa.select(at).where(*_kind(run_slots, same), at >= begin).order_by(at).limit(2)
    query = sa.select(reports).where(*_conditions(same), reports.c.id > report.id).order_by(reports.c.id).limit(1)
    for slot in connection.execute(slots).scalars().all():
        end = first_id(slot + timedelta(seconds=SLOT_SECONDS))
        if found := _rows(connection, query.where(reports.c.id >= first_id(slot), reports.c.id < end)):
            return report_of(found[0])
    return None


def _rows(connection: Connection, query: sa.Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query).mappings()]


def _guided(
    connection: Connection, query: sa.Select[Any], slots: Iterator[Sequence[datetime]]
) -> Iterator[dict[str, Any]]:
    """Yield what a query finds in five minutes after five minutes, newest first."""
    for ats in slots:
        spans = [(first_id(at), first_id(at + timedelta(seconds=SLOT_SECONDS))) for at in ats]
        lower, upper = (sa.literal(list(ids), ARRAY(sa.Uuid)) for ids in zip(*spans, strict=True))
        span = sa.func.unnest(lower, upper).table_valued("lower", "upper").render_derived()
        # Constants besides the spans' own: they leave all other partitions out when the query is planned.
        inside = query.where(reports.c.id >= spans[-1][0], reports.c.id < spans[0][1])
        inside = inside.where(reports.c.id >= span.c.lower, reports.c.id < span.c.upper).correlate(span)
        found = inside.lateral()
        rows = _rows(connection, sa.select(found).select_from(span.join(found, sa.true())))
        yield from sorted(rows, key=lambda row: row["id"], reverse=True)


def _conditions(wanted: ReportFilter) -> list[Any]:
    equal = {name: getattr(wanted, name) for name in ("success", "event_type", "mode", "campaign_id")}
    conditions: list[Any] = [reports.c[name] == value for name, value in equal.items() if value is not None]
    if wanted.check is not None:
        status = {} if wanted.check_status is None else {"status": wanted.check_status.value}
        conditions.append(reports.c.checks.contains([{"name": wanted.check, **status}]))
        if wanted.check_status in BLOCKING_STATUSES:
            conditions.append(sa.text(f"({TROUBLED})"))  # has an index
    return conditions


def _range(wanted: ReportFilter, before: UUID | None) -> list[sa.ColumnElement[bool]]:
    upper = min((at for at in (before, wanted.until and first_id(wanted.until)) if at), default=None)
    conditions = [] if upper is None else [reports.c.id < upper]
    return conditions if wanted.since is None else [*conditions, reports.c.id >= first_id(wanted.since)]


def _slots(connection: Connection, about: sa.Select[Any], before: UUID | None) -> Iterator[Sequence[datetime]]:
    """Yield the five minutes in which there is what is wanted, newest first; few at first, since few may do."""
    (at,) = about.selected_columns
    query = about.where(at <= made_at(before)) if before else about
    while slots := connection.execute(query.distinct().order_by(at.desc()).limit(_MOST_SLOTS)).scalars().all():
        place, size = 0, _FIRST_SLOTS
        while place < len(slots):
            yield slots[place : place + size]
            place, size = place + size, 2 * size
        query = about.where(at < slots[-1])


def _about(wanted: ReportFilter) -> sa.Select[Any] | None:
    """Return the question for the five minutes in which there is what is wanted; None where an index leads to it."""
    about = _about_check(wanted) if wanted.check is not None else _about_runs(wanted)
    if about is None:
        return None
    table, conditions = about
    if wanted.since:
        conditions.append(table.c.at >= floor(wanted.since, SLOT_SECONDS))
    if wanted.until:
        conditions.append(table.c.at < aware(wanted.until))
    return sa.select(table.c.at).where(*conditions)


def _about_check(wanted: ReportFilter) -> tuple[sa.Table, list[sa.ColumnElement[bool]]]:
    counted = [] if wanted.check_status is None else [check_slots.c[wanted.check_status.value] > 0]
    return check_slots, [check_slots.c.check_name == wanted.check, *_kind(check_slots, wanted), *counted]


def _about_runs(wanted: ReportFilter) -> tuple[sa.Table, list[sa.ColumnElement[bool]]] | None:
    by_index = wanted.success is None or (not wanted.success and wanted.event_type is None)
    if wanted.campaign_id is not None or (wanted.mode is None and by_index):
        return None
    counted = {None: sa.true(), True: run_slots.c.go > 0, False: run_slots.c.runs > run_slots.c.go}
    return run_slots, [*_kind(run_slots, wanted), counted[wanted.success]]


def _kind(table: sa.Table, wanted: ReportFilter) -> list[sa.ColumnElement[bool]]:
    named = {"event_type": wanted.event_type, "mode": wanted.mode}
    return [table.c[name] == value for name, value in named.items() if value is not None]
