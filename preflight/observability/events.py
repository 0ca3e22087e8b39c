"""What Sentry is told, as plain data: a NO-GO run as an event, a job of beat as a check-in."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from preflight.redaction import redact, redact_values
from preflight.types import CheckReport, PreFlightReport, Status

#: Sentry drops a tag whose value is longer.
TAG_CHARACTERS = 200
#: Sentry cuts a message that is longer.
MESSAGE_CHARACTERS = 8000
#: Sentry's schedules count in minutes: a job that runs more often has none.
SHORTEST_SECONDS = 60
SLUG_CHARACTERS = 50

_LEVELS = {Status.FAILED: "error", Status.ERROR: "error", Status.WARNING: "warning"}
_DAY, _HOUR, _MINUTE = 86_400, 3600, 60


def no_go_event(report: PreFlightReport) -> dict[str, Any]:
    """Return the event of a run that must not go ahead, without the report itself.

    Its id is the run's, so that a receiver that is told twice keeps one. Its fingerprint is the event type and what
    blocked first, so that an outage is one issue.
    """
    return {
        "event_id": report.id.hex,
        "timestamp": report.created_at + timedelta(milliseconds=report.duration_ms),
        "level": "error",
        "logger": "preflight",
        "transaction": report.event_type,
        "logentry": {"formatted": redact(report.reason)[:MESSAGE_CHARACTERS]},
        "fingerprint": ["preflight", report.event_type, _first(report)],
        "tags": _tags(report),
        "breadcrumbs": {"values": [_breadcrumb(report, check) for check in report.checks]},
    }


def whole(report: PreFlightReport) -> dict[str, Any]:
    """Return the report as it is stored, secrets masked once more: the way out of here is not ours."""
    masked: dict[str, Any] = redact_values(report.to_json())
    return masked


def _first(report: PreFlightReport) -> str:
    return report.blocking[0].name if report.blocking else "nothing was asked"


def _tags(report: PreFlightReport) -> dict[str, str]:
    tags = {
        "event_type": report.event_type,
        "mode": report.mode,
        "check": _first(report),
        "run_id": str(report.id),
        "campaign_id": str(report.campaign_id or ""),
        "streamer_ids": _listed(report.streamer_ids),
    }
    return {name: redact(value) for name, value in tags.items() if value}


def _listed(ids: tuple[str, ...]) -> str:
    """Return ids as one tag's value: those that fit, and how many do not."""
    text = ",".join(ids)
    if len(text) <= TAG_CHARACTERS:
        return text
    rest = f",and {len(ids)} in all"
    return text[: TAG_CHARACTERS - len(rest)].rpartition(",")[0] + rest


def _breadcrumb(report: PreFlightReport, check: CheckReport) -> dict[str, Any]:
    return {
        "type": "default",
        "category": "preflight.check",
        "timestamp": report.created_at,
        "level": _LEVELS.get(check.status, "info"),
        "message": redact(f"{check.name} {check.status}: {check.message or check.skipped_because or ''}".rstrip(": ")),
        "data": {
            "name": check.name,
            "priority": check.priority,
            "status": check.status.value,
            "duration_ms": check.duration_ms,
        },
    }


def slug(namespace: str, job: str) -> str:
    """Return the name of a job's monitor in Sentry."""
    return f"{namespace}-{job}"[:SLUG_CHARACTERS]


def check_in(slug: str, check_in_id: str, status: str, every_seconds: float, duration: float | None) -> dict[str, Any]:
    """Return the check-in of a job that has begun ("in_progress") or ended ("ok" or "error") after so many seconds."""
    return {
        "type": "check_in",
        "monitor_slug": slug,
        "check_in_id": check_in_id,
        "status": status,
        "duration": duration,
        "monitor_config": monitor(every_seconds),
    }


def monitor(every_seconds: float) -> dict[str, Any]:
    """Return a monitor's configuration for a job that runs every so many seconds, at least 60."""
    value, unit = _interval(every_seconds)
    return {
        "schedule": {"type": "interval", "value": value, "unit": unit},
        "checkin_margin": max(1, math.ceil(every_seconds / _MINUTE / 10)),
        "max_runtime": max(1, min(30, math.ceil(every_seconds / _MINUTE))),
    }


def _interval(seconds: float) -> tuple[int, str]:
    for unit, length in (("day", _DAY), ("hour", _HOUR)):
        if seconds % length == 0:
            return int(seconds // length), unit
    return math.ceil(seconds / _MINUTE), "minute"
