"""The API below `/api/v1`: reports, statistics, checks, settings, runs, and what is new as it comes."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path
from fastapi.security import HTTPBearer
from sse_starlette.sse import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response

from preflight.admin import history
from preflight.admin.access import Admin, Viewer, viewer
from preflight.admin.answers import RunProgress, Started
from preflight.admin.documents import read_object
from preflight.admin.openapi import ERRORS, RUN, shape
from preflight.admin.problems import Problem
from preflight.admin.rendering import Document
from preflight.admin.services import Work

#: The gate has looked at the token; this tells the OpenAPI of it.
bearer = HTTPBearer(auto_error=False, description="A token of `preflight admin token create`.")
router = APIRouter(prefix="/api/v1", responses=ERRORS, dependencies=[Depends(viewer), Depends(bearer)])
router.include_router(history.router)

ALIVE_SECONDS = 5
SEND_SECONDS = 10

Identifier = Annotated[UUID, Path(description="A UUID.")]


@router.get("/settings", tags=["settings"], responses=shape(dict[str, str]))
def settings(work: Work) -> Response:
    """Return the effective settings by their variables' names, secrets masked."""
    return Document(work.settings.shown())


@router.post("/runs", tags=["runs"], status_code=202, responses=shape(Started, 202), openapi_extra=RUN)
async def start_run(request: Request, work: Work, visitor: Admin) -> Response:
    """Start a run now, full or light, and return its id; its progress is at `address`.

    The arguments are those of `runner.run`. Who asked is in the report's metadata as `requested_by`.
    """
    run_id = await work.runs.start(await read_object(request), visitor.name)
    address = f"/api/v1/runs/{run_id}"
    return Document({"id": str(run_id), "address": address}, status_code=202, headers={"Location": address})


@router.get("/runs/{run_id}", tags=["runs"], responses=shape(RunProgress))
async def run(run_id: Identifier, work: Work) -> Response:
    """Return where a run is, check by check, and its report when it has ended."""
    progress = await work.runs.progress(run_id)
    if progress is None:
        raise Problem(404, f"There is no run {run_id}, or it is over and its report is not kept any more.")
    return Document(progress)


@router.get(
    "/events",
    tags=["events"],
    response_class=EventSourceResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def events(work: Work, visitor: Viewer) -> Response:
    """Stream server-sent events while the page is open.

    `reports`: new reports without their checks, and how many `more` there were. `alive`: every 5 s, with the age of the
    last look in ms. `state`: why nothing new can be seen, or null again. `end`: the session is over.
    """
    work.live.admit()
    return EventSourceResponse(
        work.live.stream(visitor),
        ping=ALIVE_SECONDS,
        ping_message_factory=work.live.alive,
        send_timeout=SEND_SECONDS,
    )
