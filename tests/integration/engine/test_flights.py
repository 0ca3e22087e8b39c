"""Cached answers and single flight: one execution answers every run that wants it."""

from __future__ import annotations

import json

import pytest
from integration.engine.conftest import FAILED, ON_EVERY_SERVER

from preflight.types import Status

pytestmark = ON_EVERY_SERVER


def line(bench, run_id, name="a"):
    """Return a check's line in the report of a run that has ended."""
    state = bench.state(run_id)
    assert state.ended
    return state.report()[name]


def test_a_fresh_answer_is_taken_without_a_message(bench):
    """The second run needs one round trip and no worker, and says whose age the answer has."""
    first = bench.open({"a": 0}, cache_ttl=60)
    bench.answer(first, "a")
    bench.client.delete(bench.keys.full_queue)
    second = bench.open({"a": 0}, cache_ttl=60)

    assert bench.queued() == 0
    assert line(bench, second).cached
    assert line(bench, second).cached_age_ms >= 0
    assert bench.state(second).report().success
    assert not line(bench, first).cached


def test_a_run_that_demands_fresh_answers_asks_again(bench):
    """max_age=0 takes nothing from the cache."""
    first = bench.open({"a": 0}, cache_ttl=60)
    bench.answer(first, "a")
    second = bench.open({"a": 0}, cache_ttl=60, max_age=0)

    assert bench.state(second).place("a").where == "queued"


def test_runs_that_want_the_same_answer_join_one_execution(bench):
    """Single flight: one message, and everybody ends with its answer."""
    first = bench.open({"a": 0, "b": 5}, cache_ttl=60)
    others = [bench.open({"a": 0}, cache_ttl=60) for _ in range(120)]
    assert bench.queued() == 1
    assert {bench.state(other).place("a").where for other in others} == {"joined"}
    bench.answer(first, "a")

    assert all(line(bench, other).cached for other in others)
    assert bench.state(first).place("b").where == "queued"


def test_a_joined_failure_blocks_every_run(bench):
    """The answer is no for all who asked."""
    first = bench.open({"a": 0}, cache_ttl=60)
    second = bench.open({"a": 0}, cache_ttl=60)
    bench.answer(first, "a", FAILED)

    assert line(bench, second).status is Status.FAILED
    assert not bench.state(second).report().success


def test_a_blocking_answer_lives_shorter_than_a_good_one(bench):
    """A quarter of the time to live, and five seconds at most."""
    good, bad = bench.open({"good": 0}, cache_ttl=60), bench.open({"bad": 0}, cache_ttl=60)
    bench.answer(good, "good")
    bench.answer(bad, "bad", FAILED)
    lives = {key.split(":")[2]: bench.client.pttl(key) for key in bench.client.scan_iter(f"{bench.keys['cache']}:*")}

    assert lives["good"] > 50_000
    assert 0 < lives["bad"] <= 5000


def test_an_advisory_check_takes_a_cached_failure_without_being_stopped(bench):
    """Severity belongs to the run that reads, not to the one that asked."""
    first = bench.open({"a": 0}, cache_ttl=60, severity="advisory")
    bench.answer(first, "a", FAILED, severity="advisory")
    second = bench.open({"a": 0, "b": 5}, cache_ttl=60, severity="advisory")

    assert bench.state(second).place("b").where == "queued"


def test_a_flight_whose_run_ended_before_it_was_started_is_taken_over(bench):
    """The holder was stopped by a sibling: its message will be dropped, so a waiter asks by itself."""
    holder = bench.open({"a": 0, "z": 0}, cache_ttl=60)
    waiter = bench.open({"a": 0}, cache_ttl=60)
    bench.answer(holder, "z", FAILED)
    assert bench.state(holder).ended
    bench.later(waiter, 0)
    bench.watchdog.look()

    assert bench.state(waiter).place("a").where == "queued"
    bench.answer(waiter, "a")
    assert line(bench, waiter).status is Status.PASSED


def test_an_answer_that_comes_after_its_runs_end_still_serves_the_others(bench):
    """The execution was under way when its own run was stopped: it is not wasted."""
    holder = bench.open({"a": 0, "z": 0}, cache_ttl=60)
    waiter = bench.open({"a": 0}, cache_ttl=60)
    bench.claim(holder, "a")
    bench.answer(holder, "z", FAILED)

    assert not bench.runs.record(holder, "a", {"status": "passed", "message": "late"}, "blocking")
    assert line(bench, waiter).message == "late"
    assert line(bench, holder).status is Status.SKIPPED


def test_a_flight_whose_state_is_gone_is_taken_over(bench):
    """Nobody waits for a run that Redis does not know any more."""
    holder = bench.open({"a": 0}, cache_ttl=60)
    waiter = bench.open({"a": 0}, cache_ttl=60)
    bench.client.delete(bench.keys.state(holder))
    bench.client.zrem(bench.keys["due"], str(holder))
    bench.later(waiter, 0)
    bench.watchdog.look()

    assert bench.state(waiter).place("a").where == "queued"


def test_waiters_whose_wake_up_was_lost_find_the_answer_themselves(bench):
    """The process that recorded the answer died before it woke them."""
    holder = bench.open({"a": 0}, cache_ttl=60)
    waiter = bench.open({"a": 0}, cache_ttl=60)
    for key in bench.client.scan_iter(f"{bench.keys['queue']}:*"):
        bench.client.delete(key)
    bench.answer(holder, "a")
    assert not bench.state(waiter).ended
    bench.later(waiter, 0)
    bench.watchdog.look()

    assert line(bench, waiter).cached


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ({}, {}, True),
        ({"cache_scope": "global"}, {"cache_scope": "global"}, True),
        ({"cache_scope": lambda context: context.mode}, {"cache_scope": lambda context: context.event_type}, False),
        ({"timeout": 1.0}, {"timeout": 2.0}, False),
    ],
)
def test_an_answer_is_shared_only_by_the_same_question(bench, first, second, shared):
    """Check, its fields, and the scope are part of the key."""
    bench.answer(bench.open({"a": 0}, cache_ttl=60, **first), "a")
    second_run = bench.open({"a": 0}, cache_ttl=60, **second)

    assert bench.state(second_run).ended is shared


def test_a_campaigns_answer_is_not_another_campaigns(bench):
    """Without a campaign nothing is kept under its scope."""
    campaign, other = "018f4c1e-0000-7000-8000-000000000001", "018f4c1e-0000-7000-8000-000000000002"
    declared = {"cache_ttl": 60, "cache_scope": "campaign"}
    bench.answer(bench.open({"a": 0}, campaign_id=campaign, **declared), "a")

    assert bench.state(bench.open({"a": 0}, campaign_id=campaign, **declared)).ended
    assert not bench.state(bench.open({"a": 0}, campaign_id=other, **declared)).ended
    assert not bench.state(bench.open({"a": 0}, **declared)).ended


def test_a_cached_failure_stops_the_run_at_its_opening(bench):
    """Short-circuit works from the cache too: siblings are not asked."""
    bench.answer(bench.open({"a": 0}, cache_ttl=60), "a", FAILED)
    run_id = bench.open({"a": 0, "b": 0}, cache_ttl=60)
    report = bench.state(run_id).report()

    assert report["b"].skipped_because == "a failed"
    assert json.loads(bench.client.lindex(bench.keys.full_queue, 0))["headers"]["id"].split(":")[1] == "a"
