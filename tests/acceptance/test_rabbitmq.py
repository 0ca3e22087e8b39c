"""RabbitMQ as the broker: the run's state stays in Redis, and messages are published by who wins a step."""

from __future__ import annotations

import contextlib
import secrets

import pytest
import rabbitmq
import servers
from acceptance.processes import eventually
from acceptance.trial import Trial
from celery import Celery
from kombu import Connection

from preflight import PreFlightReport


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """Yield a RabbitMQ of the module's own."""
    from conftest import partner

    partner("rabbitmq-server", rabbitmq.installed())
    server = rabbitmq.RabbitMQ(tmp_path_factory.mktemp("rabbitmq"), secrets.token_hex(8))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def trial(broker, shared_valkey, acceptance_database, tmp_path_factory):
    """Yield a system whose messages travel through RabbitMQ, with two workers."""
    folder = tmp_path_factory.mktemp("trial")
    trial = Trial(folder, shared_valkey.url, acceptance_database, broker_url=broker.url)
    trial.worker()
    trial.worker()
    yield trial
    trial.end()
    servers.forget(trial.redis_url, trial.namespace)


def test_an_operation_goes_ahead(trial):
    """Tier by tier, every check asked once, GO, and stored as the caller has it."""
    story = trial.story({"alpha": "passes", "later": "passes", "five": "passes", "twenty": "passes"})

    report = trial.start(story).report(timeout=30)

    assert report.success, report.reason
    assert sorted(story.asked) == ["alpha", "five", "later", "twenty"]
    assert story.asked[2:] == ["five", "twenty"]
    assert trial.stored(report.id).to_json() == report.to_json()


def test_messages_travel_through_rabbitmq(trial, broker):
    """Both workers read every queue there, and scripts have nothing to push."""
    run = trial.start(trial.story({"alpha": "passes"}))
    run.report(timeout=30)

    assert trial.runner.caller.state(run.id).fields["template"] == ""
    with Connection(broker.url) as connection:
        for queue in trial.keys.queues:
            assert connection.default_channel.queue_declare(queue, passive=True).consumer_count == 2


def test_an_operation_stops_when_a_check_fails(trial):
    """NO-GO names the check; what was not asked says because of what."""
    story = trial.story({"alpha": "passes", "five": "fails", "twenty": "passes"})

    report = trial.start(story).report(timeout=30)

    assert [check.status for check in report.checks] == ["passed", "failed", "skipped"]
    assert report["twenty"].skipped_because == "five failed"
    assert story.asked == ["alpha", "five"]


def test_a_light_run_is_stored_and_nobody_waits(trial):
    """It stops at priority 10, and its report is stored."""
    story = trial.story({"alpha": "passes", "ten": "passes", "twenty": "passes"})

    run = trial.runner.run(mode="light", **trial.details(story))

    stored = trial.stored(run.id)
    assert stored.success
    assert [check.name for check in stored.checks] == ["alpha", "ten"]


def test_another_service_gets_the_report_as_its_tasks_result(trial, broker):
    """It sends `preflight.run` to RabbitMQ and reads the result from Redis, GO or NO-GO."""
    stranger = Celery("stranger", broker=broker.url, backend=trial.redis_url, set_as_current=False)
    with contextlib.closing(stranger):
        for answer, success in (("passes", True), ("fails", False)):
            story = trial.story({"alpha": "passes", "five": answer})
            arguments = {"event_type": "trial", "only": list(story.do), "metadata": story.metadata}
            sent = stranger.send_task("preflight.run", kwargs=arguments, queue=trial.keys.requests_queue)
            result = sent.get(timeout=30)

            assert result["success"] is success
            assert trial.stored(PreFlightReport.from_json(result).id).to_json() == result


def test_a_check_whose_worker_is_killed_is_asked_again(trial):
    """Another worker asks it, the verdict is right, and there is one report."""
    story = trial.story({"alpha": "waits", "five": "passes"})
    run = trial.start(story)
    story.await_asked("alpha")
    holder = next(process for process in trial.processes if story.ledger[0][1] in process.pids)
    holder.kill()
    eventually(lambda: story.asked == ["alpha", "alpha"], "the other worker is asked")
    story.open_gate()

    report = run.report(timeout=30)

    assert report.success, report.reason
    assert story.asked == ["alpha", "alpha", "five"]
    assert trial.stored(report.id).to_json() == report.to_json()
    assert trial.stored_ids().count(report.id) == 1


def test_a_broker_that_is_away_is_no_go_and_comes_back(trial, broker):
    """NO-GO within 2 s with `broker` in error, in the caller's hands and stored; back again, everything goes on."""
    trial.expect_go()
    broker.stop()
    report = trial.start(trial.story({"alpha": "passes"})).report(timeout=30)

    assert not report.success
    assert report["broker"].status == "error"
    assert "PREFLIGHT_BROKER_URL" in report["broker"].message
    assert report.duration_ms < 2000
    assert not trial.stored(report.id).success

    light = trial.runner.run(mode="light", **trial.details(trial.story({"alpha": "passes"}), timeout=60))
    assert trial.runner.flush(10)
    broker.start()

    assert trial.stored(light.id).success
    trial.expect_go()
