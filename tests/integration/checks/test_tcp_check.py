"""The check `tcp` against listening, refusing and unreachable peers."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from preflight.checks import tcp
from preflight.checks.tcp import TcpCheck
from preflight.types import Status


def check_of(target, **details):
    return TcpCheck(target=target, **{"timeout": 1.5} | details)


@pytest.fixture
def listening(peers):
    """Return the port of a server, and what it was sent."""
    received = []

    async def receiving(reader, writer):
        received.append(await reader.read())

    return peers(receiving), received


def test_it_passes_when_a_connection_is_accepted(ask, listening):
    """A connection that opens is a yes, with the time that it took; nothing is sent over it."""
    port, received = listening

    result = ask(check_of(f"127.0.0.1:{port}"))

    assert result.status is Status.PASSED
    assert 0 < result.metadata["connect_ms"] < 1500
    assert set(received) <= {b""}


@pytest.mark.parametrize("target", ["localhost:{}", "127.0.0.1:{}"])
def test_names_and_addresses_are_targets(ask, listening, target):
    """A host may be a name or an address; of several addresses one that accepts is enough."""
    assert ask(check_of(target.format(listening[0]))).status is Status.PASSED


def test_an_address_of_version_6_is_a_target(ask, peers, silent_port):
    """In brackets, as in a URL."""

    async def quiet(reader, writer):
        await reader.read()

    try:
        port = peers(quiet, host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    assert ask(check_of(f"[::1]:{port}")).status is Status.PASSED


def test_a_slow_connection_fails_when_a_limit_is_set(ask, listening, monkeypatch):
    """Connecting takes longer than allowed: the time counts until the connection is there."""
    connect = asyncio.open_connection

    async def slow(*arguments):
        await asyncio.sleep(0.05)
        return await connect(*arguments)

    monkeypatch.setattr(tcp.asyncio, "open_connection", slow)

    result = ask(check_of(f"127.0.0.1:{listening[0]}", max_connect_ms=10))

    assert result.status is Status.FAILED
    assert "more than 10 ms" in result.message
    assert result.metadata["connect_ms"] > 10


def test_a_closed_port_fails(ask, refused_port):
    """Nobody listens there."""
    result = ask(check_of(f"127.0.0.1:{refused_port}"))

    assert result.status is Status.FAILED
    assert result.message == f"127.0.0.1:{refused_port} refuses connections"
    assert result.remediation


def test_a_peer_that_drops_packets_fails_in_time(ask, blackhole_port):
    """A firewall that drops what is sent, or a host that is away, is told apart from a closed port."""
    result = ask(check_of(f"127.0.0.1:{blackhole_port}"))

    assert result.status is Status.FAILED
    assert "did not accept a connection in time" in result.message


def test_an_address_without_a_way_fails(ask):
    """The system's own words say why an address cannot be reached."""
    result = ask(check_of("255.255.255.255:80"))

    assert result.status is Status.FAILED
    assert "cannot be reached: " in result.message


def test_an_unknown_host_fails(ask):
    """A name without an address is a failure that says so."""
    assert "host name without an address" in ask(check_of("mail.invalid:25")).message


@pytest.mark.parametrize(
    "target",
    [
        "",
        "mail.example",
        "mail.example:",
        ":25",
        "mail.example:0",
        "mail.example:65536",
        "mail.example:smtp",
        "tcp://mail.example:25",
        "user:canary@mail.example:25",
        "mail.example:25/canary",
        "mail example:25",
        "mail.example:25\n",
        "::1:25",
        "[::1]",
        "a" * 300 + ":25",
    ],
)
def test_a_malformed_target_fails_without_showing_it(ask, target):
    """What is no host and port is never called, and not repeated either: it may hold a password."""
    result = ask(check_of(target))

    assert result.status is Status.FAILED
    assert result.message.startswith("The target must be host:port")
    assert "PREFLIGHT_CHECK_TCP_TARGETS" in result.remediation
    assert "canary" not in repr(dataclasses.asdict(result))


def test_a_peer_that_hangs_up_at_once_has_accepted(ask, peers):
    """Whether what listens there works is not asked."""

    async def hanging_up(reader, writer):
        writer.close()

    assert ask(check_of(f"127.0.0.1:{peers(hanging_up)}")).status is Status.PASSED


def test_every_documented_answer_is_given(not_given):
    """The page of the check shows no answer that these tests have not met."""
    assert not_given(TcpCheck) == []
