"""The check `twitch_api` against a Twitch that behaves in every way."""

from __future__ import annotations

import functools
import time

import pytest

from preflight.campaign.checks.twitch_api import CORRECT_CREDENTIALS, TwitchApiCheck
from preflight.embedded.twitch import Trouble, limited
from preflight.types import Status

TOKEN, USERS = "/oauth2/token", "/helix/users"


def http(body: bytes, status: str = "200 OK") -> Trouble:
    """Return the trouble of an answer with any body."""
    return Trouble(garbage=b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body))


def test_it_passes_when_twitch_lets_the_application_in_and_answers(ask, fake):
    """One token for the client's credentials, one call of the API with it."""
    result = ask("twitch_api")

    assert (result.status, result.message) == (Status.PASSED, "Twitch grants a token and answers with it")
    assert fake.asked == {TOKEN: 1, USERS: 1}


@pytest.mark.parametrize("missing", ["twitch_client_id", "twitch_client_secret"])
def test_missing_credentials_fail_and_nobody_is_asked(ask, fake, missing):
    """The remediation names both settings."""
    result = ask("twitch_api", **{missing: "" if missing.endswith("id") else None})

    assert (result.status, result.message) == (Status.FAILED, "there are no credentials to ask Twitch with")
    assert result.remediation == "Set PREFLIGHT_TWITCH_CLIENT_ID and PREFLIGHT_TWITCH_CLIENT_SECRET."
    assert not fake.asked


@pytest.mark.parametrize(
    ("wrong", "status"), [({"twitch_client_id": "another"}, 400), ({"twitch_client_secret": "another"}, 403)]
)
def test_credentials_that_twitch_refuses_fail(ask, wrong, status):
    """An unknown client id is 400, a wrong secret 403."""
    result = ask("twitch_api", **wrong)

    assert result.status is Status.FAILED
    assert result.message.endswith(f"refuses the client id or secret with {status}")
    assert result.remediation == CORRECT_CREDENTIALS


def test_an_application_that_may_not_use_the_api_fails(ask, fake):
    """A token that is granted and then not accepted is a no."""
    fake.troubles[USERS] = Trouble(status=401)

    result = ask("twitch_api")

    assert (result.status, result.remediation) == (Status.FAILED, CORRECT_CREDENTIALS)


@pytest.mark.parametrize("path", [TOKEN, USERS])
@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        (limited(7), "asks to be left alone for 7 s: too many requests"),
        (Trouble(status=429, headers={"Retry-After": "soon"}), "asks to be left alone: too many requests"),
        (Trouble(status=429, headers={"Ratelimit-Reset": "1"}), "asks to be left alone for 0 s: too many requests"),
        (Trouble(status=429), "asks to be left alone: too many requests"),
    ],
)
def test_a_limit_that_is_reached_is_a_warning(ask, fake, path, trouble, says):
    """Twitch is up and says when it may be asked again: Retry-After, else Ratelimit-Reset, if it can be read."""
    fake.troubles[path] = trouble

    result = ask("twitch_api")

    assert result.status is Status.WARNING
    assert result.message.endswith(says)
    assert result.remediation


def test_the_reset_of_a_limit_counts_when_there_is_no_retry_after(ask, fake):
    """It is an instant, told as the seconds that are left."""
    fake.troubles[USERS] = limited(3600, retry_after=False)

    words = ask("twitch_api").message.split()

    assert 3500 < int(words[words.index("s:") - 1]) <= 3600


@pytest.mark.parametrize("path", [TOKEN, USERS])
@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        (Trouble(status=500), "answers 500"),
        (Trouble(status=503), "answers 503"),
        (Trouble(status=302, headers={"Location": "http://127.0.0.1:1/"}), "answers 302"),
        (Trouble(first=functools.partial(time.sleep, 1.5)), "Twitch did not answer in time"),
        (Trouble(garbage=b"220 mail.example ESMTP\r\n\r\n"), "does not speak HTTP"),
        (Trouble(reset=True), "hung up instead of answering"),
        (http(b"<html>"), "does not send a JSON object"),
        (http(b"[]"), "does not send a JSON object"),
        (http(b"[" * 60_000), "does not send a JSON object"),
        (http(b"\xff\xfe\x00"), "does not send a JSON object"),
        (http(b" " * 70_000), "sends more than 64 KiB"),
        (http(b'{"access_token": 5, "data": {}}'), "does not answer as Twitch does"),
    ],
)
def test_a_twitch_that_is_not_well_fails(ask, fake, path, trouble, says):
    """5xx, silence, garbage and hanging up are a no within the check's time, wherever they happen."""
    fake.troubles[path] = trouble

    result = ask("twitch_api", timeout=1.0)

    assert result.status is Status.FAILED
    assert result.message.endswith(says)
    assert result.remediation


@pytest.mark.parametrize("token", [b"a\\r\\nX: y", b"\\u00e9\\u0000"])
def test_a_token_that_no_header_takes_is_not_sent(ask, fake, token):
    """What Twitch grants goes into a header: it must not make another one."""
    fake.troubles[TOKEN] = http(b'{"access_token": "%s"}' % token)

    result = ask("twitch_api")

    assert result.status is Status.FAILED
    assert result.message.endswith("cannot be asked: a header would hold what no header may")
    assert USERS not in fake.asked


@pytest.mark.parametrize("setting", ["twitch_auth_url", "twitch_api_url"])
def test_a_twitch_that_is_away_fails(ask, refused_port, setting):
    """A port on which nobody listens, and a name that nobody has."""
    refused = ask("twitch_api", **{setting: f"http://127.0.0.1:{refused_port}"})
    nowhere = ask("twitch_api", **{setting: "http://twitch.invalid"})

    assert (refused.status, nowhere.status) == (Status.FAILED, Status.FAILED)
    assert refused.message.startswith(f"http://127.0.0.1:{refused_port} cannot be reached: ")
    assert nowhere.message == "http://twitch.invalid has a host name without an address"


def test_a_private_address_is_not_called_unless_that_is_allowed(ask, fake):
    """The guard of the `http` checks stands here too."""
    result = ask("twitch_api", http_allow_private=False)

    assert result.status is Status.FAILED
    assert "is not a public address: set PREFLIGHT_HTTP_ALLOW_PRIVATE=true" in result.message
    assert not fake.asked


def test_it_is_asked_for_every_event_and_kept_for_half_a_minute():
    """One answer serves all runs."""
    check = TwitchApiCheck()

    assert (check.priority, check.event_types) == (5, None)
    assert (check.cache_ttl, check.cache_scope) == (30.0, "global")


def test_every_documented_answer_is_given(not_given):
    """The page of the check shows no answer that these tests have not met."""
    assert not_given(TwitchApiCheck) == []
