"""What was seen of a run, and what must hold of it at every moment."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

from preflight.engine.plan import Plan
from preflight.engine.state import RunState
from preflight.types import ANSWERED_STATUSES, BLOCKING_STATUSES, Severity, Status


@dataclasses.dataclass
class Witnessed:
    """What was seen of one run; nothing of it may change afterwards."""

    plan: Plan
    inbox: str
    aborted: bool = False
    answers: dict[str, str] = dataclasses.field(default_factory=dict)
    end: str | None = None
    report: dict[str, Any] | None = None


def look_at(state: RunState, seen: Witnessed, good: set[str]) -> None:
    """Compare a run with what was seen of it before; `AssertionError` when something changed or is wrong."""
    written = {key[2:]: text for key, text in state.fields.items() if key.startswith("a:")}
    assert seen.answers.items() <= written.items(), "an answer never changes once it is written"
    seen.answers = written
    _look_at_tiers(state)
    assert seen.end is None or state.fields["end"] == seen.end, "a run ends once"
    seen.end = state.fields.get("end")
    if state.ended:
        report = state.report().to_json()
        assert seen.report is None or report == seen.report, "a report never changes"
        seen.report = report
        _look_at_report(state, good)


def _look_at_tiers(state: RunState) -> None:
    names = [check.name for check in state.checks]
    tiers = [[token.partition("|")[0] for token in state.fields[f"t:{k}"].split()] for k in _tiers(state)]
    assert sorted(name for tier in tiers for name in tier) == sorted(names)
    for before, after in itertools.pairwise(tiers):
        if any(state.place(name).where in ("queued", "running", "joined") for name in after):
            assert all(state.answer(name) for name in before), "no tier is sent before the one below has answered"
    if not state.ended:
        waiting = [name for name in tiers[int(state.fields["tier"])] if state.place(name).where != "done"]
        assert int(state.fields["left"]) == len(waiting) > 0, "`left` counts the answers that the tier waits for"


def _tiers(state: RunState) -> range:
    return range(int(state.fields["tiers"]))


def _look_at_report(state: RunState, good: set[str]) -> None:
    report = state.report()
    lines = {line.name: line for line in report.checks}
    assert len(lines) == len(report.checks), "one status per check"
    assert set(lines) - {"workers", "broker"} == {check.name for check in state.checks}
    for line in report.checks:
        if line.status is Status.SKIPPED:
            assert line.skipped_because, "skipped only with a reason"
    assert report.success == _may_go(state, good), "GO exactly when every blocking check answered well"


def _may_go(state: RunState, good: set[str]) -> bool:
    """Judge by the written answers alone: none blocks, none is missing, and a worker really gave a good one."""
    written = {check.name: state.answer(check.name) for check in state.checks if check.severity == Severity.BLOCKING}
    if state.answer("workers") or state.answer("broker") or None in written.values():
        return False
    given = [answer for answer in written.values() if answer]
    asked = [answer for answer in given if answer["status"] in ANSWERED_STATUSES]
    return any(answer["message"] in good for answer in asked) and not any(
        answer["status"] in BLOCKING_STATUSES for answer in given
    )
