"""Sessions and tokens: made, used, forged, revoked, over."""

from __future__ import annotations

import contextlib

import psycopg2
import pytest

from preflight.admin.access import COOKIE, SIGN_IN
from preflight.admin.attempts import MOST_WRONG, WINDOW_SECONDS, Attempts
from preflight.admin.credentials import InvalidToken, Role
from preflight.admin.sign_in import USED

PAGE = {"Accept": "text/html"}
SEES = "/api/v1/settings"


def sql(site, statement, *values):
    """Run a statement in the page's database."""
    with contextlib.closing(psycopg2.connect(site.settings.database.replace("+psycopg2", ""))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []


def test_a_session_cookie_is_for_the_browser_alone(site, stranger):
    """Scripts do not see it and other sites do not send it along with writes; plain HTTP has no Secure."""
    answer = stranger.post(SIGN_IN, data={"token": site.token()})
    attributes = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}

    assert {"httponly", "samesite=lax", "path=/", "max-age=43200"} <= attributes
    assert "secure" not in attributes


def test_secrets_are_not_stored(site, person):
    """Of tokens and sessions the database has hashes: who reads it gets in nowhere."""
    token = site.token()
    secret = person.cookies[COOKIE].partition(".")[0]
    stored = str(sql(site, "SELECT encode(hash, 'escape') FROM preflight_admin_tokens")) + str(
        sql(site, "SELECT encode(hash, 'escape') FROM preflight_admin_sessions")
    )

    assert token.split("_", 2)[2] not in stored
    assert secret not in stored


def test_signing_out_ends_the_session_on_the_server(site, person):
    """A cookie that was copied before is of no use afterwards."""
    copied = person.cookies[COOKIE]
    assert person.get(SEES).status_code == 200
    answer = person.post("/admin/sign-out", data={"csrf": site.csrf(person)})
    assert (answer.status_code, answer.headers["location"]) == (303, SIGN_IN)

    with site.stranger(cookies={COOKIE: copied}) as replayed:
        assert replayed.get(SEES).status_code == 401


def test_a_session_ends_when_its_time_is_over(site, person):
    """The server decides when: an old cookie is a stranger's."""
    name = sql(site, "UPDATE preflight_admin_sessions SET expires_at = now() RETURNING name")
    assert name
    assert person.get(SEES).status_code == 401


def test_revoking_a_token_ends_its_sessions(site):
    """Who was let in by a token is out when it is revoked, in the API and on the page."""
    token = site.credentials.create_token("leaver", Role.ADMIN)
    with site.stranger() as browser, site.stranger(headers={"Authorization": f"Bearer {token}"}) as caller:
        assert browser.post(SIGN_IN, data={"token": token}).status_code == 303
        assert (browser.get(SEES).status_code, caller.get(SEES).status_code) == (200, 200)

        site.credentials.revoke_token("leaver")

        assert (browser.get(SEES).status_code, caller.get(SEES).status_code) == (401, 401)
        assert browser.post(SIGN_IN, data={"token": token}).status_code == 401


@pytest.mark.parametrize(
    "forge",
    [
        lambda cookie: cookie[:-1] + ("A" if cookie[-1] != "A" else "B"),
        lambda cookie: cookie.partition(".")[0],
        lambda cookie: "A" * 43 + "." + cookie.partition(".")[2],
        lambda cookie: cookie + cookie,
        lambda cookie: "." + cookie,
        lambda cookie: "x" * 4000,
        lambda cookie: "%00",
        lambda cookie: "",
    ],
)
def test_a_forged_cookie_is_a_stranger(site, person, forge):
    """What this server did not sign opens nothing."""
    with site.stranger(cookies={COOKIE: forge(person.cookies[COOKIE])}) as forger:
        assert forger.get(SEES).status_code == 401


@pytest.mark.parametrize(
    "given",
    [
        "Bearer",
        "Basic cm9vdDpyb290",
        "Bearer pft_0000000000000000_" + "A" * 43,
        "Bearer null",
        "Bearer " + "x" * 8000,
        "Bearer pft_%00",
        "Bearer ' OR 1=1 --",
        "Bearer a b",
    ],
)
def test_a_wrong_token_is_401(site, given, fresh_attempts):
    """Nothing but a token that was made here lets anybody in."""
    with site.stranger(headers={"Authorization": given}) as caller:
        answer = caller.get(SEES)
    assert answer.status_code == 401
    assert answer.json() == {"error": "This token is not known, or was revoked."}


