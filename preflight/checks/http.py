"""Ask whether an HTTP address answers as it should."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Annotated, Any, Self
from urllib.parse import urljoin

import httpx
from pydantic import Field

from preflight import addresses
from preflight.addresses import Target
from preflight.context import CheckContext, shown
from preflight.declaration import PreFlightCheck
from preflight.examples import failed, passed, warning
from preflight.exceptions import AddressRefused
from preflight.redaction import redact, without_secrets_of
from preflight.settings import Settings
from preflight.target_names import named_targets
from preflight.types import CheckResult

MAX_REDIRECTS = 5
MAX_BODY_BYTES = 1024 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})
CORRECT_IT = "Correct the address in PREFLIGHT_CHECK_HTTP_URLS."
CORRECT_PLACE = "Correct scheme and port of the address."
START_IT = "Start what serves this address, or correct it."
REPAIR_IT = "See the log of what serves this address."

StatusRange = Annotated[str, Field(pattern=r"^[1-5]\d\d(-[1-5]\d\d)?$")]


class _Unusable(Exception):
    """The answer came, and cannot be read; the text ends a sentence that starts with the address."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class HttpCheck(PreFlightCheck):
    """Ask an HTTP address with GET, and judge status, latency, a value of its JSON, and its certificate.

    Only `http` and `https` addresses without a user are called. Every address that a name leads to must be public, in
    whatever spelling, unless `PREFLIGHT_HTTP_ALLOW_PRIVATE` is true, and the connection goes to the address that was
    checked. Five redirects are followed, each through the same guard.

    The body is read only when a value of it is asked about, 1 MiB at most, never unpacked. Proxies of the environment
    are not used. Certificates are checked against certifi, the system's authorities and `SSL_CERT_FILE`. Messages name
    scheme, host and port only: paths and queries may hold secrets.
    """

    name: str = "http"
    priority: int = 5
    timeout: float = 5.0
    url: str = dataclasses.field(default="", repr=False, metadata={"parameter": False})
    allow_private: bool = dataclasses.field(default=False, metadata={"parameter": False})
    lookup: addresses.Lookup = dataclasses.field(default=addresses.look_up, repr=False, metadata={"parameter": False})
    expected_status: Annotated[
        StatusRange, Field(description="the status that is a yes, as in 204, or a range, as in 200-399")
    ] = "200-399"
    follow_redirects: Annotated[bool, Field(description="false: the redirect itself is the answer")] = True
    max_latency_ms: Annotated[
        int,
        Field(ge=0, le=600_000, description="milliseconds until the head of the last answer is there; 0 is no limit"),
    ] = 0
    json_path: Annotated[
        str,
        Field(max_length=200, description="dotted path in the JSON, as in services.0.state; empty reads no body"),
    ] = ""
    json_value: Annotated[
        str, Field(max_length=1000, description="what must be there, as JSON or as text: ok, true, 3")
    ] = ""
    min_certificate_days: Annotated[
        int, Field(ge=0, le=3650, description="fewer days left on the certificate are a warning")
    ] = 14

    default_remediation = REPAIR_IT
    examples = (
        passed("<https://shop.example> answers <200>"),
        warning("the certificate of <https://shop.example> expires in <6> days", "Renew the certificate."),
        failed("<https://shop.example> answers <503> instead of <200-399>", REPAIR_IT),
        failed("<https://shop.example> took <812> ms to answer, more than <500> ms", REPAIR_IT),
        failed("<https://shop.example> has <'down'> at <state> in its JSON instead of <'ok'>", REPAIR_IT),
        failed("<https://shop.example> has nothing at <state> in its JSON", REPAIR_IT),
        failed("<https://shop.example> does not send JSON", REPAIR_IT),
        failed("<https://shop.example> sends more than 1 MiB", REPAIR_IT),
        failed("<https://shop.example> sends a compressed body although none was asked for", REPAIR_IT),
        failed("<https://shop.example> redirects more than 5 times", REPAIR_IT),
        failed("<https://shop.example> did not answer in time", REPAIR_IT),
        failed("<https://shop.example> hung up instead of answering", REPAIR_IT),
        failed(
            "<https://shop.example> has a certificate that is not trusted: <...>", "Renew or correct the certificate."
        ),
        failed("<https://shop.example> does not speak TLS: <...>", CORRECT_PLACE),
        failed("<https://shop.example> does not speak HTTP: <...>", CORRECT_PLACE),
        failed("<https://shop.example> has a host name without an address", CORRECT_IT),
        failed("<https://shop.example> cannot be reached: <...>", START_IT),
        failed(f"<shop.example> leads to <10.0.0.7>, which is not a public address: {addresses.ALLOW}.", CORRECT_IT),
        failed("The URL <holds a user or password before '@': remove it>.", CORRECT_IT),
    )

    @classmethod
    def from_settings(cls, settings: Settings) -> Iterable[Self]:
        """Ask every entry of `PREFLIGHT_CHECK_HTTP_URLS`: `name=url`, or `url` alone.

        The check of one without a name is called `http` if there is no other, else `http_<host>`.
        """
        named = named_targets(settings.check_http_urls, "PREFLIGHT_CHECK_HTTP_URLS", "http", _host)
        return [cls(name=name, url=url, allow_private=settings.http_allow_private) for name, url in named.items()]

    async def execute(self, context: CheckContext) -> CheckResult:
        """Answer within 90 % of the timeout, whatever the peer sends and how slowly."""
        try:
            async with asyncio.timeout(0.9 * self.timeout):
                return await self._answer()
        except AddressRefused as refusal:
            return CheckResult.failed(str(refusal), remediation=CORRECT_IT)
        except Exception as error:
            message, remediation = _trouble(error)
            return CheckResult.failed(
                f"{addresses.target_of(self.url).origin} {without_secrets_of(self.url, message)}",
                error=type(error).__name__,
                remediation=remediation,
            )

    async def _answer(self) -> CheckResult:
        started = time.monotonic()
        target = addresses.target_of(self.url)
        async with httpx.AsyncClient(verify=addresses.trust(), trust_env=False, follow_redirects=False) as client:
            for _ in range(MAX_REDIRECTS + 1):
                async with self._asked(client, target) as response:
                    if not (self.follow_redirects and _is_redirect(response)):
                        return await self._judged(target, response, (time.monotonic() - started) * 1000)
                    target = addresses.target_of(urljoin(target.origin + target.path, response.headers["location"]))
        raise _Unusable(f"redirects more than {MAX_REDIRECTS} times")

    @asynccontextmanager
    async def _asked(self, client: httpx.AsyncClient, target: Target) -> AsyncIterator[httpx.Response]:
        """Send one request to an address that was checked, with the name in Host and in TLS, and yield its answer."""
        checked = await addresses.addresses_of(target, allow_private=self.allow_private, lookup=self.lookup)
        # Cancelled in a TLS handshake, httpx leaves its connection open: it has to give up by itself before.
        patience = httpx.Timeout(None, connect=0.8 * self.timeout / len(checked))
        for number, address in enumerate(checked, 1):
            request = client.build_request(
                "GET",
                target.at(address),
                headers={"Host": target.authority, "Accept-Encoding": "identity", "User-Agent": "preflight"},
                extensions={"sni_hostname": target.host, "timeout": patience.as_dict()},
            )
            try:
                response = await client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if number == len(checked):
                    raise
                continue
            try:
                yield response
            finally:
                await response.aclose()
            return

    async def _judged(self, target: Target, response: httpx.Response, latency_ms: float) -> CheckResult:
        lowest, _, highest = self.expected_status.partition("-")
        if not int(lowest) <= response.status_code <= int(highest or lowest):
            raise _Unusable(f"answers {response.status_code} instead of {self.expected_status}")
        if self.max_latency_ms and latency_ms > self.max_latency_ms:
            raise _Unusable(f"took {latency_ms:.0f} ms to answer, more than {self.max_latency_ms} ms")
        if self.json_path:
            _expect(await _json(response), self.json_path, self.json_value)
        facts = {"status": response.status_code, "latency_ms": round(latency_ms, 1)}
        days = _certificate_days(response)
        if days is not None and days < self.min_certificate_days:
            return CheckResult.warning(
                f"the certificate of {target.origin} expires in {days:.0f} days",
                metadata=facts,
                remediation="Renew the certificate.",
            )
        return CheckResult.passed(f"{target.origin} answers {response.status_code}", metadata=facts)


def _host(url: str) -> str:
    try:
        return addresses.target_of(url).host
    except AddressRefused:
        return "unusable"  # asked all the same, so that the run says what is wrong with it


def _is_redirect(response: httpx.Response) -> bool:
    return response.status_code in REDIRECTS and "location" in response.headers


async def _json(response: httpx.Response) -> Any:
    """Read a bounded body as JSON. Nothing is unpacked: a few bytes may stand for gigabytes."""
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise _Unusable("sends a compressed body although none was asked for")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise _Unusable("sends more than 1 MiB")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise _Unusable("does not send JSON") from None


def _expect(document: Any, path: str, value: str) -> None:
    for key in path.split("."):
        try:
            document = document[int(key)] if isinstance(document, list) else document[key]
        except (KeyError, IndexError, ValueError, TypeError):
            raise _Unusable(f"has nothing at {path} in its JSON") from None
    if value not in (document, json.dumps(document)):
        raise _Unusable(f"has {redact(shown(document))} at {path} in its JSON instead of {redact(shown(value))}")


def _certificate_days(response: httpx.Response) -> float | None:
    """Return the days until the peer's certificate expires; None without TLS."""
    tls = response.extensions["network_stream"].get_extra_info("ssl_object")
    if tls is None:
        return None
    return (ssl.cert_time_to_seconds(tls.getpeercert()["notAfter"]) - time.time()) / 86_400


def _trouble(error: Exception) -> tuple[str, str]:  # noqa: PLR0911  # one answer per kind of error
    """Return the end of the sentence that starts with the address, and what to do."""
    text = redact(" ".join(str(error).split()))[:200]
    match error:
        case _Unusable():
            return text, REPAIR_IT
        case TimeoutError() | httpx.TimeoutException():
            return "did not answer in time", REPAIR_IT
        case socket.gaierror():
            return "has a host name without an address", CORRECT_IT
        case httpx.ConnectError() if "certificate" in text.lower():
            return f"has a certificate that is not trusted: {text}", "Renew or correct the certificate."
        case httpx.ConnectError() if "SSL" in text:
            return f"does not speak TLS: {text}", CORRECT_PLACE
        case httpx.ReadError() | httpx.WriteError():
            return "hung up instead of answering", REPAIR_IT
        case httpx.RemoteProtocolError() if "disconnected" in text:
            return "hung up instead of answering", REPAIR_IT
        case httpx.RemoteProtocolError():
            return f"does not speak HTTP: {text}", CORRECT_PLACE
    return f"cannot be reached: {text or type(error).__name__}", START_IT
