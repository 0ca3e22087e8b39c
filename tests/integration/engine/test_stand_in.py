"""`preflight.testing` ends runs as the engine does: whatever the checks, their answers and the policy."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preflight import CheckResult, PreFlightRegistry
from preflight.context import RunRequest
from preflight.declaration import FunctionCheck
from preflight.engine import answers
from preflight.engine.caller import new_run_id
from preflight.engine.plan import plan
from preflight.engine.state import RunState
from preflight.testing.stand_in import StandIn
from preflight.types import SHORT_CIRCUITS

RESULTS = {
    "passed": CheckResult.passed("fine"),
    "warning": CheckResult.warning("nearly"),
    "failed": CheckResult.failed("no", remediation="Mend it."),
    "error": CheckResult.errored("broken"),
    "skipped": CheckResult.skipped("not today"),
}
CHECKS = st.lists(
    st.tuples(
        st.sampled_from([0, 5, 10]),
        st.sampled_from([*RESULTS]),
        st.sampled_from(["blocking", "advisory"]),
        st.sampled_from([(), ("campaign_id",)]),
    ),
    min_size=1,
    max_size=6,
)


def planned(bench, checks, policy, mode):
    """Return the plan of a run of made-up checks."""
    registry = PreFlightRegistry()
    for number, (priority, _, severity, requires) in enumerate(checks):
        registry.register(
            FunctionCheck(
                name=f"c{number}", priority=priority, function=lambda _: None, severity=severity, requires=requires
            )
        )
    return plan(RunRequest.build(mode=mode, event_type="test_event", short_circuit=policy), registry, bench.settings)


def by_the_engine(bench, made, said):
    """Run a plan through Redis, its checks answering in the plan's order, and return its report."""
    run_id = new_run_id()
    bench.worker_lives()
    bench.runs.open(run_id, made, bench.dispatch.template(bench.keys.full_queue))
    for check in made.checks:
        if not bench.state(run_id).ended and check.answer is None:
            bench.answer(run_id, check.name, said(check), str(check.severity))
    return bench.state(run_id).report()


def by_the_stand_in(made, said):
    """Run the same plan without Redis."""
    run_id, kept = new_run_id(), []
    stand_in = StandIn(said, dict, kept.append)
    stand_in.open(run_id, made)
    assert isinstance(stand_in.state(run_id), RunState)
    return kept[0]


def told(report):
    """Return what a report says, without ids and times."""
    lines = [line.to_json() | {"duration_ms": None, "queue_ms": None} for line in report.checks]
    return json.dumps([report.verdict, report.short_circuited_by, lines], indent=1)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(checks=CHECKS, policy=st.sampled_from(SHORT_CIRCUITS), mode=st.sampled_from(["full", "light"]))
def test_a_test_s_report_is_the_engine_s(bench, checks, policy, mode):
    """Verdict, statuses, messages and what was skipped because of what are those of a real run."""

    def said(check):
        return answers.answer(RESULTS[checks[int(check.name[1:])][1]])

    made = planned(bench, checks, policy, mode)

    assert told(by_the_stand_in(made, said)) == told(by_the_engine(bench, made, said))
