"""What beat sends and when. A message that is not taken before the next one is due expires."""

from __future__ import annotations

from typing import Any

TICK_SECONDS = 10
DAY_SECONDS = 24 * 3600


def beat_schedule(sweep_seconds: int) -> dict[str, dict[str, Any]]:
    """Return Celery's `beat_schedule` for a sweep every `sweep_seconds`."""
    return {
        "tick": _every(TICK_SECONDS, "preflight.tick"),
        "health-sweep": _every(sweep_seconds, "preflight.sweep"),
        "retention-purge": _every(DAY_SECONDS, "preflight.purge"),
    }


def _every(seconds: int, task: str) -> dict[str, Any]:
    return {"task": task, "schedule": float(seconds), "options": {"expires": seconds}}
