"""Keep a report that Redis does not know: in the database if the caller has one, else as one JSON line in the log."""

from __future__ import annotations

import atexit
import concurrent.futures
import json
import logging

from preflight.engine.io_thread import IoThread
from preflight.exceptions import StoreUnavailable
from preflight.settings import Settings
from preflight.types import PreFlightReport

logger = logging.getLogger("preflight.reports")

#: How long an ending process waits for reports it still has to store.
FLUSH_SECONDS = 5.0

_thread = IoThread("preflight-keeper")
_pending: set[concurrent.futures.Future[None]] = set()


def keep(report: PreFlightReport, settings: Settings) -> None:
    """Store the report in the background; its NO-GO wins over a GO of the same run. Never raises, never waits."""
    future = _thread.submit(lambda: _keep(report, settings))
    _pending.add(future)
    future.add_done_callback(_pending.discard)


def _keep(report: PreFlightReport, settings: Settings) -> None:
    if settings.database_url is None:
        log(report, "no database is set")
        return
    from preflight.reports.store import ReportStore  # callers whose broker is well never pay for SQLAlchemy

    store = ReportStore(settings.database)
    try:
        store.save([report], overrule=True)
    except StoreUnavailable as error:
        log(report, str(error))
    finally:
        store.dispose()


def log(report: PreFlightReport, reason: str) -> None:
    """Write a report that no store has as one JSON line."""
    line = {"event": "preflight.report", "stored": False, "reason": reason, "report": report.to_json()}
    logger.error("%s", json.dumps(line, separators=(",", ":")))


def flush(seconds: float = FLUSH_SECONDS) -> None:
    """Wait for reports that are still being stored, at most `seconds`."""
    concurrent.futures.wait(set(_pending), timeout=seconds)


atexit.register(flush)
