"""The check `beat` against ticks in a real Redis."""

from __future__ import annotations

import dataclasses

import pytest
from pydantic import SecretStr

from preflight.beat_jobs import all_jobs
from preflight.checks.beat import BeatCheck
from preflight.types import Status


def check_of(url, namespace, **details):
    return BeatCheck(url=SecretStr(url), namespace=namespace, timeout=1.5, **details)


def tick(admin, namespace, age_ms=0, job="tick"):
    """Note a job of beat's, its tick if none is named, as done so many milliseconds ago, by Redis' clock."""
    seconds, microseconds = admin.time()
    admin.hset(f"{namespace}:beat", job, seconds * 1000 + microseconds // 1000 - age_ms)


def test_a_recent_tick_passes(ask, admin, redis_url, namespace):
    """A tick that is not older than three of them is a living beat."""
    tick(admin, namespace, age_ms=20_000)

    result = ask(check_of(redis_url, namespace))

    assert result.status is Status.PASSED
    assert 20 <= result.metadata["age_seconds"] < 30


def test_a_tick_of_the_future_is_no_negative_age(ask, admin, redis_url, namespace):
    """A clock that was set back makes a tick look younger than now."""
    tick(admin, namespace, age_ms=-60_000)

    assert ask(check_of(redis_url, namespace)).message == "beat ticked 0 s ago"


def test_an_old_tick_fails(ask, admin, redis_url, namespace):
    """A beat that was last heard of too long ago is dead, and the way out is named."""
    tick(admin, namespace, age_ms=31_000)

    result = ask(check_of(redis_url, namespace))

    assert result.status is Status.FAILED
    assert "has not ticked for 31 s" in result.message
    assert "celery -A worker beat" in result.remediation
    assert ask(check_of(redis_url, namespace, late_after=60)).status is Status.PASSED


@pytest.mark.parametrize("value", [None, "", "soon", "-1"])
def test_no_tick_fails(ask, admin, redis_url, namespace, value):
    """A beat that never ticked, or a tick that is no time, is no living beat."""
    if value is not None:
        admin.hset(f"{namespace}:beat", "tick", value)

    result = ask(check_of(redis_url, namespace))

    assert result.status is Status.FAILED
    assert result.message == "beat has never ticked"


def test_a_job_that_is_missed_is_a_warning(ask, admin, redis_url, namespace):
    """Beat lives, and what it sends is not done: the job is named. One that was never done may only be young."""
    tick(admin, namespace)
    check = check_of(redis_url, namespace, jobs=all_jobs(60))
    assert ask(check).status is Status.PASSED
    tick(admin, namespace, age_ms=48 * 3600 * 1000, job="purge")

    result = ask(check)

    assert result.status is Status.WARNING
    assert result.message == "beat's job purge was done 172800 s ago and is due every 84600 s"
    assert "log of the worker" in result.remediation


def test_another_namespace_does_not_count(ask, admin, redis_url, namespace):
    """The beat of another application that shares the Redis is not ours."""
    tick(admin, f"{namespace}-other")

    assert ask(check_of(redis_url, namespace)).status is Status.FAILED


def test_a_redis_in_trouble_fails(ask, troubled_redis, namespace):
    """Without Redis there is no tick to read, which is said as it is."""
    url, message = troubled_redis

    result = ask(check_of(url, namespace))

    assert result.status is Status.FAILED
    assert message in result.message
    assert "canary" not in repr(dataclasses.asdict(result))


def test_every_documented_answer_is_given(not_given):
    """The page of the check shows no answer that these tests have not met."""
    assert not_given(BeatCheck) == []
