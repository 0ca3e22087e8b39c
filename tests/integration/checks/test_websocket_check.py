"""The check `websocket` against WebSocket and Server-Sent Events servers, good and bad."""

from __future__ import annotations

import asyncio
import base64
import hashlib

import pytest
import websockets

from preflight.checks.websocket import WebsocketCheck
from preflight.types import Status


def check_of(url, **details):
    return WebsocketCheck(url=url, **{"timeout": 1.5} | details)


@pytest.fixture
def websocket_port(peers):
    """Serve real WebSocket connections."""

    async def echo(connection):
        async for message in connection:
            await connection.send(message)

    server = peers.call(_serve(echo))
    yield server.sockets[0].getsockname()[1]
    server.close()
    peers.call(server.wait_closed())


async def _serve(handler):
    return await websockets.serve(handler, "127.0.0.1", 0)


async def _shake_hands(reader, writer):
    request = (await reader.readuntil(b"\r\n\r\n")).decode()
    key = next(line.split(": ")[1] for line in request.split("\r\n") if line.lower().startswith("sec-websocket-key"))
    accept = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
    head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    writer.write(f"{head}Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
    await writer.drain()


async def _deaf(reader, writer):
    await _shake_hands(reader, writer)
    await reader.read()
    await asyncio.Event().wait()


async def _leaving(reader, writer):
    await _shake_hands(reader, writer)


def events(body=b"", status="200 OK", kind="text/event-stream; charset=utf-8", *, stays=True):
    """Return a handler that opens a stream of events."""

    async def handler(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()
        if stays:
            await asyncio.Event().wait()

    return handler


def test_it_passes_when_a_ping_is_answered(ask, websocket_port):
    """A handshake and a pong are a yes."""
    result = ask(check_of(f"ws://127.0.0.1:{websocket_port}/ws?token=canary"))

    assert result.status is Status.PASSED
    assert "answered a ping" in result.message
    assert "canary" not in result.message


def test_wss_passes_with_a_trusted_certificate(ask, peers, certificate):
    """TLS is spoken with a name that the certificate carries."""

    async def serve(tls):
        return await websockets.serve(lambda connection: connection.wait_closed(), "127.0.0.1", 0, ssl=tls)

    server = peers.call(serve(certificate(90)))
    port = server.sockets[0].getsockname()[1]

    assert ask(check_of(f"wss://127.0.0.1:{port}/")).status is Status.PASSED
    server.close()
    peers.call(server.wait_closed())


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        (events(status="403 Forbidden", stays=False), "refuses the handshake with status 403"),
        (events(stays=False), "refuses the handshake with status 200"),
        (_deaf, "did not answer in time"),
        (_leaving, "closed the connection instead of answering a ping"),
    ],
)
def test_a_server_that_does_not_answer_as_a_websocket_fails(ask, peers, handler, message):
    """A refused handshake, a ping without a pong and a connection that closes are each told apart."""
    result = ask(check_of(f"ws://127.0.0.1:{peers(handler)}/"))

    assert result.status is Status.FAILED
    assert message in result.message
    assert result.remediation


@pytest.mark.parametrize("scheme", ["ws", "http"])
@pytest.mark.parametrize(
    ("peer", "message"),
    [
        ("garbage_port", "is not a real-time server"),
        ("silent_port", "did not answer in time"),
        ("dripping_port", "did not answer in time"),
        ("refused_port", "cannot be reached"),
        ("hanging_up_port", "hung up instead of answering"),
        ("resetting_port", "hung up instead of answering"),
    ],
)
def test_a_peer_that_is_no_real_time_server_fails(ask, request, scheme, peer, message):
    """Whatever the peer does, the check ends in time and says what was met and what to do."""
    result = ask(check_of(f"{scheme}://127.0.0.1:{request.getfixturevalue(peer)}/"))

    assert result.status is Status.FAILED
    assert message in result.message
    assert result.remediation


@pytest.mark.parametrize("scheme", ["wss", "https"])
def test_an_untrusted_certificate_fails(ask, peers, certificate, scheme):
    """A certificate that nobody vouches for fails with advice about TLS."""
    port = peers(events(), tls=certificate(90, trusted=False))

    result = ask(check_of(f"{scheme}://127.0.0.1:{port}/"))

    assert result.status is Status.FAILED
    assert "certificate" in result.message


@pytest.mark.parametrize("scheme", ["wss", "https"])
def test_a_server_without_tls_fails(ask, garbage_port, scheme):
    """A server that does not speak TLS is told apart from one that is away."""
    port = garbage_port

    result = ask(check_of(f"{scheme}://127.0.0.1:{port}/"))

    assert result.status is Status.FAILED
    assert "does not speak TLS as expected" in result.message


@pytest.mark.parametrize("first", [b":ok\n\n", b"data: 1\n\n", b"\n"])
def test_a_stream_of_events_passes_at_its_first_line(ask, peers, first):
    """A comment, an event or a keep-alive shows that the server speaks."""
    result = ask(check_of(f"http://127.0.0.1:{peers(events(first))}/events"))

    assert result.status is Status.PASSED
    assert "opened a stream of events and sends" in result.message


def test_a_silent_stream_is_a_warning(ask, peers):
    """A stream that is open and says nothing is a remark: nothing may have happened yet."""
    port = peers(events())

    assert ask(check_of(f"http://127.0.0.1:{port}/", first_line_within=0.2)).status is Status.WARNING
    assert ask(check_of(f"http://127.0.0.1:{port}/", first_line_within=0)).status is Status.PASSED
    assert ask(check_of(f"http://127.0.0.1:{port}/", first_line_within=60)).status is Status.WARNING


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        (events(status="503 Unavailable"), "answers 503 instead of 200"),
        (events(kind="text/html"), "sends text/html instead of text/event-stream"),
        (events(stays=False), "ended its stream at once"),
        (events(status="302 Found\r\nLocation: /login"), "answers 302 instead of 200"),
    ],
)
def test_what_is_no_stream_of_events_fails(ask, peers, handler, message):
    """A wrong status, a wrong type and an end without a line are each told apart."""
    result = ask(check_of(f"http://127.0.0.1:{peers(handler)}/"))

    assert result.status is Status.FAILED
    assert message in result.message
    assert result.remediation


@pytest.mark.parametrize(
    "url", ["ftp://host/", "ws://", "ws://host:99999/", "ws://[::1/", "ws://host/a b", "ws://host/\r\nX: y", "host"]
)
def test_a_malformed_url_fails(ask, url):
    """A URL that cannot be called is a failure that says what is wrong with it."""
    result = ask(check_of(url))

    assert result.status is Status.FAILED
    assert result.message.startswith("The URL ")
    assert "PREFLIGHT_CHECK_WEBSOCKET_URL" in result.remediation


def test_an_unknown_host_fails(ask):
    """A name without an address is a failure that says so."""
    assert "host name without an address" in ask(check_of("ws://realtime.invalid/")).message


def test_every_documented_answer_is_given(not_given):
    """The page of the check shows no answer that these tests have not met."""
    assert not_given(WebsocketCheck) == []
