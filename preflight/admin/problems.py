"""Everything that goes wrong, in one shape: a JSON object with one line, or a page that says it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from preflight.admin.rendering import Document, render
from preflight.context import shown
from preflight.exceptions import BrokerUnavailable, InvalidRun, PreFlightError, RunRefused, StoreUnavailable
from preflight.redaction import redact

logger = logging.getLogger("preflight.admin")

UNEXPECTED = "Something went wrong in the page itself: its log says what."
AWAY = "Who you are cannot be looked up: the database is away. The log says more."
_MOST = 1000
_STATUS: tuple[tuple[type[PreFlightError], int], ...] = (
    (InvalidRun, 422),
    (RunRefused, 409),
    (StoreUnavailable, 503),
    (BrokerUnavailable, 503),
)


class Problem(Exception):
    """A request that is answered with a status and one line."""

    def __init__(self, status: int, line: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(line)
        self.status = status
        self.headers = headers


def wants_page(request: Request) -> bool:
    """Return whether a person's browser asks for a page, not for JSON."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")


def told(request: Request, status: int, line: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer that tells a problem: a page to a browser, else `{"error": line}`."""
    line = redact(" ".join(line[: 4 * _MOST].split()))[:_MOST]
    if wants_page(request):
        return render(request, "error.html", {"status": status, "line": line}, status=status, headers=headers)
    return Document({"error": line}, status_code=status, headers=dict(headers or {}))


def of_problem(request: Request, problem: Exception) -> Response:
    """Answer a `Problem`."""
    assert isinstance(problem, Problem)
    return told(request, problem.status, str(problem), problem.headers)


def of_http(request: Request, problem: Exception) -> Response:
    """Answer what the router raises: nothing there, wrong method."""
    assert isinstance(problem, HTTPException)
    path, method = shown(request.url.path), shown(request.method)
    lines = {404: f"Nothing is here: {path}.", 405: f"{method} is not possible here: {path}."}
    return told(request, problem.status_code, lines.get(problem.status_code, str(problem.detail)), problem.headers)


def of_arguments(request: Request, problem: Exception) -> Response:
    """Answer wrong arguments: the first of them, by its name."""
    assert isinstance(problem, RequestValidationError)
    return told(request, 422, _argument(problem.errors()[0]))


def of_preflight(request: Request, problem: Exception) -> Response:
    """Answer what PreFlight itself raises. Strangers need not read where the servers are."""
    status = next((status for kind, status in _STATUS if isinstance(problem, kind)), 500)
    if getattr(request.state, "visitor", None) is None:
        logger.warning("nobody can sign in: %s", problem)
        return told(request, status, AWAY)
    return told(request, status, str(problem))


def _argument(error: Mapping[str, Any]) -> str:
    name = str(error["loc"][-1])
    if error["type"] == "extra_forbidden":
        return f"There is no argument {shown(name)}."
    if error["type"] == "missing":
        return f"{name} is missing."
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ").rstrip(".")
    if len(error["loc"]) == 1:  # about several arguments together
        return f"{message}."
    return f"{name} {message}, not {shown(error.get('input'))}."
