"""The check `gamification_config`: the event is there, configured and enabled for the campaign."""

from __future__ import annotations

import pytest
from integration.campaign.conftest import campaign

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


def test_it_is_for_gamification_and_never_kept():
    """It requires the campaign and the event, and is asked last."""
    check = GamificationConfigCheck()

    assert (check.priority, check.requires) == (20, ("campaign_id", "gamification_event_id"))
    assert (check.cache_ttl, check.event_types) == (None, ("dice_roll", "redemption", "gamification_trigger"))