def test_half_a_token_is_no_token(site, fresh_attempts):
    """The public part alone, or with another secret, opens nothing."""
    token = site.token()
    for wrong in (token[:-1], token[:20], token[:-43] + "A" * 43):
        with site.stranger(headers={"Authorization": f"Bearer {wrong}"}) as caller:
            assert caller.get(SEES).status_code == 401


@pytest.fixture
def fresh_attempts(site):
    """Forget wrong tries before and after a test: all tests come from one address."""
    attempts = site.app.state.services.access.attempts
    attempts._wrong.clear()
    yield
    attempts._wrong.clear()


@pytest.mark.parametrize("token", ["", "\x00", "x" * 60_000, "pft_", "\u202e\ud83d", "=cmd()"])
def test_a_wrong_token_on_the_page_says_so(stranger, token, fresh_attempts):
    """Empty, long, with NUL: the page is there again, with one line."""
    answer = stranger.post(SIGN_IN, data={"token": token.encode("utf-8", "surrogatepass")})

    assert answer.status_code == 401
    assert "This token is not known, or was revoked." in answer.text


def test_twenty_wrong_tries_are_stopped_and_a_right_token_is_not(site, stranger, fresh_attempts):
    """After ten the sign-in page waits; who has a token already goes on working from the same address."""
    codes = [stranger.post(SIGN_IN, data={"token": f"wrong {number}"}).status_code for number in range(20)]
    assert codes == [401] * MOST_WRONG + [429] * (20 - MOST_WRONG)

    right = stranger.post(SIGN_IN, data={"token": site.token()})
    assert right.status_code == 429
    assert int(right.headers["retry-after"]) > 0
    with site.caller() as caller:
        assert caller.get(SEES).status_code == 200
    with site.stranger(headers={"Authorization": "Bearer wrong"}) as wrong:
        assert wrong.get(SEES).status_code == 429


def test_wrong_tries_are_forgotten_after_a_while():
    """An address waits until the oldest of its wrong tries is over; others do not wait at all."""
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    for _ in range(MOST_WRONG):
        attempts.wrong("2001:db8::1")
        now[0] += 1

    assert attempts.wait_seconds("2001:db8::ffff") > 0, "one customer has a whole network of addresses"
    assert attempts.wait_seconds("2001:db8:1::1") == attempts.wait_seconds("192.0.2.1") == 0
    now[0] = WINDOW_SECONDS + 1
    assert attempts.wait_seconds("2001:db8::1") == 0


def test_a_link_works_once(site, stranger, fresh_attempts):
    """The first who follows it is signed in; a second one reads what to do."""
    secret = site.credentials.create_link(Role.VIEWER, 60)
    first = stranger.get(f"{SIGN_IN}/{secret}")
    assert (first.status_code, first.headers["location"]) == (303, "/admin/monitoring")
    assert stranger.get(SEES).status_code == 200

    with site.stranger() as second:
        answer = second.get(f"{SIGN_IN}/{secret}")
        assert answer.status_code == 401
        assert USED.partition("`")[0] in answer.text
        assert second.get(SEES).status_code == 401


@pytest.mark.parametrize("secret", ["A" * 43, "x", "%00", "%2e%2e", "'--", "A" * 5000])
def test_a_link_that_nobody_made_opens_nothing(stranger, secret, fresh_attempts):
    """Guesses are answered like used links."""
    assert stranger.get(f"{SIGN_IN}/{secret}").status_code == 401


def test_an_old_link_opens_nothing(site, stranger, fresh_attempts):
    """A link ends by itself."""
    secret = site.credentials.create_link(Role.ADMIN, -1)

    assert stranger.get(f"{SIGN_IN}/{secret}").status_code == 401


@pytest.mark.parametrize("name", ["", " ", "a b", "-x", "x" * 65, "a\nb", "<b>", "\u202ex", "a'b"])
def test_a_token_has_a_plain_name(site, name):
    """A wrong name is refused in one line."""
    with pytest.raises(InvalidToken, match="A token's name is 1 to 64 letters"):
        site.credentials.create_token(name, Role.ADMIN)


def test_two_valid_tokens_have_two_names(site):
    """A name is free again when its token was revoked; revoking what is not there offers the nearest."""
    site.credentials.create_token("grafana", Role.VIEWER)
    with pytest.raises(InvalidToken, match="A token is called 'grafana' already"):
        site.credentials.create_token("grafana", Role.VIEWER)
    with pytest.raises(InvalidToken, match="Did you mean grafana"):
        site.credentials.revoke_token("grafan")
    site.credentials.revoke_token("grafana")
    site.credentials.create_token("grafana", Role.VIEWER)
