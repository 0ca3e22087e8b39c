"""Delete old reports, in batches that hold no lock for long."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from preflight.context import shown
from preflight.exceptions import InvalidSettings
from preflight.reports.models import reports

MAX_DAYS = 3650


def purge(engine: Engine, older_than_days: int, *, dry_run: bool, batch: int) -> int:
    """Delete the reports that are older, by the database's clock; return how many (with `dry_run`: would be).

    Two at a time share the work: each takes the rows that the other has not locked.
    """
    old = reports.c.created_at < sa.func.now() - sa.func.make_interval(0, 0, 0, _days(older_than_days))
    if dry_run:
        with engine.connect() as connection:
            return connection.execute(sa.select(sa.func.count()).where(old)).scalar_one()
    total = 0
    while deleted := _delete(engine, old, max(1, batch)):
        total += deleted
    return total


def _delete(engine: Engine, old: sa.ColumnElement[bool], batch: int) -> int:
    some = sa.select(reports.c.id).where(old).order_by(reports.c.created_at).limit(batch)
    ids = some.with_for_update(skip_locked=True).cte("some").prefix_with("MATERIALIZED")
    with engine.begin() as connection:
        return connection.execute(sa.delete(reports).where(reports.c.id.in_(sa.select(ids.c.id)))).rowcount


def _days(value: object) -> int:
    """Return the days; 0 and less never mean "delete everything"."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_DAYS:
        return value
    raise InvalidSettings(f"Reports are kept a whole number of days from 1 to {MAX_DAYS}, not {shown(value)}.")
