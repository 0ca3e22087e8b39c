"""The table `preflight_reports`, and a report as one of its rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from preflight.redaction import storable
from preflight.types import PreFlightReport

metadata = sa.MetaData()

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
    # Newest first is the primary key: ids are UUIDv7.
    sa.Index("preflight_reports_event_type", "event_type", "id"),
    sa.Index("preflight_reports_campaign", "campaign_id", "id", postgresql_where=sa.text("campaign_id IS NOT NULL")),
    sa.Index("preflight_reports_failed", "id", postgresql_where=sa.text("NOT success")),
    sa.Index("preflight_reports_created_at", "created_at"),
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

_LENGTHS = {"mode": 10, "event_type": 50, "short_circuited_by": 64}
_LARGEST_INTEGER = 2**31 - 1


def row_of(report: PreFlightReport) -> dict[str, Any]:
    """Return a report as a row that PostgreSQL takes, whatever is in it: one bad report must not stop its batch."""
    row: dict[str, Any] = storable_values(report.to_json())
    row |= {name: row[name] and row[name][:length] for name, length in _LENGTHS.items()}
    row["duration_ms"] = min(max(report.duration_ms, 0), _LARGEST_INTEGER)
    return row | {name: getattr(report, name) for name in ("id", "campaign_id", "triggered_by", "created_at")}


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
