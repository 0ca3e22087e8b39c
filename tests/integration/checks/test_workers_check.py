"""The check `workers` against heartbeats in a real Redis."""

from __future__ import annotations

from pydantic import SecretStr

from preflight.checks.workers import WorkersCheck
from preflight.types import Status


def check_of(url, namespace):
    return WorkersCheck(url=SecretStr(url), namespace=namespace, timeout=1.5)


def beat(admin, namespace, worker, age_ms=0):
    """Write a worker's heartbeat as it was so many milliseconds ago, by Redis' clock."""
    seconds, microseconds = admin.time()
    admin.zadd(f"{namespace}:alive", {worker: seconds * 1000 + microseconds // 1000 - age_ms})


def test_a_live_worker_passes(ask, admin, redis_url, namespace):
    """A heartbeat that is fresh by Redis' clock is a live worker."""
    beat(admin, namespace, "one")
    beat(admin, namespace, "two")
    beat(admin, namespace, "dead", age_ms=60_000)

    result = ask(check_of(redis_url, namespace))

    assert result.status is Status.PASSED
    assert result.metadata == {"alive": 2}


def test_no_heartbeat_fails(ask, redis_url, namespace):
    """Without a heartbeat nobody could ask anything, and the way out is named."""
    result = ask(check_of(redis_url, namespace))

    assert result.status is Status.FAILED
    assert result.message == "no worker is alive"
    assert result.remediation == "start a worker: celery -A worker worker"


def test_an_old_heartbeat_fails(ask, admin, redis_url, namespace):
    """A worker that was last heard of more than three seconds ago is dead."""
    beat(admin, namespace, "one", age_ms=3100)

    assert ask(check_of(redis_url, namespace)).status is Status.FAILED


def test_another_namespace_does_not_count(ask, admin, redis_url, namespace):
    """Workers of another application that shares the Redis are not ours."""
    beat(admin, f"{namespace}-other", "one")

    assert ask(check_of(redis_url, namespace)).status is Status.FAILED


def test_a_redis_in_trouble_fails(ask, troubled_redis, namespace):
    """Without Redis there are no heartbeats to read, which is said as it is."""
    url, message = troubled_redis

    result = ask(check_of(url, namespace))

    assert result.status is Status.FAILED
    assert message in result.message


def test_every_documented_answer_is_given(not_given):
    """The page of the check shows no answer that these tests have not met."""
    assert not_given(WorkersCheck) == []
