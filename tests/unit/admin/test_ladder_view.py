"""A report as pages draw it: tiers, reasons, what to do."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from uuid import UUID

from preflight.admin import ladder
from preflight.types import CheckReport, PreFlightReport, Severity, Status


def line(name, priority, status, **more):
    return CheckReport(name=name, priority=priority, status=status, **more)


def report(*checks, duration_ms=100):
    return PreFlightReport(
        id=UUID("019cecc1-ee6c-7c41-9b2e-4f07a61d3c8e"),
        mode="full",
        event_type="poll_launch",
        checks=checks,
        created_at=datetime(2026, 11, 25, tzinfo=UTC),
        duration_ms=duration_ms,
    )


REDIS_FAILED = report(
    line("disk", 0, Status.PASSED, duration_ms=2.0, queue_ms=1.0),
    line(
        "redis", 0, Status.FAILED, message="write refused", remediation="Free memory.", duration_ms=80.0, queue_ms=5.0
    ),
    line("tokens", 10, Status.SKIPPED, skipped_because="redis failed"),
    line("stock", 20, Status.SKIPPED, skipped_because="redis failed"),
)


def test_tiers_behind_the_one_that_stopped_the_run_say_because_of_what():
    """They are told apart from tiers that were asked."""
    tiers = ladder.tiers(REDIS_FAILED)

    assert [(tier.priority, tier.status, tier.stops, tier.because) for tier in tiers] == [
        (0, "failed", True, None),
        (10, "skipped", False, "redis failed"),
        (20, "skipped", False, "redis failed"),
    ]


def test_a_tier_begins_when_the_one_before_it_has_ended():
    """Its slowest check, queue and run, is its length."""
    tiers = ladder.tiers(
        report(
            line("a", 0, Status.PASSED, duration_ms=10.0, queue_ms=5.0),
            line("b", 0, Status.PASSED, duration_ms=30.0),
            line("c", 5, Status.PASSED, duration_ms=20.0),
        )
    )

    assert [(tier.start_ms, tier.end_ms) for tier in tiers] == [(0, 30), (30, 50)]


def test_a_check_that_does_not_apply_does_not_make_its_tier_skipped():
    """The reason stands at the check."""
    tier = ladder.tiers(
        report(line("a", 0, Status.PASSED), line("b", 0, Status.SKIPPED, skipped_because="does not apply"))
    )[0]

    assert tier.because is None
    assert tier.rungs[1].answer == "Not asked: does not apply"


def test_a_reason_names_the_check_and_what_it_said():
    """One check: its message. Several: their names."""
    both = report(line("redis", 0, Status.FAILED, message="full"), line("tokens", 0, Status.ERROR, message="timed out"))

    assert ladder.reason(REDIS_FAILED) == "redis failed: write refused"
    assert ladder.reason(both) == "redis failed and tokens could not be asked"
    assert ladder.reason(report(line("a", 0, Status.SKIPPED))) == "No check of the application answered."
    assert ladder.reason(report(line("a", 0, Status.PASSED, cached=True))) == "1 check passed, 1 from the cache"


def test_a_failing_advisory_check_is_a_warning_of_the_run():
    """It stops nothing and is not hidden."""
    found = report(
        line("a", 0, Status.PASSED),
        line("b", 0, Status.FAILED, severity=Severity.ADVISORY, message="off", remediation="Turn on."),
    )

    assert ladder.verdict(found) == "GO with warning"
    assert ladder.reason(found) == "b: off"
    assert [step.advice for step in ladder.steps(found)] == ["Turn on."]


def test_what_to_do_begins_with_what_blocks_and_never_is_nothing():
    """A check without advice says where to look."""
    found = report(line("redis", 0, Status.FAILED), line("tokens", 10, Status.WARNING, remediation="Sign in again."))

    steps = ladder.steps(found)
    assert [step.check.name for step in steps] == ["redis", "tokens"]
    assert "gives no advice" in steps[0].advice


def test_changes_since_the_run_before_name_what_was():
    """A check that was not planned before is new."""
    before = report(line("redis", 0, Status.PASSED), line("tokens", 10, Status.PASSED))
    now = dataclasses.replace(
        before,
        checks=(line("redis", 0, Status.FAILED), line("extra", 5, Status.PASSED), line("tokens", 10, Status.PASSED)),
    )

    assert [(check.name, was) for check, was in ladder.changes(now, before)] == [("redis", "passed"), ("extra", "new")]


def test_counts_name_every_status():
    """In the order of the statuses."""
    assert ladder.counts(REDIS_FAILED) == "1 passed, 1 failed, 2 skipped"
