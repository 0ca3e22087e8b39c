"""Reports by filter, newest first. What has no index of its own is found through the rollups of five minutes."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from preflight.reports.instants import aware, first_id, floor, made_at
from preflight.reports.models import check_rollups, report_of, reports, run_rollups
from preflight.reports.rollups import SLOT_SECONDS
from preflight.types import PreFlightReport, Status

_SLOT: sa.ColumnClause[timedelta] = sa.literal_column(f"interval '{SLOT_SECONDS} seconds'")


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
    found = connection.execute(_query(connection, wanted, before).limit(limit))
    return [report_of(dict(row)) for row in found.mappings()]


def _query(connection: Connection, wanted: ReportFilter, before: UUID | None) -> sa.Select[Any]:
    conditions = [*_conditions(wanted), *_range(wanted, before)]
    slots = _slots(connection, wanted, before)
    if slots is None:
        return sa.select(reports).where(*conditions).order_by(reports.c.id.desc())
    begin, end = (_first_id(at) for at in (slots.c.at, slots.c.at + _SLOT))
    inside = sa.select(reports).where(reports.c.id >= begin, reports.c.id < end, *conditions)
    found = inside.order_by(reports.c.id.desc()).lateral()
    return sa.select(found).select_from(slots.join(found, sa.true())).order_by(slots.c.at.desc(), found.c.id.desc())


def _conditions(wanted: ReportFilter) -> list[sa.ColumnElement[bool]]:
    equal = {name: getattr(wanted, name) for name in ("success", "event_type", "mode", "campaign_id")}
    conditions = [reports.c[name] == value for name, value in equal.items() if value is not None]
    if wanted.check is not None:
        status = {} if wanted.check_status is None else {"status": wanted.check_status.value}
        conditions.append(reports.c.checks.contains([{"name": wanted.check, **status}]))
    return conditions


def _range(wanted: ReportFilter, before: UUID | None) -> list[sa.ColumnElement[bool]]:
    upper = min((at for at in (before, wanted.until and first_id(wanted.until)) if at), default=None)
    conditions = [] if upper is None else [reports.c.id < upper]
    return conditions if wanted.since is None else [*conditions, reports.c.id >= first_id(wanted.since)]


def _slots(connection: Connection, wanted: ReportFilter, before: UUID | None) -> sa.Subquery | None:
    """Return the five minutes in which there is what is wanted, newest first; None where an index leads to it."""
    about = _about_check(wanted) if wanted.check is not None else _about_runs(wanted)
    if about is None:
        return None
    table, conditions = about
    latest = [at for at in (before and made_at(before), wanted.until and aware(wanted.until)) if at]
    conditions = [table.c.span_s == SLOT_SECONDS, table.c.at >= _oldest(connection, wanted), *conditions]
    conditions += [table.c.at <= at for at in latest]
    return sa.select(table.c.at).where(*conditions).distinct().order_by(table.c.at.desc()).subquery()


def _about_check(wanted: ReportFilter) -> tuple[sa.Table, list[sa.ColumnElement[bool]]]:
    counted = [] if wanted.check_status is None else [check_rollups.c[wanted.check_status.value] > 0]
    return check_rollups, [check_rollups.c.check_name == wanted.check, *_kind(check_rollups, wanted), *counted]


def _about_runs(wanted: ReportFilter) -> tuple[sa.Table, list[sa.ColumnElement[bool]]] | None:
    by_index = wanted.success is None or (not wanted.success and wanted.event_type is None)
    if wanted.campaign_id is not None or (wanted.mode is None and by_index):
        return None
    counted = {None: sa.true(), True: run_rollups.c.go > 0, False: run_rollups.c.runs > run_rollups.c.go}
    return run_rollups, [*_kind(run_rollups, wanted), counted[wanted.success]]


def _kind(table: sa.Table, wanted: ReportFilter) -> list[sa.ColumnElement[bool]]:
    named = {"event_type": wanted.event_type, "mode": wanted.mode}
    return [table.c[name] == value for name, value in named.items() if value is not None]


def _oldest(connection: Connection, wanted: ReportFilter) -> datetime:
    """Return the slot of the oldest report, or of `since`: rollups outlive reports."""
    oldest = connection.execute(sa.select(reports.c.id).order_by(reports.c.id).limit(1)).scalar()
    begin = made_at(oldest) if oldest else datetime.now(UTC)
    return floor(max(begin, aware(wanted.since)) if wanted.since else begin, SLOT_SECONDS)


def _first_id(at: sa.ColumnElement[datetime]) -> sa.ColumnElement[UUID]:
    """Return `instants.first_id` as SQL."""
    ms = sa.cast(sa.func.extract("epoch", at) * 1000, sa.BigInteger)
    return sa.cast(sa.func.lpad(sa.func.to_hex(ms), 12, "0") + sa.literal("0" * 20), sa.Uuid)
