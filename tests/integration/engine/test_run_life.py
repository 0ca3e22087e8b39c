"""The life of a run, step by step, in a real Redis."""

from __future__ import annotations

import json

import pytest
from integration.engine.conftest import FAILED, ON_EVERY_SERVER, PASSED

from preflight.engine.caller import new_run_id
from preflight.engine.lines import errored
from preflight.types import Status

pytestmark = ON_EVERY_SERVER


def test_opening_sends_the_first_tier_only(bench):
    """Tier 0 is queued as messages; later tiers wait."""
    run_id = bench.open({"a": 0, "b": 0, "c": 5})

    assert bench.queued() == 2
    assert bench.state(run_id).place("c").where == "waiting"


def test_opening_twice_opens_once(bench):
    """A lost reply may be asked again: the same id never sends a second set of messages."""
    run_id = bench.open({"a": 0})
    first = bench.opening
    bench.open({"a": 0}, run_id=run_id)

    assert bench.opening == first
    assert bench.queued() == 1


def test_the_last_answer_of_a_tier_opens_the_next_in_the_same_step(bench):
    """The barrier: nothing of tier 5 is sent before all of tier 0 has answered."""
    run_id = bench.open({"a": 0, "b": 0, "c": 5})
    bench.answer(run_id, "a")
    assert bench.queued() == 2
    bench.answer(run_id, "b")

    assert bench.queued() == 3
    assert bench.state(run_id).place("c").where == "queued"


def test_a_run_ends_with_its_last_answer(bench):
    """The end is written, the run is in the outbox and no longer watched, and the verdict is GO."""
    run_id = bench.open({"a": 0, "c": 5})
    bench.answer(run_id, "a")
    bench.answer(run_id, "c")
    state = bench.state(run_id)

    assert state.ended
    assert state.report().success
    assert bench.outbox() == [str(run_id)]
    assert bench.client.zcard(bench.keys["due"]) == 0


@pytest.mark.parametrize(
    ("policy", "asked", "skipped"),
    [("check", {"a"}, {"b", "c"}), ("tier", {"a", "b"}, {"c"}), ("never", {"a", "b", "c"}, set())],
)
def test_each_short_circuit_policy_stops_where_it_says(bench, policy, asked, skipped):
    """check: at the first blocking answer; tier: after its tier; never: asks everything."""
    run_id = bench.open({"a": 0, "b": 0, "c": 5}, policy=policy)
    bench.answer(run_id, "a", FAILED)
    bench.answer(run_id, "b")
    bench.answer(run_id, "c")
    report = bench.state(run_id).report()

    assert not report.success
    assert {line.name for line in report.checks if line.status is not Status.SKIPPED} == asked
    assert {line.name for line in report.checks if line.status is Status.SKIPPED} == skipped
    assert report.short_circuited_by == ("a" if skipped else None)
    assert all(line.skipped_because == "a failed" for line in report.checks if line.name in skipped)


def test_an_advisory_failure_stops_nothing(bench):
    """It is in the report, the next tier is opened and the verdict comes from the others."""
    run_id = bench.open({"a": 0, "b": 5})
    bench.answer(run_id, "a", FAILED, severity="advisory")
    bench.answer(run_id, "b")

    assert bench.state(run_id).ended
    assert bench.state(run_id).report()["b"].status is Status.PASSED


def test_a_check_is_claimed_once(bench):
    """The second delivery of a message is dropped."""
    run_id = bench.open({"a": 0})

    assert bench.claim(run_id, "a") is not None
    assert bench.claim(run_id, "a", worker="w2") is None


def test_a_check_of_a_tier_that_is_not_open_cannot_be_claimed(bench):
    """A forged or early message opens nothing."""
    run_id = bench.open({"a": 0, "b": 5})

    assert bench.runs.claim(run_id, "b", "1", "w1") is None
    assert bench.runs.claim(new_run_id(), "a", "1", "w1") is None


