"""The gate in front of every route: whose request it is, and whether it may pass."""

from __future__ import annotations

import logging
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from preflight.admin.access import SIGN_IN, Access, Visitor, admin, viewer
from preflight.admin.problems import AWAY, Problem, told, wants_page
from preflight.admin.proxy import Origin, Proxy
from preflight.exceptions import StoreUnavailable
from preflight.settings import Settings

logger = logging.getLogger("preflight.admin")

#: Says nothing but that the process answers, under any name: probes ask by address.
HEALTH = "/healthz"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: What strangers get. Everything else, known or not, asks who they are.
OPEN = (SIGN_IN, HEALTH)
OPEN_BELOW = (f"{SIGN_IN}/", "/admin/static/")
#: What a viewer may send although it is no GET.
OWN = frozenset({SIGN_IN, "/admin/sign-out"})
LOCAL = ("localhost", "127.0.0.1", "::1")


class Gate:
    """ASGI middleware that lets nobody pass by mistake: it stands before the routes, so that none can be forgotten."""

    def __init__(self, app: ASGIApp, settings: Settings, access: Access) -> None:
        self.app = app
        self._access = access
        self._proxy = Proxy(settings)
        self._hosts = hosts_of(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer why not."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        request = Request(scope, receive)
        refusal = await self._refusal(request)
        if refusal is not None:
            await refusal(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _refusal(self, request: Request) -> Response | None:
        request.state.visitor = None
        request.state.origin = origin = self._proxy.origin(request.scope)
        try:
            self._refuse_foreign_host(request)
            request.state.visitor = await self._visitor(request, origin)
            self._refuse_role(request)
        except Problem as problem:
            return self._told(request, problem)
        return None

    def _refuse_foreign_host(self, request: Request) -> None:
        # Another site may have its name point here, to be taken for this one by a browser (DNS rebinding).
        if request.url.path != HEALTH and _host(request.headers.get("host", "")) not in self._hosts:
            raise Problem(400, "This page is not served under that name: add it to PREFLIGHT_ADMIN_ALLOWED_HOSTS.")

    async def _visitor(self, request: Request, origin: Origin) -> Visitor | None:
        try:
            return await self._access.visitor(request, origin)
        except StoreUnavailable as error:
            if is_open(request.url.path):
                return None
            logger.warning("nobody can be recognised: %s", error)
            raise Problem(503, AWAY) from None

    def _refuse_role(self, request: Request) -> None:
        if is_open(request.url.path):
            return
        viewer(request)
        if request.method not in SAFE and request.url.path not in OWN:
            admin(request)

    def _told(self, request: Request, problem: Problem) -> Response:
        if problem.status == 401 and wants_page(request) and request.method in SAFE:
            path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"{SIGN_IN}?next={quote(path, safe='')}", 303)
        return told(request, problem.status, str(problem), problem.headers)


def is_open(path: str) -> bool:
    """Return whether a stranger gets an answer at a path."""
    return path in OPEN or path.startswith(OPEN_BELOW)


def hosts_of(settings: Settings) -> frozenset[str]:
    """Return the names under which the page is served."""
    named = (_host(word) for word in (*settings.admin_allowed_hosts, settings.admin_host))
    address = settings.admin_url.partition("://")[2].partition("/")[0]
    return frozenset((*LOCAL, *named, _host(address))) - {""}


def _host(authority: str) -> str:
    """Return the host of "host:port" in lower case, without the brackets of an IPv6 address."""
    text = authority.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text if text.count(":") > 1 else text.partition(":")[0]
