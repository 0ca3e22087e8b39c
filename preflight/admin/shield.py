"""What holds for every answer, whoever gives it: headers, a time limit for who reads it, and no traceback."""

from __future__ import annotations

import asyncio
import contextlib
import traceback

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from preflight.admin.problems import UNEXPECTED, logger, told
from preflight.redaction import redact

SEND_SECONDS = 30.0
#: So much of a body that nobody asks for is read before an answer, and so long waited for it.
REST_BYTES = 64 * 1024
REST_SECONDS = 1.0

#: No inline script or style, nothing from another host, in no frame.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
HSTS = "max-age=31536000"


class Shield:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and answer for whatever fails inside."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(scope, receive, send)
        try:
            await self.app(scope, answer.receive, answer.send)
        except Exception:
            if answer.started:
                raise  # too late for another answer: the server closes the connection
            logger.error("%r failed: %s", scope["path"], redact(traceback.format_exc()))  # redacted
            told_so = told(Request(scope, receive), 500, UNEXPECTED)
            await told_so(scope, receive, answer.send)


class _Answer:
    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        self._scope = scope
        self._receive = receive
        self._send = send
        length = headers.get("content-length", "0")
        self._unread = length != "0" or "transfer-encoding" in headers
        #: Whether the client sends a small body whatever it is told, and nobody has asked for it.
        self._coming = length.isdigit() and int(length[:20]) <= REST_BYTES and "expect" not in headers
        self.started = False

    async def receive(self) -> Message:
        """Return a part of the request."""
        self._coming = False
        message = await self._receive()
        if not message.get("more_body", False):
            self._unread = False
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the answer; a client that does not read it is left after a while."""
        if message["type"] == "http.response.start":
            if self._coming:
                await self._read_rest()
            self.started = True
            self._add_headers(MutableHeaders(scope=message))
        async with asyncio.timeout(SEND_SECONDS):
            await self._send(message)

    async def _read_rest(self) -> None:
        """Read a body that nobody wants: closed while it is on its way, a connection is reset, and no answer read."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REST_SECONDS):
                while self._unread:
                    await self.receive()

    def _add_headers(self, headers: MutableHeaders) -> None:
        headers.update(HEADERS)
        static = self._scope["path"].startswith("/admin/static/")
        headers.setdefault("Cache-Control", "no-cache" if static else "no-store")
        if self._unread:
            headers["Connection"] = "close"  # else a client could go on sending what nobody reads
        origin = self._scope.get("state", {}).get("origin")
        if origin is not None and origin.secure:
            headers["Strict-Transport-Security"] = HSTS
