"""Whatever a peer does, a check's execution is over within its timeout and 500 ms, and it speaks for itself.

The engine's own fence asks the checks, and the time is the `duration_ms` that a report would show. Here the bound is
the promise itself; everywhere else tests judge no seconds.
"""

from __future__ import annotations

import asyncio

import pytest
from integration.checks.in_time import TIMEOUT, is_over_in_time, name_of, one_after_the_other, together
from integration.checks.peers import (
    FLOOD,
    HEAD,
    UPGRADED,
    a_byte_every_ten_seconds,
    alerting_tls,
    dripping,
    dripping_tls,
    endless,
    endless_postgresql,
    flooding,
    flooding_lines,
    garbage,
    hanging_up,
    never_reading,
    resetting,
    silent,
    stalling_tls,
)
from pydantic import SecretStr

from preflight.addresses import warm_up
from preflight.checks.beat import BeatCheck
from preflight.checks.broker import BrokerCheck
from preflight.checks.database import DatabaseCheck
from preflight.checks.dns import DnsCheck
from preflight.checks.http import HttpCheck
from preflight.checks.migrations import MigrationsCheck
from preflight.checks.redis import RedisCheck
from preflight.checks.tcp import TcpCheck
from preflight.checks.websocket import WebsocketCheck
from preflight.checks.workers import WorkersCheck


def redis_url(port, scheme="redis"):
    return SecretStr(f"{scheme}://user:canary@127.0.0.1:{port}/1")


def postgresql_url(port, query=""):
    return SecretStr(f"postgresql://user:canary@127.0.0.1:{port}/app{query}")


def http(port, scheme="http", **details):
    return HttpCheck(url=f"{scheme}://127.0.0.1:{port}/x?key=canary", allow_private=True, timeout=TIMEOUT, **details)


#: Every check that speaks to a peer over TCP, by what makes it for a port.
CHECKS = {
    "redis": lambda port: RedisCheck(url=redis_url(port), timeout=TIMEOUT),
    "broker": lambda port: BrokerCheck(url=redis_url(port), timeout=TIMEOUT),
    "workers": lambda port: WorkersCheck(url=redis_url(port), timeout=TIMEOUT),
    "beat": lambda port: BeatCheck(url=redis_url(port), timeout=TIMEOUT),
    "database": lambda port: DatabaseCheck(url=postgresql_url(port), timeout=TIMEOUT),
    "migrations": lambda port: MigrationsCheck(url=postgresql_url(port), timeout=TIMEOUT),
    "websocket": lambda port: WebsocketCheck(url=f"ws://127.0.0.1:{port}/x?key=canary", timeout=TIMEOUT),
    "events": lambda port: WebsocketCheck(url=f"http://127.0.0.1:{port}/x?key=canary", timeout=TIMEOUT),
    "http": http,
    "http that reads": lambda port: http(port, json_path="a", json_value="b"),
    "dns": lambda port: DnsCheck(host="shop.example", name_server=f"127.0.0.1:{port}", timeout=TIMEOUT),
    "tcp": lambda port: TcpCheck(target=f"127.0.0.1:{port}", timeout=TIMEOUT),
}
#: The same over TLS.
OVER_TLS = {
    "redis": lambda port: RedisCheck(url=redis_url(port, "rediss"), timeout=TIMEOUT),
    "database": lambda port: DatabaseCheck(url=postgresql_url(port, "?sslmode=require"), timeout=TIMEOUT),
    "migrations": lambda port: MigrationsCheck(url=postgresql_url(port, "?sslmode=require"), timeout=TIMEOUT),
    "websocket": lambda port: WebsocketCheck(url=f"wss://127.0.0.1:{port}/x?key=canary", timeout=TIMEOUT),
    "events": lambda port: WebsocketCheck(url=f"https://127.0.0.1:{port}/x?key=canary", timeout=TIMEOUT),
    "http": lambda port: http(port, "https"),
}


@pytest.fixture(autouse=True, scope="module")
def _warm():
    """Do what a worker does before it asks checks."""
    warm_up()


@pytest.fixture
def port_of(request, peers, refused_port, blackhole_port):
    """Return the port of a peer by its name."""
    ports = {"refused": refused_port, "blackholed": blackhole_port}
    return lambda peer: ports.get(peer) or peers(peer)


@pytest.mark.parametrize("peer", ["blackholed", silent, never_reading, dripping, a_byte_every_ten_seconds], ids=name_of)
def test_a_peer_that_makes_wait_costs_the_timeout(port_of, peer):
    """Packets dropped, an open connection without a word, a peer that takes nothing, a byte now and then."""
    port = port_of(peer)
    waiting = [make(port) for name, make in CHECKS.items() if name != "tcp" or peer == "blackholed"]

    together(waiting)


