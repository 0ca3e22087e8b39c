"""What operators change reaches every run by the version that its opening compares, and every claim."""

from __future__ import annotations

import pytest
from integration.engine.conftest import FAILED, ON_EVERY_SERVER, PASSED
from integration.engine.world import Killed, Mortal

from preflight import CheckResult, PreFlightCheck, PreFlightRegistry
from preflight.changes import Changes, CheckChanges
from preflight.context import RunRequest
from preflight.declaration import FunctionCheck
from preflight.engine.caller import Caller, new_run_id
from preflight.engine.execution import Execution
from preflight.engine.plan import DISABLED, plan
from preflight.engine.published import publish
from preflight.engine.runs import Runs
from preflight.types import Status

pytestmark = ON_EVERY_SERVER


def changed(version, name="a", revision=None, **values):
    """Return changes of one check."""
    return Changes(version, {name: CheckChanges(values, revision or version)})


def planned(bench, checks, changes=None, mode="full", **declaration):
    """Return the plan of a run of {name: priority}, made with what its planner knows of changes."""
    registry = PreFlightRegistry()
    for name, priority in checks.items():
        registry.register(FunctionCheck(name=name, priority=priority, function=lambda _: PASSED, **declaration))
    request = RunRequest.build(mode=mode, event_type="test_event")
    return plan(request, registry, bench.settings, changes or Changes())


def opened(bench, made):
    """Open a run with a plan and return its id."""
    run_id = new_run_id()
    opening = bench.runs.open(run_id, made, bench.dispatch.template(bench.keys.full_queue))
    assert opening.changes is None, "the planner was behind"
    return run_id


class Counting(Runs):
    """Runs that count their round trips."""

    trips = 0

    def call(self, script, keys, arguments):
        self.trips += 1
        return super().call(script, keys, arguments)


@pytest.fixture
def caller(bench):
    made = Caller(bench.settings, bench.dispatch)
    runs = made.runs
    made._runs = made._runs[0], Counting(runs.client, runs.keys, runs.dispatch)
    yield made
    made.close()


def test_a_planner_that_is_behind_opens_nothing_and_is_told(bench):
    """No state and no message; the reply is what it did not know."""
    publish(bench.runs, changed(3, timeout=9))
    run_id = bench.open({"a": 0})

    assert bench.opening.changes == changed(3, timeout=9)
    assert bench.queued() == 0
    assert not bench.client.exists(bench.keys.state(run_id))


def test_a_caller_that_is_behind_plans_again_and_opens(bench, caller):
    """One round trip more, once; the run has the version that it was planned with in its report."""
    publish(bench.runs, changed(3, timeout=9))
    run_id = new_run_id()
    made = caller.open(run_id, planned(bench, {"a": 0}), inbox="")

    assert (made.version, made.checks[0].timeout) == (3, 9.0)
    assert caller.runs.trips == 2
    bench.answer(run_id, "a")
    assert bench.state(run_id).report().settings_version == 3

    caller.open(new_run_id(), planned(bench, {"a": 0}, caller.changes), inbox="")
    assert caller.runs.trips == 3, "who knows pays nothing"


def test_light_runs_of_a_sender_that_is_behind_are_planned_again(bench, caller):
    """Those of one batch that need it, in one more round trip; none is lost."""
    publish(bench.runs, changed(3, enabled=False))
    runs = [(new_run_id(), planned(bench, {"a": 0, "b": 0}, mode="light")) for _ in range(3)]
    runs.append((new_run_id(), planned(bench, {"a": 0, "b": 0}, changed(3, enabled=False), mode="light")))

    assert caller.open_all(runs) == [None] * 4
    for run_id, _ in runs:
        assert bench.state(run_id).place("a").where == "done"
        assert bench.state(run_id).place("b").where == "queued"


def test_changes_that_never_settle_end_in_one_line(bench, caller):
    """A planner that can never catch up gives up instead of asking for ever."""
    publish(bench.runs, changed(3, timeout=9))
    restless = planned(bench, {"a": 0})
    object.__setattr__(restless, "again", lambda _: restless)

    (failure,) = caller.open_all([(new_run_id(), restless)])
    assert "changed faster" in str(failure)
    with pytest.raises(type(failure), match="changed faster"):
        caller.open(new_run_id(), restless)


def test_a_run_that_is_open_stays_open_when_something_is_changed(bench):
    """Its opening whose reply was lost is asked for again, with the old version: the same run."""
    made, run_id = planned(bench, {"a": 0}), new_run_id()
    first = bench.runs.open(run_id, made, "")
    publish(bench.runs, changed(1, timeout=9))

    assert bench.runs.open(run_id, made, "") == first


def test_an_older_version_never_replaces_a_newer_one(bench):
    """Publishing may be repeated, by anybody, at any time."""
    assert publish(bench.runs, changed(5, timeout=5)) == 5
    assert publish(bench.runs, changed(4, timeout=4)) == 5
    assert publish(bench.runs, changed(5, timeout=4)) == 5

    assert bench.open({"a": 0})
    assert bench.opening.changes == changed(5, timeout=5)


