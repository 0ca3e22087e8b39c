"""The recorder: what it cannot store stays, and one of two does the work."""

from __future__ import annotations

import uuid

import pytest
from integration.engine.conftest import Bench

from preflight.embedded.server import free_port
from preflight.engine.celery_app import create_app
from preflight.recorder import Recorder
from preflight.settings import load


@pytest.fixture
def bench(redis_url, namespace):
    made = Bench(redis_url, namespace)
    yield made
    made.client.close()


@pytest.fixture
def recorder_for(bench):
    """Return what makes a recorder of a database, with a name of its own."""
    made = []

    def make(database_url):
        values = {"redis_url": bench.settings.redis, "namespace": bench.keys.namespace, "database_url": database_url}
        settings = load(values)
        made.append(Recorder(bench.runs, settings, create_app(settings), str(uuid.uuid4())))
        return made[-1]

    yield make
    for recorder in made:
        recorder.store.dispose()


def test_what_cannot_be_stored_stays_in_the_outbox(bench, recorder_for, database_url):
    """The database is away: nothing is forgotten, and it is stored once it is back."""
    run_id = bench.open({"a": 0})
    bench.answer(run_id, "a")
    away = recorder_for(f"postgresql://preflight@127.0.0.1:{free_port()}/preflight")

    assert away.flush() == 0
    assert bench.outbox() == [str(run_id)]

    bench.client.delete(bench.keys["lease:recorder"])
    back = recorder_for(database_url)
    assert back.flush() == 1
    assert back.store.get(run_id) == bench.state(run_id).report()
    assert bench.outbox() == []


def test_a_recorder_without_the_lease_stores_nothing(bench, recorder_for, database_url):
    """Another one is at work, or was a moment ago."""
    first, second = recorder_for(database_url), recorder_for(database_url)
    assert first.flush() == 0
    run_id = bench.open({"a": 0})
    bench.answer(run_id, "a")

    assert second.flush() == 0
    assert first.flush() == 1
