"""What the scripts count: each run and each execution once, under few names, whatever comes twice or late."""

from __future__ import annotations

import pytest
from integration.engine.conftest import FAILED, ON_EVERY_SERVER, PASSED

from preflight import CheckResult, PreFlightRegistry
from preflight.context import RunRequest
from preflight.declaration import FunctionCheck
from preflight.engine import answers
from preflight.engine.caller import Caller, new_run_id
from preflight.engine.connection import now_ms
from preflight.engine.handle import FullRun
from preflight.engine.lines import errored
from preflight.engine.plan import plan
from preflight.observability.metrics import MOST_CHECKS

pytestmark = ON_EVERY_SERVER

REQUEST = RunRequest.build(mode="full", event_type="test_event")
SKIPPED = answers.answer(CheckResult.skipped("not today"))


def counted(bench, *metrics):
    """Return what is counted of some metrics, without their sums, as {field: number}."""
    found = bench.client.hgetall(bench.keys["counts"])
    chosen = {field: int(value) for field, value in found.items() if field.split("|")[0] in metrics}
    return {field: value for field, value in chosen.items() if not field.endswith("|us")}


def taking(ms, answer=PASSED):
    """Return an answer of an execution that took so long."""
    return answer | {"duration_ms": ms}


@pytest.mark.parametrize(("answer", "success"), [(PASSED, "true"), (FAILED, "false"), (SKIPPED, "false")])
def test_a_run_is_counted_by_its_verdict(bench, answer, success):
    """As the report says: one in which nothing was asked is NO-GO too."""
    run_id = bench.open({"a": 0})
    bench.answer(run_id, "a", answer)

    assert counted(bench, "runs") == {f"runs|full|test_event|{success}": 1}
    assert bench.state(run_id).report().success == (success == "true")


def test_a_run_with_good_answers_and_a_bad_one_is_counted_as_no_go(bench):
    """One that blocks decides."""
    run_id = bench.open({"a": 0, "b": 5})
    bench.answer(run_id, "a", PASSED)
    bench.answer(run_id, "b", FAILED)

    assert counted(bench, "runs") == {"runs|full|test_event|false": 1}


@pytest.mark.parametrize(("severity", "success"), [("blocking", "false"), ("advisory", "true")])
def test_a_check_that_an_ended_run_never_asked_counts_as_its_report_says(bench, severity, success):
    """Nothing blocked, so it is no consequence: an error, and NO-GO if it may block."""
    registry = PreFlightRegistry()
    registry.register(FunctionCheck(name="a", priority=0, function=lambda _: PASSED))
    registry.register(FunctionCheck(name="b", priority=5, function=lambda _: PASSED, severity=severity))
    run_id = new_run_id()
    bench.runs.open(run_id, plan(REQUEST, registry, bench.settings), "")
    bench.answer(run_id, "a", PASSED)
    bench.runs.expire(run_id, {}, over=True)

    assert counted(bench, "runs", "failures") == {f"runs|full|test_event|{success}": 1, "failures|b": 1}
    assert bench.state(run_id).report().success == (success == "true")


def test_a_run_that_is_ended_twice_is_counted_once(bench):
    """A late answer, a second one and an expiry find it counted."""
    run_id = bench.open({"a": 0, "b": 0})
    bench.claim(run_id, "b")
    bench.answer(run_id, "a", FAILED)
    bench.runs.record(run_id, "b", PASSED, "blocking")
    bench.runs.expire(run_id, {}, over=True)
    bench.runs.abort(run_id, "workers", errored("given up"))

    assert counted(bench, "runs") == {"runs|full|test_event|false": 1}


def test_only_the_root_cause_is_a_failure(bench):
    """What was not asked because of it is skipped: siblings and later tiers, one each."""
    run_id = bench.open({"a": 0, "b": 0, "c": 5, "d": 10})
    bench.answer(run_id, "a", FAILED)

    assert counted(bench, "failures", "skipped") == {"failures|a": 1, "skipped|b": 1, "skipped|c": 1, "skipped|d": 1}


def test_an_advisory_failure_is_counted_and_stops_nothing(bench):
    """It is a failure of the check, in a run that may go ahead."""
    run_id = bench.open({"a": 0}, severity="advisory")
    bench.answer(run_id, "a", FAILED, "advisory")

    assert counted(bench, "failures") == {"failures|a": 1}