def test_what_redis_lost_goes_on_as_it_was_known(bench):
    """A planner with changes opens its runs while Redis has none."""
    run_id = opened(bench, planned(bench, {"a": 0}, changed(7, timeout=9)))

    assert bench.state(run_id).fields["settings"] == "7"


def test_a_check_that_was_disabled_meanwhile_is_skipped_at_its_claim(bench):
    """Its run goes on with the others, and the next tier is opened."""
    run_id = bench.open({"a": 0, "b": 5})
    publish(bench.runs, changed(1, enabled=False))

    assert bench.claim(run_id, "a") is None
    assert bench.state(run_id).place("b").where == "queued"
    bench.answer(run_id, "b")
    report = bench.state(run_id).report()
    assert report.success
    assert (report["a"].status, report["a"].skipped_because) == (Status.SKIPPED, DISABLED)


def test_a_check_whose_name_begins_like_a_disabled_one_is_asked(bench):
    """Names are compared as a whole."""
    run_id = bench.open({"a": 0, "ab": 0, "b": 0})
    publish(bench.runs, changed(1, "ab", enabled=False))

    assert bench.claim(run_id, "a")
    assert bench.claim(run_id, "b")
    assert bench.claim(run_id, "ab") is None


def test_a_worker_that_dies_over_a_disabled_check_leaves_it_to_the_next(bench):
    """Claimed and not skipped yet: the check is where it was, and its next message ends it."""
    run_id = bench.open({"a": 0})
    publish(bench.runs, changed(1, enabled=False))
    mortal = Mortal(bench.client, bench.keys, bench.dispatch)
    mortal.steps = 1
    with pytest.raises(Killed):
        mortal.claim(run_id, "a", "1", "w1")

    assert bench.state(run_id).place("a").where == "queued"
    assert bench.claim(run_id, "a") is None
    assert not bench.state(run_id).report().success, "a run that asked nothing is NO-GO"


def test_a_check_that_runs_when_it_is_disabled_still_answers(bench):
    """It was asked; its answer counts."""
    run_id = bench.open({"a": 0})
    bench.claim(run_id, "a")
    publish(bench.runs, changed(1, enabled=False))
    bench.runs.record(run_id, "a", FAILED, "blocking")

    assert bench.state(run_id).report()["a"].status is Status.FAILED


def test_a_disabled_check_is_not_answered_from_the_cache_in_a_later_tier(bench):
    """The run was opened before; the kept answer is no way around the operator."""
    bench.answer(bench.open({"b": 5}, cache_ttl=60), "b")
    run_id = bench.open({"a": 0, "b": 5}, cache_ttl=60)
    publish(bench.runs, changed(1, "b", enabled=False))
    bench.answer(run_id, "a")

    assert bench.state(run_id).place("b").where == "queued"
    assert bench.claim(run_id, "b") is None
    assert bench.state(run_id).report()["b"].skipped_because == DISABLED


def test_who_waits_for_the_execution_of_a_disabled_check_is_released(bench):
    """The run that was to ask it skips it, and those that joined do so too."""
    first, second = bench.open({"a": 0}, cache_ttl=60), bench.open({"a": 0}, cache_ttl=60)
    publish(bench.runs, changed(1, enabled=False))
    assert bench.state(second).place("a").where == "joined"
    bench.claim(first, "a")

    assert bench.state(second).report()["a"].skipped_because == DISABLED


class Watchful(PreFlightCheck):
    """One that gives its client most of its own time."""

    name = "watchful"
    timeout = 1.0

    def execute(self, context):
        return CheckResult.passed(f"{self.timeout:g} s")


def test_a_check_that_watches_its_own_timeout_sees_the_operators(bench):
    """Else it would give up before the time is over that it was given."""
    registry = PreFlightRegistry()
    registry.register(Watchful)
    request = RunRequest.build(mode="full", event_type="test_event")
    run_id = opened(bench, plan(request, registry, bench.settings, changed(0, "watchful", timeout=40)))
    Execution(bench.runs, registry, "w1", 500).execute(run_id, "watchful", "1")

    assert bench.state(run_id).report()["watchful"].message == "40 s"


@pytest.mark.parametrize("change", [{"timeout": 9}, {"severity": "advisory"}, {"enabled": True}, {"cache_ttl": 50}])
def test_an_answer_from_before_a_change_is_not_taken_after_it(bench, change):
    """Nor when the change is taken back: whatever the operator saw wrong, it is asked again."""
    bench.answer(opened(bench, planned(bench, {"a": 0}, cache_ttl=60)), "a")
    assert bench.state(opened(bench, planned(bench, {"a": 0}, cache_ttl=60))).ended

    after = opened(bench, planned(bench, {"a": 0}, changed(1, **change), cache_ttl=60))
    taken_back = opened(bench, planned(bench, {"a": 0}, changed(2), cache_ttl=60))

    assert bench.state(after).place("a").where == "queued"
    assert bench.state(taken_back).place("a").where == "queued"


def test_a_change_of_another_check_keeps_the_answers_of_this_one(bench):
    """Only what was changed is asked again."""
    bench.answer(opened(bench, planned(bench, {"a": 0}, cache_ttl=60)), "a")

    assert bench.state(opened(bench, planned(bench, {"a": 0}, changed(1, "b", timeout=9), cache_ttl=60))).ended
