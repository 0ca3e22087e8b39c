"""The check `broker` against a real server and misbehaving peers."""

from __future__ import annotations

import dataclasses

import pytest
from pydantic import SecretStr

from preflight.checks.broker import BrokerCheck
from preflight.types import Status


def check_of(url):
    return BrokerCheck(url=SecretStr(url), timeout=1.5)


def test_it_passes_when_its_redis_answers(ask, redis_url):
    """A PING that is answered is a yes."""
    assert ask(check_of(redis_url)).status is Status.PASSED


def test_it_needs_no_write(ask, admin, redis_url, refused_port):
    """It asks for a PING only: whether writes work is found out by the opening of a run."""
    admin.replicaof("127.0.0.1", refused_port)

    assert ask(check_of(redis_url)).status is Status.PASSED


@pytest.mark.parametrize(
    ("peer", "message"),
    [
        ("garbage_port", "is not a Redis"),
        ("silent_port", "did not answer in time"),
        ("refused_port", "cannot be reached"),
    ],
)
def test_a_peer_that_is_no_redis_fails(ask, request, peer, message):
    """It ends in time and says what was met, without the password."""
    result = ask(check_of(f"redis://:canary@127.0.0.1:{request.getfixturevalue(peer)}/0"))

    assert result.status is Status.FAILED
    assert message in result.message
    assert result.remediation
    assert "canary" not in repr(dataclasses.asdict(result))


def test_every_documented_answer_is_given(not_given):
    """The page of the check shows no answer that these tests have not met."""
    assert not_given(BrokerCheck) == []
