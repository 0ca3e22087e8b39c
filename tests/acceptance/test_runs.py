"""What a run asks, in which order, and what its report says of it. One real worker, four processes."""

from __future__ import annotations

from uuid import uuid4

import pytest

from preflight import CheckContext, CheckResult, InvalidRun, PreFlightCheck, PreFlightRegistry, PreFlightRunner
from preflight.settings import load

TIERS = {"alpha": "fails", "beta": "waits", "five": "fails", "twenty": "passes"}


def statuses(report):
    return {check.name: str(check.status) for check in report.checks}


def test_the_first_blocking_answer_ends_a_run(trial):
    """Short-circuit "check": siblings that have not answered are skipped as well, whatever they still do."""
    story = trial.story(TIERS)

    report = trial.start(story).report(timeout=30)

    assert statuses(report) == {"alpha": "failed", "beta": "skipped", "five": "skipped", "twenty": "skipped"}
    assert {report[name].skipped_because for name in ("beta", "five", "twenty")} == {"alpha failed"}
    assert report.short_circuited_by == "alpha"
    story.open_gate()


def test_a_tier_can_be_let_finish(trial):
    """Short-circuit "tier": the siblings of a blocking check answer, later tiers are skipped."""
    story = trial.story(TIERS)
    run = trial.start(story, short_circuit="tier")
    story.await_asked("alpha", "beta")
    story.open_gate()

    report = run.report(timeout=30)

    assert statuses(report) == {"alpha": "failed", "beta": "passed", "five": "skipped", "twenty": "skipped"}
    assert "five" not in story.asked


def test_a_run_can_ask_everything(trial):
    """Short-circuit "never": the diagnosis; nothing is skipped, and the verdict still is NO-GO."""
    story = trial.story(TIERS)
    run = trial.start(story, short_circuit="never")
    story.open_gate()

    report = run.report(timeout=30)

    assert statuses(report) == {"alpha": "failed", "beta": "passed", "five": "failed", "twenty": "passed"}
    assert not report.success
    assert report.short_circuited_by is None


def test_waiting_in_the_queue_is_no_execution_time(trial):
    """A check that waits for a free process has its wait in `queue_ms`; one that works has it in `duration_ms`."""
    busy = trial.story(dict.fromkeys(["alpha", "beta", "gamma", "delta"], "waits"))
    first = trial.start(busy)
    busy.await_asked(*busy.do)
    behind = trial.story({"alpha": "passes"})
    second = trial.start(behind)
    assert second.state == "queued"
    assert behind.asked == []
    busy.open_gate()

    worked, waited = first.report(timeout=30)["alpha"], second.report(timeout=30)["alpha"]

    assert waited.queue_ms > waited.duration_ms
    assert worked.duration_ms > worked.queue_ms


def test_coroutines_and_functions_are_both_asked(trial):
    """`async def execute`, and a function that returns an awaitable, are awaited."""
    report = trial.run({"later": "passes", "alpha": "passes_later", "beta": "passes"})

    assert statuses(report) == {"alpha": "passed", "beta": "passed", "later": "passed"}


def test_a_remark_does_not_stop_a_run(trial):
    """A warning is GO and is shown."""
    report = trial.run({"alpha": "warns"})

    assert report.success
    assert report["alpha"].status == "warning"
    assert report["alpha"].warnings == ("all is nearly well",)


@pytest.mark.parametrize("behaviour", ["fails", "raises", "dies"])
def test_an_advisory_check_stops_nothing(trial, behaviour):
    """Its failure, error or death is in the report, and the run is GO."""
    report = trial.run({"adviser": behaviour, "alpha": "passes", "five": "passes"})

    assert report.success, report.reason
    assert report["adviser"].status in {"failed", "error"}
    assert report["five"].status == "passed"


