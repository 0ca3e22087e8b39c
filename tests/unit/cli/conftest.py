"""Real reports, and consoles that write into memory."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from uuid import UUID

import pytest
from rich.console import Console

from preflight.types import CheckReport, PreFlightReport, Severity, Status

REPORT_ID = UUID("0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")
CAMPAIGN = UUID("018f4c1e-0000-7000-8000-000000000001")


def _line(name, priority, status, message="", **details):
    return CheckReport(name=name, priority=priority, status=Status(status), message=message, **details)


def _report(*checks, **details):
    values = {
        "id": REPORT_ID,
        "mode": "full",
        "event_type": "poll_launch",
        "created_at": datetime(2026, 11, 23, 16, 7, 2, tzinfo=UTC),
        "duration_ms": 142,
        "campaign_id": CAMPAIGN,
        "streamer_ids": ("kaya", "tom"),
    }
    return PreFlightReport(checks=checks, **values | details)


@pytest.fixture(scope="session")
def line():
    """Return the function that makes one check's line: name, priority, status, message and details."""
    return _line


@pytest.fixture(scope="session")
def report():
    """Return the function that makes a report of lines."""
    return _report


@pytest.fixture(scope="session")
def go():
    """Return a GO with every shade of good."""
    return _report(
        _line("redis", 0, "passed", "PING, and a key written and read back", duration_ms=1.23, queue_ms=3.4),
        _line("migrations", 5, "failed", "schema is behind", severity=Severity.ADVISORY, remediation="Run them."),
        _line("twitch_api", 5, "passed", "Helix answers", duration_ms=312.0, cached=True, cached_age_ms=12_400),
        _line("tokens", 10, "warning", "one expires soon", warnings=("tom's expires in 3 h",), slow=True),
        _line("vtt", 15, "skipped", "it does not apply", skipped_because="it does not apply"),
    )


@pytest.fixture(scope="session")
def no_go():
    """Return a NO-GO with every status, times from 1 ms to 5 s and a name that fills a line."""
    return _report(
        _line("redis", 0, "passed", "PING, and a key written and read back", duration_ms=1.23, queue_ms=3.4),
        _line("websocket", 0, "warning", "a second handshake was needed", duration_ms=48.2, queue_ms=3.9),
        _line("tokens", 10, "failed", "2 are invalid", error="HTTP 401", duration_ms=412, remediation="Sign in again."),
        _line("v" * 64, 10, "error", "timed out after 5 s", duration_ms=5003, queue_ms=2, remediation="Is it up?"),
        _line("cooldown", 20, "skipped", skipped_because="tokens failed"),
    )


@pytest.fixture
def console():
    """Return the function that makes a console of a width and encoding; `.file.getvalue()` is what it wrote."""

    def make(width=80, encoding="utf-8"):
        class File(io.StringIO):
            @property
            def encoding(self):
                return encoding

        return Console(file=File(), width=width, markup=False, highlight=False, emoji=False)

    return make