def test_a_check_that_says_it_does_not_apply_is_skipped(bench):
    """Whether it says so while planning or when it is asked."""
    run_id = bench.open({"a": 0, "b": 5})
    bench.answer(run_id, "a", SKIPPED)
    bench.open({"c": 0}, requires=("campaign_id",), mode="light")

    assert counted(bench, "skipped") == {"skipped|a": 1, "skipped|c": 1}


@pytest.mark.parametrize(("severity", "verdict"), [("blocking", "false"), ("advisory", "false")])
def test_an_input_that_a_full_run_lacks_is_a_failure(bench, severity, verdict):
    """Planning answered for the check, and nothing was asked."""
    bench.open({"a": 0}, requires=("campaign_id",), severity=severity)

    assert counted(bench, "failures", "runs") == {"failures|a": 1, f"runs|full|test_event|{verdict}": 1}


def test_a_cached_answer_is_counted_as_such_and_as_no_execution(bench):
    """One execution that failed is one failure, whoever takes its answer."""
    first = bench.open({"a": 0}, cache_ttl=60)
    bench.answer(first, "a", taking(3, FAILED))
    bench.open({"a": 0}, cache_ttl=60)

    assert counted(bench, "cached", "failures") == {"cached|a": 1, "failures|a": 1}
    assert counted(bench, "duration", "runs") == {"duration|a|5": 1, "runs|full|test_event|false": 2}


@pytest.mark.parametrize(("answer", "success"), [(PASSED, "true"), (SKIPPED, "false")])
def test_a_run_whose_answers_are_all_cached_has_the_verdict_of_its_report(bench, answer, success):
    """What was skipped for the one was not asked for the other."""
    bench.answer(bench.open({"a": 0}, cache_ttl=60), "a", answer)
    second = bench.open({"a": 0}, cache_ttl=60)

    assert counted(bench, "runs") == {f"runs|full|test_event|{success}": 2}
    assert bench.state(second).report().success == (success == "true")


@pytest.mark.parametrize(
    ("ms", "bucket"), [(0, "5"), (5, "5"), (5.001, "10"), (30_000, "30000"), (30_000.5, "inf"), (3_600_000, "inf")]
)
def test_a_duration_falls_into_the_first_bucket_that_holds_it(bench, ms, bucket):
    """Bounds belong to their bucket; the sum is kept in microseconds."""
    bench.answer(bench.open({"a": 0}), "a", taking(ms))

    assert counted(bench, "duration") == {f"duration|a|{bucket}": 1}
    assert bench.client.hget(bench.keys["counts"], "duration|a|us") == str(round(ms * 1000))


def test_an_answer_handed_in_again_is_one_execution(bench):
    """A worker whose reply was lost hands the same answer in again, before or after the run's end."""
    run_id = bench.open({"a": 0, "b": 0})
    for name in ("a", "a", "b", "b"):
        bench.answer(run_id, name, taking(7))

    assert counted(bench, "duration", "late") == {"duration|a|10": 1, "duration|b|10": 1}


def test_a_late_result_is_counted_once_with_its_duration(bench):
    """The run was over; its worker hands the answer in twice."""
    run_id = bench.open({"a": 0, "b": 0})
    bench.claim(run_id, "b")
    bench.answer(run_id, "a", FAILED)
    for _ in range(2):
        bench.runs.record(run_id, "b", taking(20), "blocking")

    assert counted(bench, "late", "duration") == {"late|b": 1, "duration|b|25": 1}


def test_an_answer_after_the_watchdogs_is_late(bench):
    """The check has its answer already, and the run goes on."""
    run_id = bench.open({"a": 0, "b": 0}, policy="never")
    bench.claim(run_id, "a")
    bench.runs.record(run_id, "a", errored("timed out"), "blocking", place=bench.state(run_id).place("a").text)
    bench.runs.record(run_id, "a", taking(20), "blocking")

    assert counted(bench, "late", "failures") == {"late|a": 1, "failures|a": 1}


def test_waits_are_counted_by_queue(bench, namespace):
    """Once for each claim that has the check."""
    for light in (False, True):
        run_id = bench.open({"a": 0}, mode="light" if light else "full")
        bench.claim(run_id, "a")
        bench.claim(run_id, "a")

    waits = counted(bench, "wait")
    assert sum(number for field, number in waits.items() if field.startswith(f"wait|{namespace}|")) == 1
    assert sum(number for field, number in waits.items() if field.startswith(f"wait|{namespace}.light|")) == 1


