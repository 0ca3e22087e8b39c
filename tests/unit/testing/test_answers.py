"""`preflight.testing`: the gate in an application's own tests."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import json
import subprocess
import sys
import threading

import pytest

from preflight import (
    CheckResult,
    InvalidRun,
    PreFlightFailed,
    PreFlightRegistry,
    PreFlightRunner,
    default_registry,
    testing,
)
from preflight.declaration import FunctionCheck
from preflight.exceptions import InvalidSettings, UnknownCheck
from preflight.settings import load

SETTINGS = load({"event_types": ("poll_launch",)})


def never(context):
    pytest.fail("a check was asked")


@pytest.fixture
def registry():
    """Return an application's checks: two in the first tier, and later ones, one advisory, one slow by nature."""
    made = PreFlightRegistry()
    for name, priority, details in (
        ("redis", 0, {}),
        ("shelf", 0, {}),
        ("stock", 20, {}),
        ("advice", 20, {"severity": "advisory"}),
        ("campaign", 20, {"requires": ("campaign_id",)}),
    ):
        made.register(FunctionCheck(name=name, priority=priority, function=never, **details))
    return made


@pytest.fixture
def gate(registry):
    """Return the application's runner; it has no Redis that it could ask."""
    return PreFlightRunner(SETTINGS, registry)


@pytest.fixture
def answers(registry):
    with testing.answers(registry) as given:
        yield given


def ask(gate, **details):
    return gate.run(event_type="poll_launch", raise_on_failure=False, **{"exclude": ["campaign"]} | details)


def statuses(report):
    return {line.name: str(line.status) for line in report.checks}


def test_every_check_passes_unless_a_test_says_otherwise(gate, answers):
    """The gate is open, and no check was asked."""
    report = ask(gate)

    assert report.verdict == "GO"
    assert set(statuses(report).values()) == {"passed"}
    assert answers.reports == [report]


def test_a_check_fails_as_the_test_says(gate, answers):
    """The run is NO-GO, with the message and the remediation; what comes later is skipped because of it."""
    answers.fails("shelf", "3 left", remediation="Order more.")

    with pytest.raises(PreFlightFailed, match=r"shelf failed: 3 left To do: Order more\."):
        gate.run(event_type="poll_launch", exclude=["campaign"])

    assert answers.reports[0]["stock"].skipped_because == "shelf failed"
    assert answers.reports[0].short_circuited_by == "shelf"


def test_a_check_can_warn_err_and_be_slow(gate, answers):
    """Each kind of answer is in the report as a real one would be."""
    answers.warns("redis", "nearly full")
    answers.is_slow("shelf", seconds=3)
    answers.errors("stock", "timed out after 5 s")
    report = ask(gate, short_circuit="never")

    assert statuses(report) == {
        "redis": "warning",
        "shelf": "passed",
        "stock": "error",
        "advice": "passed",
    }
    assert (report["shelf"].slow, report["shelf"].duration_ms) == (True, 3000)
    assert report["redis"].warnings == ("nearly full",)
    assert report.duration_ms >= 3000


def test_an_advisory_check_stops_nothing(gate, answers):
    """Severity counts as in a real run."""
    answers.fails("advice")

    assert ask(gate).verdict == "GO"


def test_a_later_answer_replaces_an_earlier_one(gate, answers):
    """A test may change its mind between two runs."""
    answers.fails("shelf")
    assert not ask(gate).success
    answers.passes("shelf", "filled", metadata={"left": 9})

    assert ask(gate)["shelf"].metadata == {"left": 9}


@pytest.mark.parametrize(("policy", "skipped"), [("check", {"shelf", "stock"}), ("tier", {"stock"}), ("never", set())])
def test_the_policy_is_the_real_one(gate, answers, policy, skipped):
    """Where a run stops is decided as ever; in a tier the checks answer in the plan's order."""
    answers.fails("redis")
    report = ask(gate, short_circuit=policy, only=["redis", "shelf", "stock"], exclude=[])

    assert {name for name, status in statuses(report).items() if status == "skipped"} == skipped


def test_the_plan_is_the_real_one(gate, answers):
    """What a run requires, selects and may be called is decided as ever."""
    assert ask(gate, exclude=[])["campaign"].message == "the run has no campaign_id"
    assert statuses(ask(gate, only=["redis"])) == {"redis": "passed"}
    with pytest.raises(InvalidRun, match=r"'poll_lunch' is not known\. Did you mean poll_launch"):
        gate.run(event_type="poll_lunch")


