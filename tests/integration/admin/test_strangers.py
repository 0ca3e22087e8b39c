"""What strangers get: the sign-in page, its files, and whether the process answers. Nothing else."""

from __future__ import annotations

import pytest
from starlette.routing import Mount, Route

from preflight.admin.access import SIGN_IN

OPEN = {"/healthz", SIGN_IN, f"{SIGN_IN}/{{secret}}", "/admin/static"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PAGE = {"Accept": "text/html"}


def paths(routes):
    """Return the path of every route of an application, included ones too."""
    found = []
    for route in routes:
        if isinstance(route, Route | Mount):
            found.append(route.path)
        else:
            found += paths(getattr(route, "original_router", route).routes)
    return found


def filled(path):
    """Return a path with something in the place of its parameters."""
    return path.replace("{report_id}", "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b").replace("{", "").replace("}", "")


def test_no_route_answers_a_stranger_but_those_that_must(site, stranger):
    """Every route of the table, by every method, is 401; the sign-in page and the health of the process are open."""
    every = set(paths(site.app.routes))
    assert every >= OPEN | {"/readyz", "/admin/monitoring", "/api/v1/runs", "/api/v1/openapi.json"}
    for path in sorted(every - OPEN):
        for method in METHODS:
            answer = stranger.request(method, filled(path))
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
            assert method == "HEAD" or answer.json() == {
                "error": "Sign in, or send a token in the header Authorization."
            }


@pytest.mark.parametrize(
    "path",
    ["/", "/nothing", "/admin", "/healthz/", "/admin/static", "//healthz", "/admin/sign-in/../monitoring", "/api/v1/"],
)
def test_a_stranger_does_not_learn_what_is_there(stranger, path):
    """A path that does not exist says no more than one that does."""
    assert stranger.get(path).status_code == 401


def test_open_routes_are_open(stranger):
    """The page to sign in on, and a process that says that it lives."""
    assert stranger.get("/healthz").json() == {"status": "ok"}
    assert "Sign in" in stranger.get(SIGN_IN).text


@pytest.mark.parametrize(
    "path", ["/admin/static/../app.py", "/admin/static/..%2fapp.py", "/admin/static/%2e%2e/app.py"]
)
def test_static_files_are_those_of_the_page_only(site, path):
    """No trick with a path reads another file."""
    import socket

    with socket.create_connection(("127.0.0.1", site.settings.admin_port)) as plain:
        plain.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        said = b"".join(iter(lambda: plain.recv(4096), b""))
    assert said.startswith(b"HTTP/1.1 404")
    assert b"create_app" not in said


def test_a_browser_is_led_to_the_sign_in_page_and_back(site, stranger):
    """Who asked for a page gets the sign-in page, which remembers where to go on."""
    answer = stranger.get("/admin/monitoring?query=check%3Aredis", headers=PAGE)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{SIGN_IN}?next=%2Fadmin%2Fmonitoring%3Fquery%3Dcheck%253Aredis"

    form = stranger.get(answer.headers["location"])
    assert 'value="/admin/monitoring?query=check%3Aredis"' in form.text
    on = stranger.post(SIGN_IN, data={"token": site.token(), "next": "/admin/monitoring?query=check%3Aredis"})
    assert (on.status_code, on.headers["location"]) == (303, "/admin/monitoring?query=check%3Aredis")


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example/admin/",
        "/\\evil.example",
        "/admin/\\evil.example",
        "/admin//evil.example",
        "javascript:alert(1)",
        "/admin/../..//evil",
        "/admin/monitoring\r\nSet-Cookie: a=b",
        "/admin/sign-in?next=/x",
        "/admin/" + "x" * 3000,
        "/api/v1/reports",
        "\u202e/admin/",
        "",
    ],
)
def test_signing_in_leads_to_a_page_of_ours(site, stranger, target):
    """Whatever an address said where to go next: a foreign page is not gone to."""
    answer = stranger.post(SIGN_IN, data={"token": site.token(), "next": target})

    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/monitoring")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "", "[::2]"])
def test_a_foreign_name_is_refused(site, caller, host):
    """A name that somebody made point here is not served, even with a right token."""
    answer = caller.get("/api/v1/settings", headers={"Host": host})

    assert answer.status_code == 400
    assert "PREFLIGHT_ADMIN_ALLOWED_HOSTS" in answer.json()["error"]


def test_probes_ask_by_any_name(stranger):
    """Whoever probes a container asks by its address: that the process answers is said under every name."""
    assert stranger.get("/healthz", headers={"Host": "10.1.2.3:8080"}).status_code == 200
    assert stranger.get(SIGN_IN, headers={"Host": "10.1.2.3:8080"}).status_code == 400


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1234", "127.0.0.1", "[::1]:8080"])
def test_names_of_this_machine_are_served(caller, host):
    """What cannot be another site's name needs no setting."""
    assert caller.get("/api/v1/settings", headers={"Host": host}).status_code == 200


def test_forwarding_headers_of_strangers_say_nothing(stranger):
    """Without a trusted proxy nobody is let in by a header, and no cookie is made for another scheme."""
    claims = {"X-Forwarded-User": "root", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    answer = stranger.get("/admin/monitoring", headers={**PAGE, **claims})

    assert answer.status_code == 303
    assert answer.headers["location"].startswith(SIGN_IN)
    assert "strict-transport-security" not in answer.headers


@pytest.mark.parametrize("path", [SIGN_IN, "/admin/monitoring", "/nothing", "/healthz", "/admin/static/nothing"])
def test_every_answer_has_the_security_headers(stranger, path):
    """Whatever is answered, scripts of others, frames and guessing of types are off."""
    headers = stranger.get(path).headers

    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers
