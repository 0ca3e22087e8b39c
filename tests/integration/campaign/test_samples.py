"""The sample: one campaign that is all well, and one for each way to be unwell; what each check says of each."""

from __future__ import annotations

import pytest

from preflight.campaign import sample
from preflight.embedded.launcher import SAMPLE_CAMPAIGN
from preflight.types import Status

CHECKS = ("twitch_api", "tokens", "vtt_connection", "cooldown", "gamification_config")


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("one", sample.SAMPLES, ids=lambda one: one.name)
def test_a_check_says_what_is_unwell_and_nothing_else(ask, one, name):
    """Each campaign is unwell in one way, which one check finds; the others pass."""
    result = ask(name, one)

    assert result.status is one.says.get(name, Status.PASSED), result.message
    assert bool(result.remediation) is (result.status is not Status.PASSED)


def test_the_demo_s_campaign_is_the_one_that_is_well():
    """The launcher names it without importing the pack."""
    assert str(sample.WELL.id) == SAMPLE_CAMPAIGN
    assert not sample.WELL.says


def test_the_sample_may_be_written_again(sampled, ask):
    """A demo that starts on the data of an older one makes it new."""
    from pydantic import SecretStr

    sample.install(sampled.url, SecretStr(sampled.key))

    assert ask("tokens").status is Status.PASSED