def test_a_run_that_is_given_up_before_it_is_open_is_counted(bench):
    """Its caller was told NO-GO and says what the run was; who opens it late changes nothing."""
    registry = PreFlightRegistry()
    registry.register(FunctionCheck(name="a", priority=0, function=lambda _: PASSED))
    planned = plan(REQUEST, registry, bench.settings)
    run_id = new_run_id()
    for _ in range(2):
        bench.runs.abort(run_id, "broker", errored("Redis does not answer"), planned)
    bench.open({"a": 0}, run_id=run_id)

    assert counted(bench, "runs", "failures") == {"runs|full|test_event|false": 1, "failures|broker": 1}


def test_a_caller_that_gives_up_says_what_it_gave_up(bench):
    """Else a run that never opened could not be counted when Redis is back."""
    registry = PreFlightRegistry()
    registry.register(FunctionCheck(name="a", priority=0, function=lambda _: PASSED))
    caller = Caller(bench.settings)
    run = FullRun(caller, new_run_id(), plan(REQUEST, registry, bench.settings), lambda report: None)
    run._unopened("Redis does not answer")
    caller.state(run.id)  # the thread that tells Redis has come to this
    caller.close()

    assert run.report().success is False
    assert counted(bench, "runs") == {"runs|full|test_event|false": 1}


def test_a_run_without_a_worker_counts_as_its_report_says(bench):
    """All answers were cached, and `workers` says that nobody is alive."""
    bench.worker_lives()
    bench.answer(bench.open({"a": 0, "workers": 0}, cache_ttl=60), "a")
    bench.client.delete(bench.keys["alive"])
    run_id = bench.open({"a": 0, "workers": 0}, cache_ttl=60)

    assert not bench.state(run_id).report().success
    runs = {"runs|full|test_event|true": 1, "runs|full|test_event|false": 1}
    assert counted(bench, "runs", "failures") == runs | {"failures|workers": 1}


def test_made_up_event_types_are_counted_together_and_leave_room_for_known_ones(redis_url, namespace):
    """Ten thousand of them become a few names and `other`; a known one that comes last has its own."""
    from integration.engine.conftest import Bench

    bench = Bench(redis_url, namespace)
    registry = PreFlightRegistry()
    registry.register(FunctionCheck(name="a", priority=0, function=lambda _: PASSED, requires=("campaign_id",)))
    made_up = [
        (new_run_id(), plan(RunRequest.build(mode="light", event_type=f"made_up_{n}"), registry, bench.settings))
        for n in range(10_000)
    ]
    for start in range(0, len(made_up), 500):
        bench.runs.open_all(made_up[start : start + 500], "")
    bench.answer(bench.open({"a": 0}), "a")

    runs = counted(bench, "runs")
    assert runs["runs|full|test_event|true"] == 1
    assert runs["runs|light|other|false"] == 10_000 - 22
    assert len(runs) < 50
    for run_id, _ in made_up:
        bench.client.unlink(bench.keys.state(run_id))
    bench.client.close()


def test_checks_beyond_the_limit_are_counted_together(bench):
    """Four hundred checks are not as many labels; what is counted stays whole."""
    names = [f"c{number}" for number in range(400)]
    run_id = bench.open(dict.fromkeys(names, 0), policy="never")
    for name in names:
        bench.answer(run_id, name, taking(1, FAILED))

    failures = counted(bench, "failures")
    assert len(failures) == MOST_CHECKS + 1
    assert sum(failures.values()) == 400
    assert failures["failures|other"] == 400 - MOST_CHECKS


def test_whatever_is_wrong_with_the_counts_stops_no_run(bench):
    """A key of another type in their place costs the counts, not the verdicts."""
    bench.client.set(bench.keys["counts"], "not a hash")
    run_id = bench.open({"a": 0})
    bench.answer(run_id, "a", taking(1))

    assert bench.state(run_id).report().success


def test_a_run_of_an_older_version_ends_uncounted(bench):
    """Its state does not say what it is."""
    run_id = bench.open({"a": 0})
    bench.client.hdel(bench.keys.state(run_id), "kind")
    bench.answer(run_id, "a")

    assert bench.state(run_id).ended
    assert counted(bench, "runs") == {}


def test_a_clock_that_was_set_back_counts_as_no_time(bench):
    """The sum of waits never falls: for Prometheus that would be a restart."""
    run_id = bench.open({"a": 0})
    number = bench.state(run_id).place("a").number
    bench.client.hset(bench.keys.state(run_id), "s:a", f"q {number} {now_ms(bench.client) + 60_000} 1")
    bench.claim(run_id, "a")

    assert bench.client.hget(bench.keys["counts"], f"wait|{bench.keys.full_queue}|us") == "0"
