"""From arguments to tiers."""

from __future__ import annotations

import dataclasses

import pytest

from preflight import CheckResult, PreFlightCheck, PreFlightRegistry
from preflight.context import RunRequest
from preflight.declaration import FunctionCheck
from preflight.engine.plan import plan
from preflight.exceptions import InvalidRun, UnknownCheck, UnknownEventType
from preflight.settings import load

SETTINGS = load({"event_types": ("poll_launch", "dice_roll"), "concurrency": 2, "queue_allowance": 5.0})


def registry_of(*checks):
    registry = PreFlightRegistry()
    for check in checks:
        registry.register(check)
    return registry


def ask(name, priority=0, **declaration):
    return FunctionCheck(name=name, priority=priority, function=lambda _: CheckResult.passed(), **declaration)


def planned(*checks, mode="full", event_type="poll_launch", **details):
    return plan(RunRequest.build(mode=mode, event_type=event_type, **details), registry_of(*checks), SETTINGS)


def test_checks_of_one_priority_are_a_tier_lowest_first():
    """Order of registration does not matter."""
    made = planned(ask("c", 20), ask("b"), ask("a"))

    assert [[check.name for check in tier] for tier in made.tiers] == [["a", "b"], ["c"]]


def test_light_runs_ask_up_to_the_light_priority():
    """Priority 10 is asked, 11 is not."""
    made = planned(ask("a", 10), ask("b", 11), mode="light")

    assert [check.name for check in made.checks] == ["a"]


def test_a_check_of_another_event_type_is_not_planned():
    """event_types limits the runs that ask a check."""
    made = planned(ask("a"), ask("b", event_types=("dice_roll",)))

    assert [check.name for check in made.checks] == ["a"]


def test_a_full_run_with_an_unknown_event_type_is_refused_with_the_nearest_names():
    """A typing error must not open the gate."""
    with pytest.raises(UnknownEventType, match="Did you mean poll_launch"):
        planned(ask("a"), event_type="poll_lunch")


def test_a_light_run_may_have_any_event_type():
    """It only observes."""
    assert planned(ask("a"), mode="light", event_type="anything").checks


def test_a_run_that_would_ask_nothing_is_refused():
    """Nothing selected is an error, not a verdict."""
    with pytest.raises(InvalidRun, match="No check applies"):
        planned(ask("a"), exclude=["a"])


@pytest.mark.parametrize("argument", ["only", "exclude"])
def test_unknown_names_are_refused_with_the_nearest(argument):
    """A misspelt check is not silently left out."""
    with pytest.raises(UnknownCheck, match="Did you mean redis"):
        planned(ask("redis"), **{argument: ["rediss"]})


def test_a_missing_input_is_an_error_in_full_mode_and_skipped_in_light():
    """`requires` names what the run must have."""
    check = ask("tokens", requires=("campaign_id", "gamification_event_id"))
    full, light = planned(check), planned(check, mode="light")

    assert full.checks[0].answer["status"] == "error"
    assert "campaign_id, gamification_event_id" in full.checks[0].answer["message"]
    assert full.checks[0].blocks
    assert light.checks[0].answer["status"] == "skipped"


def test_required_inputs_are_found_in_context_and_metadata():
    """Context fields first, then the run's metadata."""
    made = planned(ask("a", requires=("streamer_ids", "event")), streamer_ids=["1"], metadata={"event": 0})

    assert made.checks[0].answer is None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Conditional(PreFlightCheck):
    name: str = "conditional"
    priority: int = 0
    answer: object = True

    def applies_to(self, context):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def execute(self, context):
        return CheckResult.passed()


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (False, "skipped", "it does not apply to this run"),
        ("only on Mondays", "skipped", "only on Mondays"),
        (ValueError("boom"), "error", "ValueError: boom"),
    ],
)
def test_applies_to_decides_at_planning(answer, status, message):
    """False or a reason skips; raising is an error."""
    made = planned(Conditional(answer=answer))

    assert (made.checks[0].answer["status"], made.checks[0].answer["message"]) == (status, message)


def test_the_deadline_counts_rounds_and_the_queue():
    """5 checks of 2 s on 2 slots need 3 rounds; the next tier adds its longest; 5 s may be lost in queues."""
    made = planned(*[ask(f"a{n}", timeout=2.0) for n in range(5)], ask("b", 5, timeout=1.0))

    assert made.timeout == 3 * 2.0 + 1.0 + 5.0


def test_a_given_timeout_is_the_deadline():
    """The caller knows better."""
    assert planned(ask("a"), timeout=1.5).timeout == 1.5


def test_self_answered_checks_are_planned_and_never_sent():
    """`broker` and `workers` are lines of the report, not messages."""
    made = planned(ask("broker"), ask("workers"), ask("a"))

    assert [check.name for check in made.checks] == ["a", "broker", "workers"]
    assert [[check.name for check in tier] for tier in made.tiers] == [["a"]]
