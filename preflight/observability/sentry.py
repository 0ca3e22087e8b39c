"""Tell Sentry about NO-GO runs, and that beat's jobs run. Never raises, never waits, never changes a verdict.

The SDK is loaded when there is a DSN and something to tell: who has none pays nothing.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from preflight.observability import events
from preflight.observability.budget import Budget
from preflight.settings import Settings
from preflight.types import PreFlightReport

if TYPE_CHECKING:
    from sentry_sdk.types import Event
    from sentry_sdk.utils import Dsn

logger = logging.getLogger("preflight.sentry")

#: An ending process waits at most this long for events that are not sent yet.
LEAVE_SECONDS = 2.0
#: Loggers on which Celery and its pool tell that a check's process died: a run that says so is an event already, and
#: an application's own Sentry in this process would make others of these lines.
ALREADY_TOLD = ("celery.worker.request", "multiprocessing")


class Sentry:
    """The teller of one process. `part` says which kind of process: "worker" or "caller"."""

    def __init__(self, settings: Settings, part: str) -> None:
        from preflight.observability.receiver import connect

        self._settings = settings
        self._part = part
        self._client = connect(settings)
        self._budget = Budget(settings.sentry_events_per_minute)

    def tell(self, report: PreFlightReport) -> None:
        """Send one event for a NO-GO run, within the budget."""
        if not self._budget.take():
            if self._budget.missed == 1:
                logger.warning(
                    "more NO-GO runs than PREFLIGHT_SENTRY_EVENTS_PER_MINUTE (%d): the others are only counted",
                    self._settings.sentry_events_per_minute,
                )
            return
        event = events.no_go_event(report)
        event["tags"]["part"] = self._part
        counts = {"not_told_before": self._account()}
        self._client.capture_event(cast("Event", event), hint={"report": events.whole(report), "counts": counts})

    def check_in(self, event: dict[str, Any]) -> None:
        """Say that a job has begun or ended."""
        self._client.capture_event(cast("Event", event))

    def close(self) -> None:
        """Send what waits, for at most 2 s."""
        self._account()
        self._client.close(timeout=LEAVE_SECONDS)

    def _account(self) -> int:
        missed = self._budget.forget()
        if missed:
            logger.warning("%d NO-GO runs were not told to Sentry: they were more than its budget", missed)
        return missed


#: The settings that this process was started with, and, when Sentry is on, what its tellers are made of.
_seen: list[Settings] = []
_started: list[tuple[Settings, str]] = []


def start(settings: Settings, part: str) -> None:
    """Switch Sentry on as the settings say; a malformed DSN is one warning, and Sentry stays off. Opens no connection.

    Forked processes inherit this and make a connection of their own.
    """
    if _seen and _seen[0] is settings:
        return
    _seen[:] = [settings]
    _started.clear()
    _of_process.cache_clear()
    if settings.sentry_dsn is None:
        return
    try:
        parsed(settings)
    except ValueError as error:
        logger.warning("%s. Sentry is off", error)
        return
    _started.append((settings, part))
    from sentry_sdk.integrations.logging import ignore_logger

    for name in ALREADY_TOLD:
        ignore_logger(name)


def parsed(settings: Settings) -> Dsn:
    """Return the DSN; `ValueError` says in one line, without it, what is wrong."""
    from sentry_sdk.utils import Dsn

    secret = settings.sentry_dsn.get_secret_value() if settings.sentry_dsn else ""
    try:
        if not secret.isprintable() or " " in secret:
            raise ValueError("a space or newline")  # noqa: TRY301  # one way out for all that is wrong
        return Dsn(secret)
    except ValueError:
        raise ValueError("PREFLIGHT_SENTRY_DSN is no DSN: it must be as in https://key@sentry.example.com/1") from None


def tell(report: PreFlightReport) -> None:
    """Tell Sentry about a report if it is NO-GO. Call it for reports that are new."""
    if report.success or not _started:
        return
    with _quietly(f"run {report.id}"):
        _of_process(os.getpid()).tell(report)


@contextlib.contextmanager
def checked_in(job: str, every_seconds: float) -> Iterator[None]:
    """Tell Sentry when a job begins and how it ends. Jobs more often than once a minute have no monitor."""
    if not _started or every_seconds < events.SHORTEST_SECONDS:
        yield
        return
    slug, check_in_id, began = events.slug(_started[0][0].namespace, job), uuid.uuid4().hex, time.monotonic()

    def say(status: str) -> None:
        duration = None if status == "in_progress" else time.monotonic() - began
        with _quietly(f"job {job}"):
            _of_process(os.getpid()).check_in(events.check_in(slug, check_in_id, status, every_seconds, duration))

    say("in_progress")
    try:
        yield
    except BaseException:
        say("error")
        raise
    say("ok")


def stop() -> None:
    """Send what waits, at most 2 s, and switch Sentry off in this process."""
    with _quietly("the end of this process"):
        if _of_process.cache_info().currsize:
            _of_process(os.getpid()).close()
    _seen.clear()
    _started.clear()
    _of_process.cache_clear()


@functools.lru_cache(maxsize=1)
def _of_process(_process: int) -> Sentry:
    """Return this process's teller."""
    settings, part = _started[0]
    return Sentry(settings, part)


# The child of a fork makes its own, and has nothing to end before it has.
os.register_at_fork(after_in_child=_of_process.cache_clear)


@contextlib.contextmanager
def _quietly(about: str) -> Iterator[Any]:
    """Log what goes wrong in one line: whatever Sentry does, runs and their reports go on."""
    try:
        yield
    except Exception as error:
        logger.warning("Sentry was not told about %s: %s: %s", about, type(error).__name__, error)
