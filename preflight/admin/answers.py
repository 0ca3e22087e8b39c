"""The shapes of the API's answers, for its OpenAPI. What is sent is made by the reports themselves."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from preflight.types import Mode, Severity, Status


class Check(BaseModel):
    """One check's line in a report."""

    name: str
    priority: int
    status: Status
    severity: Severity
    message: str
    error: str | None
    warnings: list[str]
    remediation: str | None
    metadata: dict[str, Any]
    duration_ms: float | None
    queue_ms: float | None
    slow: bool
    cached: bool
    cached_age_ms: float | None
    skipped_because: str | None


class Report(BaseModel):
    """A report, the same JSON as everywhere."""

    id: str
    mode: Mode
    event_type: str
    campaign_id: str | None
    streamer_ids: list[str]
    success: bool
    verdict: str
    checks: list[Check]
    short_circuited_by: str | None
    duration_ms: int
    triggered_by: str | None
    metadata: dict[str, Any]
    created_at: str


class LinkedReport(Report):
    """A report, and where Flower shows its tasks (null without `PREFLIGHT_FLOWER_URL`)."""

    flower_url: str | None


class ReportPage(BaseModel):
    """Reports, newest first. `next` is the `before` of the page after it, null at the end."""

    reports: list[Report]
    next: str | None


class EventStatistics(BaseModel):
    """The runs of one event type and mode."""

    event_type: str
    mode: str
    runs: int
    success_rate: float
    duration_p50_ms: float | None
    duration_p95_ms: float | None


class Statistics(BaseModel):
    """All runs of a span. Rates and durations are null without runs."""

    since: str
    until: str
    total_runs: int
    go_runs: int
    success_rate: float | None
    average_duration_ms: float | None
    duration_p50_ms: float | None
    duration_p95_ms: float | None
    event_types: list[EventStatistics]


class TrendPoint(BaseModel):
    """An hour or a day that begins `at`."""

    at: str
    runs: int
    failures: int


class Trend(BaseModel):
    """Runs and NO-GOs over time."""

    since: str
    until: str
    points: list[TrendPoint]


class Verdict(BaseModel):
    """What became of one run."""

    report_id: str
    created_at: str
    success: bool
    mode: str
    short_circuited_by: str | None


class Verdicts(BaseModel):
    """The last verdicts by event type, newest last."""

    event_types: dict[str, list[Verdict]]


class CheckStatistics(BaseModel):
    """How a check did in a span. `asked` counts executions, `cached` answers that were taken from an earlier one."""

    check_name: str
    asked: int
    cached: int
    failures: int
    failure_rate: float | None
    last_failure_at: str | None
    duration_p50_ms: float | None
    duration_p95_ms: float | None


class KnownCheck(BaseModel):
    """A check: what it declares, null if it is registered no more, and how it did, null if it was not planned."""

    name: str
    declaration: dict[str, Any] | None
    statistics: CheckStatistics | None


class BrokenSource(BaseModel):
    """A place that should hold checks and could not be used."""

    source: str
    error: str


class Checks(BaseModel):
    """Every check, by tier."""

    since: str
    until: str
    checks: list[KnownCheck]
    broken: list[BrokenSource]


class StripEntry(BaseModel):
    """What became of a check in one run."""

    report_id: str
    created_at: str
    status: Status
    duration_ms: float | None
    cached: bool


class Failure(BaseModel):
    """An answer of a check that was no, or could not be had."""

    report_id: str
    created_at: str
    event_type: str
    status: Status
    message: str
    error: str | None
    remediation: str | None
    duration_ms: float | None


class CheckHistory(KnownCheck):
    """A check with its last runs and failures."""

    since: str
    until: str
    strip: list[StripEntry]
    failures: list[Failure]


class Started(BaseModel):
    """A run that was started."""

    id: str
    address: str


class Progress(BaseModel):
    """A check of a run that may still be going on."""

    name: str
    priority: int
    status: Status | None
    running: bool
    message: str
    duration_ms: float | None
    queue_ms: float | None


class RunProgress(BaseModel):
    """Where a run is: "queued", "running" or "finished"."""

    id: str
    state: str
    checks: list[Progress]
    report: Report | None
