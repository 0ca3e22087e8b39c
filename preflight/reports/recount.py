"""Count the rollups anew from the reports: for rows that were stored without them, by an older version."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from preflight.reports.durations import BOUNDS_MS, COLUMNS
from preflight.reports.instants import HOUR_SECONDS
from preflight.reports.models import check_rollups, run_rollups
from preflight.reports.rollups import SLOT_SECONDS, counted_columns


def _at(seconds: int) -> str:
    """Return the slot of a report's id as SQL: the first 48 bits are milliseconds."""
    ms = "('x' || left(replace(r.id::text, '-', ''), 12))::bit(48)::bigint"
    return f"to_timestamp({ms} / {seconds * 1000} * {seconds})"


def _buckets(duration: str) -> str:
    """Return the counts of a duration by bucket, in the order of the columns."""
    conditions, below = [], ""
    for bound in BOUNDS_MS:
        conditions.append(f"{below}{duration} <= {bound}")
        below = f"{duration} > {bound} AND "
    counts = [*conditions, f"{duration} > {BOUNDS_MS[-1]}"]
    return ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in counts)


_RUNS = f"""
INSERT INTO preflight_run_rollups (span_s, at, event_type, mode, runs, go, duration_ms, {", ".join(COLUMNS)})
SELECT {SLOT_SECONDS}, {_at(SLOT_SECONDS)} AS slot, r.event_type, r.mode,
  count(*), count(*) FILTER (WHERE r.success), sum(r.duration_ms::bigint), {_buckets("r.duration_ms")}
FROM preflight_reports r WHERE {{where}} GROUP BY slot, r.event_type, r.mode
"""  # noqa: S608  # made of constants

_FAILED = "c.status IN ('failed', 'error') AND NOT c.cached"
_STATUSES = ", ".join(
    f"count(*) FILTER (WHERE c.status = '{status}')" for status in ("passed", "warning", "failed", "error", "skipped")
)
_CHECKS = f"""
INSERT INTO preflight_check_rollups (span_s, at, check_name, event_type, mode,
  passed, warning, failed, error, skipped, cached, failures, last_failure_at, {", ".join(COLUMNS)})
SELECT {SLOT_SECONDS}, {_at(SLOT_SECONDS)} AS slot, c.name, r.event_type, r.mode,
  {_STATUSES}, count(*) FILTER (WHERE c.cached), count(*) FILTER (WHERE {_FAILED}),
  max(r.created_at) FILTER (WHERE {_FAILED}), {_buckets("c.took")}
FROM preflight_reports r CROSS JOIN LATERAL (
  SELECT left(e ->> 'name', 64) AS name, e ->> 'status' AS status, coalesce((e ->> 'cached')::boolean, false) AS cached,
    (e ->> 'duration_ms')::double precision AS took FROM jsonb_array_elements(r.checks) e) c
WHERE {{where}} GROUP BY slot, c.name, r.event_type, r.mode
"""  # noqa: S608  # made of constants

#: The slots of which the table and the rollups tell different numbers of runs.
_DIFFERENT = f"""
CREATE TEMPORARY TABLE preflight_recounted ON COMMIT DROP AS
SELECT slot FROM (SELECT {_at(SLOT_SECONDS)} AS slot, count(*) AS runs FROM preflight_reports r GROUP BY slot) stored
FULL JOIN (SELECT at AS slot, sum(runs) AS runs FROM preflight_run_rollups WHERE span_s = {SLOT_SECONDS} GROUP BY at)
  counted USING (slot) WHERE coalesce(stored.runs, 0) <> coalesce(counted.runs, 0)
"""  # noqa: S608  # made of constants
_OF_DIFFERENT = f"{_at(SLOT_SECONDS)} IN (SELECT slot FROM preflight_recounted)"  # noqa: S608  # made of constants


def count_all(connection: Connection) -> None:
    """Fill empty rollups of five minutes from every report, without locking the reports for anybody."""
    for statement in (_RUNS, _CHECKS):
        connection.execute(sa.text(statement.format(where="true")))


def mend(connection: Connection) -> int:
    """Count the five minutes whose rollups tell another number of runs than there are; return how many there were.

    The rows of their hours are added up anew. Nobody may write meanwhile: the caller has locked the reports.
    """
    connection.execute(sa.text(_DIFFERENT))
    for table, statement in ((run_rollups, _RUNS), (check_rollups, _CHECKS)):
        _delete(connection, table, SLOT_SECONDS, "SELECT slot FROM preflight_recounted")
        connection.execute(sa.text(statement.format(where=_OF_DIFFERENT)))
        add_up(connection, table, "SELECT date_trunc('hour', slot, 'UTC') FROM preflight_recounted")
    return int(connection.execute(sa.text("SELECT count(*) FROM preflight_recounted")).scalar_one())


def add_up(connection: Connection, table: sa.Table, hours: str) -> None:
    """Make the rows of hours, given as SQL, from those of five minutes."""
    _delete(connection, table, HOUR_SECONDS, hours)
    keys = [column.name for column in table.primary_key if column.name not in {"span_s", "at"}]
    counted = counted_columns(table)
    last = ["last_failure_at"] if "last_failure_at" in table.c else []
    sums = [f"sum({name})" for name in counted] + [f"max({name})" for name in last]
    statement = f"""
        INSERT INTO {table.name} (span_s, at, {", ".join([*keys, *counted, *last])})
        SELECT {HOUR_SECONDS}, date_trunc('hour', at, 'UTC') AS hour, {", ".join([*keys, *sums])} FROM {table.name}
        WHERE span_s = {SLOT_SECONDS} AND date_trunc('hour', at, 'UTC') IN ({hours}) GROUP BY hour, {", ".join(keys)}
    """  # noqa: S608  # made of constants
    connection.execute(sa.text(statement))


def _delete(connection: Connection, table: sa.Table, span: int, ats: str) -> None:
    connection.execute(sa.text(f"DELETE FROM {table.name} WHERE span_s = {span} AND at IN ({ats})"))  # noqa: S608
