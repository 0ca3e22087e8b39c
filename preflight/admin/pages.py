"""The pages."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from preflight.admin.access import viewer
from preflight.admin.monitoring import monitoring
from preflight.admin.problems import wants_page
from preflight.admin.rendering import Document, render
from preflight.admin.services import Work

router = APIRouter(include_in_schema=False, dependencies=[Depends(viewer)])


@router.get("/admin/monitoring")
def show(request: Request, work: Work) -> Response:
    """Show the page, or the JSON that was asked for in the beginning."""
    if not wants_page(request):
        return Document(monitoring(work.store))
    return render(request, "monitoring.html", {})
