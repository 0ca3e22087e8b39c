"""Reports, statistics and checks by the API: what is stored, filtered, in pages, and nothing that was not asked for."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from preflight.engine.caller import new_run_id
from preflight.types import CheckReport, PreFlightReport, Status

CAMPAIGN = uuid.UUID("018f4c1e-0000-7000-8000-000000000001")
MARKUP = '<script>alert("1")</script> {{ 7 * 7 }} =cmd() \u202e \U0001f9ea'


def line(name, status, priority=0, **details):
    return CheckReport(name=name, priority=priority, status=Status(status), **details)


def report(*checks, **details):
    values = {"mode": "full", "event_type": "poll_launch", "created_at": datetime.now(UTC), "duration_ms": 40}
    return PreFlightReport(id=new_run_id(), checks=checks, **values | details)


@pytest.fixture(scope="module")
def stored(site):
    """Store five runs, and return them, the oldest first. This module has an event type of its own."""
    good, bad = (
        line("redis", "passed", duration_ms=2.0),
        line("redis", "failed", message=MARKUP, remediation="Start it."),
    )
    skipped = line("history_late", "skipped", 10, skipped_because="redis failed")
    late = line("history_late", "passed", 10, duration_ms=90.0)
    error = line("history_late", "error", 10, error="TimeoutError")
    made = [
        report(good, late, event_type="history"),
        report(bad, skipped, event_type="history", campaign_id=CAMPAIGN),
        report(good, event_type="history", mode="light"),
        report(good, error, event_type="history"),
        report(good, late, event_type="history"),
    ]
    site.store.save(made)
    return made


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [uuid.UUID(one["id"]) for one in answer.json()["reports"]]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, [4, 3, 2, 1, 0]),
        ({"success": "false"}, [3, 1]),
        ({"success": "true", "mode": "full"}, [4, 0]),
        ({"mode": "light"}, [2]),
        ({"campaign_id": str(CAMPAIGN)}, [1]),
        ({"check": "history_late"}, [4, 3, 1, 0]),
        ({"check": "history_late", "check_status": "skipped"}, [1]),
        ({"check": "history_late", "check_status": "error", "success": "false"}, [3]),
        ({"limit": "2"}, [4, 3]),
        ({"since": "2020-01-01", "until": "2020-01-02T00:00:00Z"}, []),
        ({"since": "2026-01-01T00:00:00+02:00"}, [4, 3, 2, 1, 0]),
    ],
)
def test_reports_are_found_by_what_they_are(caller, stored, arguments, expected):
    """Each filter keeps what it says, newest first."""
    answer = caller.get("/api/v1/reports", params={"event_type": "history"} | arguments)

    assert ids(answer) == [stored[place].id for place in expected]


def test_pages_follow_each_other(caller, stored):
    """`next` of one page is `before` of the following; at the end there is none."""
    asked = {"event_type": "history", "limit": 2}
    first = caller.get("/api/v1/reports", params=asked)
    second = caller.get("/api/v1/reports", params=asked | {"before": first.json()["next"]})
    third = caller.get("/api/v1/reports", params=asked | {"before": second.json()["next"]})

    assert ids(first) + ids(second) + ids(third) == [one.id for one in reversed(stored)]
    assert third.json()["next"] is None


def test_a_report_is_the_same_json_as_everywhere(caller, stored):
    """Whatever somebody wrote into it comes back as it was; beside it is the way to its tasks."""
    found = caller.get(f"/api/v1/reports/{stored[1].id}").json()

    assert found.pop("flower_url") == f"http://flower.example:5555/tasks?name=preflight.check%20{stored[1].id}"
    assert found == stored[1].to_json()
    assert found["checks"][0]["message"] == MARKUP


def test_a_report_that_is_not_there_is_404(caller):
    """It says why that may be."""
    answer = caller.get("/api/v1/reports/0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")

    assert answer.status_code == 404
    assert "older than 30 days" in answer.json()["error"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("limit=-1", "limit should be greater than or equal to 1, not '-1'."),
        ("limit=0", "limit should be greater than or equal to 1"),
        ("limit=1000000000", "limit should be less than or equal to 200, not '1000000000'."),
        ("limit=abc", "limit should be a valid integer"),
        ("limit=1e2", "limit should be a valid integer"),
        ("limit=" + "9" * 5000, "limit "),
        ("limit=", "limit should be a valid integer"),
        ("page=-1", "There is no argument 'page'."),
        ("sort=name", "There is no argument 'sort'."),
        ("success=maybe", "success should be a valid boolean"),
        ("mode=Full", "mode should be 'full' or 'light', not 'Full'."),
        ("check_status=passed", "check_status needs check"),
        ("check=redis&check_status=good", "check_status should be 'passed'"),
        ("event_type=%27%20OR%201%3D1%20--", "event_type String should match pattern"),
        ("event_type=%00", "event_type String should match pattern"),
        ("event_type=" + "x" * 10_000, "event_type String should match pattern"),
        ("check=%3Cscript%3E", "check String should match pattern"),
        ("check=redis%27%3B%20DROP%20TABLE%20preflight_reports", "check String should match pattern"),
        ("campaign_id=1", "campaign_id should be a valid UUID"),
        ("before=..%2F..", "before should be a valid UUID"),
        ("since=2026-13-01", "since "),
        ("since=yesterday", "since "),
        ("since=0001-01-01", "since must be from 2020 to 2100"),
        ("since=9999-12-31T23:59:59", "since must be from 2020 to 2100"),
        ("since=1e308", "since "),
        ("since=2026-02-02&until=2026-02-01", "since must be before until."),
        ("since=2026-02-02&until=2026-02-02T02:00%2B02:00", "since must be before until."),
    ],
)
def test_a_wrong_argument_is_one_line_that_names_it(caller, arguments, says):
    """The first wrong one is told; nothing is taken for something else."""
    answer = caller.get(f"/api/v1/reports?{arguments}")

    assert answer.status_code == 422, answer.text
    assert answer.json()["error"].startswith(says)
    assert len(answer.json()["error"]) < 300


def test_statistics_count_runs(caller, stored):
    """Totals, the rate of GO, and by event type and mode."""
    found = caller.get("/api/v1/stats", params={"period": "1h", "event_type": "history"}).json()

    assert (found["total_runs"], found["go_runs"], found["success_rate"]) == (5, 3, 0.6)
    assert {(one["mode"], one["runs"]) for one in found["event_types"]} == {("full", 4), ("light", 1)}


def test_without_runs_there_is_no_rate(caller):
    """Nothing is not 100 %."""
    found = caller.get("/api/v1/stats", params={"event_type": "never_ran"}).json()

    assert found["total_runs"] == 0
    assert found["success_rate"] is found["average_duration_ms"] is found["duration_p95_ms"] is None


def test_a_trend_has_a_point_for_every_hour(caller, stored):
    """Hours without runs are there too."""
    found = caller.get("/api/v1/stats/trend", params={"period": "24h", "event_type": "history"}).json()

    assert len(found["points"]) in {24, 25}
    assert sum(point["runs"] for point in found["points"]) == 5
    assert sum(point["failures"] for point in found["points"]) == 2


def test_a_trend_of_a_century_is_refused(caller):
    """A point for every hour since 2020 is nothing that a page shows."""
    answer = caller.get("/api/v1/stats/trend?since=2020-01-01")

    assert answer.status_code == 422
    assert answer.json()["error"] == "since must be at most 744 hours before until."


def test_verdicts_are_told_by_event_type(caller, stored):
    """The last one comes last."""
    told = caller.get("/api/v1/stats/verdicts").json()["event_types"]["history"]

    assert [one["report_id"] for one in told] == [str(one.id) for one in stored]
    assert told[1]["success"] is False


def test_checks_are_told_with_what_they_declare_and_how_they_did(caller, stored):
    """Registered checks come first; one that only reports know has no declaration any more."""
    told = {one["name"]: one for one in caller.get("/api/v1/checks", params={"period": "1h"}).json()["checks"]}

    assert told["redis"]["declaration"]["priority"] == 0
    assert told["history_late"]["declaration"] is None
    statistics = told["history_late"]["statistics"]
    assert (statistics["asked"], statistics["failures"]) == (3, 1)


def test_a_check_has_its_history(caller, stored):
    """Its last runs with the newest last, and its failures with the newest first, each with the way to its report."""
    told = caller.get("/api/v1/checks/history_late").json()

    assert [one["status"] for one in told["strip"]] == ["passed", "skipped", "error", "passed"]
    (failure,) = told["failures"]
    assert (failure["report_id"], failure["error"]) == (str(stored[3].id), "TimeoutError")


def test_an_unknown_check_offers_the_nearest(caller):
    """404, and what was meant."""
    answer = caller.get("/api/v1/checks/redi")

    assert answer.status_code == 404
    assert "Did you mean redis?" in answer.json()["error"]


def test_monitoring_is_the_json_that_was_asked_for(caller, stored):
    """Unless a browser asks for a page, `GET /admin/monitoring` has the names of the beginning."""
    told = caller.get("/admin/monitoring").json()

    assert set(told) == {"stats", "topFailures", "recentReports"}
    assert set(told["stats"]) == {"totalRuns", "successRate", "averageDurationMs", "eventTypes"}
    assert told["stats"]["totalRuns"] >= 5
    assert 0 <= told["stats"]["successRate"] <= 1
    late = next(one for one in told["topFailures"] if one["checkName"] == "history_late")
    assert (late["failureCount"], round(late["failureRate"], 2)) == (1, 0.33)
    assert datetime.fromisoformat(late["lastFailureAt"]) > datetime.now(UTC) - timedelta(hours=1)
    assert stored[1].to_json() in told["recentReports"]


@pytest.mark.parametrize("accept", ["application/json", "*/*", "", "text/plain"])
def test_who_does_not_ask_for_a_page_gets_json(caller, accept):
    """A script that says nothing special is no browser."""
    assert caller.get("/admin/monitoring", headers={"Accept": accept}).headers["content-type"] == "application/json"
