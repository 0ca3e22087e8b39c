"""Signing in, with a token or a link, and out."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from preflight.admin.access import COOKIE, SIGN_IN, Access, Viewer
from preflight.admin.credentials import Grant
from preflight.admin.problems import Problem
from preflight.admin.rendering import render
from preflight.admin.services import services
from preflight.admin.signatures import cookie_of, secret_of
from preflight.context import shown

logger = logging.getLogger("preflight.admin")
router = APIRouter(include_in_schema=False)

HOME = "/admin/monitoring"
MOST_NEXT = 2000
WRONG = "This token is not known, or was revoked."
USED = "This link was used already, or is too old. `preflight admin link` makes another."

Next = Annotated[str, Query(alias="next")]


@router.get(SIGN_IN)
def page(request: Request, target: Next = "") -> Response:
    """Show the form, or go on if it is not needed."""
    if request.state.visitor is not None:
        return RedirectResponse(safe_next(target), 303)
    return _page(request, target)


@router.post(SIGN_IN)
def sign_in(
    request: Request, token: Annotated[str, Form()] = "", target: Annotated[str, Form(alias="next")] = ""
) -> Response:
    """Open a session for who has a token."""
    access: Access = services(request).access
    try:
        access.refuse_hammering(request.state.origin)
    except Problem as problem:
        return _page(request, target, str(problem), problem.status, dict(problem.headers or {}))
    grant = access.token(token.strip())
    if grant is None:
        return _wrong(request, target, WRONG)
    return _opened(request, grant, target)


@router.get(f"{SIGN_IN}/{{secret}}")
def follow(request: Request, secret: str) -> Response:
    """Open a session for who has a sign-in link, which works once."""
    if request.state.visitor is not None:
        return RedirectResponse(HOME, 303)
    access: Access = services(request).access
    access.refuse_hammering(request.state.origin)
    grant = access.credentials.use_link(secret)
    return _opened(request, grant, HOME) if grant else _wrong(request, "", USED)


@router.post("/admin/sign-out")
def sign_out(request: Request, visitor: Viewer) -> Response:
    """End the session."""
    access: Access = services(request).access
    secret = secret_of(request.cookies.get(COOKIE, ""), access.credentials.key())
    if secret:
        access.credentials.close_session(secret)
    logger.info("%s signed out", shown(visitor.name))
    answer = RedirectResponse(SIGN_IN, 303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=request.state.origin.secure)
    return answer


def safe_next(target: str) -> str:
    """Return where to go after signing in: a page of ours, whatever somebody put into the address."""
    path = target.partition("?")[0].partition("#")[0]
    plain = target.isascii() and target.isprintable() and "\\" not in target and len(target) <= MOST_NEXT
    ours = path.startswith("/admin/") and not path.startswith(SIGN_IN) and "//" not in path and ".." not in path
    return target if plain and ours else HOME


def _opened(request: Request, grant: Grant, target: str) -> Response:
    access: Access = services(request).access
    seconds = access.settings.admin_session_hours * 3600
    secret = access.credentials.open_session(grant, seconds)
    logger.info("%s signed in as %s from %s", shown(grant.name), grant.role, shown(request.state.origin.address))
    answer = RedirectResponse(safe_next(target), 303)
    # Lax: who follows a link to a report from a chat stays signed in. Writes need the CSRF token besides.
    answer.set_cookie(
        COOKIE,
        cookie_of(secret, access.credentials.key()),
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="lax",
        secure=request.state.origin.secure,
    )
    return answer


def _wrong(request: Request, target: str, line: str) -> Response:
    access: Access = services(request).access
    access.attempts.wrong(request.state.origin.address)
    logger.warning("a wrong sign-in from %s", shown(request.state.origin.address))
    return _page(request, target, line, 401)


def _page(
    request: Request, target: str, line: str = "", status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    words = {"next": safe_next(target), "line": line}
    return render(request, "sign_in.html", words, status=status, headers=headers)
