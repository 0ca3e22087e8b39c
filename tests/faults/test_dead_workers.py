"""Workers die, stop, or never were there: every run has its verdict by its deadline and one report."""

from __future__ import annotations

import os
import signal

import pytest
from acceptance.processes import eventually


def holder_of(trial, story):
    """Return the worker whose pool asks the story's first check."""
    pid = story.ledger[0][1]
    return next(process for process in trial.processes if pid in process.pids)


def send(pids, number):
    """Send every process of a worker a signal."""
    for pid in pids:
        os.kill(pid, number)


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_check_whose_worker_is_killed_is_asked_again(trial, pool):
    """Another worker asks it, the verdict is right, and there is one report."""
    trial.worker(pool)
    trial.worker(pool)
    story = trial.story({"alpha": "waits", "five": "passes"})
    run = trial.start(story)
    story.await_asked("alpha")
    holder_of(trial, story).kill()
    eventually(lambda: story.asked == ["alpha", "alpha"], "the other worker is asked")
    story.open_gate()

    report = run.report(timeout=30)

    assert report.success, report.reason
    assert story.asked == ["alpha", "alpha", "five"]
    assert trial.stored(report.id).to_json() == report.to_json()
    assert trial.stored_ids() == [report.id]


def test_a_killed_main_process_takes_its_pool_along(trial):
    """SIGKILL for the main process alone: its pool's processes do not go on by themselves."""
    first = trial.worker()
    pool = first.pids
    trial.worker()
    first.signal(signal.SIGKILL)

    eventually(lambda: not trial.strays() & pool, "the pool of the killed worker is gone")
    trial.expect_go()


def test_without_any_worker_the_verdict_comes_early(trial):
    """NO-GO because of `workers`, with what to do, long before the deadline, and stored."""
    report = trial.run({"alpha": "passes", "five": "passes"}, timeout=40)

    assert not report.success
    assert report["workers"].status == "error"
    assert "no live worker" in report["workers"].message
    assert "celery -A worker worker" in report["workers"].remediation
    assert report["alpha"].skipped_because == "workers error"
    assert report.duration_ms < 8000
    assert trial.stored(report.id).to_json() == report.to_json()


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_when_every_worker_is_killed_the_caller_has_its_verdict(trial, pool):
    """Killed in the middle of a run and never started again: NO-GO by the deadline, stored by the caller."""
    worker = trial.worker(pool)
    story = trial.story({"alpha": "waits", "five": "passes"})
    run = trial.start(story, timeout=5)
    story.await_asked("alpha")
    worker.kill()

    report = run.report(timeout=30)

    assert not report.success
    assert report.duration_ms <= 5000 + 2000
    assert report["five"].status != "passed"
    assert trial.stored(report.id).to_json() == report.to_json()


def test_a_worker_that_comes_late_finds_the_run_over(trial):
    """What was queued for a run that has ended is dropped: nothing is asked, the stored verdict stays."""
    story = trial.story({"alpha": "passes"})
    report = trial.start(story).report(timeout=30)
    trial.worker()

    trial.expect_go()

    assert story.asked == []
    assert trial.stored(report.id).to_json() == report.to_json()


def test_a_frozen_worker_changes_nothing_when_it_wakes(trial):
    """SIGSTOP: the run has its verdict without it, and its late answer is no second status."""
    worker = trial.worker()
    story = trial.story({"alpha": "waits", "five": "passes"})
    run = trial.start(story, timeout=4)
    story.await_asked("alpha")
    frozen = worker.pids
    send(frozen, signal.SIGSTOP)
    story.open_gate()

    report = run.report(timeout=30)
    send(frozen, signal.SIGCONT)
    trial.expect_go()

    assert not report.success
    assert report.duration_ms <= 4000 + 2000
    assert trial.stored(report.id).to_json() == report.to_json()
    assert trial.stored_ids().count(report.id) == 1


def test_a_warm_shutdown_lets_the_running_check_answer(trial):
    """SIGTERM: the check that runs answers, and the rest of the run is another worker's."""
    leaving = trial.worker()
    story = trial.story({"alpha": "waits", "five": "passes", "twenty": "passes"})
    run = trial.start(story)
    story.await_asked("alpha")
    leaving.signal(signal.SIGTERM)
    trial.worker()
    story.open_gate()

    report = run.report(timeout=30)

    assert report.success, report.reason
    assert story.asked == ["alpha", "five", "twenty"]
    eventually(leaving.ended, "the worker has ended")
    assert trial.stored(report.id).to_json() == report.to_json()
    assert len(trial.live()) == 1


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_worker_that_leaves_alone_stores_what_it_finished(trial, pool):
    """SIGTERM for the only worker: the run that its last answer ends is stored before it goes, with status 0."""
    worker = trial.worker(pool)
    story = trial.story({"alpha": "waits"})
    run = trial.start(story)
    story.await_asked("alpha")
    worker.signal(signal.SIGTERM)
    eventually(lambda: "Warm shutdown" in worker.log, "the worker is leaving", lambda: worker.log)
    story.open_gate()

    report = run.report(timeout=30)

    assert report.success, report.reason
    assert trial.stored(report.id).to_json() == report.to_json()
    eventually(worker.ended, "the worker has ended")
    assert "ended with status 0:" in worker.child.death
    assert trial.live() == []