@pytest.mark.parametrize("name", ["passes", "warns", "fails", "errors", "is_slow"])
def test_unknown_checks_are_refused_with_the_nearest_names(answers, name):
    """A misspelt name would leave a check passing that a test means to fail."""
    with pytest.raises(UnknownCheck, match=r"No check is called 'stok'\. Did you mean stock"):
        getattr(answers, name)("stok")


@pytest.mark.parametrize("name", ["broker", "workers"])
def test_the_engine_s_own_parts_can_be_away(gate, answers, name):
    """Without a Redis or a worker nothing is asked, and the report says so as ever."""
    answers.errors(name, "away", remediation="Start it.")
    report = ask(gate)

    assert report.verdict == "NO-GO"
    assert report[name].message == "away"
    assert {line.skipped_because for line in report.checks if line.name != name} == {f"{name} error"}


def test_a_light_run_has_ended_when_its_call_returns(gate, answers):
    """It never raises; its report can be read from the handle and from the answers. No thread is started."""
    answers.fails("redis", "down")
    before = threading.active_count()

    run = gate.run(mode="light", event_type="anything")

    assert run.state == "finished"
    assert run.poll() == run.report(timeout=0) == answers.reports[0]
    assert [line.name for line in answers.reports[0].checks] == ["redis", "shelf"]
    assert {line.name for line in run.progress()} == {"redis", "shelf"}
    assert threading.active_count() == before


def test_a_light_run_with_wrong_arguments_is_counted_and_logged(gate, answers, caplog):
    """As in production, nobody is told by an exception."""
    run = gate.run(mode="light", event_type="Not An Event")

    assert run.state == "queued"
    assert answers.reports == []
    assert gate.light_counts == {"attempted": 1, "invalid": 1}
    assert "light run refused: event_type must be" in caplog.text


def test_asyncio_applications_are_answered_too(gate, answers):
    """`arun` gives the same report, and raises the same NO-GO."""
    answers.fails("stock", "none left")

    with pytest.raises(PreFlightFailed, match="none left"):
        asyncio.run(gate.arun(event_type="poll_launch", exclude=["campaign"]))
    report = asyncio.run(gate.arun(event_type="poll_launch", only=["redis"]))
    assert answers.reports[1] == report


def test_blocks_can_be_nested_and_end_with_an_exception(registry, gate):
    """The inner one answers; after each, also when a test fails in it, runs are what they were."""
    with testing.answers(registry) as outer:
        with contextlib.suppress(RuntimeError), testing.answers(registry) as inner:
            inner.fails("shelf")
            assert not ask(gate).success
            raise RuntimeError
        assert ask(gate).success
        assert (len(outer.reports), len(inner.reports)) == (1, 1)

    with pytest.raises(InvalidSettings, match="PREFLIGHT_REDIS_URL is not set"):
        ask(gate)


def test_what_a_check_cannot_say_is_an_error_here_too(gate, answers):
    """An answer goes the way of a real one: what is no JSON is an error, and secrets are masked."""
    answers.says("redis", CheckResult.passed("fine", metadata={"when": object()}))
    answers.fails("shelf", "postgresql://u:canary@db/shop is away")
    report = ask(gate, short_circuit="never")

    assert statuses(report)["redis"] == "error"
    assert "canary" not in json.dumps(report.to_json())


def test_pytest_finds_the_plugin_by_its_entry_point():
    """The fixture is there wherever PreFlight is installed."""
    (entry,) = importlib.metadata.entry_points(group="pytest11", name="preflight")

    assert entry.load().preflight_answers


def test_the_fixture_answers_every_run_of_a_test(registry, gate, preflight_answers):
    """Without a registry it is that of the process; other runners are answered too."""
    assert preflight_answers.registry is default_registry()
    assert ask(gate).success
    assert len(preflight_answers.reports) == 1


def test_loading_the_plugin_loads_no_preflight():
    """Every test session of the machine loads it: nothing but pytest may come with it."""
    code = "import sys, preflight.pytest_plugin; print(sys.modules.keys() & {'celery', 'redis', 'pydantic'} or 'none')"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "none\n"
