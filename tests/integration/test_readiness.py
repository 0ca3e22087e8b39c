"""When a worker or beat says that it is ready: on facts in Redis that are fresh, and on nothing else."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace

import pytest
from celery.worker import state

from preflight.engine import worker_process
from preflight.engine.connection import connect, now_ms
from preflight.engine.keys import Keys
from preflight.engine.runs import ALIVE_MS
from preflight.settings import settings
from worker import beat_health, health


@pytest.fixture
def redis(redis_url, namespace, monkeypatch):
    """Return a client of the Redis that this process's settings name."""
    monkeypatch.setenv("PREFLIGHT_REDIS_URL", redis_url)
    monkeypatch.setenv("PREFLIGHT_NAMESPACE", namespace)
    settings.cache_clear()
    yield connect(redis_url)
    settings.cache_clear()


@pytest.fixture
def keys(namespace):
    """Return the namespace's keys."""
    return Keys(namespace)


def test_a_worker_is_ready_while_its_heartbeat_is_fresh(redis, keys):
    """Not before the first one, not when they stopped, and not on another worker's."""
    worker, now = health.Questions(None), now_ms(redis)
    before = worker.readyz()
    redis.zadd(keys["alive"], {"another": now})
    anothers = worker.readyz()
    redis.zadd(keys["alive"], {worker_process.name(): now})
    fresh = worker.readyz()
    redis.zadd(keys["alive"], {worker_process.name(): now - ALIVE_MS - 1000})
    old = worker.readyz()

    assert (before.good, anothers.good, fresh.good, old.good) == (False, False, True, False)


def test_a_worker_that_is_stopping_is_not_ready(redis, keys, monkeypatch):
    """Its heartbeat goes on until its checks have ended."""
    redis.zadd(keys["alive"], {worker_process.name(): now_ms(redis)})
    monkeypatch.setattr(state, "should_stop", 0)

    assert json.loads(health.Questions(None).readyz().body)["stopping"]
    assert not health.Questions(None).readyz().good


def test_beat_is_ready_while_what_it_sent_is_done(redis, keys):
    """By the last tick that a worker wrote."""
    beat = beat_health.Questions(SimpleNamespace(tick=lambda: 5.0))
    before = beat.readyz()
    redis.hset(keys["beat"], "tick", now_ms(redis))
    fresh = beat.readyz()
    redis.hset(keys["beat"], "tick", now_ms(redis) - 1000 * (beat_health.SILENT_SECONDS + 1))
    old = beat.readyz()

    assert (before.good, fresh.good, old.good) == (False, True, False)


def test_beat_is_healthy_while_it_goes_through_its_schedule(redis):
    """One that waits for another beat's lock has not begun; one that began and hangs is not."""
    scheduler = SimpleNamespace(tick=lambda: 5.0)
    beat = beat_health.Questions(scheduler)
    waits = beat.healthz()
    assert scheduler.tick() == 5.0
    turned = beat.healthz()
    beat.turned_at = time.monotonic() - beat_health.SILENT_SECONDS - 1
    hangs = beat.healthz()

    assert (waits.good, turned.good, hangs.good) == (True, True, False)
