"""The check `vtt_connection`: a connection that is there, active, and whose tunnel is open."""

from __future__ import annotations

import pytest
from integration.campaign.conftest import cannot_be_asked

from preflight.campaign.checks.vtt_connection import VttConnectionCheck
from preflight.campaign.source import VttConnection
from preflight.types import Status


@pytest.mark.parametrize(
    ("connection", "status", "message"),
    [
        (VttConnection(name="Foundry", active=True), Status.PASSED, "the connection with Foundry is active"),
        (
            VttConnection(name="Foundry", active=True, tunnel="connecting"),
            Status.PASSED,
            "the connection with Foundry is",
        ),
        (VttConnection(name="Foundry", active=True, tunnel="error"), Status.WARNING, "is in the state error"),
        (
            VttConnection(name="Foundry", active=True, tunnel="disconnected"),
            Status.WARNING,
            "is in the state disconnected",
        ),
        (VttConnection(name="Foundry", active=False), Status.FAILED, "the connection with Foundry is not active"),
        (VttConnection(name="Foundry", active=False, tunnel="error"), Status.FAILED, "Foundry is not active"),
        (None, Status.FAILED, "the campaign has no connection with a virtual tabletop"),
    ],
)
def test_the_connection_decides(tell, connection, status, message):
    """Without an active one it is a no; a tunnel that is down may come back, so it is a remark."""
    result = tell("vtt_connection", vtt_connection=connection)

    assert result.status is status
    assert message in result.message
    assert bool(result.remediation) is (status is not Status.PASSED)


def test_a_source_in_trouble_is_an_error(ask, troubled_source):
    """What is not known is no "no"."""
    changed, message = troubled_source

    cannot_be_asked(ask("vtt_connection", **changed), message)


def test_it_is_for_gamification_and_for_a_campaign():
    """It is asked in the tier after the tokens, and never answered from a cache."""
    check = VttConnectionCheck()

    assert (check.priority, check.requires, check.cache_ttl) == (15, ("campaign_id",), None)
    assert check.event_types == ("dice_roll", "redemption", "gamification_trigger")


def test_every_documented_answer_is_given(not_given):
    """The page of the check shows no answer that these tests have not met."""
    assert not_given(VttConnectionCheck) == []
