"""A Redis as a check sees it: everything is tried once, and every error says what to do about it."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import NamedTuple
from urllib.parse import urlsplit

import redis.asyncio
from redis import exceptions
from redis._parsers import _AsyncRESP2Parser
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from preflight.addresses import look_up
from preflight.examples import failed
from preflight.redaction import redact, without_secrets_of
from preflight.threads import in_daemon_thread

#: Bytes of a text and items of a list in a reply; a check asks for less.
MAX_REPLY = 1024


class Trouble(NamedTuple):
    """What went wrong with a peer, and what a person should do about it."""

    message: str
    remediation: str


_CORRECT_USER = "Correct the user and password in the URL."
_ALLOW = "Give its user the ACL rule that the check needs: `preflight checks NAME` shows it."
_CORRECT_PLACE = "Correct host and port in the URL."
_START_IT = "Start it, or correct host and port in the URL."
_SILENT = "See whether the server hangs or a firewall drops it."

#: The answers that every check about a Redis gives about a server in trouble, for its documentation.
EXAMPLES = (
    failed("Redis at <cache:6379> refuses the user or password", _CORRECT_USER),
    failed("Redis at <cache:6379> denies this user the commands asked", _ALLOW),
    failed("What answers as Redis at <cache:6379> is not a Redis", _CORRECT_PLACE),
    failed("Redis at <cache:6379> did not answer in time", _SILENT),
    failed("Redis at <cache:6379> cannot be reached: <Connection refused>", _START_IT),
)
#: Those that are rarer; the page of `redis` shows them for all.
RARER_EXAMPLES = (
    failed("Redis at <cache:6379> is full and refuses writes", "Free memory on it or raise its maxmemory."),
    failed("Redis at <cache:6379> is a read-only replica", "Point the URL at the primary, or promote this server."),
    failed("Redis at <cache:6379> is still loading its data", "Wait until it has loaded, then try again."),
    failed("Redis at <cache:6379> has no connection left", "Raise its maxclients or close idle clients."),
    failed(
        "Redis at <cache:6379> refused: <MISCONF Errors writing to the AOF file: No space left on device>",
        "Read the refusal; the log of the server says more.",
    ),
    failed("Redis at <cache:6379> does not speak TLS as expected: <...>", "Use redis:// or fix its certificate."),
)


class _Reading(_AsyncRESP2Parser):
    """Reads the replies, and refuses one that is larger than any that a check asks for.

    hiredis makes room for whatever a peer announces: a list of two billion items holds its process for seconds.
    """

    async def _readline(self) -> bytes:
        line: bytes = await super()._readline()
        if line[:1] in (b"$", b"*") and int(line[1:]) > MAX_REPLY:
            raise exceptions.InvalidResponse("announces more than any reply holds")
        return line


def address_of(url: str) -> str:
    """Return "host:port" of a Redis URL, which is all of it that a message may show."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}:{parts.port or 6379}"


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[redis.asyncio.Redis]:
    """Yield a client for one conversation: no retries, no hello; the caller bounds the time.

    redis-py itself would wait 5 s and try 10 times.
    """
    parts = urlsplit(url)
    # asyncio's own look-up runs in a thread that the end of its loop waits for.
    await in_daemon_thread(lambda: look_up(parts.hostname or "localhost", parts.port or 6379))
    client = redis.asyncio.Redis.from_url(
        url,
        protocol=2,
        parser_class=_Reading,
        retry=Retry(NoBackoff(), 0),
        single_connection_client=True,
        socket_timeout=None,
        socket_connect_timeout=None,
        health_check_interval=0,
    )
    try:
        yield client
    finally:
        await client.aclose()


def trouble_of(error: Exception, url: str) -> Trouble:  # noqa: PLR0911  # one answer per kind of error
    """Return what an error of a Redis conversation means. No text of the URL but its host and port is shown."""
    where = f"Redis at {address_of(url)}"
    match error:
        case exceptions.OutOfMemoryError():
            return Trouble(f"{where} is full and refuses writes", "Free memory on it or raise its maxmemory.")
        case exceptions.ReadOnlyError():
            return Trouble(f"{where} is a read-only replica", "Point the URL at the primary, or promote this server.")
        case exceptions.AuthenticationError() | exceptions.AuthenticationWrongNumberOfArgsError():
            return Trouble(f"{where} refuses the user or password", _CORRECT_USER)
        case exceptions.NoPermissionError():
            return Trouble(f"{where} denies this user the commands asked", _ALLOW)
        case exceptions.BusyLoadingError():
            return Trouble(f"{where} is still loading its data", "Wait until it has loaded, then try again.")
        case exceptions.InvalidResponse():
            return _not_a_redis(where)
        case exceptions.ResponseError():
            return Trouble(
                f"{where} refused: {_line(error, url)}", "Read the refusal; the log of the server says more."
            )
        case TimeoutError() | exceptions.TimeoutError():
            return Trouble(f"{where} did not answer in time", _SILENT)
    return _unreachable(error, where, _line(error, url))


def _not_a_redis(where: str) -> Trouble:
    return Trouble(f"What answers as {where} is not a Redis", _CORRECT_PLACE)


def _unreachable(error: Exception, where: str, text: str) -> Trouble:
    if isinstance(error.__cause__, ssl.SSLError) or "SSL" in text or "certificate" in text.lower():
        return Trouble(f"{where} does not speak TLS as expected: {text}", "Use redis:// or fix its certificate.")
    if "max number of clients" in text:
        return Trouble(f"{where} has no connection left", "Raise its maxclients or close idle clients.")
    if isinstance(error, ValueError | TypeError | AttributeError):  # what answers speaks something else
        return _not_a_redis(where)
    return Trouble(f"{where} cannot be reached: {text}", _START_IT)


def _line(error: Exception, url: str) -> str:
    return redact(without_secrets_of(url, " ".join(str(error).split())))[:200] or type(error).__name__
