"""The check `tokens`: what is stored, what Twitch says, and what could not be asked."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from integration.campaign.conftest import campaign, cannot_be_asked
from integration.campaign.test_twitch_api_check import http
from pydantic import SecretStr

from preflight.campaign import sample
from preflight.campaign.checks.tokens import TokensCheck, same_streamers
from preflight.campaign.source import Streamer
from preflight.context import CheckContext
from preflight.embedded.twitch import Trouble, limited
from preflight.types import Status

VALIDATE = "/oauth2/validate"
PAST, FUTURE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def streamer(name="nova", **changed) -> Streamer:
    """Return a streamer who is well, but for what is given."""
    token = SecretStr(f"token-{name}")
    return Streamer(**{"id": name, "name": name, "active": True, "authorised": True, "token": token} | changed)


@pytest.fixture
def crowd(fake) -> list[Streamer]:
    """Return 200 streamers whose tokens are good."""
    streamers = [streamer(f"s{number:03}") for number in range(200)]
    fake.tokens |= {one.token.get_secret_value(): sample.TOKEN_SECONDS for one in streamers}
    return streamers


def test_it_passes_when_every_token_is_accepted(tell, fake, crowd):
    """Each is validated once, and nothing else is asked of Twitch: no token is refreshed."""
    result = tell("tokens", streamers=crowd)

    assert (result.status, result.message) == (Status.PASSED, "the tokens of 200 streamers are valid")
    assert result.metadata == {"streamers": 200, "passed": 200}
    assert fake.asked == {VALIDATE: 200}


def test_two_hundred_tokens_are_thirteen_times_sixteen(tell, fake, crowd):
    """Twitch answers nobody until 16 wait, twelve times; the last 8 come alone."""
    sixteen = threading.Barrier(16, timeout=8)
    for one in crowd[: 12 * 16]:
        fake.troubles[one.token.get_secret_value()] = Trouble(first=sixteen.wait)

    result = tell("tokens", streamers=crowd)

    assert result.status is Status.PASSED, result.message
    assert fake.asked == {VALIDATE: 200}


def test_no_more_than_sixteen_tokens_are_validated_at_the_same_time(tell, fake, crowd):
    """Twitch waits for a seventeenth, for a second: it never comes."""
    seventeen, met = threading.Barrier(17, timeout=1), []

    def wait():
        with contextlib.suppress(threading.BrokenBarrierError):
            met.append(seventeen.wait())

    fake.troubles[VALIDATE] = Trouble(first=wait)

    assert tell("tokens", streamers=crowd).status is Status.PASSED
    assert met == []
    assert fake.most_at_once <= 16


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"active": False}, "nova is not active"),
        ({"authorised": False}, "nova has not authorised the campaign"),
        ({"authorised_until": PAST}, "nova authorised the campaign for a time that is over"),
        ({"token": None}, "nova has never signed in with Twitch"),
        ({"token": SecretStr("")}, "nova has a token that is none of Twitch's"),
        ({"token": SecretStr("abc\r\nX-Header: 1")}, "nova has a token that is none of Twitch's"),
        ({"token": SecretStr("ab\xe9\x00")}, "nova has a token that is none of Twitch's"),
        ({"token_expires_at": PAST}, "nova has a token that has expired"),
    ],
)
def test_what_is_stored_may_be_a_no_already(tell, fake, changed, says):
    """Twitch is not asked about a streamer for whom nothing may be done anyway."""
    result = tell("tokens", streamers=[streamer(**changed)])

    assert (result.status, result.message) == (Status.FAILED, says)
    assert result.remediation
    assert not fake.asked


def test_an_authorisation_without_an_end_and_one_in_time_are_good(tell, fake):
    """So is a token that says when it ends, if that is far off."""
    fake.tokens |= {"token-nova": sample.TOKEN_SECONDS, "token-vega": sample.TOKEN_SECONDS}
    good = [streamer(), streamer("vega", authorised_until=FUTURE, token_expires_at=FUTURE)]

    assert tell("tokens", streamers=good).status is Status.PASSED


def test_a_token_that_twitch_refuses_fails(tell):
    """401 is the one status that says something about the token."""
    result = tell("tokens", streamers=[streamer()])

    assert result.status is Status.FAILED
    assert result.message == "nova has a token that Twitch no longer accepts"
    assert result.remediation == "Have the streamer sign in with Twitch again."


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        (limited(7), "Twitch answers 429, to be asked again in 7 s"),
        (Trouble(status=429), "Twitch answers 429"),
        (Trouble(status=500), "Twitch answers 500"),
        (Trouble(status=503), "Twitch answers 503"),
        (Trouble(status=403), "Twitch answers 403"),
        (Trouble(reset=True), "hung up instead of answering"),
        (Trouble(garbage=b"220 mail.example ESMTP\r\n\r\n"), "does not speak HTTP"),
        (http(b"<html>"), "does not send a JSON object"),
        (http(b"{}"), "Twitch does not say when it expires"),
        *(
            (http(b'{"expires_in": %s}' % value), "Twitch does not say when it expires")
            for value in (b'"soon"', b"-1", b"NaN", b"1e999", b"[]")
        ),
        (Trouble(first=functools.partial(time.sleep, 1.5)), "Twitch did not answer in time"),
    ],
)
def test_a_twitch_that_cannot_be_asked_is_an_error_and_no_fault_of_a_token(tell, fake, trouble, why):
    """An outage tells nothing about the streamer."""
    fake.tokens["token-nova"] = sample.TOKEN_SECONDS
    fake.troubles[VALIDATE] = trouble

    result = tell("tokens", streamers=[streamer()], timeout=1.0)

    assert result.status is Status.ERROR
    assert result.message.startswith("nova could not be validated (")
    assert result.message.endswith(f"{why})")
    assert "nothing is known to be wrong" in result.remediation


def test_a_twitch_that_is_away_is_an_error(ask, refused_port):
    """So are an address that may not be called, and a name that nobody has."""
    away = ask("tokens", twitch_auth_url=f"http://127.0.0.1:{refused_port}")
    private = ask("tokens", http_allow_private=False)
    nowhere = ask("tokens", twitch_auth_url="http://twitch.invalid")

    assert [away.status, private.status, nowhere.status] == [Status.ERROR] * 3
    assert "cannot be reached" in away.message
    assert "is not a public address" in private.message
    assert "has a host name without an address" in nowhere.message


def test_what_twitch_answered_in_time_counts(tell, fake, crowd):
    """One deadline for all: a token that Twitch is silent about holds up none of the others."""
    fake.troubles[crowd[3].token.get_secret_value()] = Trouble(first=functools.partial(time.sleep, 3))

    result = tell("tokens", streamers=crowd, timeout=2.5)

    assert result.status is Status.ERROR
    assert result.message == "s003 could not be validated (Twitch did not answer in time)"
    assert result.metadata == {"streamers": 200, "passed": 199, "error": 1}


@pytest.mark.parametrize(
    ("seconds", "stored", "says"),
    [
        (3600 * 3, None, "nova has a token that expires in 3 h"),
        (90, None, "nova has a token that expires in 2 min"),
        (3600 * 25, None, None),
        (0, None, None),
        (10**400, None, None),
    ],
)
def test_a_token_that_expires_soon_is_a_warning(tell, fake, seconds, stored, says):
    """Within 24 hours by what Twitch says; 0 is how it calls a token that never expires."""
    fake.tokens["token-nova"] = seconds

    result = tell("tokens", streamers=[streamer()])

    assert result.status is (Status.WARNING if says else Status.PASSED)
    assert not says or (result.message, bool(result.remediation)) == (says, True)


def test_the_worst_that_was_found_speaks(tell, fake):
    """A no is told before what could not be asked, and that before a warning; each is counted."""
    fake.tokens |= {"token-a": 60, "token-b": sample.TOKEN_SECONDS, "token-c": sample.TOKEN_SECONDS}
    fake.troubles["token-b"] = Trouble(status=500)
    three = [streamer("a"), streamer("b"), streamer("c")]

    without = tell("tokens", streamers=three)
    with_no = tell("tokens", streamers=[*three, streamer("d", active=False)])

    assert (without.status, without.message) == (Status.ERROR, "b could not be validated (Twitch answers 500)")
    assert (with_no.status, with_no.message) == (Status.FAILED, "d is not active")
    assert with_no.metadata == {"streamers": 4, "failed": 1, "error": 1, "warning": 1, "passed": 1}


def test_a_few_are_named_and_the_others_counted(tell, crowd):
    """A message stays readable, whatever the number of streamers."""
    result = tell("tokens", streamers=[streamer(one.name, active=False) for one in crowd])

    assert result.message.startswith("s000 is not active; s001 is not active; ")
    assert result.message.endswith("; s004 is not active; and 195 more")


def test_an_outage_names_a_few_too(tell, fake, crowd):
    """Whoever could not be asked about is named or counted."""
    fake.troubles[VALIDATE] = Trouble(status=500)

    result = tell("tokens", streamers=crowd)

    assert (result.status, result.metadata) == (Status.ERROR, {"streamers": 200, "error": 200})
    assert result.message.endswith("s004 could not be validated (Twitch answers 500); and 195 more")


def test_a_streamer_of_the_run_must_be_known_and_have_authorised_the_campaign(ask):
    """`streamer_ids` are looked at besides the campaign's own, wherever they belong."""
    unknown = ask("tokens", run={"streamer_ids": ("nobody",)})
    foreign = ask("tokens", run={"streamer_ids": (campaign("disabled").streamer_id,)})
    own = ask("tokens", run={"streamer_ids": (sample.WELL.streamer_id,)})

    assert (unknown.status, unknown.message) == (Status.FAILED, "nobody is no known streamer")
    assert foreign.message == "sample_disabled has not authorised the campaign"
    assert own.status is Status.PASSED


