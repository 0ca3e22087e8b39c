"""What the watchdog mends: lost messages, dead workers, hung checks, runs whose time is over."""

from __future__ import annotations

from integration.engine.conftest import FAILED, ON_EVERY_SERVER

from preflight.engine.dead_child import Obituary, exit_text, obituaries, report_deaths
from preflight.engine.watchdog import Watchdog
from preflight.types import Status

pytestmark = ON_EVERY_SERVER


def test_a_lost_message_is_sent_again(bench):
    """Nobody claimed it for a second although the queue is empty: it was lost on the way."""
    run_id = bench.open({"a": 0})
    bench.worker_lives()
    bench.client.delete(bench.keys.full_queue)
    bench.later(run_id, 1500)
    bench.watchdog.look()

    assert bench.queued() == 1
    assert bench.answer(run_id, "a")
    assert bench.state(run_id).report().success


def test_a_message_that_later_ones_overtook_is_sent_again(bench):
    """The queue is not empty, but later numbers were claimed: this one is not waiting, it is gone."""
    lost = bench.open({"a": 0})
    bench.client.delete(bench.keys.full_queue)
    later, waiting = bench.open({"a": 0}), bench.open({"a": 0})
    bench.worker_lives()
    bench.claim(later, "a")
    bench.later(lost, 1500)
    bench.later(waiting, 1500)
    before = bench.queued()
    bench.watchdog.look()

    assert bench.queued() == before + 1
    assert bench.state(lost).place("a").number > bench.state(waiting).place("a").number


def test_a_message_that_waits_is_left_alone(bench):
    """A backlog is never doubled."""
    runs = [bench.open({"a": 0}) for _ in range(3)]
    bench.worker_lives()
    for run_id in runs:
        bench.later(run_id, 3000)
    bench.watchdog.look()

    assert bench.queued() == 3


def test_a_dead_workers_check_is_asked_once_more_and_then_answered_for(bench):
    """A check that kills its worker runs twice at most."""
    run_id = bench.open({"a": 0})
    bench.worker_lives("alive")
    bench.claim(run_id, "a", worker="dead")
    bench.later(run_id, 100)
    bench.watchdog.look()
    assert bench.state(run_id).place("a").where == "queued"

    assert bench.claim(run_id, "a", worker="dead too") is not None
    bench.later(run_id, 100)
    bench.watchdog.look()
    line = bench.state(run_id).report()["a"]

    assert line.status is Status.ERROR
    assert "died" in line.message


def test_a_worker_that_came_during_the_look_is_alive(bench):
    """Its first heartbeat comes before its first claim: who is alive is read after where the checks are."""
    run_id = bench.open({"a": 0})
    bench.worker_lives("alive")

    class Meanwhile(type(bench.runs)):
        def fields_of_many(self, run_ids):
            bench.worker_lives("new")
            bench.claim(run_id, "a", worker="new")
            return super().fields_of_many(run_ids)

    bench.later(run_id, 100)
    Watchdog(Meanwhile(bench.client, bench.keys, bench.runs.dispatch), "watchdog").look()

    assert bench.state(run_id).place("a").where == "running"


def test_a_check_that_never_answers_times_out(bench):
    """The watchdog answers for a worker that does not, after the check's own timeout and a little grace."""
    run_id = bench.open({"a": 0, "b": 5})
    bench.worker_lives()
    bench.claim(run_id, "a")
    bench.later(run_id, 5400)
    bench.watchdog.look()
    report = bench.state(run_id).report()

    assert report["a"].message == "timed out after 5 s"
    assert report["b"].skipped_because == "a error"


def test_a_run_whose_time_is_over_ends_with_honest_errors(bench):
    """What was not started says so; what ran says that it timed out; a later tier was not reached."""
    run_id = bench.open({"a": 0, "b": 0, "c": 5}, timeout=60)
    bench.worker_lives()
    bench.claim(run_id, "a")
    bench.later(run_id, 60_001)
    bench.watchdog.look()
    report = bench.state(run_id).report()

    assert report["a"].message == "timed out after 60 s"
    assert report["b"].message == "not started within 60 s (queue)"
    assert report["c"].skipped_because == "a error"
    assert not report.success


def test_a_run_that_ran_out_of_time_between_advisory_checks_is_no_go(bench):
    """A blocking check that was never reached cannot be GO: it is an error, not skipped."""
    run_id = bench.open({"a": 0, "b": 5}, timeout=10, severity="advisory")
    bench.later(run_id, 10_001)
    bench.watchdog.look()
    report = bench.state(run_id).report()

    assert [line.status for line in report.checks] == [Status.ERROR, Status.ERROR]
    assert report["b"].message == "not started within 10 s (queue)"
    assert not report.success


def test_a_run_in_time_is_not_expired(bench):
    """Two watchdogs with different clocks cannot end a run early: Redis' clock decides in the script."""
    run_id = bench.open({"a": 0}, timeout=60)

    assert not bench.runs.expire(run_id, {"a": (FAILED, "blocking")})
    assert not bench.state(run_id).ended


def test_a_run_is_over_when_its_callers_clock_says_so(bench):
    """Redis may have opened it long after it was asked to: the deadline is the caller's, counted from the call."""
    run_id = bench.open({"a": 0}, timeout=60)
    bench.watchdog.end(bench.state(run_id))

    assert bench.state(run_id).report()["a"].message == "not started within 60 s (queue)"


def test_only_the_holder_of_the_lease_looks(bench):
    """A second watchdog waits until the first has been silent for its lease."""
    bench.open({"a": 0})

    assert bench.runs.due("first", 5000) is not None
    assert bench.runs.due("second", 5000) is None


def test_the_death_of_a_process_ends_its_check_at_once(bench):
    """The pool says how it died; that is the check's error."""
    run_id = bench.open({"a": 0})
    bench.claim(run_id, "a")
    words = "Worker exited prematurely: signal 11 (SIGSEGV) Job: 3."
    obituaries.put(Obituary(run_id, "a", timeout=False, exit_text=exit_text(words)))
    report_deaths(bench.runs)

    assert bench.state(run_id).report()["a"].message == "the worker process died (signal 11)"


def test_a_death_after_the_answer_changes_nothing(bench):
    """A process that dies after its check answered leaves the answer as it is."""
    run_id = bench.open({"a": 0})
    bench.answer(run_id, "a")
    obituaries.put(Obituary(run_id, "a", timeout=True))
    report_deaths(bench.runs)

    assert bench.state(run_id).report()["a"].status is Status.PASSED
