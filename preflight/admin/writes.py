"""What every write must be: small, sent in time, and from a page of ours when a browser's cookie lets it in."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from preflight.admin.gate import SAFE
from preflight.admin.problems import Problem, told
from preflight.admin.signatures import same, unmasked

MOST_BYTES = 64 * 1024
BODY_SECONDS = 10.0
FORM = "application/x-www-form-urlencoded"
CSRF_HEADER, CSRF_FIELD = "x-csrf-token", "csrf"


class Writes:
    """ASGI middleware behind the gate. Reads the whole body, so that routes never wait for a slow client."""

    def __init__(self, app: ASGIApp, body_seconds: float = BODY_SECONDS) -> None:
        self.app = app
        self._seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a write on with its body, or answer why not."""
        if scope["type"] != "http" or scope["method"] in SAFE:
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            body = await self._body(request)
            _refuse_foreign(request, body)
        except Problem as problem:
            answer = told(request, problem.status, str(problem))
            await answer(scope, receive, send)
        except ClientDisconnect:
            return
        else:
            await self.app(scope, _replayed(body, receive), send)

    async def _body(self, request: Request) -> bytes:
        too_large = Problem(413, f"The body may be {MOST_BYTES} bytes at most.")
        length = request.headers.get("content-length", "0")
        if not length.isdigit() or int(length[:20]) > MOST_BYTES:
            raise too_large
        body = bytearray()
        try:
            async with asyncio.timeout(self._seconds):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > MOST_BYTES:
                        raise too_large
        except TimeoutError:
            raise Problem(408, f"The body did not come within {self._seconds:g} s.") from None
        return bytes(body)


def _refuse_foreign(request: Request, body: bytes) -> None:
    """Refuse what another site made a browser send (CSRF)."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Problem(403, "This was sent from another site.")
    visitor = request.state.visitor
    if visitor is None or not visitor.csrf:
        return  # signs in, or has sent a token, which browsers do not add by themselves
    if not same(unmasked(_shown(request, body)), visitor.csrf):
        raise Problem(403, "The page that sent this is too old, or not ours: load it again.")


def _shown(request: Request, body: bytes) -> str:
    """Return the CSRF token of a request: from its header, or from its form."""
    if (given := request.headers.get(CSRF_HEADER)) is not None:
        return given
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return ""
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=100)
    except ValueError:
        return ""
    return fields.get(CSRF_FIELD, [""])[0]


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
