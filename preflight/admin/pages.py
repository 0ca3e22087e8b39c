"""The pages: what a person sees, from the same store, registry and runs that the API offers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Path, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from preflight.admin.access import Admin, viewer
from preflight.admin.monitoring import monitoring
from preflight.admin.problems import Problem, wants_page
from preflight.admin.rendering import Document, render
from preflight.admin.services import Services, Work
from preflight.admin.views.checks import LEGEND, check_list
from preflight.admin.views.monitoring import asked, report_list
from preflight.admin.views.one_check import check_page
from preflight.admin.views.reports import ShownReport, report_page
from preflight.admin.views.runs import progress_page, run_form
from preflight.admin.views.statistics import PERIODS, period_of
from preflight.description import described
from preflight.exceptions import InvalidRun
from preflight.types import PreFlightReport
from preflight.validation import NAME

router = APIRouter(include_in_schema=False, dependencies=[Depends(viewer)])

Identifier = Annotated[UUID, Path()]
Text = Annotated[str, Form()]


@router.get("/admin/monitoring")
def show_monitoring(  # noqa: PLR0913, PLR0917  # what the page's address may say
    request: Request,
    work: Work,
    period: str = "24h",
    query: str = "",
    before: UUID | None = None,
    opened: Annotated[UUID | None, Query(alias="open")] = None,
) -> Response:
    """Show the page, or the JSON that was asked for in the beginning."""
    if not wants_page(request):
        return Document(monitoring(work.store))
    overview = work.overviews.get(period_of(period))
    wanted = asked(overview.period, query, overview.now, before, opened)
    names = [check.name for check in work.registry]
    found = report_list(work.store, wanted, overview, names, work.settings.flower_url)
    words = {"overview": overview, "asked": wanted, "found": found, "periods": PERIODS, "legend": LEGEND}
    return render(request, "monitoring.html", words, status=422 if wanted.error else 200)


@router.get("/admin/reports/{report_id}")
def show_report(request: Request, work: Work, report_id: Identifier) -> Response:
    """Show one report."""
    page = report_page(work.store, _report(work, report_id), datetime.now(UTC), work.settings.flower_url)
    return render(request, "report.html", {"page": page})


@router.get("/admin/reports/{report_id}/ladder")
def show_ladder(request: Request, work: Work, report_id: Identifier) -> Response:
    """Show the tiers of a report, to be put below its line in the list."""
    report = ShownReport(_report(work, report_id), work.settings.flower_url)
    return render(request, "ladder.html", {"report": report})


@router.get("/admin/checks")
def show_checks(request: Request, work: Work) -> Response:
    """Show every check that is registered here."""
    page = check_list(work.registry, work.settings.light_max_priority)
    return render(request, "checks.html", {"page": page})


@router.get("/admin/checks/{name}")
def show_check(request: Request, work: Work, name: str) -> Response:
    """Show one check: its history, its documentation, its failures."""
    if not NAME.fullmatch(name):
        raise Problem(404, "No check has such a name.")
    about = described(work.registry, name)
    page = check_page(work.store, name, about)
    if about is None and not page.bars:
        raise Problem(404, f"No check is called {name}, and no report that is kept knows it.")
    return render(request, "check.html", {"page": page})


@router.get("/admin/runs")
def show_form(request: Request, work: Work, event: str = "", mode: str = "full") -> Response:
    """Show the form that starts a run."""
    return render(request, "runs.html", {"page": run_form(work.registry, work.settings, event, mode)})


@router.post("/admin/runs")
async def start_run(  # noqa: PLR0913, PLR0917  # the fields of the form
    request: Request, work: Work, visitor: Admin, event_type: Text = "", mode: Text = "full", campaign_id: Text = ""
) -> Response:
    """Start a run and go to its progress; wrong fields come back with what is wrong."""
    arguments: dict[str, Any] = {"event_type": event_type.strip(), "mode": mode}
    if campaign_id.strip():
        arguments["campaign_id"] = campaign_id.strip()
    try:
        run_id = await work.runs.start(arguments, visitor.name)
    except InvalidRun as error:
        page = run_form(work.registry, work.settings, event_type, mode, campaign_id, str(error))
        return render(request, "runs.html", {"page": page}, status=422)
    return RedirectResponse(f"/admin/runs/{run_id}", 303)


@router.get("/admin/runs/{run_id}")
async def show_run(request: Request, work: Work, run_id: Identifier) -> Response:
    """Show how far a run is; of one that has ended, its report."""
    progress = await work.runs.progress(run_id)
    if progress is None:
        raise Problem(404, f"There is no run {run_id}, or it is over and its report is not kept any more.")
    if progress["report"]:
        return RedirectResponse(f"/admin/reports/{run_id}", 303)
    return render(request, "run.html", {"page": progress_page(progress)})


def _report(work: Services, report_id: UUID) -> PreFlightReport:
    report = work.report(report_id)
    if report is None:
        days = work.settings.retention_days
        raise Problem(
            404, f"There is no report {report_id}. Reports are kept for {days} days; its run may still go on."
        )
    return report
