"""The way to Sentry from one process: a client of its own, that sends in the background and loses rather than waits.

Not `sentry_sdk.init`: that is the application's. This client has no integrations, so nothing of the user's code is
touched, and what the application's own Sentry does is not changed.
"""

from __future__ import annotations

import importlib.metadata
import logging
import threading
from typing import Any, cast

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import HttpTransport

from preflight.settings import Settings

logger = logging.getLogger("preflight.sentry")

#: Events that wait to be sent. More are lost: memory is bounded, and nobody waits.
QUEUE_SIZE = 100
#: A receiver that is silent is given up after this time, and its event with it.
TIMEOUT_SECONDS = 5
_WORDS = {
    "network": "it cannot be reached",
    "full_queue": "it takes them too slowly",
    "status_429": "it limits their rate",
    "self_rate_limits": "it limits their rate",
}


class Losses:
    """Events that the receiver did not take: counted, said once when it begins and once when it is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def lost(self, reason: str) -> None:
        """Count one event."""
        with self._lock:
            self._count += 1
            first = self._count == 1
        if first:
            words = _WORDS.get(reason, f"it answers with {reason.replace('_', ' ')}")
            logger.warning("Sentry takes no events: %s. Runs go on; what is not sent is counted", words)

    def over(self) -> None:
        """Note that an event was taken."""
        with self._lock:
            count, self._count = self._count, 0
        if count:
            logger.warning("Sentry takes events again: %d were not sent", count)


class Transport(HttpTransport):
    """The SDK's own way of sending, with a shorter patience and an account of what is lost."""

    TIMEOUT = TIMEOUT_SECONDS

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        self.losses = Losses()

    def on_dropped_event(self, reason: str) -> None:
        """Count it; the SDK calls this for whatever it does not send."""
        self.losses.lost(reason)

    def _handle_response(self, response: Any, envelope: Envelope | None) -> None:
        super()._handle_response(response, envelope)
        if 200 <= response.status < 300:
            self.losses.over()


def connect(settings: Settings) -> sentry_sdk.Client:
    """Return a client for the settings' DSN. Starts no thread before the first event."""
    return sentry_sdk.Client(
        dsn=settings.sentry_dsn.get_secret_value() if settings.sentry_dsn else None,
        environment=settings.sentry_environment,
        release=settings.sentry_release or f"celery-preflight@{importlib.metadata.version('celery-preflight')}",
        transport=Transport,
        transport_queue_size=QUEUE_SIZE,
        before_send=_with_report,
        integrations=[],
        default_integrations=False,
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        attach_stacktrace=False,
        include_local_variables=False,
        include_source_context=False,
        enable_backpressure_handling=False,
        send_client_reports=False,
        spotlight=False,
        debug=False,
    )


def _with_report(event: Any, hint: dict[str, Any]) -> Any:
    """Put the whole report into its event: before this place the SDK would cut it to five levels of ten things."""
    if "report" in hint:
        event["extra"] = {"report": hint["report"], **hint["counts"]}
    return cast("Any", event)
