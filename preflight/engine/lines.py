"""A report's lines, and the answers that the engine itself gives when a check cannot. Pure: no I/O."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from preflight.engine.plan import PlannedCheck
from preflight.types import CheckReport, Severity, Status, known_status

#: A whole report is at most this large as JSON; the rest of the 1 MiB is the run's own context.
MAX_LINES_BYTES = 1024 * 1024 - 64 * 1024
_SHORT = 500

NO_WORKER = "no live worker: nothing can ask the checks"
NO_WORKER_REMEDIATION = "Start a worker: celery -A worker worker. `preflight doctor` shows what is alive."


def engine_check(name: str) -> PlannedCheck:
    """Return `broker` or `workers` as a planned check, for runs that did not plan it."""
    return PlannedCheck(name=name, priority=0, timeout=1.0, severity=Severity.BLOCKING)


def passed(message: str) -> dict[str, Any]:
    """Return a plain good answer that the engine itself gives."""
    return {"status": "passed", "message": message}


def skipped(reason: str) -> dict[str, Any]:
    """Return the answer of a check that the engine itself leaves out."""
    return {"status": "skipped", "message": reason}


def errored(message: str, remediation: str | None = None) -> dict[str, Any]:
    """Return an `error` answer that the engine itself gives."""
    return {"status": "error", "message": message, "error": message, "remediation": remediation}


def no_worker() -> dict[str, Any]:
    """Return the answer of `workers` when none is alive."""
    return errored(NO_WORKER, NO_WORKER_REMEDIATION)


def answered_line(check: PlannedCheck, answer: Mapping[str, Any], *, queue_ms: float | None = None) -> CheckReport:
    """Return a report's line for a check and its answer."""
    status, message = known_status(answer["status"]), answer.get("message", "")
    remediation = answer.get("remediation")
    if remediation is None and status in (Status.FAILED, Status.ERROR):
        remediation = check.remediation
    duration_ms = answer.get("duration_ms")
    return CheckReport(
        name=check.name,
        priority=check.priority,
        status=status,
        severity=check.severity,
        message=message,
        error=answer.get("error"),
        warnings=tuple(answer.get("warnings") or ()),
        remediation=remediation,
        metadata=answer.get("metadata") or {},
        duration_ms=duration_ms,
        queue_ms=queue_ms,
        slow=bool(answer.get("slow")),
        skipped_because=(message or "it gave no reason") if status is Status.SKIPPED else None,
    )


def skipped_line(check: PlannedCheck, because: str) -> CheckReport:
    """Return the line of a check that was not asked."""
    return CheckReport(
        name=check.name,
        priority=check.priority,
        status=Status.SKIPPED,
        severity=check.severity,
        skipped_because=because,
    )


def bounded(lines: Sequence[CheckReport], most: int = MAX_LINES_BYTES) -> list[CheckReport]:
    """Return the lines, the largest cut short until all fit: verdict, names and statuses are never touched."""
    if sum(map(_at_most, lines)) <= most:
        return list(lines)
    sizes = [len(json.dumps(line.to_json())) for line in lines]
    kept, total = list(lines), sum(sizes)
    for size, index in sorted(((size, index) for index, size in enumerate(sizes)), reverse=True):
        if total <= most:
            break
        kept[index] = _cut(lines[index])
        total -= size - len(json.dumps(kept[index].to_json()))
    return kept


def _at_most(line: CheckReport) -> int:
    """Return what a line surely does not exceed as JSON; much, when that would take a closer look."""
    if line.metadata or line.warnings:
        return MAX_LINES_BYTES
    texts = line.name, line.message, line.error, line.remediation, line.skipped_because
    return 500 + 12 * sum(len(text or "") for text in texts)  # a character is written as two escapes at most


def _cut(line: CheckReport) -> CheckReport:
    return dataclasses.replace(
        line,
        message=line.message[:_SHORT],
        error=line.error[:_SHORT] if line.error else None,
        remediation=line.remediation[:_SHORT] if line.remediation else None,
        skipped_because=line.skipped_because[:_SHORT] if line.skipped_because else None,
        warnings=(),
        metadata={"cut": "the report was larger than 1 MiB"},
    )
