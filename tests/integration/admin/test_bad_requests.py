"""Requests that nobody should send: each costs one line, and the page goes on."""

from __future__ import annotations

import contextlib
import socket

import pytest

from preflight.admin import server, writes
from preflight.admin.access import SIGN_IN


def raw(site, *parts):
    """Send bytes over a plain connection and return all that came until it was closed."""
    said = b""
    address = ("127.0.0.1", site.settings.admin_port)
    # A server that closes while bytes are on their way resets the connection.
    with socket.create_connection(address, timeout=30) as plain, contextlib.suppress(ConnectionError):
        for part in parts:
            plain.sendall(part)
        while more := plain.recv(65536):
            said += more
    return said


@pytest.fixture
def token(site):
    return site.token().encode()


def test_a_large_body_is_refused_before_it_is_read(site, token):
    """A body of 1 GB costs its announcement: the answer comes, and the connection is closed."""
    head = b"POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n" % token
    said = raw(site, head + b"Content-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n{")

    assert said.startswith(b"HTTP/1.1 413")
    assert b'{"error":"The body may be 65536 bytes at most."}' in said


def test_a_body_without_a_length_is_bounded_too(site, token):
    """Chunks are counted as they come."""
    head = b"POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n" % token
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    said = raw(site, head + b"Transfer-Encoding: chunked\r\n\r\n", chunk, b"1\r\nx\r\n")

    assert said.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("method", [b"POST", b"GET"])
def test_a_strangers_body_is_not_read_at_all(site, method):
    """401 comes first, whatever is announced, and the connection is closed: nobody sends 100 MB into it."""
    said = raw(site, method + b" /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 104857600\r\n\r\n{")

    assert said.startswith(b"HTTP/1.1 401")
    assert b"connection: close" in said.lower()


def test_a_small_body_of_a_stranger_is_read_before_the_answer(site):
    """Closed while it is on its way, the connection would be reset, and the client would see no 401."""
    head = b"POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", site.settings.admin_port), timeout=30) as plain:
        plain.sendall(head)
        plain.settimeout(0.2)
        with pytest.raises(TimeoutError):
            plain.recv(1)
        plain.settimeout(30)
        plain.sendall(b"{}" + last)
        said = b"".join(iter(lambda: plain.recv(65536), b""))

    assert said.startswith(b"HTTP/1.1 401")
    assert said.count(b"HTTP/1.1 200") == 1
    assert said.lower().count(b"connection: close") == 1


@pytest.mark.parametrize("more", [b"Content-Length: 2\r\n", b"Content-Length: 2\r\nExpect: 100-continue\r\n"])
def test_a_small_body_that_does_not_come_is_not_waited_for_long(site, more):
    """Nor is one asked for that the client holds back until it is told to go on."""
    said = raw(site, b"POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\n" + more + b"\r\n")

    assert said.startswith(b"HTTP/1.1 401")
    assert b"connection: close" in said.lower()


@pytest.mark.parametrize("length", ["-1", "x", "9" * 30])
def test_a_wrong_length_is_refused(site, token, length):
    """A length that is none is a bad request."""
    head = b"POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n" % token
    said = raw(site, head + f"Content-Length: {length}\r\n\r\n".encode())

    assert said.startswith((b"HTTP/1.1 400", b"HTTP/1.1 413"))


