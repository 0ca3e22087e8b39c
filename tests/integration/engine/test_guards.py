"""The guards of a run's steps against an old view, a late word and an answer that nobody knows."""

from __future__ import annotations

import pytest
from integration.engine.conftest import FAILED, PASSED

from preflight import CheckResult, PreFlightRegistry
from preflight.checks.workers import WorkersCheck
from preflight.context import RunRequest
from preflight.engine import answers
from preflight.engine.caller import new_run_id
from preflight.engine.dispatch import ByScripts
from preflight.engine.lines import errored
from preflight.engine.plan import plan
from preflight.engine.watchdog import expired
from preflight.types import Status


def test_a_run_whose_answer_overtook_its_expiry_is_no_go(bench):
    """The caller saw tier 0 unanswered and ends the run when tier 5 is open: what was never asked cannot be GO."""
    run_id = bench.open({"a": 0, "b": 5}, timeout=10)
    bench.later(run_id, 10_001)
    old = bench.state(run_id)
    bench.answer(run_id, "a")

    assert bench.runs.expire(run_id, expired(old))
    report = bench.state(run_id).report()
    assert report["a"].status is Status.PASSED
    assert report["b"].message == "the run ended before it was asked"
    assert not report.success


def test_a_check_that_was_claimed_meanwhile_is_not_sent_again(bench):
    """A watchdog's view is old when it acts: the place must still be the one that it saw."""
    run_id = bench.open({"a": 0})
    seen = bench.state(run_id)
    bench.claim(run_id, "a")
    before = bench.queued()

    assert not bench.runs.requeue(run_id, seen.checks[0], seen.place("a").text)
    assert bench.queued() == before
    assert bench.state(run_id).place("a").where == "running"


def test_a_watchdog_does_not_answer_for_a_worker_that_came_after_its_view(bench):
    """The first worker was given up, a second one has the check: only the first one's time is over."""
    run_id = bench.open({"a": 0})
    bench.claim(run_id, "a", worker="first")
    seen = bench.state(run_id)
    bench.runs.requeue(run_id, seen.checks[0], seen.place("a").text)
    bench.claim(run_id, "a", worker="second")

    assert not bench.runs.record(run_id, "a", FAILED, "blocking", place=seen.place("a").text)
    assert bench.state(run_id).place("a").worker == "second"


def test_a_check_of_a_run_that_has_ended_cannot_be_claimed(bench):
    """A sibling has blocked: whoever gets the message afterwards drops it."""
    run_id = bench.open({"a": 0, "b": 0})
    bench.answer(run_id, "a", FAILED)

    assert bench.claim(run_id, "b") is None


def test_a_status_that_nobody_knows_blocks(bench):
    """A newer worker may say what this version cannot judge: it stops the run, and the report can be read."""
    run_id = bench.open({"a": 0, "b": 5})
    bench.answer(run_id, "a", PASSED | {"status": "splendid"})
    report = bench.state(run_id).report()

    assert report["a"].status is Status.ERROR
    assert report["b"].status is Status.SKIPPED
    assert not report.success


def test_a_live_worker_alone_is_no_go(bench):
    """What the opening answers itself can stop a run and never lets one go ahead."""
    registry = PreFlightRegistry()
    registry.register(WorkersCheck())
    bench.worker_lives()
    run_id = new_run_id()
    request = RunRequest.build(mode="full", event_type="test_event")
    queue = bench.keys.full_queue
    template = ByScripts(bench.settings).template(queue)
    bench.runs.open(run_id, plan(request, registry, bench.settings), template)
    report = bench.state(run_id).report()

    assert report["workers"].status is Status.PASSED
    assert not report.success


@pytest.mark.parametrize("seconds", [0.25, 0.001, 0.35])
def test_a_blocking_answer_is_kept_for_whole_milliseconds(bench, seconds):
    """A quarter of any time to live: the script must not stop halfway, with the answer written and the run stuck."""
    run_id = bench.open({"a": 0, "b": 5}, cache_ttl=seconds)
    bench.answer(run_id, "a", FAILED)

    assert bench.state(run_id).ended


def test_a_check_that_skips_itself_without_a_word_has_a_reason(bench):
    """Every skipped line says why."""
    run_id = bench.open({"a": 0})
    bench.answer(run_id, "a", answers.answer(CheckResult.skipped("")))
    report = bench.state(run_id).report()

    assert report["a"].skipped_because == "it gave no reason"
    assert not report.success


def test_a_flight_that_was_taken_over_is_not_landed_by_its_first_holder(bench):
    """Its late answer is nobody's to keep: the one who asks now answers for all."""
    holder = bench.open({"a": 0, "z": 0}, cache_ttl=60)
    waiter = bench.open({"a": 0}, cache_ttl=60)
    bench.claim(holder, "a")
    bench.later(holder, 60_000)
    bench.watchdog.look()
    assert bench.state(holder).ended
    bench.later(waiter, 0)
    bench.client.delete(bench.keys["lease:watchdog"])
    bench.watchdog.look()
    assert bench.state(waiter).place("a").where == "queued"

    bench.runs.record(holder, "a", PASSED, "blocking")
    assert not list(bench.client.scan_iter(f"{bench.keys['cache']}:a:*"))


def test_a_run_that_ends_gives_up_the_flights_nobody_started(bench):
    """Whoever asks next asks at once, and does not wait for a watchdog to see that the holder is gone."""
    holder = bench.open({"a": 0, "z": 0}, cache_ttl=60)
    bench.answer(holder, "z", FAILED)

    assert not list(bench.client.scan_iter(f"{bench.keys['flight']}:*"))


def test_a_caller_that_gave_up_before_the_opening_leaves_a_mark_that_expires(bench):
    """The mark keeps a late opening out, and does not stay for ever."""
    run_id = new_run_id()
    assert bench.runs.abort(run_id, "broker", errored("gone"))

    assert bench.client.pttl(bench.keys.state(run_id)) > 0
    assert not bench.runs.abort(run_id, "broker", errored("twice"))
