"""Twitch as the checks speak to it: small JSON answers over HTTP, no redirect, addresses that the guard has seen.

What is sent and what comes back is described at https://dev.twitch.tv/docs/authentication and .../docs/api.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import socket
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

from preflight import addresses
from preflight.addresses import Target
from preflight.exceptions import AddressRefused
from preflight.redaction import redact

MAX_ANSWER_BYTES = 64 * 1024
#: A wait of more digits than this is no wait that anybody can be told.
_WAIT_DIGITS = 10


class TwitchSilent(Exception):
    """No answer of Twitch came that can be read; the text says which host and why, and holds no secret."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """What Twitch answered. `body` is its JSON object, empty unless the status is 200."""

    status: int
    body: Mapping[str, Any]
    headers: httpx.Headers

    @property
    def wait_seconds(self) -> int | None:
        """How long Twitch wants to be left alone: its Retry-After, else the seconds until its Ratelimit-Reset."""
        after, reset = (_number(self.headers.get(name, "")) for name in ("retry-after", "ratelimit-reset"))
        if after is not None:
            return after
        return None if reset is None else max(0, round(reset - time.time()))


class Conversation:
    """Requests to one host of Twitch. Nothing of a request is ever shown: it holds secrets."""

    def __init__(self, http: httpx.AsyncClient, host: Host, until: float) -> None:
        self._http = http
        self._until = until
        #: No connection came about in the time that there was: what is left is too short for another.
        self.gave_up = False
        self._target = host.target
        self._checked = host.checked

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer to one request; raise `TwitchSilent` if none comes that can be read."""
        try:
            return await self._asked(method, path, headers or {}, query, form)
        except (httpx.HTTPError, OSError, ValueError) as error:
            self.gave_up = isinstance(error, httpx.ConnectTimeout)
            raise TwitchSilent(f"{self._target.origin} {_trouble(error)}") from None

    async def _asked(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        query: Mapping[str, str] | None,
        form: Mapping[str, str] | None,
    ) -> Answer:
        for number, address in enumerate(self._checked, 1):
            patience = httpx.Timeout(None, connect=self._connect_seconds(number))
            request = self._http.build_request(
                method,
                dataclasses.replace(self._target, path=self._target.path.rstrip("/") + path).at(address),
                params=query,
                data=form,
                headers={"Host": self._target.authority, "Accept-Encoding": "identity", **headers},
                extensions={"sni_hostname": self._target.host, "timeout": patience.as_dict()},
            )
            try:
                response = await self._http.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if number == len(self._checked):
                    raise
                continue
            async with contextlib.aclosing(response):
                return await _read(response)
        raise OSError("the name has no address")

    def _connect_seconds(self, number: int) -> float:
        """Return the time for a connection with one of the addresses: less than is left, shared by those that follow.

        Cancelled in a TLS handshake, httpx leaves its connection open: it has to give up by itself before.
        """
        left = self._until - asyncio.get_running_loop().time()
        return max(0.001, 0.9 * left / (len(self._checked) - number + 1))


@dataclasses.dataclass(frozen=True)
class Host:
    """A host of Twitch with the addresses that may be connected to, so that many conversations look it up once."""

    target: Target
    checked: tuple[str, ...]


async def look_up(base_url: str, *, allow_private: bool) -> Host:
    """Return the host of a base URL; raise `TwitchSilent` when it has no address, or one that may not be called."""
    target = addresses.target_of(base_url)
    try:
        return Host(target, tuple(await addresses.addresses_of(target, allow_private=allow_private)))
    except AddressRefused as refusal:
        raise TwitchSilent(str(refusal).rstrip(".")) from None
    except OSError as error:
        raise TwitchSilent(f"{target.origin} {_trouble(error)}") from None


@contextlib.asynccontextmanager
async def conversation(host: Host, until: float) -> AsyncIterator[Conversation]:
    """Yield a conversation over one connection, which is kept between requests. The caller ends it `until` a time."""
    async with httpx.AsyncClient(verify=addresses.trust(), trust_env=False, limits=_ONE, headers=_AGENT) as http:
        yield Conversation(http, host, until)


#: httpx looks at every connection of a client for every request, so that a client each is cheaper than a pool.
_ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1)
_AGENT = {"User-Agent": "preflight", "Accept": "application/json"}


async def _read(response: httpx.Response) -> Answer:
    """Read a bounded answer; `ValueError` ends a sentence that starts with the host."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise ValueError("sends more than 64 KiB")
    found = _json_object(bytes(body)) if response.status_code == 200 else {}
    return Answer(status=response.status_code, body=found, headers=response.headers)


def _json_object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError("does not send a JSON object")
    return found


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _WAIT_DIGITS else None


def _trouble(error: Exception) -> str:  # noqa: PLR0911  # one answer per kind of error
    """Return the end of the sentence that starts with the host."""
    text = redact(" ".join(str(error).split()))[:200]
    match error:
        case socket.gaierror():
            return "has a host name without an address"
        case httpx.TimeoutException():
            return "did not answer in time"
        case httpx.ConnectError():
            return f"cannot be reached: {text or 'it hung up'}"
        case httpx.RemoteProtocolError() if "disconnected" not in text:
            return "does not speak HTTP"
        case httpx.LocalProtocolError() | UnicodeError():
            return "cannot be asked: a header would hold what no header may"
        case httpx.HTTPError():
            return "hung up instead of answering"
        case ValueError():
            return text
    return f"cannot be reached: {text or type(error).__name__}"
