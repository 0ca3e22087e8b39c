"""The application: its routes, and what stands in front of them."""

from __future__ import annotations

import contextlib
import importlib.metadata
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from preflight.admin import api, health, pages, problems, sign_in
from preflight.admin.gate import Gate
from preflight.admin.rendering import STATIC
from preflight.admin.services import Services
from preflight.admin.shield import Shield
from preflight.admin.writes import Writes
from preflight.exceptions import PreFlightError
from preflight.registry import PreFlightRegistry
from preflight.settings import Settings

OPENAPI = "/api/v1/openapi.json"
#: The best that zlib can do costs twice the time, for a hundredth of the bytes.
COMPRESSION = 6


def create_app(settings: Settings, registry: PreFlightRegistry | None = None) -> FastAPI:
    """Return the admin page as an ASGI application; `InvalidSettings` without a Redis or a PostgreSQL.

    `registry` is this process's own if it is not given; the checks are imported when a request first needs them.
    """
    _ = settings.redis  # raises when there is none
    found = Services(settings, registry)
    app = FastAPI(
        title="PreFlight",
        version=importlib.metadata.version("celery-preflight"),
        openapi_url=OPENAPI,
        # Their pages load scripts from other hosts.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_life,
        middleware=[
            Middleware(Shield),
            Middleware(GZipMiddleware, compresslevel=COMPRESSION),
            Middleware(Gate, settings=settings, access=found.access),
            Middleware(Writes),
        ],
    )
    app.state.services = found
    _add_routes(app)
    _add_problems(app)
    return app


@contextlib.asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    yield
    await app.state.services.close()


def _add_routes(app: FastAPI) -> None:
    for router in (health.router, sign_in.router, api.router, pages.router):
        app.include_router(router)
    app.mount("/admin/static", StaticFiles(directory=STATIC), name="static")


def _add_problems(app: FastAPI) -> None:
    app.add_exception_handler(problems.Problem, problems.of_problem)
    app.add_exception_handler(HTTPException, problems.of_http)
    app.add_exception_handler(RequestValidationError, problems.of_arguments)
    app.add_exception_handler(PreFlightError, problems.of_preflight)