def test_a_campaign_without_streamers_fails(tell):
    """Nothing was asked, so that it is no yes."""
    assert tell("tokens", streamers=[]).message == "the campaign has no streamer"
    assert tell("tokens", streamers=[]).status is Status.FAILED


@pytest.mark.parametrize("how_many", [0, 1, 2])
def test_a_wrong_key_is_an_error_in_one_line(ask, fake, how_many):
    """Without the key nothing is known of the tokens; the answer names the setting."""
    result = ask("tokens", campaign_keys=",".join(sample.new_key() for _ in range(how_many)))

    assert result.status is Status.ERROR
    assert "PREFLIGHT_CAMPAIGN_KEYS" in result.message
    assert "\n" not in result.message
    assert result.remediation
    assert not fake.asked


def test_an_old_key_still_decrypts(ask, sampled):
    """A rotation puts the new key before the old one."""
    assert ask("tokens", campaign_keys=f"{sample.new_key()},{sampled.key}").status is Status.PASSED


def test_one_answer_serves_runs_of_one_campaign_that_name_the_same_streamers():
    """The order of the names does not count; another streamer is another question."""
    check = TokensCheck()
    ids = [("b", "a"), ("a", "b"), ("a",), ()]
    scopes = [same_streamers(CheckContext(mode="full", event_type="poll_launch", streamer_ids=one)) for one in ids]

    assert (check.cache_ttl, check.cache_scope, check.priority, check.may_be_slow) == (60.0, same_streamers, 10, True)
    assert scopes[0] == scopes[1]
    assert len(set(scopes)) == 3
    assert check.requires == ("campaign_id",)


def test_an_expiry_that_is_stored_in_the_near_future_is_left_to_twitch(tell, fake):
    """What Twitch says of a token is newer than what is stored."""
    fake.tokens["token-nova"] = sample.TOKEN_SECONDS

    soon = datetime.now(UTC) + timedelta(hours=1)
    assert tell("tokens", streamers=[streamer(token_expires_at=soon)]).status is Status.PASSED


def test_a_source_in_trouble_is_an_error(ask, troubled_source):
    """What is not known is no "no"."""
    changed, message = troubled_source

    cannot_be_asked(ask("tokens", **changed), message)


def test_every_documented_answer_is_given(not_given):
    """The page of the check shows no answer that these tests have not met."""
    assert not_given(TokensCheck) == []
