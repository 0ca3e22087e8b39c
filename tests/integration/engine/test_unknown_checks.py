"""A check that a worker does not know: left to one that does, else an error that says so. Never silent."""

from __future__ import annotations

from preflight import PreFlightRegistry
from preflight.engine import workers
from preflight.engine.execution import Execution
from preflight.types import Status


def execution(bench, worker="old"):
    """Return a worker of an older version: it knows no check."""
    return Execution(bench.runs, PreFlightRegistry(), worker, slow_ms=500)


def test_a_check_that_no_live_worker_knows_is_an_error_at_once(bench):
    """It was registered in the caller's process only: the message says what to do."""
    run_id = bench.open({"a": 0})
    bench.worker_lives("old")
    execution(bench).execute(run_id, "a", "1")
    line = bench.state(run_id).report()["a"]

    assert line.status is Status.ERROR
    assert "the worker does not know it" in line.message
    assert "PREFLIGHT_CHECKS" in line.remediation


def test_a_check_that_another_live_worker_knows_is_left_to_it(bench):
    """While workers are replaced, an old one gives back what only the new one can ask."""
    run_id = bench.open({"a": 0})
    workers.beat(bench.runs, "new", workers.describe("2", [], ["a"]), asks_checks=True)
    execution(bench).execute(run_id, "a", "1")
    assert bench.state(run_id).place("a").where == "queued"

    bench.client.delete(bench.keys.full_queue)
    bench.later(run_id, 1500)
    bench.watchdog.look()

    assert bench.queued() == 1
    assert bench.answer(run_id, "a")
    assert bench.state(run_id).report().success


def test_only_its_holder_can_give_a_check_back(bench):
    """A worker that was taken for dead cannot undo the claim of its successor."""
    run_id = bench.open({"a": 0})
    bench.claim(run_id, "a", worker="second")

    assert not bench.runs.release(run_id, "a", "first")
    assert bench.runs.release(run_id, "a", "second")
    assert not bench.runs.release(run_id, "a", "second")