def test_a_missing_input_is_an_error_when_somebody_waits(trial):
    """In full mode the check could not be asked, and says which input it wants."""
    story = trial.story({"alpha": "passes", "demanding": "passes"})

    report = trial.start(story, short_circuit="never").report(timeout=30)

    assert not report.success
    assert report["demanding"].status == "error"
    assert report["demanding"].message == "the run has no campaign_id"
    assert "demanding" not in story.asked
    assert trial.run({"demanding": "passes"}, campaign_id=uuid4()).success


def test_a_missing_input_skips_the_check_in_a_light_run(trial):
    """In light mode it does not apply."""
    story = trial.story({"alpha": "passes", "demanding": "passes"})

    report = trial.runner.run(mode="light", **trial.details(story)).report(timeout=30)

    assert report.success
    assert report["demanding"].skipped_because == "the run has no campaign_id"


@pytest.mark.parametrize(
    ("applies", "status", "words"),
    [
        (False, "skipped", "it does not apply to this run"),
        ("only on Sundays", "skipped", "only on Sundays"),
        ("raises", "error", "LookupError: who knows"),
    ],
)
def test_a_check_says_itself_whether_it_applies(trial, applies, status, words):
    """False or a reason is `skipped` with the reason, raising is `error`; it is never asked."""
    story = trial.story({"alpha": "passes", "choosy": "passes"})

    report = trial.start(story, metadata={"applies": applies}, short_circuit="never").report(timeout=30)

    assert report["choosy"].status == status
    assert report["choosy"].message == words
    assert report.success is (status == "skipped")
    assert "choosy" not in story.asked


def test_a_run_that_asked_nothing_is_no_go(trial):
    """Only skipped checks: nothing spoke for the operation."""
    report = trial.run({"choosy": "passes"}, metadata={"applies": False})

    assert not report.success
    assert "no check was asked" in report.reason


def test_parameters_reach_the_worker(trial):
    """A check's dataclass fields are set for one run, and keep their defaults for the next."""
    given = trial.run({"parametric": "passes"}, params={"parametric": {"limit": 7}})

    assert given["parametric"].message == "the limit is 7"
    assert trial.run({"parametric": "passes"})["parametric"].message == "the limit is 3"


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"event_type": "trail"}, "Event type 'trail' is not known. Did you mean trial?"),
        ({"only": ["alpa"]}, "No check is called 'alpa'. Did you mean alpha"),
        ({"params": {"parametric": {"limit": "many"}}}, "limit"),
        ({"timeout": -1}, "timeout must be seconds"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_happens(trial, details, words):
    """A typing error does not open the gate: no run, no report."""
    before = set(trial.client.scan_iter(trial.keys.state("*")))

    with pytest.raises(InvalidRun) as raised:
        trial.runner.run(**{"event_type": "trial", **details})

    assert words in str(raised.value)
    assert set(trial.client.scan_iter(trial.keys.state("*"))) <= before


def test_an_event_type_may_be_known_by_setting(trial):
    """PREFLIGHT_EVENT_TYPES names those that no check names; checks without event types are asked."""
    settings = load({**trial.settings.model_dump(), "event_types": "only_by_setting"})
    runner = PreFlightRunner(settings, trial.registry)

    assert runner.run(event_type="only_by_setting", only=["redis"]).success


class OnlyHere(PreFlightCheck):
    """A check that no worker has."""

    name = "only_here"
    event_types = ("trial",)

    def execute(self, context: CheckContext) -> CheckResult:
        """Never be asked."""
        return CheckResult.passed()


def test_a_check_of_the_callers_process_alone_is_an_error(trial):
    """Workers must be able to import what a run names; the report says where to name it."""
    registry = PreFlightRegistry()
    registry.register(OnlyHere())
    runner = PreFlightRunner(trial.settings, registry)

    report = runner.run(event_type="trial", only=["only_here"], raise_on_failure=False)

    assert report["only_here"].status == "error"
    assert "No check is called 'only_here'" in report["only_here"].message
    assert "PREFLIGHT_CHECKS" in report["only_here"].remediation
