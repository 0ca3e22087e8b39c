"""The check `gamification_config`: the event is there, configured and enabled for the campaign."""

from __future__ import annotations

import pytest
from integration.campaign.conftest import campaign, cannot_be_asked

from preflight.campaign.checks.gamification_config import GamificationConfigCheck
from preflight.campaign.source import GamificationEvent
from preflight.types import Status


def event(**changed):
    return GamificationEvent(name="Critical hit", individual=False, **{"configured": True, "enabled": True} | changed)


@pytest.mark.parametrize(
    ("told", "status", "message"),
    [
        (event(), Status.PASSED, "Critical hit is enabled for the campaign"),
        (event(enabled=False), Status.FAILED, "Critical hit is disabled for the campaign"),
        (event(configured=False, enabled=False), Status.FAILED, "Critical hit is not configured for the campaign"),
        (event(configured=False), Status.FAILED, "Critical hit is not configured for the campaign"),
        (None, Status.FAILED, "there is no event "),
    ],
)
def test_the_configuration_decides(tell, told, status, message):
    """An event that nobody configured is not the same as one that is switched off, and both are a no."""
    result = tell("gamification_config", event=told)

    assert result.status is status
    assert result.message.startswith(message)
    assert bool(result.remediation) is (status is Status.FAILED)


def test_a_cooldown_is_no_matter_of_configuration(ask):
    """One check, one question."""
    assert ask("gamification_config", campaign("cooling")).status is Status.PASSED


@pytest.mark.parametrize("wrong", [5, [], {}, True, None])
def test_an_event_id_that_is_no_text_is_an_error(ask, wrong):
    """It names what was given and how to give it."""
    result = ask("gamification_config", run={"metadata": {"gamification_event_id": wrong}})

    cannot_be_asked(result, f"gamification_event_id must be the id of an event as text, not {wrong!r}")
    assert "metadata=" in result.remediation


def test_a_source_in_trouble_is_an_error(ask, troubled_source):
    """What is not known is no "no"."""
    changed, message = troubled_source

    cannot_be_asked(ask("gamification_config", **changed), message)


def test_it_is_for_gamification_and_never_kept():
    """It requires the campaign and the event, and is asked last."""
    check = GamificationConfigCheck()

    assert (check.priority, check.requires) == (20, ("campaign_id", "gamification_event_id"))
    assert (check.cache_ttl, check.event_types) == (None, ("dice_roll", "redemption", "gamification_trigger"))


def test_every_documented_answer_is_given(not_given):
    """The page of the check shows no answer that these tests have not met."""
    assert not_given(GamificationConfigCheck) == []
