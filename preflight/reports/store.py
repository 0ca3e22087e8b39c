"""The store of finished reports, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from preflight.exceptions import ReportMisdated
from preflight.reports import latest, partitions, recount, retention, search, statistics
from preflight.reports.database import explaining, make_engine, parsed
from preflight.reports.latest import StripEntry, VerdictEntry
from preflight.reports.models import report_of, reports, row_of
from preflight.reports.retention import Purged
from preflight.reports.rollups import Rollups
from preflight.reports.search import ReportFilter
from preflight.reports.statistics import CheckStatistics, Statistics, Step, TrendPoint
from preflight.types import PreFlightReport

__all__ = ["ReportFilter", "ReportStore"]

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
        """Store reports and what they add to the rollups in one transaction; return those that were new.

        Saving twice is harmless. With `overrule` a NO-GO replaces a GO of the same id, and is returned: a caller was
        told NO-GO, and what the caller was told is what is stored. A GO never replaces anything.

        Raises `ReportMisdated`, a `ReportRefused`, when there is no partition for an id and none is due.
        """
        unique = _by_id(finished, overrule=overrule)
        try:
            written = self._save(unique.values(), overrule=overrule)
        except ReportMisdated:
            if not self.make_partitions():
                raise
            written = self._save(unique.values(), overrule=overrule)  # nobody had made them in time
        return [report for report in unique.values() if report.id in written]

    def _save(self, unique: Iterable[PreFlightReport], *, overrule: bool) -> set[UUID]:
        rows = sorted((row_of(report) for report in unique), key=lambda row: row["id"])
        with explaining(self._url), self._engine.begin() as connection:
            return _write(connection, rows, overrule=overrule) if rows else set()

    def get(self, report_id: UUID) -> PreFlightReport | None:
        """Return one report, or None if there is none of that id."""
        with self._reading() as connection:
            row = connection.execute(sa.select(reports).where(reports.c.id == report_id)).mappings().one_or_none()
        return report_of(dict(row)) if row else None

    def page(
        self,
        filter: ReportFilter | None = None,  # noqa: A002  # page(filter) reads as what it is
        *,
        limit: int = 50,
        before: UUID | None = None,
    ) -> list[PreFlightReport]:
        """Return reports, newest first; at most `limit`, which is cut to 1 to 1000.

        `before` is the last id of the page before.
        """
        with self._reading() as connection:
            return search.page(connection, filter or ReportFilter(), min(max(limit, 1), MAX_LIMIT), before)

    def following(self, report: PreFlightReport) -> PreFlightReport | None:
        """Return the next run of a report's event type and mode; None for the newest."""
        with self._reading() as connection:
            return search.following(connection, report)

    def statistics(
        self,
        since: datetime,
        until: datetime | None = None,
        *,
        event_type: str | None = None,
        mode: str | None = None,
    ) -> Statistics:
        """Return totals, success rate and durations from `since` on, to five minutes (beyond a day: to the hour)."""
        with self._reading() as connection:
            return statistics.statistics(connection, since, until, event_type, mode)

    def check_statistics(self, since: datetime, until: datetime | None = None) -> list[CheckStatistics]:
        """Return every check that was planned, the one with most failures first."""
        with self._reading() as connection:
            return statistics.check_statistics(connection, since, until)

    def trend(
        self,
        since: datetime,
        until: datetime | None = None,
        *,
        step: Step,
        event_type: str | None = None,
        check: str | None = None,
    ) -> list[TrendPoint]:
        """Return runs and failures for every hour or day, also where there are none; at most the last 10,000."""
        with self._reading() as connection:
            return statistics.trend(connection, since, until, step, event_type=event_type, check=check)

    def strip(self, check: str, limit: int = 50) -> list[StripEntry]:
        """Return what became of a check in its last runs, newest last; `limit` is cut to 1 to 1000."""
        with self._reading() as connection:
            return latest.strip(connection, check, min(max(limit, 1), MAX_LIMIT))

    def latest(self, limit_per_event: int = 44) -> dict[str, list[VerdictEntry]]:
        """Return the last verdicts of every event type, newest last; the limit is cut to 1 to 1000."""
        with self._reading() as connection:
            return latest.verdicts(connection, min(max(limit_per_event, 1), MAX_LIMIT))

    def make_partitions(self) -> list[str]:
        """Make the partitions that are missing for the next 14 days and return their names."""
        with explaining(self._url), self._engine.begin() as connection:
            return partitions.make_ahead(connection)

    def recount(self) -> int:
        """Count anew what was stored without rollups, by an older version; return how many five minutes there were.

        Who stores reports meanwhile waits.
        """
        with explaining(self._url), self._engine.begin() as connection:
            connection.execute(sa.text("LOCK TABLE preflight_reports IN SHARE ROW EXCLUSIVE MODE"))
            connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
            return recount.mend(connection)

    def purge(
        self, older_than_days: int, *, statistics_days: int = retention.MAX_DAYS, dry_run: bool = False
    ) -> Purged:
        """Forget the days of reports that are older than 1 to 3650 days; see `retention.purge`."""
        with explaining(self._url):
            return retention.purge(self._engine, older_than_days, statistics_days, dry_run=dry_run)

    def dispose(self) -> None:
        """Close the connections. The store may be used again afterwards."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with explaining(self._url), self._engine.connect() as connection:
            yield connection


def _by_id(finished: Iterable[PreFlightReport], *, overrule: bool) -> dict[UUID, PreFlightReport]:
    """Return the first report of each id or, when overruling, its first NO-GO."""
    unique: dict[UUID, PreFlightReport] = {}
    for report in finished:
        kept = unique.setdefault(report.id, report)
        if overrule and kept.success and not report.success:
            unique[report.id] = report
    return unique


def _write(connection: Connection, rows: Sequence[Mapping[str, Any]], *, overrule: bool) -> set[UUID]:
    """Write rows and rollups and return the ids written.

    First the reports, then the rollups, each in the order of their keys: no two writers can wait for each other.
    """
    rollups = Rollups()
    # One compiled statement for every batch: SQLAlchemy groups the rows into as few round trips as they need.
    statement = insert(reports).on_conflict_do_nothing(index_elements=["id"]).returning(reports.c.id)
    written = set(connection.execute(statement, rows).scalars())
    lost = {} if not overrule else _overrule(connection, [row for row in rows if row["id"] not in written])
    for row in rows:
        if row["id"] in lost:
            rollups.add(lost[row["id"]], -1)
        if row["id"] in written or row["id"] in lost:
            rollups.add(row)
    rollups.write(connection)
    return written | lost.keys()


def _overrule(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> dict[UUID, Mapping[str, Any]]:
    """Replace stored GOs by the NO-GOs among rows and return what they replaced, by id."""
    no_go = {row["id"]: row for row in rows if not row["success"]}
    stored = sa.select(reports).where(reports.c.id.in_(no_go), reports.c.success).order_by(reports.c.id)
    lost: dict[UUID, Mapping[str, Any]] = {}
    for row in connection.execute(stored.with_for_update()).mappings() if no_go else ():
        lost[row["id"]] = dict(row)
    for report_id in sorted(lost):
        connection.execute(sa.update(reports).where(reports.c.id == report_id).values(**no_go[report_id]))
    return lost
