"""The server that answers probes: whatever is sent to it, it answers others in time, and tells nobody what it is."""

from __future__ import annotations

import contextlib
import http.client
import socket

import pytest

from preflight.embedded.process import wait_until
from worker.probes import MOST_REQUESTS, ProbeServer, _Handler, facts

GOOD = b"HTTP/1.0 200 OK"


def broken():
    raise ConnectionError("redis://:hunter2@sea:6379 is away")


@pytest.fixture
def server(leaves_nothing):
    """Yield a running server."""
    made = ProbeServer("127.0.0.1", 0, {"/healthz": lambda: facts(True, well=True), "/broken": broken})
    made.start()
    yield made
    made.close()


def said(server, request, *, patience=10.0):
    """Send raw bytes and return what comes back until the server closes."""
    client = socket.create_connection(server.server_address, timeout=patience)
    with client, contextlib.suppress(ConnectionError):
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(65536), b""))
    return b""


def test_a_known_path_is_answered_with_its_facts(server):
    """As JSON, without the name of Python in any header."""
    reply = said(server, b"GET /healthz?verbose HTTP/1.0\r\n\r\n")

    assert reply.startswith(GOOD)
    assert b'{"well": true}' in reply
    assert b"python" not in reply.lower()


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET / HTTP/1.0", b"404"),
        (b"GET /../../etc/passwd HTTP/1.0", b"404"),
        (b"GET /%00 HTTP/1.0", b"404"),
        (b"POST /healthz HTTP/1.0", b"501"),
        (b"DELETE /healthz HTTP/1.1", b"501"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.0", b"414"),
        (b"\x16\x03\x01\x02\x00", b"400"),
    ],
    ids=["root", "climbing", "nul", "post", "delete", "long", "tls"],
)
def test_anything_else_is_refused(server, request_line, status):
    """And the server goes on."""
    reply = said(server, request_line + b"\r\n\r\n")

    assert status in reply.split(b"\r\n")[0]
    assert said(server, b"GET /healthz HTTP/1.0\r\n\r\n").startswith(GOOD)


def test_a_question_that_fails_is_a_bad_answer_without_secrets(server):
    """503 with the reason, its password masked."""
    reply = said(server, b"GET /broken HTTP/1.0\r\n\r\n")

    assert reply.startswith(b"HTTP/1.0 503")
    assert b"ConnectionError" in reply
    assert b"hunter2" not in reply


def test_too_many_clients_are_turned_away_until_some_have_left(server, monkeypatch):
    """Those that say nothing hold some threads, never all memory."""
    monkeypatch.setattr(_Handler, "timeout", 60.0)
    with contextlib.ExitStack() as silent:
        for _ in range(MOST_REQUESTS):
            silent.enter_context(socket.create_connection(server.server_address))
        assert wait_until(lambda: not said(server, b"GET /healthz HTTP/1.0\r\n\r\n"), 10)

    assert wait_until(lambda: said(server, b"GET /healthz HTTP/1.0\r\n\r\n").startswith(GOOD), 10)


def test_a_client_that_says_nothing_is_left(server, monkeypatch):
    """Its thread is needed for others."""
    monkeypatch.setattr(_Handler, "timeout", 0.1)

    assert said(server, b"GET /heal") == b""


def test_a_port_that_is_taken_is_an_error_at_once(server):
    """Who starts a second one hears it."""
    with pytest.raises(OSError, match="Address already in use"):
        ProbeServer("127.0.0.1", server.server_address[1], {})


def test_an_address_of_version_six_is_listened_on(leaves_nothing):
    """Where a cluster has no other ones."""
    made = ProbeServer("::1", 0, {"/healthz": lambda: facts(True)})
    made.start()
    try:
        connection = http.client.HTTPConnection("::1", made.server_address[1], timeout=10)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        made.close()
