"""The check `cooldown`: individual events by streamer, group events for the whole campaign."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from integration.campaign.conftest import cannot_be_asked

from preflight.campaign.checks.cooldown import CooldownCheck
from preflight.campaign.source import Cooldown, GamificationEvent
from preflight.types import Status

ROUND = ("nova", "vega")


def cooling(seconds, streamer_id=None):
    return Cooldown(ends_at=datetime.now(UTC) + timedelta(seconds=seconds), streamer_id=streamer_id)


def event(*cooldowns, individual):
    return GamificationEvent(
        name="Critical hit", individual=individual, configured=True, enabled=True, cooldowns=cooldowns
    )


@pytest.mark.parametrize(
    ("individual", "cooldowns", "streamers", "status"),
    [
        (True, [], ROUND, Status.PASSED),
        (True, [(60, "nova")], ROUND, Status.FAILED),
        (True, [(60, "somebody_else")], ROUND, Status.PASSED),
        (True, [(-1, "nova")], ROUND, Status.PASSED),
        (False, [], (), Status.PASSED),
        (False, [(60,)], (), Status.FAILED),
        (False, [(60, "somebody_else")], ROUND, Status.FAILED),
        (False, [(-1,)], (), Status.PASSED),
    ],
)
def test_an_event_on_cooldown_fails(tell, individual, cooldowns, streamers, status):
    """An individual event cools down for each streamer apart, any other one for all of the campaign."""
    told = event(*(cooling(*one) for one in cooldowns), individual=individual)

    result = tell("cooldown", event=told, run={"streamer_ids": streamers})

    assert result.status is status, result.message
    assert bool(result.remediation) is (status is Status.FAILED)


def test_the_longest_wait_is_told(tell):
    """In seconds, in the message and as metadata, and for how many it is."""
    told = event(cooling(100.5, "nova"), cooling(50, "vega"), cooling(900, "somebody_else"), individual=True)

    result = tell("cooldown", event=told, run={"streamer_ids": ROUND})

    left = result.metadata["seconds_left"]
    assert 90 <= left <= 101
    assert result.message == f"Critical hit is on cooldown for 2 of the run's streamers: {left} s left"
    assert result.remediation.startswith(f"Wait {left} s")


def test_an_individual_event_needs_a_streamer(tell):
    """Without one it cannot be asked, which is no yes."""
    result = tell("cooldown", event=event(individual=True))

    assert (result.status, result.remediation) == (Status.ERROR, "Pass streamer_ids to the run.")


def test_an_unknown_event_fails(ask, tell):
    """So does an id that is of another form than the source's."""
    assert tell("cooldown", event=None).status is Status.FAILED
    for unknown in ("0190a5a0-7c1e-7000-8000-00000000ffff", "no id", "", "\x00", "x" * 10_000):
        result = ask("cooldown", run={"metadata": {"gamification_event_id": unknown}})
        assert result.status is Status.FAILED
        assert result.message.startswith("there is no event ")
        assert len(result.message) < 100


@pytest.mark.parametrize("wrong", [5, [], {}, True, None])
def test_an_event_id_that_is_no_text_is_an_error(ask, wrong):
    """It names what was given and how to give it."""
    result = ask("cooldown", run={"metadata": {"gamification_event_id": wrong}})

    cannot_be_asked(result, f"gamification_event_id must be the id of an event as text, not {wrong!r}")
    assert "metadata=" in result.remediation


def test_a_source_in_trouble_is_an_error(ask, troubled_source):
    """What is not known is no "no"."""
    changed, message = troubled_source

    cannot_be_asked(ask("cooldown", **changed), message)


def test_it_is_for_gamification_and_never_kept():
    """It requires the campaign and the event, and is asked last."""
    check = CooldownCheck()

    assert (check.priority, check.requires) == (20, ("campaign_id", "gamification_event_id"))
    assert (check.cache_ttl, check.event_types) == (None, ("dice_roll", "redemption", "gamification_trigger"))


def test_every_documented_answer_is_given(not_given):
    """The page of the check shows no answer that these tests have not met."""
    assert not_given(CooldownCheck) == []
