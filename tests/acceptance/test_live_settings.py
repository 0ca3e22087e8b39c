"""What an operator changes, as runs of a real system see it: a worker, its callers, and one that is behind."""

from __future__ import annotations

import asyncio

import pytest
import servers
from acceptance.processes import eventually
from acceptance.trial import Trial

from preflight import PreFlightRunner
from preflight.engine.plan import DISABLED
from preflight.engine.published import published_version
from preflight.live_settings import LiveSettings

WHO = {"who": "ada@harbour", "why": "the tide is low"}


@pytest.fixture(scope="module")
def harbour(shared_valkey, shared_postgresql, tmp_path_factory):
    """Yield a system of the module's own, whose operators do what they like."""
    from preflight.reports import migrations

    url = shared_postgresql.create_database("harbour")
    migrations.upgrade(url)
    made = Trial(tmp_path_factory.mktemp("harbour"), shared_valkey.url, url)
    servers.SESSION_SERVERS.add(made.worker().child.pid)
    yield made
    made.end()
    servers.forget(made.redis_url, made.namespace)
    shared_postgresql.drop_database("harbour")


@pytest.fixture
def operator(harbour):
    """Yield the operator's hands; what they changed is taken back."""
    live = LiveSettings(harbour.settings, harbour.registry)
    yield live
    for name, changed in live.in_force().checks.items():
        if changed.values:
            live.reset(name, **WHO)
    live.close()
    harbour.assert_no_leak()


def test_the_very_next_run_has_a_change(harbour, operator):
    """Nothing is waited for: a caller that had planned before, and one that never did, both have it."""
    assert harbour.run({"parametric": "passes"})["parametric"].message == "the limit is 3"
    outcome = operator.set("parametric", {"limit": 8}, **WHO)
    fresh = PreFlightRunner(harbour.settings, harbour.registry)
    report = harbour.run({"parametric": "passes"})

    assert report["parametric"].message == "the limit is 8"
    assert report.settings_version == outcome.version
    assert harbour.stored(report.id).settings_version == outcome.version
    other = fresh.run(event_type="trial", only=["parametric"], params={"parametric": {"limit": 9}})
    assert other["parametric"].message == "the limit is 9", "a run's own parameter wins"
    assert asyncio.run(fresh.arun(event_type="trial", only=["parametric"])).settings_version == outcome.version
    fresh.close()


def test_a_light_run_has_a_change_and_its_caller_pays_nothing(harbour, operator):
    """The sender's thread plans again."""
    outcome = operator.set("parametric", {"limit": 8}, **WHO)
    runner = PreFlightRunner(harbour.settings, harbour.registry)
    report = runner.run(mode="light", event_type="trial", only=["parametric"]).report(timeout=30)

    assert report["parametric"].message == "the limit is 8"
    assert report.settings_version == outcome.version
    runner.close()


def test_a_check_that_is_disabled_in_the_middle_of_a_run_is_skipped(harbour, operator):
    """Its tier was not open yet: it is not asked, the run goes on behind it and ends GO."""
    story = harbour.story({"alpha": "waits", "five": "passes", "twenty": "passes"})
    run = harbour.start(story)
    story.await_asked("alpha")
    operator.set("five", {"enabled": False}, **WHO)
    story.open_gate()
    report = run.report(timeout=30)

    assert report.success, report.reason
    assert report["five"].skipped_because == DISABLED
    assert report["twenty"].status == "passed"
    assert "five" not in story.asked
    assert report.settings_version < operator.in_force().version


def test_a_check_has_the_time_and_the_severity_that_an_operator_gave_it(harbour, operator):
    """`brief` has half a second by its code, and its no is NO-GO."""
    operator.set("brief", {"timeout": 0.2, "severity": "advisory"}, **WHO)
    report = harbour.run({"brief": "sleeps", "alpha": "passes"}, short_circuit="tier")

    assert report["brief"].message == "timed out after 0.2 s"
    assert report.success, report.reason


def test_a_worker_publishes_again_what_redis_has_lost(harbour, operator):
    """Nobody has to repeat a change; meanwhile runs go on with what was known last."""
    outcome = operator.set("parametric", {"limit": 8}, **WHO)
    harbour.run({"parametric": "passes"})
    harbour.client.delete(harbour.keys["settings"])

    assert harbour.run({"parametric": "passes"})["parametric"].message == "the limit is 8"
    eventually(lambda: published_version(operator._runs) == outcome.version, "the changes are published again")
