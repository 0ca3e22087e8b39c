"""The API's part about what was: reports, statistics, checks."""

from __future__ import annotations

import dataclasses
import heapq
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from preflight.admin import answers, queries
from preflight.admin.flower import flower_url
from preflight.admin.openapi import shape
from preflight.admin.problems import Problem
from preflight.admin.rendering import Document
from preflight.admin.services import Work
from preflight.description import described
from preflight.exceptions import UnknownCheck
from preflight.reports.statistics import CheckStatistics
from preflight.reports.store import ReportFilter, ReportStore
from preflight.types import BLOCKING_STATUSES, PreFlightReport

router = APIRouter()

STRIP = 50
MOST_FAILURES = 10

Identifier = Annotated[UUID, Path(description="A UUID.")]


@router.get("/reports", tags=["reports"], responses=shape(answers.ReportPage))
def reports(query: Annotated[queries.Reports, Query()], work: Work) -> Response:
    """Return stored reports, newest first, and what to ask for as `before` to go on."""
    found = work.store.page(query.filter, limit=query.limit, before=query.before)
    following = str(found[-1].id) if len(found) == query.limit else None
    return Document({"reports": [report.to_json() for report in found], "next": following})


@router.get("/reports/{report_id}", tags=["reports"], responses=shape(answers.LinkedReport))
def report(report_id: Identifier, work: Work) -> Response:
    """Return one report, stored or of a run that has just ended, and where Flower shows its tasks."""
    found = work.report(report_id)
    if found is None:
        days = work.settings.retention_days
        raise Problem(404, f"There is no report {report_id}: its run is going on, or it is older than {days} days.")
    return Document(found.to_json() | {"flower_url": flower_url(work.settings.flower_url, report_id)})


@router.get("/stats", tags=["statistics"], responses=shape(answers.Statistics))
def statistics(query: Annotated[queries.Statistics, Query()], work: Work) -> Response:
    """Return how many runs there were, how many were GO, and how long they took; also by event type and mode."""
    found = work.store.statistics(query.begin, query.until, event_type=query.event_type, mode=query.mode)
    return Document(_span(query) | as_json(found))


@router.get("/stats/trend", tags=["statistics"], responses=shape(answers.Trend))
def trend(query: Annotated[queries.Trend, Query()], work: Work) -> Response:
    """Return runs and NO-GOs for every hour or day, also where nothing ran."""
    points = work.store.trend(query.begin, query.until, step=query.step, event_type=query.event_type)
    return Document(_span(query) | {"points": [as_json(point) for point in points]})


@router.get("/stats/verdicts", tags=["statistics"], responses=shape(answers.Verdicts))
def verdicts(work: Work) -> Response:
    """Return the last 44 verdicts of every event type, newest last."""
    found = work.store.latest()
    return Document({"event_types": {event: [as_json(one) for one in entries] for event, entries in found.items()}})


@router.get("/checks", tags=["checks"], responses=shape(answers.Checks))
def checks(query: Annotated[queries.Period, Query()], work: Work) -> Response:
    """Return every check that is registered or was asked: what it declares (null if it is gone) and how it did."""
    asked = {one.check_name: one for one in work.store.check_statistics(query.begin, query.until)}
    declared = {check.name: described(work.registry, check.name) for check in work.registry}
    names = [*declared, *sorted(asked.keys() - declared.keys())]
    listed = [{"name": name, **_check(declared.get(name), asked.get(name))} for name in names]
    broken = [{"source": one.source, "error": one.error} for one in work.registry.broken]
    return Document(_span(query) | {"checks": listed, "broken": broken})


@router.get("/checks/{name}", tags=["checks"], responses=shape(answers.CheckHistory))
def check(
    name: Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,63}$")], query: Annotated[queries.Period, Query()], work: Work
) -> Response:
    """Return what a check declares, how it did, its last 50 runs (newest last) and its last failures (newest first)."""
    strip = work.store.strip(name, STRIP)
    if name not in work.registry and not strip:
        raise Problem(404, str(UnknownCheck(name, (one.name for one in work.registry))))
    asked = {one.check_name: one for one in work.store.check_statistics(query.begin, query.until)}
    declared = described(work.registry, name)
    return Document(
        {"name": name}
        | _span(query)
        | _check(declared, asked.get(name))
        | {"strip": [as_json(entry) for entry in strip], "failures": failures(work.store, name)}
    )


def failures(store: ReportStore, name: str) -> list[dict[str, Any]]:
    """Return the last answers of a check that were no, or could not be had."""
    pages = (store.page(ReportFilter(check=name, check_status=one), limit=MOST_FAILURES) for one in BLOCKING_STATUSES)
    found = heapq.nlargest(MOST_FAILURES, (one for page in pages for one in page), key=lambda one: one.id)
    return [_failure(one, name) for one in found]


def _failure(report: PreFlightReport, name: str) -> dict[str, Any]:
    line = report[name].to_json()
    told = {key: line[key] for key in ("status", "message", "error", "remediation", "duration_ms")}
    return {"report_id": str(report.id), "created_at": stamp(report.created_at), "event_type": report.event_type} | told


def _check(declared: dict[str, Any] | None, asked: CheckStatistics | None) -> dict[str, Any]:
    return {"declaration": declared, "statistics": as_json(asked) if asked else None}


def _span(query: queries.Period) -> dict[str, Any]:
    return {"since": stamp(query.begin), "until": stamp(query.until or datetime.now(UTC))}


def stamp(at: datetime) -> str:
    """Return an instant as all of PreFlight's JSON shows it."""
    return at.isoformat().replace("+00:00", "Z")


def as_json(found: Any) -> dict[str, Any]:
    """Return what the store found as JSON."""
    return {name: _value(value) for name, value in dataclasses.asdict(found).items()}


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    if isinstance(value, dict):
        return {key: _value(item) for key, item in value.items()}
    return str(value) if isinstance(value, UUID) else value
