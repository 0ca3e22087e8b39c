"""What beat has done, one function for each of its jobs."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from preflight import beat_jobs
from preflight.engine import jobs, requests
from preflight.engine.worker_process import runs
from preflight.reports.store import ReportStore
from preflight.settings import settings

logger = logging.getLogger("preflight.maintenance")


def tick() -> None:
    """Note that beat is alive and that its messages arrive."""
    with jobs.turn(runs(), beat_jobs.TICK):
        """That is all."""


def sweep() -> None:
    """Ask every check that requires no input, to the last one, and leave a report."""
    with jobs.turn(runs(), beat_jobs.sweep(settings().sweep_seconds)) as mine:
        if mine:
            requests.sweep()


def purge() -> None:
    """Forget the days of reports that are past the retention, and statistics past theirs."""
    with jobs.turn(runs(), beat_jobs.PURGE) as mine, _store() as store:
        if mine and store:
            purged = store.purge(settings().retention_days, statistics_days=settings().statistics_days)
            if purged.partitions:
                logger.info("%d reports of %d days are forgotten", purged.reports, len(purged.partitions))


def make_partitions() -> None:
    """Make the partitions that reports of the next two weeks need."""
    with jobs.turn(runs(), beat_jobs.PARTITIONS) as mine, _store() as store:
        if mine and store and (made := store.make_partitions()):
            logger.info("made %s", ", ".join(made))


def count_unfinished() -> None:
    """Count the runs that nobody takes to their end, and say so when there are any."""
    with jobs.turn(runs(), beat_jobs.UNFINISHED) as mine:
        if not mine:
            return
        count = jobs.count_unfinished(runs().client, runs().keys)
        runs().client.hset(runs().keys["numbers"], "unfinished", str(count))
        if count:
            logger.error("%d runs are overdue and nobody ends them: see `preflight doctor`", count)


@contextlib.contextmanager
def _store() -> Iterator[ReportStore | None]:
    """Yield the reports' database for one job, None if no database is set."""
    store = ReportStore(settings().database) if settings().database_url else None
    try:
        yield store
    finally:
        if store:
            store.dispose()
