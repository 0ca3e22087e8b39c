"""What beat sends, and what is behind it."""

from __future__ import annotations

import importlib

import pytest

from beat_schedule import beat_schedule
from preflight.beat_jobs import all_jobs
from preflight.engine.celery_app import create_app
from preflight.settings import load
from tasks.maintenance import Job, _planned

SCHEDULE = beat_schedule(60)


@pytest.fixture
def app():
    """Yield a Celery application with PreFlight's tasks."""
    importlib.import_module("tasks.maintenance")
    made = create_app(load({"redis_url": "redis://nowhere/0"}))
    made.conf.beat_schedule = SCHEDULE
    made.finalize()
    yield made
    made.close()


@pytest.mark.parametrize("name", SCHEDULE)
def test_sentry_hears_of_every_job_of_beat(app, name):
    """Each is a `Job`, which checks in under its name in the schedule, as often as beat sends it."""
    entry = SCHEDULE[name]

    assert isinstance(app.tasks[entry["task"]], Job)
    assert _planned(app, entry["task"]) == (name, entry["schedule"])


@pytest.mark.parametrize("name", SCHEDULE)
def test_a_message_expires_when_the_next_one_is_due(name):
    """A worker that was away does not find a day of messages."""
    assert SCHEDULE[name]["options"]["expires"] == SCHEDULE[name]["schedule"]


def test_what_is_sent_is_what_is_missed_when_it_is_not_done():
    """The check `beat` and `preflight doctor` know every job, and how often it is sent."""
    sent = {entry["task"]: entry["schedule"] for entry in SCHEDULE.values()}

    assert sent == {f"preflight.{job.name}": job.sent_seconds for job in all_jobs(60)}
