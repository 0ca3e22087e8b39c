"""A viewer sees and does not act; a write from another site is nobody's."""

from __future__ import annotations

import pytest
import sites

from preflight.admin.access import SIGN_IN

WRITES = ("POST", "PUT", "PATCH", "DELETE", "PURGE")
RUN = {"event_type": "health_sweep", "only": ["nothing"]}


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize(
    "path", ["/api/v1/runs", "/api/v1/settings", "/admin/monitoring", "/api/v1/nothing", "/healthz/x"]
)
def test_a_viewer_acts_by_no_method(viewer, method, path):
    """Whatever it is and whether it exists: 403, and why."""
    answer = viewer.request(method, path, json=RUN)

    assert answer.status_code == 403
    assert answer.json()["error"].endswith("may look and not act: it takes the role admin.")


@pytest.mark.parametrize("path", ["/api/v1/settings", "/readyz", "/metrics", "/api/v1/openapi.json"])
def test_a_viewer_sees(viewer, path):
    """Reading is what viewers are for."""
    assert viewer.get(path).status_code == 200


def test_a_viewer_can_sign_out(site):
    """Ending one's own session is no act."""
    with site.person("viewer") as viewer:
        answer = viewer.post("/admin/sign-out", data={"csrf": site.csrf(viewer)})
        assert (answer.status_code, answer.headers["location"]) == (303, SIGN_IN)


def test_settings_are_shown_without_secrets(caller, site):
    """What the page shows of the settings is what `preflight config` shows."""
    shown = caller.get("/api/v1/settings").json()

    assert shown["PREFLIGHT_NAMESPACE"] == site.settings.namespace
    assert "***" in shown["PREFLIGHT_DATABASE_URL"]
    assert site.settings.database.partition("@")[0].rpartition(":")[2] not in str(shown)


def test_a_browsers_write_needs_the_token_of_its_page(site, person):
    """A session cookie alone does nothing: another site could have made the browser send it."""
    for csrf in (None, "", "x", "\u00e9", site.csrf(person)[:-1]):
        headers = {} if csrf is None else {"X-CSRF-Token": csrf.encode()}
        answer = person.post("/api/v1/runs", json=RUN, headers=headers)
        assert answer.status_code == 403
        assert answer.json() == {"error": "The page that sent this is too old, or not ours: load it again."}

    right = person.post("/api/v1/runs", json=RUN, headers={"X-CSRF-Token": site.csrf(person)})
    assert right.status_code == 422, "it came as far as the arguments"


def test_the_token_of_another_session_is_foreign(site, person):
    """What one session's pages show is of no use in another, also of the same person."""
    with site.person() as other:
        answer = person.post("/api/v1/runs", json=RUN, headers={"X-CSRF-Token": site.csrf(other)})
    assert answer.status_code == 403


def test_a_form_shows_the_token_in_a_field(site, person):
    """Pages work without scripts: a form's field is as good as a header, and a stale one is refused."""
    assert person.post("/admin/sign-out", data={"csrf": "stale"}).status_code == 403
    assert person.post("/admin/sign-out", files={"csrf": site.csrf(person)}).status_code == 403
    assert person.post("/admin/sign-out", data={"csrf": site.csrf(person)}).status_code == 303


@pytest.mark.parametrize("origin", ["cross-site", "same-site", "nonsense"])
def test_what_another_site_sends_is_refused(site, person, stranger, origin):
    """Browsers say where a request comes from; signing somebody in from elsewhere is refused too."""
    headers = {"Sec-Fetch-Site": origin, "X-CSRF-Token": site.csrf(person)}
    assert person.post("/api/v1/runs", json=RUN, headers=headers).status_code == 403
    answer = stranger.post(SIGN_IN, data={"token": site.token()}, headers={"Sec-Fetch-Site": origin})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.fixture(scope="module")
def proxied(site):
    """Yield a page behind a proxy on this machine that names who has signed in."""
    with sites.running(behind(site, "127.0.0.1")) as page:
        yield page


def behind(site, proxy):
    """Return the settings of a page that trusts a proxy."""
    names = {"admin_proxy_header": "X-Forwarded-User", "admin_proxy_admins": "ada", "admin_trusted_proxies": proxy}
    settings = site.settings
    return sites.settings_for(settings.redis, settings.database, settings.namespace, **names)


@pytest.mark.parametrize(("user", "may"), [("ada", 422), ("bob", 403), ("ADA", 403)])
def test_a_trusted_proxy_names_the_visitor(proxied, user, may):
    """Its users are viewers, unless they are named as admins; their writes need the token of the page too."""
    headers = {"X-Forwarded-User": user}
    with proxied.stranger(headers=headers) as visitor:
        assert visitor.get("/api/v1/settings").status_code == 200
        assert visitor.post("/api/v1/runs", json=RUN).status_code == 403
        csrf = {"X-CSRF-Token": proxied.csrf(visitor)}
        assert visitor.post("/api/v1/runs", json=RUN, headers=csrf).status_code == may


def test_who_the_proxy_does_not_name_is_a_stranger(proxied):
    """No header, an empty one, or two of them."""
    with proxied.stranger() as visitor:
        for headers in ([], [("X-Forwarded-User", "")], [("X-Forwarded-User", "ada"), ("X-Forwarded-User", "bob")]):
            assert visitor.get("/api/v1/settings", headers=headers).status_code == 401


def test_behind_https_cookies_and_browsers_keep_to_https(proxied):
    """The proxy says that the browser came over https: the cookie is Secure, and the browser stays with https."""
    with proxied.stranger(headers={"X-Forwarded-Proto": "https"}) as visitor:
        answer = visitor.post(SIGN_IN, data={"token": proxied.token()})
    assert "secure" in answer.headers["set-cookie"].lower()
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_a_proxy_that_is_not_trusted_names_nobody(site):
    """The header is believed from the addresses that are named, not from everybody."""
    claims = {"X-Forwarded-User": "ada", "X-Forwarded-For": "10.9.9.1"}
    with sites.running(behind(site, "10.9.9.0/24")) as page, page.stranger(headers=claims) as visitor:
        assert visitor.get("/api/v1/settings").status_code == 401
