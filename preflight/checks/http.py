"""Ask whether an HTTP address answers as it should."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from typing import Annotated, Any, Self
from urllib.parse import urljoin

import httpx
from pydantic import Field

from preflight import addresses
from preflight.addresses import Target
from preflight.context import CheckContext, shown
from preflight.declaration import PreFlightCheck
from preflight.exceptions import AddressRefused, InvalidSettings
from preflight.redaction import redact
from preflight.settings import Settings
from preflight.types import CheckResult

MAX_REDIRECTS = 5
MAX_BODY_BYTES = 1024 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})
NAMED_URL = re.compile(r"(?P<name>[a-z][a-z0-9_]{0,63})=(?P<url>.*)", re.ASCII | re.DOTALL)
CORRECT_IT = "Correct the address in PREFLIGHT_CHECK_HTTP_URLS."
REPAIR_IT = "See the log of what serves this address."

StatusRange = Annotated[str, Field(pattern=r"^[1-5]\d\d(-[1-5]\d\d)?$")]


class _Unusable(Exception):
    """The answer came, and cannot be read; the text ends a sentence that starts with the address."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class HttpCheck(PreFlightCheck):
    """Ask an HTTP address with GET, and judge status, latency, a value of its JSON, and its certificate.

    `expected_status` is one status or a range. `max_latency_ms` counts until the head of the last answer is there;
    0 is no limit. `json_path` is dotted ("services.0.state") and `json_value` what must be there, as JSON or as
    text; the body (1 MiB at most) is only read for it. Fewer than `min_certificate_days` left is a warning.
    """

    name: str = "http"
    priority: int = 5
    timeout: float = 5.0
    url: str = dataclasses.field(default="", metadata={"parameter": False})
    allow_private: bool = dataclasses.field(default=False, metadata={"parameter": False})
    lookup: addresses.Lookup = dataclasses.field(default=addresses.look_up, repr=False, metadata={"parameter": False})
    expected_status: StatusRange = "200-399"
    follow_redirects: bool = True
    max_latency_ms: Annotated[int, Field(ge=0, le=600_000)] = 0
    json_path: Annotated[str, Field(max_length=200)] = ""
    json_value: Annotated[str, Field(max_length=1000)] = ""
    min_certificate_days: Annotated[int, Field(ge=0, le=3650)] = 14

    default_remediation = REPAIR_IT

    @classmethod
    def from_settings(cls, settings: Settings) -> Iterable[Self]:
        """Ask every entry of `PREFLIGHT_CHECK_HTTP_URLS`, which is `name=url` or `url`."""
        named: dict[str, str] = {}
        bare = [entry for entry in settings.check_http_urls if not NAMED_URL.fullmatch(entry)]
        for match in filter(None, map(NAMED_URL.fullmatch, settings.check_http_urls)):
            if match["name"] in named:
                raise InvalidSettings(
                    f"PREFLIGHT_CHECK_HTTP_URLS has two addresses called {match['name']}: rename one."
                )
            named[match["name"]] = match["url"]
        for url in bare:
            named[_free_name(url, named, alone=len(bare) == 1)] = url
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
                f"{addresses.target_of(self.url).origin} {message}",
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
        patience = httpx.Timeout(None, connect=0.9 * self.timeout / len(checked))
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


def _free_name(url: str, taken: Collection[str], *, alone: bool) -> str:
    if alone and "http" not in taken:
        return "http"
    try:
        host = addresses.target_of(url).host
    except AddressRefused:
        host = "unusable"  # asked all the same, so that the run says what is wrong with it
    slug = "http_" + re.sub(r"[^a-z0-9]+", "_", host.lower()).strip("_")
    names = (slug[:60], *(f"{slug[:60]}_{number}" for number in range(2, 1000)))
    return next(name for name in names if name not in taken)


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
            return f"does not speak TLS: {text}", "Correct scheme and port of the address."
        case httpx.ReadError() | httpx.WriteError():
            return "hung up instead of answering", REPAIR_IT
        case httpx.RemoteProtocolError() if "disconnected" in text:
            return "hung up instead of answering", REPAIR_IT
        case httpx.RemoteProtocolError():
            return f"does not speak HTTP: {text}", "Correct scheme and port of the address."
    return f"cannot be reached: {text or type(error).__name__}", "Start what serves this address, or correct it."
