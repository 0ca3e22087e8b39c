"""The checks `http` against servers that behave in every way; the guard is tested beside."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest

from preflight.checks.http import HttpCheck
from preflight.types import Status


def check_of(port, path="/", scheme="http", **details):
    details = {"allow_private": True, "timeout": 1.5} | details
    return HttpCheck(url=f"{scheme}://127.0.0.1:{port}{path}", **details)


def answering(body=b"", status="200 OK", headers=(), seen=None, then=None):
    """Return a handler that answers every request alike and remembers what it was asked."""

    async def handler(reader, writer):
        request = await reader.readuntil(b"\r\n\r\n")
        if seen is not None:
            seen.append(request.decode())
        lines = [f"HTTP/1.1 {status}", *headers, "Connection: close"]
        writer.write("\r\n".join([*lines, "\r\n"]).encode() + body)
        await writer.drain()
        if then:
            await then(reader, writer)

    return handler


def test_it_passes_on_an_expected_status(ask, peers):
    """A status from 200 to 399 is a yes; nothing of the path is shown, for it may hold a secret."""
    result = ask(check_of(peers(answering()), path="/canary?key=canary"))

    assert result.status is Status.PASSED
    assert result.metadata["status"] == 200
    assert "canary" not in result.message


@pytest.mark.parametrize(
    ("status", "expected", "outcome"),
    [
        ("500 Oops", "200-399", Status.FAILED),
        ("404 Not Found", "200-399", Status.FAILED),
        ("404 Not Found", "404", Status.PASSED),
        ("200 OK", "404", Status.FAILED),
        ("304 Not Modified", "200-399", Status.PASSED),
    ],
)
def test_the_status_must_be_expected(ask, peers, status, expected, outcome):
    """One status or a range says what is a yes."""
    result = ask(check_of(peers(answering(status=status)), expected_status=expected))

    assert result.status is outcome
    if outcome is Status.FAILED:
        assert f"instead of {expected}" in result.message
        assert result.remediation


def test_a_slow_answer_fails_when_a_limit_is_set(ask, peers):
    """Latency counts until the head of the answer, and only a set limit judges it."""

    async def slow(reader, writer):
        await asyncio.sleep(0.1)
        await answering()(reader, writer)

    port = peers(slow)

    assert ask(check_of(port)).status is Status.PASSED
    result = ask(check_of(port, max_latency_ms=50))
    assert result.status is Status.FAILED
    assert "more than 50 ms" in result.message


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("state", "ok", None),
        ("services.1.up", "true", None),
        ("count", "3", None),
        ("state", "down", "has 'ok' at state in its JSON instead of 'down'"),
        ("services.7.up", "true", "has nothing at services.7.up"),
        ("state.deeper", "x", "has nothing at state.deeper"),
    ],
)
def test_a_value_of_its_json_must_be_as_expected(ask, peers, path, value, message):
    """A dotted path leads through objects and lists to a value, given as text or as JSON."""
    body = json.dumps({"state": "ok", "count": 3, "services": [{"up": False}, {"up": True}]}).encode()

    result = ask(check_of(peers(answering(body)), json_path=path, json_value=value))

    assert result.status is (Status.FAILED if message else Status.PASSED)
    assert message is None or message in result.message


async def _a_byte_at_a_time(reader, writer):
    while True:
        writer.write(b"[")
        await writer.drain()
        await asyncio.sleep(0.05)


async def _for_ever(reader, writer):
    while True:
        writer.write(b"[" * 65536)
        await writer.drain()


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        (answering(b"<html>"), "does not send JSON"),
        (answering(b"[" * 100_000), "does not send JSON"),
        (answering(b"\xff\xfe\x00"), "does not send JSON"),
        (answering(then=_a_byte_at_a_time), "did not answer in time"),
        (answering(then=_for_ever), "sends more than 1 MiB"),
        (
            answering(gzip.compress(b"0" * 10_000_000), headers=["Content-Encoding: gzip"]),
            "sends a compressed body",
        ),
    ],
)
def test_a_body_that_cannot_be_read_fails(ask, peers, handler, message):
    """A body that is no JSON, endless, slow or packed ends the check in time, and never fills the memory."""
    result = ask(check_of(peers(handler), json_path="a", json_value="b"))

    assert result.status is Status.FAILED
    assert message in result.message


def test_a_body_that_nobody_asked_about_is_not_read(ask, peers):
    """Without a condition on its JSON the head is the answer: an endless body costs nothing."""
    assert ask(check_of(peers(answering(then=_for_ever)))).status is Status.PASSED


async def _endless_head(reader, writer):
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: " + b"x" * 1000 + b"\r\n")
        await writer.drain()


async def _slow_head(reader, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    await _a_byte_at_a_time(reader, writer)


@pytest.mark.parametrize(
    ("handler", "message"), [(_endless_head, "does not speak HTTP"), (_slow_head, "did not answer in time")]
)
def test_a_head_without_an_end_fails(ask, peers, handler, message):
    """A head that never ends, fast or slow, ends the check in time."""
    result = ask(check_of(peers(handler)))

    assert result.status is Status.FAILED
    assert message in result.message


@pytest.mark.parametrize(
    ("peer", "message"),
    [
        ("garbage_port", "does not speak HTTP"),
        ("silent_port", "did not answer in time"),
        ("refused_port", "cannot be reached"),
        ("hanging_up_port", "hung up instead of answering"),
        ("resetting_port", "hung up instead of answering"),
    ],
)
def test_a_peer_that_is_no_web_server_fails_with_its_own_message(ask, request, peer, message):
    """Whatever the peer does, the check ends in time and says what was met and what to do."""
    result = ask(check_of(request.getfixturevalue(peer)))

    assert result.status is Status.FAILED
    assert message in result.message
    assert result.remediation


def test_redirects_are_followed_to_the_answer(ask, peers):
    """A relative and an absolute redirect lead to the answer that is judged."""
    end = peers(answering(status="204 No Content"))
    middle = peers(answering(status="302 Found", headers=[f"Location: http://127.0.0.1:{end}/end"]))
    start = peers(answering(status="301 Moved", headers=[f"Location: //127.0.0.1:{middle}/"]))

    assert ask(check_of(start)).metadata["status"] == 204


def test_five_redirects_are_followed_and_no_more(ask, peers):
    """A redirect that leads to itself ends after five."""
    seen = []
    port = peers(answering(status="302 Found", headers=["Location: /again"], seen=seen))

    result = ask(check_of(port))

    assert result.status is Status.FAILED
    assert "redirects more than 5 times" in result.message
    assert len(seen) == 6


def test_a_redirect_can_itself_be_the_answer(ask, peers):
    """Without following, the redirect's own status is judged."""
    port = peers(answering(status="302 Found", headers=["Location: http://127.0.0.1:1/"]))

    assert ask(check_of(port, follow_redirects=False, expected_status="302")).status is Status.PASSED