def test_a_slow_body_is_given_up(site, token, monkeypatch):
    """A client that stops in the middle of its body gets 408, and holds nothing."""
    write = next(one for one in layers(site.app) if isinstance(one, writes.Writes))
    monkeypatch.setattr(write, "_seconds", 0.2)
    head = b"POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n" % token
    said = raw(site, head + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")

    assert said.startswith(b"HTTP/1.1 408")
    assert b"did not come within 0.2 s" in said


def layers(app):
    """Yield what stands in front of the routes, from outside."""
    layer = app.middleware_stack
    while layer is not None:
        yield layer
        layer = getattr(layer, "app", None)


@pytest.mark.parametrize("before", [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_a_slow_head_is_given_up(site, monkeypatch, before):
    """A client whose head does not come is left, the first time and after an answer."""
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.3)
    said = raw(site, before, b"GET /healthz HTTP/1.1\r\nHo")

    assert said.count(b"HTTP/1.1 200") == bool(before)


@pytest.mark.parametrize(
    "line",
    [b"GET /healthz\r\n", b"\x00\x01\x02\r\n", b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\n"],
)
def test_what_is_no_request_is_400(site, line):
    """Nonsense on the wire ends the connection, and nothing else."""
    said = raw(site, line, b"\r\n")
    assert said.startswith(b"HTTP/1.1 4") or said == b""
    assert raw(site, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("null", "must be a JSON object"),
        ("[]", "must be a JSON object"),
        ('"text"', "must be a JSON object"),
        ('{"event_type": "a", "event_type": "b"}', "'event_type' is given twice"),
        ('{"event_type": "health_sweep", "timeout": NaN}', "NaN is no number"),
        ('{"event_type": "health_sweep", "timeout": -Infinity}', "-Infinity is no number"),
        ('{"event_type": "health_sweep", "timeout": 1e999}', "timeout must be seconds"),
        ('{"event_type": "health_sweep", "timeout": ' + "9" * 5000 + "}", "not JSON"),
        ("[" * 60_000, "nested too deep"),
        ('{"metadata": ' + '{"a":' * 10_000 + "1" + "}" * 10_001, "deep"),
        ("{'event_type': 'x'}", "not JSON"),
        (b"\xff\xfe{}", "not UTF-8"),
        ("{}", "event_type must be 1 to 50"),
        ('{"event_type": "\\ud800"}', "event_type must be 1 to 50"),
        ('{"event_type": "\\u0000"}', "event_type must be 1 to 50"),
        ('{"event_type": "<script>"}', "event_type must be 1 to 50"),
        ('{"event_type": "no_such_event"}', "is not known"),
        ('{"event_type": "health_sweep", "mode": "Full"}', "mode must be 'full' or 'light'"),
        ('{"event_type": "health_sweep", "mode": null}', "mode must be 'full' or 'light'"),
        ('{"event_type": "health_sweep", "campaign_id": "../.."}', "campaign_id must be a UUID"),
        ('{"event_type": "health_sweep", "only": ["redi"]}', "Did you mean redis"),
        ('{"event_type": "health_sweep", "mode": "light", "only": ["redi"]}', "Did you mean redis"),
        ('{"event_type": "health_sweep", "onyl": ["redis"]}', "Did you mean only"),
        ('{"event_type": "health_sweep", "cls": 1}', "takes no argument 'cls'"),
        ('{"event_type": "health_sweep", "self": 1}', "takes no argument 'self'"),
        ('{"event_type": "health_sweep", "metadata": [1]}', "metadata must be a JSON object"),
        ('{"event_type": "health_sweep", "metadata": {"a": "' + "x" * 40_000 + '"}}', "at most 32768"),
        ('{"event_type": "health_sweep", "timeout": 0}', "timeout must be seconds"),
        ('{"event_type": "health_sweep", "streamer_ids": "a"}', "streamer_ids must be a list"),
    ],
    ids=str,
)
def test_a_wrong_run_is_one_line_and_no_run(caller, site, body, says):
    """The first thing that is wrong is said; nothing was started."""
    answer = caller.post("/api/v1/runs", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 422, answer.text
    assert says in answer.json()["error"]
    assert "\n" not in answer.json()["error"]
    assert not site.app.state.services.runs._started


@pytest.mark.parametrize("kind", ["text/plain", "", "application/x-www-form-urlencoded", "text/json; application/json"])
def test_json_is_sent_as_json(caller, kind):
    """A form of another site can send text/plain, so that is not taken for JSON."""
    answer = caller.post("/api/v1/runs", content='{"event_type": "health_sweep"}', headers={"Content-Type": kind})

    assert answer.status_code == 415


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/runs/..%2f..",
        "/api/v1/runs/%00",
        "/api/v1/runs/1",
        "/api/v1/runs/' OR 1=1",
        "/api/v1/runs/{}",
        "/api/v1/runs/%ff",
    ],
)
def test_an_id_that_is_none_is_an_argument_that_is_wrong(caller, path):
    """No trick with a path or a quote reaches anything."""
    answer = caller.get(path)

    assert answer.status_code in {404, 422}
    assert set(answer.json()) == {"error"}


def test_an_unknown_run_is_404(caller):
    """An id that was never a run is told so."""
    answer = caller.get("/api/v1/runs/0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")

    assert answer.status_code == 404
    assert answer.json()["error"].startswith("There is no run 0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")


def test_an_unknown_path_and_method_are_told_in_the_same_shape(caller):
    """One JSON shape for every error."""
    assert caller.get("/api/v1/nothing").json() == {"error": "Nothing is here: '/api/v1/nothing'."}
    assert caller.delete("/api/v1/runs").json() == {"error": "'DELETE' is not possible here: '/api/v1/runs'."}


def test_a_browser_reads_a_page(person):
    """Who asked for a page reads the line on one, with what somebody wrote escaped."""
    answer = person.get("/admin/<script>alert(1)</script>", headers={"Accept": "text/html"})

    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script>alert" not in answer.text


def test_a_long_query_changes_nothing(stranger):
    """10 KB of query are read and ignored."""
    assert stranger.get(f"{SIGN_IN}?next={'x' * 10_000}").status_code == 200


def test_an_error_of_the_page_itself_shows_no_traceback(site, caller, monkeypatch, caplog):
    """What nobody expected is one line; the log has the rest, without secrets."""

    async def broken(*_):
        raise ValueError("postgresql://user:hunter2@host/db")

    monkeypatch.setattr(site.app.state.services.runs, "progress", broken)
    answer = caller.get("/api/v1/runs/0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")

    assert answer.status_code == 500
    assert answer.json() == {"error": "Something went wrong in the page itself: its log says what."}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "postgresql://user:***@host/db" in caplog.text
    assert "hunter2" not in caplog.text
