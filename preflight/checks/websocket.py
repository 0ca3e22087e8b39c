"""Ask whether the real-time server speaks to its clients."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import ssl
from collections.abc import Iterable
from typing import Annotated, Self
from urllib.parse import urlsplit

import httpx
import websockets
from pydantic import Field

from preflight.addresses import look_up, trust
from preflight.context import CheckContext
from preflight.declaration import PreFlightCheck
from preflight.examples import failed, passed, warning
from preflight.redaction import redact, without_secrets_of
from preflight.settings import Settings
from preflight.threads import in_daemon_thread
from preflight.types import CheckResult

PORTS = {"ws": 80, "wss": 443, "http": 80, "https": 443}
SEE_ITS_LOG = "See the log of the real-time server."
CORRECT_IT = "Correct PREFLIGHT_CHECK_WEBSOCKET_URL."
CORRECT_TLS = "Correct its certificate, or the URL's scheme and port."
START_IT = "Start the real-time server, or correct the URL."


@dataclasses.dataclass(frozen=True, kw_only=True)
class WebsocketCheck(PreFlightCheck):
    """Open a connection to the real-time server as a client does, and hear from it.

    `ws://` and `wss://`: the handshake, and a pong to a ping. `http://` and `https://`: Server-Sent Events, which is
    status 200, the type `text/event-stream`, and a first line of the stream: an event, a comment or a keep-alive. A
    stream that is open and silent is a warning, because nothing may have happened yet; a stream that ends at once is a
    failure. Redirects are not followed.

    Proxies of the environment are not used. Certificates are checked against certifi, the system's authorities and
    `SSL_CERT_FILE`.
    """

    name: str = "websocket"
    priority: int = 0
    timeout: float = 3.0
    url: str = dataclasses.field(default="", repr=False, metadata={"parameter": False})
    first_line_within: Annotated[
        float,
        Field(
            ge=0,
            le=60,
            allow_inf_nan=False,
            description="seconds to wait for a stream's first line, at most 70 % of the timeout; 0: none",
        ),
    ] = 1.0

    default_remediation = SEE_ITS_LOG
    examples = (
        passed("<ws://realtime:6001> shook hands and answered a ping"),
        passed("<https://realtime> opened a stream of events and sends"),
        passed("<https://realtime> opened a stream of events"),
        warning("<https://realtime> opened a stream and sent nothing for <1> s"),
        failed("<ws://realtime:6001> refuses the handshake with status <403>", SEE_ITS_LOG),
        failed("<ws://realtime:6001> closed the connection instead of answering a ping", SEE_ITS_LOG),
        failed("<https://realtime> answers <503> instead of 200", SEE_ITS_LOG),
        failed("<https://realtime> sends <text/html> instead of text/event-stream", SEE_ITS_LOG),
        failed("<https://realtime> ended its stream at once", SEE_ITS_LOG),
        failed("<ws://realtime:6001> did not answer in time", SEE_ITS_LOG),
        failed("<ws://realtime:6001> hung up instead of answering", SEE_ITS_LOG),
        failed("<ws://realtime:6001> is not a real-time server: <...>", CORRECT_IT),
        failed("<ws://realtime:6001> has a host name without an address", CORRECT_IT),
        failed("<wss://realtime> does not speak TLS as expected: <...>", CORRECT_TLS),
        failed("<ws://realtime:6001> cannot be reached: <...>", START_IT),
        failed("The URL <must start with ws://, wss://, http://, https://>", CORRECT_IT),
    )

    @classmethod
    def from_settings(cls, settings: Settings) -> Iterable[Self]:
        """Ask the server of `PREFLIGHT_CHECK_WEBSOCKET_URL`, if there is one."""
        return [cls(url=settings.check_websocket_url)] if settings.check_websocket_url else []

    async def execute(self, context: CheckContext) -> CheckResult:
        """Answer within 90 % of the timeout, whatever the peer sends and how slowly."""
        try:
            scheme, where, host, port = _taken_apart(self.url)
        except ValueError as error:
            return CheckResult.failed(f"The URL {error}", remediation=CORRECT_IT)
        try:
            async with asyncio.timeout(0.9 * self.timeout):
                # asyncio's own look-up runs in a thread that the end of its loop waits for.
                await in_daemon_thread(lambda: look_up(host, port))
                return await (self._ping(where) if scheme.startswith("ws") else self._listen(where))
        except Exception as error:
            message, remediation = _trouble(error)
            message = f"{where} {without_secrets_of(self.url, message)}"
            return CheckResult.failed(message, error=type(error).__name__, remediation=remediation)

    async def _ping(self, where: str) -> CheckResult:
        connecting = websockets.connect(
            self.url,
            ssl=trust() if where.startswith("wss") else None,
            proxy=None,
            open_timeout=None,
            ping_interval=None,
            close_timeout=0.05 * self.timeout,
        )
        async with connecting as connection:
            try:
                await (await connection.ping())
            except asyncio.CancelledError:
                # Before Python 3.11.3 a time limit inside a cancelled one never ends, and a polite close has one.
                connection.transport.abort()
                raise
        return CheckResult.passed(f"{where} shook hands and answered a ping")

    async def _listen(self, where: str) -> CheckResult:
        headers = {"Accept": "text/event-stream", "Accept-Encoding": "identity", "Cache-Control": "no-store"}
        # Cancelled in a TLS handshake, httpx leaves its connection open: it has to give up by itself before.
        patience = httpx.Timeout(None, connect=0.8 * self.timeout)
        async with (
            httpx.AsyncClient(verify=trust(), trust_env=False, timeout=patience) as client,
            client.stream("GET", self.url, headers=headers) as response,
        ):
            kind = response.headers.get("content-type", "nothing").partition(";")[0].strip().lower()
            if response.status_code != 200:
                return _refused(f"{where} answers {response.status_code} instead of 200")
            if kind != "text/event-stream":
                said = without_secrets_of(self.url, kind)[:60]
                return _refused(f"{where} sends {said} instead of text/event-stream")
            return await self._heard(where, response)

    async def _heard(self, where: str, response: httpx.Response) -> CheckResult:
        if not self.first_line_within:
            return CheckResult.passed(f"{where} opened a stream of events")
        patience = min(self.first_line_within, 0.7 * self.timeout)
        try:
            async with asyncio.timeout(patience):
                # Any bytes will do: a comment, an event, a keep-alive.
                first = await anext(response.aiter_raw(), b"")
        except TimeoutError:
            return CheckResult.warning(f"{where} opened a stream and sent nothing for {patience:g} s")
        if not first:
            return _refused(f"{where} ended its stream at once")
        return CheckResult.passed(f"{where} opened a stream of events and sends")


def _refused(message: str) -> CheckResult:
    return CheckResult.failed(message, remediation=SEE_ITS_LOG)


def _taken_apart(url: str) -> tuple[str, str, str, int]:
    """Return scheme, origin, host and port; raise `ValueError` whose text follows "The URL"."""
    if not url.isprintable() or " " in url:
        raise ValueError("holds a space, line break or control character")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("has a malformed host or port") from None
    if parts.scheme not in PORTS:
        raise ValueError(f"must start with {', '.join(f'{name}://' for name in PORTS)}")
    if not parts.hostname:
        raise ValueError("names no host")
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return parts.scheme, where, parts.hostname, port or PORTS[parts.scheme]


def _hung_up(error: Exception) -> bool:
    return isinstance(error.__cause__, EOFError | OSError) or "disconnected" in str(error)


def _trouble(error: Exception) -> tuple[str, str]:  # noqa: PLR0911  # one answer per kind of error
    """Return the end of the sentence that starts with the address, and what to do."""
    text = redact(" ".join(str(error).split()))[:200]
    match error:
        case TimeoutError() | httpx.TimeoutException():
            return "did not answer in time", SEE_ITS_LOG
        case socket.gaierror():
            return "has a host name without an address", CORRECT_IT
        case websockets.InvalidStatus():
            return f"refuses the handshake with status {error.response.status_code}", SEE_ITS_LOG
        case ssl.SSLError() | httpx.ConnectError() if "SSL" in text or "certificate" in text:
            return f"does not speak TLS as expected: {text}", CORRECT_TLS
        case ConnectionResetError() | BrokenPipeError() | httpx.ReadError() | httpx.WriteError():
            return "hung up instead of answering", SEE_ITS_LOG
        case websockets.InvalidMessage() | httpx.RemoteProtocolError() if _hung_up(error):
            return "hung up instead of answering", SEE_ITS_LOG
        case websockets.InvalidHandshake() | httpx.RemoteProtocolError() | websockets.ProtocolError():
            return f"is not a real-time server: {text}", CORRECT_IT
        case websockets.ConnectionClosed():
            return "closed the connection instead of answering a ping", SEE_ITS_LOG
    return f"cannot be reached: {text or type(error).__name__}", START_IT
