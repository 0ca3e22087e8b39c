"""What Sentry is told, as data: grouped by outage, whole, without a secret."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from preflight.observability import events
from preflight.observability.budget import WINDOW_SECONDS, Budget
from preflight.types import CheckReport, PreFlightReport, Status

AT = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
CAMPAIGN = uuid.UUID(int=7)


def line(name, status=Status.PASSED, priority=0, **details):
    return CheckReport(name=name, status=status, priority=priority, duration_ms=1.5, **details)


def report(*checks, **details):
    values = {"mode": "full", "event_type": "poll_launch", "created_at": AT, "duration_ms": 40} | details
    return PreFlightReport(id=uuid.uuid4(), checks=checks, **values)


DOWN = (
    line("database"),
    line("redis", Status.FAILED, message="away"),
    line("tokens", Status.SKIPPED, 10, skipped_because="redis failed"),
)


def test_every_check_is_a_breadcrumb():
    """Name, priority, status and duration of each, in plan order; a failed one stands out by its level."""
    crumbs = events.no_go_event(report(*DOWN))["breadcrumbs"]["values"]

    assert [crumb["data"] for crumb in crumbs] == [
        {"name": "database", "priority": 0, "status": "passed", "duration_ms": 1.5},
        {"name": "redis", "priority": 0, "status": "failed", "duration_ms": 1.5},
        {"name": "tokens", "priority": 10, "status": "skipped", "duration_ms": 1.5},
    ]
    assert [crumb["level"] for crumb in crumbs] == ["info", "error", "info"]
    assert crumbs[1]["message"] == "redis failed: away"


def test_an_outage_is_one_issue():
    """The same event type and first blocking check have the same fingerprint, whatever the check says."""
    first, second = (report(line("redis", Status.FAILED, message=text)) for text in ("refused", "timed out"))
    other = report(line("tokens", Status.ERROR))

    assert events.no_go_event(first)["fingerprint"] == events.no_go_event(second)["fingerprint"]
    assert events.no_go_event(first)["fingerprint"] != events.no_go_event(other)["fingerprint"]
    assert events.no_go_event(first)["event_id"] == first.id.hex


def test_a_run_that_asked_nothing_has_a_fingerprint_too():
    """It is NO-GO without a check that blocks."""
    assert events.no_go_event(report())["fingerprint"] == ["preflight", "poll_launch", "nothing was asked"]


def test_tags_say_whose_run_it_was():
    """What is not given is no tag."""
    tags = events.no_go_event(report(*DOWN, campaign_id=CAMPAIGN, streamer_ids=("a", "b")))["tags"]

    assert tags["campaign_id"] == str(CAMPAIGN)
    assert (tags["streamer_ids"], tags["event_type"], tags["mode"], tags["check"]) == (
        "a,b",
        "poll_launch",
        "full",
        "redis",
    )
    assert not {"campaign_id", "streamer_ids"} & events.no_go_event(report(*DOWN))["tags"].keys()


def test_ten_thousand_streamers_fit_into_a_tag():
    """Sentry would drop a longer one: whole ids, and how many there are."""
    ids = tuple(str(number) for number in range(10_000))
    tag = events.no_go_event(report(*DOWN, streamer_ids=ids))["tags"]["streamer_ids"]

    assert len(tag) <= events.TAG_CHARACTERS
    assert tag.startswith("0,1,2,")
    assert tag.endswith(",and 10000 in all")


def test_an_event_and_its_report_hold_no_secret():
    """They are masked on the way out, whatever was let into the report."""
    bad = report(
        line("redis", Status.FAILED, message="redis://:hunter2@h", metadata={"token": "hunter2"}),
        streamer_ids=("https://u:hunter2@h",),
    )

    assert "hunter2" not in str(events.no_go_event(bad))
    assert "hunter2" not in str(events.whole(bad))


@pytest.mark.parametrize(
    ("seconds", "value", "unit"),
    [
        (60, 1, "minute"),
        (90, 2, "minute"),
        (3600, 1, "hour"),
        (7200, 2, "hour"),
        (86_400, 1, "day"),
        (5400, 90, "minute"),
    ],
)
def test_a_schedule_is_told_in_the_units_that_sentry_knows(seconds, value, unit):
    """Minutes, hours and days, rounded up."""
    assert events.monitor(seconds)["schedule"] == {"type": "interval", "value": value, "unit": unit}


def test_a_monitor_has_a_name_that_sentry_takes():
    """At most 50 characters."""
    assert events.slug("shop", "health-sweep") == "shop-health-sweep"
    assert len(events.slug("n" * 32, "a-job-with-a-very-long-name")) == events.SLUG_CHARACTERS


def test_a_thousand_failing_runs_are_not_a_thousand_events():
    """So many per minute; the others are counted, and the next minute begins anew."""
    now = [0.0]
    budget = Budget(30, lambda: now[0])
    assert [budget.take() for _ in range(1000)] == [True] * 30 + [False] * 970
    assert budget.missed == 970

    now[0] = WINDOW_SECONDS
    assert budget.take()
    assert (budget.forget(), budget.missed) == (970, 0)
