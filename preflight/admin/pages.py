"""The pages."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from preflight.admin.access import viewer
from preflight.admin.problems import Problem, wants_page
from preflight.admin.rendering import render

router = APIRouter(include_in_schema=False, dependencies=[Depends(viewer)])


@router.get("/admin/monitoring")
def show(request: Request) -> Response:
    """Show the page."""
    if not wants_page(request):
        raise Problem(501, "The JSON of this page needs the statistics of the reports.")
    return render(request, "monitoring.html", {})
