"""Slots that not everybody may take: a flood of light runs, or one slow dependency, leaves room for the others."""

from __future__ import annotations

import pytest
from acceptance.processes import eventually
from acceptance.trial import CONCURRENCY

MANY = 3 * CONCURRENCY


@pytest.fixture(params=["prefork", "threads"])
def either_trial(request):
    """Yield the shared system with processes, then the one with threads."""
    name = {"prefork": "trial", "threads": "threads_trial"}[request.param]
    trial = request.getfixturevalue(name)
    yield trial
    trial.assert_no_leak()


def test_light_runs_leave_a_slot_for_full_ones(either_trial):
    """Light checks that hang on take all slots but one; a full run asks its checks meanwhile, tier after tier."""
    story = either_trial.story({"beta": "waits"})
    flood = [either_trial.runner.run(mode="light", **either_trial.details(story, timeout=60)) for _ in range(MANY)]
    eventually(lambda: len(story.asked) == CONCURRENCY - 1, "the light checks wait", lambda: story.asked)

    report = either_trial.run({"alpha": "passes", "five": "passes", "twenty": "passes"})

    assert report.success, report.reason
    assert len(story.asked) == CONCURRENCY - 1
    story.open_gate()
    assert all(run.report(timeout=60).success for run in flood)


def test_one_slow_dependency_leaves_a_slot_for_the_others(either_trial):
    """Full runs that all wait for one check take all slots but one; a run that does not ask it is not held up."""
    story = either_trial.story({"beta": "waits"})
    stuck = [either_trial.start(story, timeout=60) for _ in range(MANY)]
    eventually(lambda: len(story.asked) == CONCURRENCY - 1, "the slow checks wait", lambda: story.asked)

    report = either_trial.run({"alpha": "passes", "five": "passes", "twenty": "passes"})

    assert report.success, report.reason
    assert len(story.asked) == CONCURRENCY - 1
    story.open_gate()
    assert all(run.report(timeout=60).success for run in stuck)
