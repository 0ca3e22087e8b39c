"""Doors besides `run` in the caller's process: other services, a user's tasks, beat, and a broken module."""

from __future__ import annotations

import contextlib
import secrets

import pytest
from acceptance.processes import eventually
from acceptance.trial import Trial
from celery import Celery

from preflight import PreFlightReport
from preflight.reports.store import ReportFilter


@pytest.fixture
def stranger(trial):
    """Return a Celery application that knows nothing of ours but the broker and a task's name."""
    app = Celery("stranger", broker=trial.redis_url, backend=trial.redis_url, set_as_current=False)
    yield app
    app.close()


def ask(app, trial, story, **arguments):
    """Send the task by name, with JSON arguments only."""
    metadata = {"event_type": "trial", "only": list(story.do), "metadata": story.metadata}
    return app.send_task("preflight.run", kwargs=metadata | arguments, queue=trial.keys.requests_queue)


def test_another_service_gets_the_report_as_its_tasks_result(trial, stranger):
    """It sends `preflight.run` by name; `AsyncResult.get` is the report that is stored, GO or NO-GO."""
    for answer, success in (("passes", True), ("fails", False)):
        result = ask(stranger, trial, trial.story({"alpha": "passes", "five": answer})).get(timeout=30)

        assert result["success"] is success
        assert trial.stored(PreFlightReport.from_json(result).id).to_json() == result


def test_a_slot_is_free_while_another_services_run_goes_on(trial, stranger):
    """The task opens the run and returns: five runs on four processes do not wait for each other's end."""
    stories = [trial.story({"five": "passes", "alpha": "passes"}) for _ in range(5)]

    results = [ask(stranger, trial, story) for story in stories]

    assert [result.get(timeout=30)["success"] for result in results] == [True] * 5


def test_a_request_that_is_delivered_again_long_after_its_end_asks_nothing(trial, stranger):
    """The run's state is gone by then; the same task id still is the same run."""
    story = trial.story({"alpha": "passes"})
    first = ask(stranger, trial, story)
    stored = trial.stored(PreFlightReport.from_json(first.get(timeout=30)).id)
    trial.client.delete(trial.keys.state(stored.id))
    arguments = {"event_type": "trial", "only": ["alpha"], "metadata": story.metadata}
    stranger.send_task("preflight.run", kwargs=arguments, task_id=first.id, queue=trial.keys.requests_queue)
    # The queue is read in order: when a later request is answered, the repeated one was taken.
    ask(stranger, trial, trial.story({"alpha": "passes"})).get(timeout=30)

    assert story.asked == ["alpha"]
    assert not trial.client.exists(trial.keys.state(stored.id))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"event_type": "trail"}, "Event type 'trail' is not known. Did you mean trial?"),
        ({"campaign_id": "seven"}, "campaign_id must be a UUID"),
        ({"colour": "red"}, "run() takes no argument 'colour'"),
    ],
)
def test_wrong_arguments_of_another_service_are_its_tasks_error(trial, stranger, arguments, words):
    """The text says what is wrong, as it would to a caller of `run`; nothing is stored."""
    before = set(trial.client.scan_iter(trial.keys.state("*")))
    result = ask(stranger, trial, trial.story({"alpha": "passes"}), **arguments)

    with pytest.raises(Exception, match=r".") as raised:
        result.get(timeout=30)

    assert words in str(raised.value)
    assert set(trial.client.scan_iter(trial.keys.state("*"))) <= before


def test_a_users_own_task_may_wait_for_a_run(trial, tmp_path):
    """`run()` inside the worker of another application is an ordinary caller."""
    queue = f"shop-{secrets.token_hex(4)}"
    worker = ("-A", "acceptance.user_app", "worker", "--concurrency", "1", "-Q", queue, "-n", f"{queue}@%h")
    process = trial.celery(*worker, "--without-mingle", "--without-gossip", SHOP_REDIS_URL=trial.redis_url)
    shop = Celery("client", broker=trial.redis_url, backend=trial.redis_url, set_as_current=False)
    story = trial.story({"alpha": "passes", "five": "passes"})

    with contextlib.closing(shop):
        sent = shop.send_task("shop.launch", args=(story.metadata, list(story.do)), queue=queue)
        report = sent.get(timeout=40)

    assert report["success"]
    assert report["event_type"] == "launch"
    process.kill()


def test_a_broken_module_leaves_the_others_working(shared_valkey, tmp_path):
    """The worker names it and its error in the log, and serves the rest."""
    trial = Trial(tmp_path, shared_valkey.url, checks="acceptance.broken_checks,acceptance.stranger_checks")
    worker = trial.worker()

    trial.expect_go()

    assert [broken.source for broken in trial.registry.broken] == ["acceptance.broken_checks"]
    assert "checks of acceptance.broken_checks are missing: ImportError: the ship has no harbour module" in worker.log
    trial.assert_no_leak()
    trial.end()


def test_beat_sweeps_and_ticks(trial, tmp_path):
    """The beat process says that it is alive, and every sweep leaves a stored report."""
    beat = trial.celery(
        "-A", "worker", "beat", "--schedule", str(tmp_path / "schedule"), "--pidfile=", PREFLIGHT_SWEEP_SECONDS="5"
    )

    eventually(lambda: trial.client.exists(trial.keys["beat"]), "beat's tick is noted")
    eventually(lambda: trial.store.page(ReportFilter(event_type="health_sweep")), "a health sweep is stored")

    report = trial.store.page(ReportFilter(event_type="health_sweep"))[0]
    assert report.mode == "full"
    assert "redis" in {check.name for check in report.checks}
    beat.kill()
