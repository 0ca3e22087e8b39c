"""The store of finished reports, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from preflight.reports import retention
from preflight.reports.database import explaining, make_engine, parsed
from preflight.reports.models import report_of, reports, row_of
from preflight.types import PreFlightReport

MAX_LIMIT = 1000


class ReportStore:
    """Save and read reports. Safe to use from several threads, and after a fork.

    Every method raises `StoreUnavailable`, in one line that says what to do, when the database cannot be used, and
    `save` raises `ReportRefused` when it works but takes one of the reports as little as it would take it alone.
    """

    def __init__(self, database_url: str) -> None:
        self._url = parsed(database_url)
        self._engine = make_engine(self._url)

    def save(self, finished: Sequence[PreFlightReport], *, overrule: bool = False) -> list[PreFlightReport]:
        """Store reports in one transaction and return those that were new: saving twice is harmless.

        With `overrule` a NO-GO replaces a GO of the same id, and is returned: a caller was told NO-GO, and what the
        caller was told is what is stored. A GO never replaces anything.
        """
        unique = _by_id(finished, overrule=overrule)
        with explaining(self._url), self._engine.begin() as connection:
            written = set(_insert(connection, unique.values(), overrule=overrule))
        return [report for report in unique.values() if report.id in written]

    def get(self, report_id: UUID) -> PreFlightReport | None:
        """Return one report, or None if there is none of that id."""
        found = self._select(sa.select(reports).where(reports.c.id == report_id))
        return found[0] if found else None

    def recent(
        self,
        limit: int = 50,
        *,
        failed: bool | None = None,
        event_type: str | None = None,
        check: str | None = None,
        before: UUID | None = None,
    ) -> list[PreFlightReport]:
        """Return reports, newest first; at most `limit`, which is cut to 1 to 1000.

        `failed` True keeps NO-GO and False keeps GO, `check` the runs that planned a check of that name. `before` is
        the last id of the page before.
        """
        conditions = [
            None if failed is None else reports.c.success.is_not(failed),
            None if event_type is None else reports.c.event_type == event_type,
            None if check is None else reports.c.checks.contains([{"name": check}]),
            None if before is None else reports.c.id < before,
        ]
        query = sa.select(reports).where(*(condition for condition in conditions if condition is not None))
        return self._select(query.order_by(reports.c.id.desc()).limit(min(max(limit, 1), MAX_LIMIT)))

    def purge(self, older_than_days: int, *, dry_run: bool = False, batch: int = 5000) -> int:
        """Delete reports older than 1 to 3650 days and return how many; see `retention.purge`."""
        with explaining(self._url):
            return retention.purge(self._engine, older_than_days, dry_run=dry_run, batch=batch)

    def dispose(self) -> None:
        """Close the connections. The store may be used again afterwards."""
        self._engine.dispose()

    def _select(self, query: sa.Select[Any]) -> list[PreFlightReport]:
        with explaining(self._url), self._engine.connect() as connection:
            return [report_of(dict(row)) for row in connection.execute(query).mappings()]


def _by_id(finished: Iterable[PreFlightReport], *, overrule: bool) -> dict[UUID, PreFlightReport]:
    """Return the first report of each id or, when overruling, its first NO-GO."""
    unique: dict[UUID, PreFlightReport] = {}
    for report in finished:
        kept = unique.setdefault(report.id, report)
        if overrule and kept.success and not report.success:
            unique[report.id] = report
    return unique


def _insert(connection: Connection, unique: Iterable[PreFlightReport], *, overrule: bool) -> Sequence[UUID]:
    """Write the rows and return the ids written; in the order of their keys, so that two writers cannot deadlock."""
    rows = sorted((row_of(report) for report in unique), key=lambda row: row["id"])
    statement = insert(reports)
    if overrule:
        new = {column.name: statement.excluded[column.name] for column in reports.c if not column.primary_key}
        lost = reports.c.success & ~statement.excluded.success
        statement = statement.on_conflict_do_update(index_elements=["id"], set_=new, where=lost)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=["id"])
    # One compiled statement for every batch: SQLAlchemy groups the rows into as few round trips as they need.
    return connection.execute(statement.returning(reports.c.id), rows).scalars().all() if rows else []
