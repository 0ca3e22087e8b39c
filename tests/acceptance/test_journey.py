"""The main journey, through pytest-celery's setup: broker, backend and worker are its nodes, on local processes."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from acceptance.stranger_checks import EVENT

from preflight import PreFlightFailed

CAMPAIGN = UUID("018f4c1e-0000-7000-8000-000000000001")
TRIGGERED_BY = UUID("018f4c1e-0000-7000-8000-000000000002")


def test_the_setup_of_pytest_celery_is_preflights_own_system(celery_setup):
    """Broker, backend and worker are nodes; the worker answers remote control under the name its node expects."""
    assert celery_setup.ready(control=True)
    assert len(celery_setup) == 3
    node = celery_setup.worker.hostname()
    assert celery_setup.app.control.ping(destination=[node], timeout=10, limit=1) == [{node: {"ok": "pong"}}]
    celery_setup.worker.assert_log_exists("ready.")


def test_an_operation_goes_ahead_when_every_tier_answers(celery_setup, trial):
    """Every check of every tier is asked, the lower tiers first, and the report is stored as the caller has it."""
    story = trial.story({})
    details = trial.details(story, only=[], exclude=["disk"])
    details |= {"campaign_id": CAMPAIGN, "streamer_ids": ["42", "43"], "triggered_by": TRIGGERED_BY}

    report = trial.runner.run(mode="full", **details)

    assert report.success
    assert (report.mode, report.event_type, report.campaign_id) == ("full", EVENT, CAMPAIGN)
    assert (report.streamer_ids, report.triggered_by) == (("42", "43"), TRIGGERED_BY)
    tiers = [report[name].priority for name in story.asked]
    assert tiers == sorted(tiers)
    assert {"alpha", "later", "five", "ten", "twenty"} <= set(story.asked)
    assert {report[name].status for name in ("broker", "workers", "redis", "alpha", "twenty")} == {"passed"}
    stored = trial.stored(report.id)
    assert stored.to_json() == report.to_json()


def test_an_operation_stops_when_a_check_fails(celery_setup, trial):
    """NO-GO raises, naming the check that blocked and what to do; what was skipped says because of what."""
    story = trial.story({"alpha": "passes", "five": "fails", "twenty": "passes"})

    with pytest.raises(PreFlightFailed, match=r"five failed: the tank is empty To do: Fill the tank\.") as raised:
        trial.runner.run(mode="full", **trial.details(story))

    report = raised.value.report
    assert [check.status for check in report.checks] == ["passed", "failed", "skipped"]
    assert report["twenty"].skipped_because == "five failed"
    assert report.short_circuited_by == "five"
    assert story.asked == ["alpha", "five"]
    assert trial.stored(report.id).to_json() == report.to_json()


def test_a_light_run_is_stored_and_nobody_waits(celery_setup, trial):
    """It returns while its checks are still being asked, stops at priority 10, and its report is stored."""
    story = trial.story({"alpha": "waits", "ten": "passes", "twenty": "passes"})

    run = trial.runner.run(mode="light", **trial.details(story))
    story.await_asked("alpha")
    assert run.state == "running"
    story.open_gate()

    stored = trial.stored(run.id)
    assert stored.success
    assert stored.mode == "light"
    assert [check.name for check in stored.checks] == ["alpha", "ten"]
    assert run.report(timeout=10).to_json() == stored.to_json()


def test_an_asyncio_application_waits_without_blocking_its_loop(celery_setup, trial):
    """While `arun` waits, the loop does other things: here it opens the gate that the run waits for."""
    story = trial.story({"alpha": "waits", "five": "passes"})

    async def launch():
        run = asyncio.create_task(trial.runner.arun(mode="full", **trial.details(story)))
        await asyncio.to_thread(story.await_asked, "alpha")
        story.open_gate()
        return await run

    report = asyncio.run(launch())

    assert report.success
    assert trial.stored(report.id).to_json() == report.to_json()
