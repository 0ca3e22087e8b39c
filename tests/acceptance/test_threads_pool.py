"""The same promises where the pool has threads: what it can keep, and what it says about the rest."""

from __future__ import annotations

import pytest


@pytest.fixture
def trial(threads_trial):
    """Yield the system whose worker has threads."""
    yield threads_trial
    threads_trial.assert_no_leak()


def test_threads_ask_checks_too(trial):
    """Tier by tier, GO and stored."""
    report = trial.run({"alpha": "passes", "later": "passes", "five": "passes", "twenty": "passes"})

    assert report.success, report.reason
    assert trial.stored(report.id).to_json() == report.to_json()


@pytest.mark.parametrize("behaviour", ["sleeps_later", "ignores_cancellation"])
def test_an_async_check_has_its_time_and_no_more(trial, behaviour):
    """A coroutine is cancelled; one that is deaf to that is answered for by the watchdog."""
    report = trial.run({"brief": behaviour, "gamma": "passes"}, short_circuit="tier")

    assert report["brief"].message == "timed out after 0.5 s"
    assert report["gamma"].status == "passed"


@pytest.mark.parametrize("behaviour", ["raises", "exits", "interrupts", "ignores", "rejects", "returns_none"])
def test_no_exception_gets_past_a_thread(trial, behaviour):
    """The check is in error, and the worker goes on."""
    report = trial.run({"alpha": behaviour, "gamma": "passes"}, short_circuit="tier")

    assert report["alpha"].status == "error"
    assert report["gamma"].status == "passed"
    trial.expect_go()