@pytest.mark.parametrize("location", ["file:///etc/passwd", "gopher://127.0.0.1/", "http://u:p@127.0.0.1/"])
def test_a_redirect_to_something_else_is_refused(ask, peers, location):
    """Every hop goes through the guard, whatever is allowed for addresses."""
    result = ask(check_of(peers(answering(status="302 Found", headers=[f"Location: {location}"]))))

    assert result.status is Status.FAILED
    assert "The URL" in result.message


def test_a_private_address_is_not_called_unless_allowed(ask, peers):
    """The guard stands before the connection: nothing reaches the server."""
    seen = []
    port = peers(answering(seen=seen))

    result = ask(check_of(port, allow_private=False))

    assert result.status is Status.FAILED
    assert "PREFLIGHT_HTTP_ALLOW_PRIVATE" in result.message
    assert seen == []


def test_the_connection_goes_to_the_checked_address_with_the_right_name(ask, peers, certificate):
    """The name is looked up once; Host and certificate are those of the name, the connection is the address's."""
    seen, lookups = [], []

    def lookup(host, port):
        lookups.append(host)
        return ["127.0.0.1"]

    port = peers(answering(seen=seen), tls=certificate(90))
    result = ask(HttpCheck(url=f"https://shop.example:{port}/x?y=1", lookup=lookup, allow_private=True, timeout=1.5))

    assert result.status is Status.PASSED
    assert lookups == ["shop.example"]
    assert seen[0].startswith("GET /x?y=1 HTTP/1.1")
    assert f"Host: shop.example:{port}\r\n" in seen[0]


def test_the_next_address_is_tried_when_one_refuses(ask, peers):
    """A name with several addresses answers if one of them does."""
    check = check_of(peers(answering()), lookup=lambda host, port: ["::1", "127.0.0.1"])

    assert ask(check).status is Status.PASSED


def test_a_certificate_of_another_name_fails(ask, peers, certificate):
    """A certificate that does not carry the name is not trusted, although the address is right."""
    port = peers(answering(), tls=certificate(90))
    check = HttpCheck(
        url=f"https://other.example:{port}/", lookup=lambda host, port: ["127.0.0.1"], allow_private=True, timeout=1.5
    )

    result = ask(check)

    assert result.status is Status.FAILED
    assert "certificate that is not trusted" in result.message


def test_an_untrusted_certificate_fails(ask, peers, certificate):
    """A certificate that nobody vouches for fails with advice about the certificate."""
    result = ask(check_of(peers(answering(), tls=certificate(90, trusted=False)), scheme="https"))

    assert result.status is Status.FAILED
    assert "certificate that is not trusted" in result.message
    assert "certificate" in result.remediation


def test_a_certificate_that_expires_soon_is_a_warning(ask, peers, certificate):
    """Fewer days left than wished is a remark, not a no."""
    port = peers(answering(), tls=certificate(10))

    result = ask(check_of(port, scheme="https"))
    assert result.status is Status.WARNING
    assert "expires in" in result.message
    assert result.remediation == "Renew the certificate."
    assert ask(check_of(port, scheme="https", min_certificate_days=5)).status is Status.PASSED


def test_https_to_a_server_without_tls_fails(ask, garbage_port):
    """A server that does not speak TLS is told apart from one that is away."""
    assert "does not speak TLS" in ask(check_of(garbage_port, scheme="https")).message


def test_an_unknown_host_fails(ask):
    """A name without an address is a failure that says so."""
    result = ask(HttpCheck(url="http://shop.invalid/", timeout=1.5))

    assert result.status is Status.FAILED
    assert "host name without an address" in result.message


def test_every_documented_answer_is_given(not_given):
    """The page of the check shows no answer that these tests have not met."""
    assert not_given(HttpCheck) == []
