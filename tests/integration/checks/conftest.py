"""Real servers and misbehaving peers for the checks that ship."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import inspect
import secrets
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import examples
import pytest
import redis
import servers
from integration.checks.peers import (
    Peers,
    dripping,
    garbage,
    hanging_up,
    postgresql_saying,
    postgresql_without_tls,
    resetting,
    silent,
)

from preflight import addresses
from preflight.context import CheckContext
from preflight.declaration import PreFlightCheck
from preflight.embedded.valkey import Valkey, start_valkey
from preflight.examples import Example
from preflight.types import CheckResult, Status

CONTEXT = CheckContext(mode="full", event_type="poll_launch")


async def _ask(check) -> CheckResult:
    # The engine's own limit: a check that is still at it then has not kept its promise.
    async with asyncio.timeout(check.timeout):
        answer = check.execute(CONTEXT)
        return await answer if inspect.isawaitable(answer) else answer


@pytest.fixture
def not_given(request) -> Callable[[type[PreFlightCheck]], list[Example]]:
    """Return the function that tells which documented answers of a check no test has met."""
    return examples.not_met(request)


def fails_with(result: CheckResult, message: str) -> None:
    """Hold that an answer is a no that says what was met and what to do, and shows no password."""
    assert result.status is Status.FAILED
    assert message in result.message
    assert result.remediation
    assert "canary" not in repr(dataclasses.asdict(result))


@pytest.fixture(scope="session")
def ask():
    """Return what a check answers; `TimeoutError` when it overruns its timeout, whatever holds it."""

    def ask(check) -> CheckResult:
        answers: list[CheckResult | BaseException] = []

        def work():
            try:
                answers.append(asyncio.run(_ask(check)))
            except BaseException as error:
                answers.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(check.timeout + 20)
        assert answers, "the check did not end"
        if isinstance(answers[0], BaseException):
            raise answers[0]
        return examples.documented(check, answers[0])

    return ask


@pytest.fixture
def peers() -> Iterator[Peers]:
    peers = Peers()
    yield peers
    peers.close()


#: What a PostgreSQL may say, and how a check tells it.
REFUSALS = {
    'password authentication failed for user "u"': "refuses the user or password",
    "fe_sendauth: no password supplied": "asks for a password",
    'no pg_hba.conf entry for host "192.0.2.1"': "does not let this user in from here",
    'permission denied for database "app"': "does not let this user in",
    "permission denied for table preflight_schema_version": "does not let this user read it",
    'too many connections for role "u"': "has no connection left",
    "the database system is starting up": "is still starting",
    "the database system is shutting down": "is shutting down",
    'database "app" does not exist': "has no such database or role",
    "canceling statement due to statement timeout": "did not answer in time",
}


@pytest.fixture(params=[*REFUSALS, "garbage", "silent", "refused", "no TLS", "no host", "malformed"])
def troubled_postgresql(request, peers, refused_port) -> tuple[str, str]:
    """Return the URL of a PostgreSQL in trouble, whatever a check asks of it, and what the check says of it."""
    url = "postgresql://u:pg-canary@127.0.0.1:{}/app"
    others = {
        "garbage": lambda: (url.format(peers(garbage)), "is not a PostgreSQL"),
        "silent": lambda: (url.format(peers(silent)), "did not answer in time"),
        "refused": lambda: (url.format(refused_port), "cannot be reached"),
        "no TLS": lambda: (f"{url.format(peers(postgresql_without_tls))}?sslmode=require", "does not speak TLS"),
        "no host": lambda: (url.replace("127.0.0.1:{}", "postgres.invalid"), "host name without an address"),
        "malformed": lambda: (url.format("port"), "The URL is malformed"),
    }
    if request.param in others:
        return others[request.param]()
    return url.format(peers(postgresql_saying(request.param))), REFUSALS[request.param]


@pytest.fixture(params=["wrong password", "denied", "garbage", "silent", "refused"])
def troubled_redis(request, admin, valkey, peers, refused_port) -> tuple[str, str]:
    """Return the URL of a Redis in trouble, whatever a check asks of it, and what the check says of it."""
    url = "redis://:wrong-canary@127.0.0.1:{}/0"
    match request.param:
        case "denied":
            admin.acl_setuser("limited", enabled=True, passwords=["+pw"])
            return f"redis://limited:pw@127.0.0.1:{valkey.port}/0", "denies this user"
        case "garbage":
            return url.format(peers(garbage)), "is not a Redis"
        case "silent":
            return url.format(peers(silent)), "did not answer in time"
        case "refused":
            return url.format(refused_port), "cannot be reached"
    return url.format(valkey.port), "refuses the user or password"


@pytest.fixture
def silent_port(peers) -> int:
    return peers(silent)


@pytest.fixture
def garbage_port(peers) -> int:
    return peers(garbage)


@pytest.fixture
def dripping_port(peers) -> int:
    return peers(dripping)


@pytest.fixture
def hanging_up_port(peers) -> int:
    return peers(hanging_up)


@pytest.fixture
def resetting_port(peers) -> int:
    return peers(resetting)


@pytest.fixture
def refused_port() -> Iterator[int]:
    """Hold a port on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def blackhole_port() -> Iterator[int]:
    """Hold a port whose queue is full: the kernel drops what else is sent to it, as a firewall does."""
    with contextlib.ExitStack() as held:
        listener = held.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = held.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.fixture
def half_open_port() -> Iterator[int]:
    """Hold a port where the kernel accepts and acknowledges, and whoever should answer is gone."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen(64)
        yield held.getsockname()[1]


@pytest.fixture(autouse=True)
def _nothing_left(leaves_nothing) -> None:
    """Whatever a peer does to a check, no thread, connection or file of it stays."""


@pytest.fixture(scope="session")
def valkey(tmp_path_factory) -> Iterator[Valkey]:
    """Yield a Valkey that these tests may fill, close and demote, which the shared one must not suffer."""
    server = start_valkey(tmp_path_factory.mktemp("valkey"), "vk-canary-7f3a")
    servers.SESSION_SERVERS.add(server.pid)
    yield server
    server.stop()


@pytest.fixture
def redis_url(valkey) -> str:
    return valkey.url


@pytest.fixture
def admin(redis_url) -> Iterator[redis.Redis]:
    """Return a client of the Valkey that the test may spoil; it is put right afterwards."""
    with redis.Redis.from_url(redis_url) as client:
        yield client
        client.config_set("maxclients", 1000)
        client.replicaof("NO", "ONE")
        client.config_set("maxmemory", 0)
        client.acl_deluser("limited")
        client.flushall()


@pytest.fixture
def certificate(tmp_path) -> Callable[[int], ssl.SSLContext]:
    """Return a server's TLS context for shop.example and 127.0.0.1 that this process trusts, valid for so many days."""

    def make(days: int, *, trusted: bool = True) -> ssl.SSLContext:
        key, certificate = _self_signed(tmp_path, days)
        if trusted:
            addresses.trust().load_verify_locations(certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context

    return make


def _self_signed(directory: Path, days: int) -> tuple[Path, Path]:
    key, certificate = directory / f"{days}.key", directory / f"{days}.pem"
    names = "subjectAltName=DNS:shop.example,DNS:localhost,IP:127.0.0.1"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", str(days), "-subj", f"/CN=preflight test {secrets.token_hex(4)}", "-addext", names]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return key, certificate
