"""What beat sends and when. A message that is not taken before the next one is due expires."""

from __future__ import annotations

from typing import Any

MINUTE_SECONDS = 60
HOUR_SECONDS = 3600


def beat_schedule(sweep_seconds: int) -> dict[str, dict[str, Any]]:
    """Return Celery's `beat_schedule` for a sweep every `sweep_seconds`."""
    return {
        "tick": _every(10, "preflight.tick"),
        "health-sweep": _every(sweep_seconds, "preflight.sweep"),
        "unfinished-runs": _every(MINUTE_SECONDS, "preflight.unfinished"),
        "partitions-ahead": _every(HOUR_SECONDS, "preflight.partitions"),
        # Done once a day. Sent every hour: a beat that starts anew every day would never come to a daily one.
        "retention-purge": _every(HOUR_SECONDS, "preflight.purge"),
    }


def _every(seconds: int, task: str) -> dict[str, Any]:
    return {"task": task, "schedule": float(seconds), "options": {"expires": seconds}}
