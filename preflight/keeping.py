"""Keep a report that Redis does not know: in the database if the caller has one, else as one JSON line in the log."""

from __future__ import annotations

import atexit
import collections
import concurrent.futures
import contextlib
import json
import logging
import os
from typing import TYPE_CHECKING

from preflight.engine.io_thread import IoThread
from preflight.exceptions import ReportRefused, StoreUnavailable
from preflight.observability import sentry
from preflight.settings import Settings
from preflight.types import PreFlightReport

if TYPE_CHECKING:
    from preflight.reports.store import ReportStore

logger = logging.getLogger("preflight.reports")

#: How long an ending process waits for reports it still has to store.
FLUSH_SECONDS = 5.0

#: Reports stored in one transaction: a broker that refuses at once can make thousands in a few seconds.
BATCH = 200

_thread = IoThread("preflight-keeper")
_waiting: collections.deque[tuple[PreFlightReport, Settings]] = collections.deque()
#: The batch that is being stored: an ending process tells it too, for nobody knows whether it will be.
_storing: list[PreFlightReport] = []
_pending: set[concurrent.futures.Future[None]] = set()


def keep(report: PreFlightReport, settings: Settings) -> None:
    """Store the report in the background; its NO-GO wins over a GO of the same run. Never raises, never waits."""
    _waiting.append((report, settings))
    future = _thread.submit(_keep_waiting)
    _pending.add(future)
    future.add_done_callback(_pending.discard)


def _keep_waiting() -> None:
    """Store what waits, if an earlier call has not taken it along."""
    if not _waiting:
        return
    settings = _waiting[0][1]
    sentry.start(settings, "caller")
    while _waiting and len(_storing) < BATCH and _waiting[0][1] is settings:
        _storing.append(_waiting.popleft()[0])
    try:
        _store(list(_storing), settings)
    finally:
        _storing.clear()


def _store(batch: list[PreFlightReport], settings: Settings) -> None:
    if settings.database_url is None:
        _log_all(batch, "no database is set")
        return
    from preflight.reports.store import ReportStore  # callers whose broker is well never pay for SQLAlchemy

    store = ReportStore(settings.database)
    try:
        _save(store, batch)
    finally:
        store.dispose()


def _save(store: ReportStore, batch: list[PreFlightReport]) -> None:
    """Store reports, each for itself if the store refuses one of them; what cannot be stored is logged."""
    try:
        for report in store.save(batch, overrule=True):
            sentry.tell(report)
    except StoreUnavailable as error:
        if not isinstance(error, ReportRefused) or len(batch) == 1:
            return _log_all(batch, str(error))
        for report in batch:
            _save(store, [report])


def _log_all(batch: list[PreFlightReport], reason: str) -> None:
    for report in batch:
        log(report, reason)


def log(report: PreFlightReport, reason: str) -> None:
    """Write a report that no store has as one JSON line, and tell Sentry: a receiver that is told twice keeps one."""
    line = {"event": "preflight.report", "stored": False, "reason": reason, "report": report.to_json()}
    logger.error("%s", json.dumps(line, separators=(",", ":")))
    sentry.tell(report)


def flush(seconds: float = FLUSH_SECONDS) -> None:
    """Wait for reports that are still being stored, at most `seconds`."""
    concurrent.futures.wait(set(_pending), timeout=seconds)


def _leave() -> None:
    """Flush; what could not be stored in time is not lost silently."""
    flush()
    waiting: list[PreFlightReport] = []
    with contextlib.suppress(IndexError):  # the thread may still take some
        while True:
            waiting.append(_waiting.popleft()[0])
    _log_all([*_storing, *waiting], "the process ended before it could be stored")
    sentry.stop()


def _forget() -> None:
    """Forget, in a forked child, what is the parent's to store."""
    _waiting.clear()
    _storing.clear()
    _pending.clear()


atexit.register(_leave)
os.register_at_fork(after_in_child=_forget)
