"""Real reports for the tests of what the command line makes of them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from preflight.types import CheckReport, PreFlightReport, Severity, Status

REPORT_ID = UUID("0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")
CAMPAIGN = UUID("018f4c1e-0000-7000-8000-000000000001")


def line(name, priority, status, message="", **details):
    """Return one check's line."""
    return CheckReport(name=name, priority=priority, status=Status(status), message=message, **details)


def report(*checks, **details):
    """Return a report of the checks."""
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


def go():
    """Return a GO with every shade of good."""
    return report(
        line("broker", 0, "passed", "the broker opened the run"),
        line("redis", 0, "passed", "PING, and a key written and read back", duration_ms=1.23, queue_ms=3.4),
        line("twitch_api", 5, "passed", "Helix answers", duration_ms=312.0, queue_ms=2, cached=True, cached_age_ms=12_400),
        line("migrations", 5, "failed", "schema is behind", severity=Severity.ADVISORY, remediation="Run the migrations."),
        line("tokens", 10, "warning", "one expires soon", warnings=("the token of tom expires in 3 h",), duration_ms=640, queue_ms=2, slow=True),
        line("vtt_connection", 15, "skipped", "it does not apply to this run", skipped_because="it does not apply to this run"),
    )  # fmt: skip


def no_go():
    """Return a NO-GO with every status."""
    return report(
        line("redis", 0, "passed", "PING, and a key written and read back", duration_ms=1.23, queue_ms=3.4),
        line("websocket", 0, "warning", "the server needed a second handshake before it answered the ping", warnings=("the server needed a second handshake before it answered the ping",), duration_ms=48.2, queue_ms=3.9),
        line("tokens", 10, "failed", "2 of 14 tokens are invalid: kaya, tom", error="HTTP 401", duration_ms=412.0, queue_ms=2.1, remediation="Ask kaya and tom to sign in again; their channels show a banner with the link."),
        line("vtt_connection_of_a_very_long_name_indeed", 10, "error", "timed out after 5 s", error="timed out after 5 s", duration_ms=5003, queue_ms=2.2, remediation="See whether the tunnel is up."),
        line("cooldown", 20, "skipped", skipped_because="tokens failed"),
        line("gamification_config", 20, "skipped", skipped_because="tokens failed"),
        duration_ms=5211,
    )  # fmt: skip