def test_an_answer_counts_once(bench):
    """Twice the same check, whatever the second says, changes neither its status nor the countdown."""
    run_id = bench.open({"a": 0, "b": 0, "c": 5})

    assert bench.answer(run_id, "a")
    assert not bench.runs.record(run_id, "a", FAILED, "blocking")
    assert bench.state(run_id).answer("a") == PASSED
    assert not bench.state(run_id).ended
    assert bench.state(run_id).place("c").where == "waiting"


def test_an_answer_after_the_end_changes_nothing(bench):
    """A late worker cannot turn a verdict."""
    run_id = bench.open({"a": 0, "b": 0})
    bench.claim(run_id, "b")
    bench.answer(run_id, "a", FAILED)
    before = bench.state(run_id).report()

    assert not bench.runs.record(run_id, "b", PASSED, "blocking")
    assert bench.state(run_id).report() == before
    assert bench.outbox() == [str(run_id)]


def test_an_answer_for_an_unknown_run_makes_no_key(bench):
    """Over, drop: nothing is written for a run whose state is gone."""
    run_id = new_run_id()

    assert not bench.runs.record(run_id, "a", PASSED, "blocking")
    assert not bench.client.exists(bench.keys.state(run_id))


def test_the_inbox_wakes_the_caller_with_the_id(bench, namespace):
    """The wake-up is pushed when the run ends, and expires when nobody takes it."""
    inbox = f"{namespace}:inbox:x"
    run_id = bench.open({"a": 0}, inbox=inbox)
    bench.answer(run_id, "a")

    assert bench.client.lrange(inbox, 0, -1) == [str(run_id)]
    assert bench.client.pttl(inbox) > 0


def test_an_aborted_run_can_never_be_opened(bench):
    """A caller who was told NO-GO is believed, even if its open arrives afterwards."""
    run_id = new_run_id()
    assert bench.runs.abort(run_id, "broker", errored("gone"))
    bench.open({"a": 0}, run_id=run_id)

    assert bench.opening.opened_ms == 0
    assert bench.queued() == 0


def test_aborting_an_open_run_ends_it_with_no_go(bench):
    """Everything unanswered is skipped because of the check that says why."""
    run_id = bench.open({"a": 0})
    assert bench.runs.abort(run_id, "workers", errored("nobody"))
    report = bench.state(run_id).report()

    assert not report.success
    assert report["a"].skipped_because == "workers error"
    assert not bench.runs.abort(run_id, "workers", errored("twice"))


def test_the_stored_run_is_forgotten_after_a_while(bench):
    """What is recorded leaves the outbox and keeps its state only for callers who have not read it."""
    run_id = bench.open({"a": 0})
    bench.answer(run_id, "a")
    bench.runs.recorded(bench.runs.outbox("me", 1000), 5000)

    assert bench.outbox() == []
    assert 0 < bench.client.pttl(bench.keys.state(run_id)) <= 5000


def test_the_outbox_has_one_holder(bench):
    """Two recorders never take the same reports while the lease lives."""
    run_id = bench.open({"a": 0})
    bench.answer(run_id, "a")

    assert bench.runs.outbox("first", 5000) == [str(run_id)]
    assert bench.runs.outbox("second", 5000) == []


def test_the_scripts_survive_a_server_that_forgot_them(bench):
    """NOSCRIPT after a restart of Redis is answered by sending the script again."""
    run_id = bench.open({"a": 0})
    bench.client.script_flush()

    assert bench.answer(run_id, "a")


def test_the_state_of_a_run_tells_its_progress(bench):
    """Queued, running and answered checks are told apart while the run goes on."""
    run_id = bench.open({"a": 0, "b": 0, "c": 0})
    bench.claim(run_id, "a")
    bench.answer(run_id, "b")
    progress = {line.name: line for line in bench.state(run_id).progress()}

    assert progress["a"].running
    assert progress["b"].status is Status.PASSED
    assert (progress["c"].status, progress["c"].running) == (None, False)


def test_a_message_is_small(bench):
    """It carries the run, the check and a number: never the context."""
    bench.open({"a": 0})
    message = json.loads(bench.client.lindex(bench.keys.full_queue, 0))

    assert json.loads(message["body"])[0][1:] == ["a", "1"]
    assert len(json.dumps(message)) < 1500
