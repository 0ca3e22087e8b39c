"""Threads that never come back: they are counted, and the worker ends by itself so that it can be started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import servers
from acceptance.processes import REPOSITORY, TESTS, eventually
from acceptance.trial import CONCURRENCY, Trial

from preflight.engine.workers import live


@pytest.fixture
def trial(shared_valkey, acceptance_database, tmp_path) -> Iterator[Trial]:
    """Yield a system of the test's own, without a worker yet."""
    made = Trial(tmp_path, shared_valkey.url, acceptance_database)
    yield made
    made.end()
    servers.forget(made.redis_url, made.namespace)


def hang(trial, times):
    """Have as many threads hang, and return the runs' reports."""
    runs = [trial.start(trial.story({"brief": "swallows_everything"})) for _ in range(times)]
    return [run.report(timeout=30) for run in runs]


def announced(trial):
    """Return the number of hung threads of each live worker."""
    return [worker.hung_threads for worker in live(trial.client, trial.namespace)]


def doctor(trial):
    """Return what `preflight doctor` says."""
    command = (sys.executable, "-m", "preflight", "doctor")
    environment = os.environ | trial.environment | {"PYTHONPATH": str(TESTS)}
    return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False).stdout


def test_a_worker_of_which_half_the_threads_hang_ends_and_starts_anew(trial):
    """It finishes what it is at, ends with status 1, and its successor goes on: no run is lost."""
    worker = trial.worker("threads")
    story = trial.story({"alpha": "waits", "five": "passes"})
    run = trial.start(story)
    story.await_asked("alpha")

    hanging = hang(trial, CONCURRENCY // 2)
    eventually(lambda: "threads hang (brief)" in worker.log, "the worker says why it ends", lambda: worker.log)
    still_alive = not worker.ended()
    story.open_gate()
    eventually(worker.ended, "the worker has ended", lambda: worker.log)
    death = worker.child.death
    worker.start_again()
    trial.await_heartbeat(worker)
    report = run.report(timeout=30)

    assert [report["brief"].message for report in hanging] == ["timed out after 0.5 s"] * 2
    assert still_alive
    assert "ended with status 1:" in death
    assert report.success, report.reason
    assert story.asked == ["alpha", "five"]
    assert trial.stored(report.id).to_json() == report.to_json()
    assert all(trial.stored(report.id).to_json() == report.to_json() for report in hanging)
    trial.expect_go()


def test_one_hung_thread_is_only_counted(trial):
    """The worker announces it, the doctor warns, its other threads go on, and it can still be stopped."""
    worker = trial.worker("threads")
    hang(trial, 1)

    eventually(lambda: announced(trial) == [1], "the hung thread is announced", lambda: announced(trial))
    assert "1 of its threads hang" in doctor(trial)
    trial.expect_go()
    worker.signal(signal.SIGTERM)
    eventually(worker.ended, "the worker has ended", lambda: worker.log)

    assert "ended with status 0:" in worker.child.death
    assert trial.live() == []


def test_a_check_that_holds_the_interpreter_ends_its_process(trial):
    """No thread of the worker gets its turn, so nothing in Python could end it; where it hung is in its log."""
    worker = trial.worker("threads")

    report = trial.run({"brief": "blocks_in_c"})

    assert not report.success
    eventually(worker.ended, "the worker has ended", lambda: worker.log)
    assert "blocks_in_c" in worker.log
    worker.start_again()
    trial.await_heartbeat(worker)
    trial.expect_go()
