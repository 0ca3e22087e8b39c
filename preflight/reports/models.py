"""The tables of reports and of their rollups, and a report as a row."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from preflight.redaction import storable
from preflight.reports.durations import COLUMNS
from preflight.types import CheckReport, PreFlightReport

metadata = sa.MetaData()

#: Some check failed or was an error, be it an advisory one. A query that says the same finds such reports by index.
TROUBLED = """checks @> '[{"status": "failed"}]' OR checks @> '[{"status": "error"}]'"""

#: Partitioned by the range of `id`, a day each.
reports = sa.Table(
    "preflight_reports",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("mode", sa.String(10), nullable=False),
    sa.Column("event_type", sa.String(50), nullable=False),
    sa.Column("campaign_id", sa.Uuid),
    sa.Column("success", sa.Boolean, nullable=False),
    sa.Column("checks", JSONB, nullable=False),
    sa.Column("duration_ms", sa.Integer, nullable=False),
    sa.Column("triggered_by", sa.Uuid),
    sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column("verdict", sa.String(5), nullable=False),
    sa.Column("streamer_ids", JSONB, nullable=False),
    sa.Column("metadata", JSONB, nullable=False),
    sa.Column("short_circuited_by", sa.String(64)),
    sa.Column("settings_version", sa.Integer, nullable=False, server_default="0"),
    # Newest first is the primary key: ids are UUIDv7. What has no index is found through the rollups.
    sa.Index("preflight_reports_event_type", "event_type", "id"),
    sa.Index("preflight_reports_campaign", "campaign_id", "id", postgresql_where=sa.text("campaign_id IS NOT NULL")),
    sa.Index("preflight_reports_failed", "id", postgresql_where=sa.text("NOT success")),
    sa.Index("preflight_reports_troubled", "id", postgresql_where=sa.text(TROUBLED)),
)

#: What operators changed in checks: rows are only ever added, a trigger sees to it.
check_changes = sa.Table(
    "preflight_check_changes",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("check_name", sa.String(64), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("action", sa.String(5), nullable=False),
    sa.Column("old_value", JSONB, nullable=False),
    sa.Column("new_value", JSONB, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column("changed_at", sa.TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("why", sa.Text, nullable=False),
)


def _counts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names] + [
        sa.Column(name, sa.Integer, nullable=False) for name in COLUMNS
    ]


def _runs(name: str) -> sa.Table:
    """Return a table of what the runs of one event type and mode came to, in a span of time that begins `at`."""
    return sa.Table(
        name,
        metadata,
        sa.Column("at", sa.TIMESTAMP(timezone=True), primary_key=True),
        sa.Column("event_type", sa.String(50), primary_key=True),
        sa.Column("mode", sa.String(10), primary_key=True),
        *_counts("runs", "go", "duration_ms"),
    )


def _checks(name: str, *more: sa.Index) -> sa.Table:
    """Return a table of the same for one check of those runs.

    `failures` are of executions, the statuses also of cached answers.
    """
    return sa.Table(
        name,
        metadata,
        sa.Column("at", sa.TIMESTAMP(timezone=True), primary_key=True),
        sa.Column("check_name", sa.String(64), primary_key=True),
        sa.Column("event_type", sa.String(50), primary_key=True),
        sa.Column("mode", sa.String(10), primary_key=True),
        *_counts("passed", "warning", "failed", "error", "skipped", "cached", "failures"),
        sa.Column("last_failure_at", sa.TIMESTAMP(timezone=True)),
        *more,
    )


#: By five minutes, to lead to reports: partitioned by day and dropped with them.
run_slots = _runs("preflight_run_slots")
check_slots = _checks("preflight_check_slots", sa.Index("preflight_check_slots_name", "check_name", "at"))
#: By the hour, for statistics, kept for their own time.
run_hours = _runs("preflight_run_hours")
check_hours = _checks("preflight_check_hours")

#: The cut of texts that name something, by column.
LENGTHS = {"mode": 10, "event_type": 50, "short_circuited_by": 64, "check_name": 64}
_LARGEST_INTEGER = 2**31 - 1

#: A check's fields as they mostly are. The table leaves them out: half of a report's size, and `from_json` adds them.
_USUAL: dict[str, Any] = {
    field.name: field.default
    for field in dataclasses.fields(CheckReport)
    if field.default is not dataclasses.MISSING and field.name != "severity"
} | {"severity": "blocking", "warnings": [], "metadata": {}}


def row_of(report: PreFlightReport) -> dict[str, Any]:
    """Return a report as a row that PostgreSQL takes, whatever is in it: one bad report must not stop its batch."""
    data = report.to_json()
    data["checks"] = [_compact(check) for check in data["checks"]]
    row: dict[str, Any] = storable_values(data)
    row |= {name: row[name] and row[name][: LENGTHS[name]] for name in ("mode", "event_type", "short_circuited_by")}
    row["duration_ms"] = min(max(report.duration_ms, 0), _LARGEST_INTEGER)
    return row | {name: getattr(report, name) for name in ("id", "campaign_id", "triggered_by", "created_at")}


def _compact(check: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in check.items() if name not in _USUAL or value != _USUAL[name]}


def report_of(row: Mapping[str, Any]) -> PreFlightReport:
    """Return the report that a row holds."""
    texts = {name: str(row[name]) if row[name] else None for name in ("id", "campaign_id", "triggered_by")}
    return PreFlightReport.from_json({**row, **texts, "created_at": row["created_at"].isoformat()})


def storable_values(value: Any) -> Any:
    """Return a JSON value without what JSONB refuses: NUL, lone surrogates, NaN and the infinities."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(key)): storable_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable_values(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, int | float) else storable(str(value))
