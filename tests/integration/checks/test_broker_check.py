"""The check `broker` against a real server and misbehaving peers."""

from __future__ import annotations

from integration.checks.conftest import fails_with
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


def test_a_redis_in_trouble_fails(ask, troubled_redis):
    """It ends in time and says what was met and what to do, without the password."""
    url, message = troubled_redis

    fails_with(ask(check_of(url)), message)


def test_every_documented_answer_is_given(not_given):
    """The page of the check shows no answer that these tests have not met."""
    assert not_given(BrokerCheck) == []
