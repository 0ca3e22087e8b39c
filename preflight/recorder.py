"""What happens to finished reports, from top to bottom: fetched, told to who asked, stored, logged, told, forgotten."""

from __future__ import annotations

import functools
import json
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from celery import Celery, states

from preflight import keeping
from preflight.backlog import KEEP_MS, Backlog
from preflight.engine.runs import Runs
from preflight.engine.state import RunState
from preflight.exceptions import ReportMisdated, ReportRefused, StoreUnavailable
from preflight.observability import sentry
from preflight.reports.store import ReportStore
from preflight.settings import Settings
from preflight.types import PreFlightReport

logger = logging.getLogger("preflight.reports")

#: A recorder that was killed is replaced after this time. Two at a time do no harm: storing twice is one row.
LEASE_MS = 3000
#: A report without a partition for its day is tried again after this time,
PUT_OFF_MS = 600_000
#: and given up a day before its state leaves Redis.
PUT_OFF_DAYS = 6
#: How often reports that are put off are told.
_TELL_SECONDS = 60.0


class Recorder:
    """Empties the outbox of one namespace. `holder` names this process in the lease."""

    def __init__(self, runs: Runs, settings: Settings, app: Celery, holder: str) -> None:
        self.runs = runs
        self.settings = settings
        self.app = app
        self.holder = holder
        self._backlog = Backlog(runs, settings.outbox_mb * 2**20, holder)
        self._failing = ""
        #: Why the store has no place for reports, by the id of those of this flush.
        self._misdated: dict[str, str] = {}
        self._told_misdated_at = -_TELL_SECONDS

    @functools.cached_property
    def store(self) -> ReportStore | None:
        """The reports' database, if one is set."""
        return ReportStore(self.settings.database) if self.settings.database_url else None

    def flush(self) -> int:
        """Record what has finished, if this process has the lease; return how many reports that were."""
        run_ids = self.runs.outbox(self.holder, LEASE_MS)
        if not run_ids:
            return 0
        self._misdated.clear()
        recorded = self.record(self._backlog.states(run_ids))
        if recorded:
            self.runs.recorded([run_id for run_id in run_ids if run_id not in self._misdated], KEEP_MS)
            self._put_off()
            self._backlog.forget()
        else:
            self._backlog.keep_within(self._told)
        return len(run_ids) if recorded else 0

    def record(self, finished: Sequence[RunState]) -> bool:
        """Tell and store finished runs; False while the store is away: they stay in the outbox."""
        reports = [self._told(state) for state in finished]
        try:
            self._save(reports)
        except StoreUnavailable as error:
            self._say_once(str(error))
            return False
        self._say_once("")
        return True

    def _save(self, reports: Sequence[PreFlightReport]) -> None:
        """Store reports, log the new ones and tell Sentry; one by one if the store refuses one of them."""
        try:
            for report in self.store.save(reports) if self.store else reports:
                log(report)
                sentry.tell(report)
        except ReportRefused as error:
            if len(reports) == 1:
                self._refused(reports[0], error)
            else:
                for report in reports:
                    self._save([report])

    def _refused(self, report: PreFlightReport, error: ReportRefused) -> None:
        """Keep a report whose day has no partition; log one that is refused whatever comes, then forget it.

        In this order none is lost.
        """
        age = datetime.now(UTC) - report.created_at
        if isinstance(error, ReportMisdated) and age < timedelta(days=PUT_OFF_DAYS):
            self._misdated[str(report.id)] = str(error)
            return
        keeping.log(report, str(error))
        self.runs.drop([str(report.id)], "refused", KEEP_MS)

    def _put_off(self) -> None:
        """Have reports without a partition wait behind the others, and tell it now and then."""
        if not self._misdated:
            return
        self.runs.put_off(list(self._misdated), PUT_OFF_MS)
        if time.monotonic() - self._told_misdated_at > _TELL_SECONDS:
            self._told_misdated_at = time.monotonic()
            run_id, reason = next(iter(self._misdated.items()))
            logger.error("%d reports wait in Redis, among them %s: %s", len(self._misdated), run_id, reason)

    def _told(self, state: RunState) -> PreFlightReport:
        """Return a run's report; the foreign task that asked for it is told."""
        report = state.report()
        if state.task_id:
            self._tell_foreign_task(state.task_id, report)
        return report

    def _tell_foreign_task(self, task_id: str, report: PreFlightReport) -> None:
        """Write the report as the result of the `preflight.run` task that asked for it. Writing twice is harmless."""
        try:
            self.app.backend.store_result(task_id, report.to_json(), states.SUCCESS)
        except Exception as error:
            logger.warning("the result of task %s could not be written: %s", task_id, error)

    def _say_once(self, failure: str) -> None:
        if failure and failure != self._failing:
            logger.error("reports wait in Redis until they can be stored: %s", failure)
        if self._failing and not failure:
            logger.warning("reports are stored again")
        self._failing = failure


def log(report: PreFlightReport) -> None:
    """Write one line for a run and one for each check that blocked it."""
    run = {"run": str(report.id), "event": report.event_type}
    _say(logging.INFO, {**run, "mode": report.mode, "verdict": report.verdict, "ms": report.duration_ms})
    for check in report.blocking:
        _say(logging.WARNING, {**run, "check": check.name, "status": check.status.value, "message": check.message})


def _say(level: int, fields: dict[str, object]) -> None:
    if logger.isEnabledFor(level):
        text = " ".join(f"{name}={json.dumps(value)}" for name, value in fields.items())
        logger.log(level, "%s", text, extra={"fields": fields})
