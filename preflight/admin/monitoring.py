"""The JSON of `GET /admin/monitoring`, with the names it was asked for with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from preflight.reports.statistics import CheckStatistics, EventStatistics, Statistics
from preflight.reports.store import ReportStore

PERIOD = timedelta(hours=24)
MOST_FAILURES = 10
MOST_REPORTS = 50


def monitoring(store: ReportStore) -> dict[str, Any]:
    """Return the statistics of 24 hours, the checks that failed most in them, and the last 50 reports."""
    since = datetime.now(UTC) - PERIOD
    failing = [check for check in store.check_statistics(since) if check.failures]
    return {
        "stats": _stats(store.statistics(since)),
        "topFailures": [_failing(check) for check in failing[:MOST_FAILURES]],
        "recentReports": [report.to_json() for report in store.page(limit=MOST_REPORTS)],
    }


def _stats(found: Statistics) -> dict[str, Any]:
    common = sorted(found.event_types, key=lambda one: (-one.runs, one.event_type, one.mode))
    return {
        "totalRuns": found.total_runs,
        "successRate": found.success_rate,
        "averageDurationMs": found.average_duration_ms,
        "eventTypes": [_event(one) for one in common],
    }


def _event(one: EventStatistics) -> dict[str, Any]:
    return {"eventType": one.event_type, "mode": one.mode, "runs": one.runs, "successRate": one.success_rate}


def _failing(check: CheckStatistics) -> dict[str, Any]:
    return {
        "checkName": check.check_name,
        "failureCount": check.failures,
        "failureRate": check.failure_rate,
        "lastFailureAt": check.last_failure_at.isoformat().replace("+00:00", "Z") if check.last_failure_at else None,
    }