@pytest.mark.parametrize("peer", ["refused", garbage, hanging_up, resetting], ids=name_of)
def test_a_peer_that_turns_away_is_noticed(port_of, peer):
    """Refused, a protocol that nobody asked for, a connection that ends or breaks."""
    port = port_of(peer)

    one_after_the_other([make(port) for name, make in CHECKS.items() if name != "tcp" or peer == "refused"])


def test_a_half_open_connection_costs_the_timeout(half_open_port):
    """The kernel has accepted and acknowledges what is sent; whoever should answer is gone."""
    together([make(half_open_port) for name, make in CHECKS.items() if name not in {"tcp", "dns"}])
    together([CHECKS["tcp"](half_open_port)], says=("passed", "failed"))


@pytest.mark.parametrize(
    ("names", "peer"),
    [
        ([*CHECKS], flooding),
        ([*CHECKS], flooding_lines),
        (["redis", "broker", "workers", "beat"], endless(b"$2000000000\r\n")),
        (["redis", "broker", "workers", "beat"], endless(b"*2000000000\r\n", b"+\r\n" * 20_000)),
        (["database", "migrations"], endless_postgresql),
        (["http", "http that reads", "events", "websocket"], endless(HEAD, b"X-More: more\r\n" * 4000)),
        (["http that reads"], endless(HEAD + b"\r\n", b"[" * FLOOD)),
        (["websocket"], endless(UPGRADED, b"X-More: more\r\n" * 4000)),
        (["dns"], endless(b"\xff\xff")),
    ],
    ids=[
        "a flood",
        "lines",
        "a text of Redis",
        "a list of Redis",
        "PostgreSQL",
        "a head",
        "a body",
        "an upgrade",
        "dns",
    ],
)
def test_a_flood_is_left_in_time(peers, names, peer):
    """A peer that sends without an end, as garbage or in the protocol's own words, is given up."""
    port = peers(peer)

    one_after_the_other([CHECKS[name](port) for name in names if name != "tcp"])


@pytest.mark.parametrize("peer", ["blackholed", silent, stalling_tls, dripping_tls, dripping], ids=name_of)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_tls_that_makes_wait_costs_the_timeout(port_of, peer):
    """A handshake that is never answered, or a byte at a time.

    On a busy machine httpx may be cancelled in a handshake; it leaves the connection to the garbage collector then.
    """
    port = port_of(peer)

    together([make(port) for make in OVER_TLS.values()])


@pytest.mark.parametrize("peer", ["refused", alerting_tls, garbage, hanging_up, resetting, flooding], ids=name_of)
def test_tls_that_fails_is_noticed(port_of, peer):
    """An alert, a server without TLS, and connections that end or break in the handshake."""
    port = port_of(peer)

    one_after_the_other([make(port) for make in OVER_TLS.values()])


def test_a_certificate_that_nobody_trusts_is_noticed(peers, certificate):
    """Encryption alone is no proof of who answers; PostgreSQL's own modes say what is checked there."""
    port = peers(silent, tls=certificate(90, trusted=False))

    one_after_the_other([OVER_TLS[name](port) for name in ("redis", "websocket", "events", "http")])


class Datagrams(asyncio.DatagramProtocol):
    """Answers every datagram with what a function makes of it, many times."""

    def __init__(self, make, times):
        self.make, self.times = make, times

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        for _ in range(self.times):
            self.transport.sendto(self.make(data), address)


@pytest.mark.parametrize(
    ("make", "times"),
    [
        (lambda data: b"", 1),
        (lambda data: b"\0" * 5, 2000),
        (lambda data: data, 2000),
        (lambda data: bytes([data[0] ^ 1]) + data[1:2] + b"\x81\x80" + data[4:], 2000),
        (lambda data: data[:2] + b"\x83\x80" + data[4:], 1),
        (lambda data: data[:2] + b"\x81\x80" + b"\xff" * 8 + b"\xc0\x0c" * 200, 1),
    ],
    ids=["nothing", "garbage", "an echo", "another question's answers", "truncated", "names that lead in circles"],
)
def test_a_name_server_that_lies_is_left_in_time(peers, make, times):
    """UDP has no connection: what comes may be anything, and from anybody."""

    async def listen():
        loop = asyncio.get_running_loop()
        return await loop.create_datagram_endpoint(lambda: Datagrams(make, times), local_addr=("127.0.0.1", 0))

    transport, _ = peers.call(listen())
    try:
        is_over_in_time(CHECKS["dns"](transport.get_extra_info("sockname")[1]))
    finally:
        peers.loop.call_soon_threadsafe(transport.close)
