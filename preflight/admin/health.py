"""Probes and metrics: the process answers, Redis and PostgreSQL do, and what all of PreFlight has counted."""

from __future__ import annotations

import redis
from fastapi import APIRouter, Depends
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.responses import Response

from preflight.admin.access import viewer
from preflight.admin.openapi import ERRORS
from preflight.admin.rendering import Document
from preflight.admin.services import Work
from preflight.engine.connection import client_of, unavailable
from preflight.observability.metrics import fleet_metrics
from preflight.reports import migrations

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def alive() -> Response:
    """Say that the process answers. For everybody."""
    return Document({"status": "ok"})


@router.get("/readyz", dependencies=[Depends(viewer)], responses={code: ERRORS[code] for code in (401, 503)})
def ready(work: Work) -> Response:
    """Say that Redis and PostgreSQL answer and the schema is the newest; 503 with the reason if not."""
    url = work.settings.redis
    try:
        client_of(url).ping()
    except redis.RedisError as error:
        raise unavailable(error, url) from None
    revision = migrations.check_schema(work.settings.database)
    return Document({"status": "ok", "schema": revision})


@router.get("/metrics", include_in_schema=False, dependencies=[Depends(viewer)])
def metrics(work: Work) -> Response:
    """Return the whole system's metrics as Prometheus reads them; 503 with the reason while Redis is away."""
    return Response(fleet_metrics(work.settings), media_type=CONTENT_TYPE_PLAIN_0_0_4)
