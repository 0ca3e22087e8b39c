"""Count the rollups anew from the reports: for rows that were stored without them, by an older version."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from preflight.reports.durations import BOUNDS_MS, COLUMNS
from preflight.reports.models import check_hours, check_slots, run_hours, run_slots
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
INSERT INTO preflight_run_slots (at, event_type, mode, runs, go, duration_ms, {", ".join(COLUMNS)})
SELECT {_at(SLOT_SECONDS)} AS slot, r.event_type, r.mode,
  count(*), count(*) FILTER (WHERE r.success), sum(r.duration_ms::bigint), {_buckets("r.duration_ms")}
FROM preflight_reports r WHERE {{where}} GROUP BY slot, r.event_type, r.mode
"""  # noqa: S608  # made of constants

_FAILED = "c.status IN ('failed', 'error') AND NOT c.cached"
_STATUSES = ", ".join(
    f"count(*) FILTER (WHERE c.status = '{status}')" for status in ("passed", "warning", "failed", "error", "skipped")
)
_CHECKS = f"""
INSERT INTO preflight_check_slots (at, check_name, event_type, mode,
  passed, warning, failed, error, skipped, cached, failures, last_failure_at, {", ".join(COLUMNS)})
SELECT {_at(SLOT_SECONDS)} AS slot, c.name, r.event_type, r.mode,
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
FULL JOIN (SELECT at AS slot, sum(runs) AS runs FROM preflight_run_slots GROUP BY at)
  counted USING (slot) WHERE coalesce(stored.runs, 0) <> coalesce(counted.runs, 0)
"""  # noqa: S608  # made of constants
_OF_DIFFERENT = f"{_at(SLOT_SECONDS)} IN (SELECT slot FROM preflight_recounted)"  # noqa: S608  # made of constants


#: Rows of five minutes, of the hours that they add up to, and how they are counted.
_COUNTED = ((run_slots, run_hours, _RUNS), (check_slots, check_hours, _CHECKS))
_HOUR = "date_trunc('hour', at, 'UTC')"
_IN_HOURS = "date_trunc('hour', at, 'UTC') IN (SELECT date_trunc('hour', slot, 'UTC') FROM preflight_recounted)"


def count_all(connection: Connection) -> None:
    """Fill empty rollups from every report, without locking the reports for anybody."""
    for slots, hours, statement in _COUNTED:
        connection.execute(sa.text(statement.format(where="true")))
        _add_up(connection, slots, hours, "true")


def mend(connection: Connection) -> int:
    """Count the five minutes whose rollups tell another number of runs than there are; return how many there were.

    The rows of their hours are added up anew. Nobody may write meanwhile: the caller has locked the reports.
    """
    connection.execute(sa.text(_DIFFERENT))
    for slots, hours, statement in _COUNTED:
        _delete(connection, slots, "at IN (SELECT slot FROM preflight_recounted)")
        connection.execute(sa.text(statement.format(where=_OF_DIFFERENT)))
        _delete(connection, hours, _IN_HOURS)
        _add_up(connection, slots, hours, _IN_HOURS)
    count = int(connection.execute(sa.text("SELECT count(*) FROM preflight_recounted")).scalar_one())
    connection.execute(sa.text("DROP TABLE preflight_recounted"))
    return count


def _add_up(connection: Connection, slots: sa.Table, hours: sa.Table, condition: str) -> None:
    """Make the rows of hours from those of five minutes."""
    keys = [column.name for column in hours.primary_key if column.name != "at"]
    counted = counted_columns(hours)
    last = ["last_failure_at"] if "last_failure_at" in hours.c else []
    sums = [f"sum({name})" for name in counted] + [f"max({name})" for name in last]
    statement = f"""
        INSERT INTO {hours.name} (at, {", ".join([*keys, *counted, *last])})
        SELECT {_HOUR} AS hour, {", ".join([*keys, *sums])} FROM {slots.name} WHERE {condition}
        GROUP BY hour, {", ".join(keys)}
    """  # noqa: S608  # made of constants
    connection.execute(sa.text(statement))


def _delete(connection: Connection, table: sa.Table, condition: str) -> None:
    connection.execute(sa.text(f"DELETE FROM {table.name} WHERE {condition}"))  # noqa: S608  # made of constants
