"""The report of a run: its verdict, its texts, its JSON."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import pickle
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.exceptions import PreFlightFailed
from preflight.types import CheckReport, CheckResult, PreFlightReport, Severity, Status

ID = UUID("018f4c1e-0000-7000-8000-000000000001")


def line(status: str, name: str = "redis", **fields: Any) -> CheckReport:
    return CheckReport(name=name, priority=0, status=Status(status), **fields)


def report(*checks: CheckReport) -> PreFlightReport:
    at = dt.datetime(2024, 5, 6, 7, 8, 9, 1000, tzinfo=dt.UTC)
    return PreFlightReport(id=ID, mode="full", event_type="poll_launch", checks=checks, created_at=at, duration_ms=3)


lines = st.builds(
    CheckReport,
    name=st.sampled_from(["redis", "vtt", "broker", "workers"]),
    priority=st.integers(0, 1000),
    status=st.sampled_from(Status),
    severity=st.sampled_from(Severity),
    message=st.text(),
    metadata=st.dictionaries(st.text(), st.integers()),
    warnings=st.lists(st.text()).map(tuple),
)


@given(st.lists(lines, max_size=5))
def test_go_needs_an_answer_of_a_blocking_check_and_nothing_that_blocks(checks):
    """The verdict's definition, for every mixture of lines."""
    blocking = [made for made in checks if made.severity == "blocking"]
    answered = [made for made in blocking if made.status in {"passed", "warning", "failed"}]
    good = [made for made in answered if made.name not in {"broker", "workers"}]
    bad = [made for made in blocking if made.status in {"failed", "error"}]

    assert report(*checks).success is (bool(good) and not bad)
    assert report(*checks).verdict == ("GO" if good and not bad else "NO-GO")


@given(st.lists(lines, max_size=3))
def test_a_report_survives_its_json(checks):
    """What is written is what is read, through real JSON text."""
    made = report(*checks)

    assert PreFlightReport.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_a_run_that_asked_nothing_is_no_go():
    """No check, only skipped ones, only advisory ones, only the opening's own."""
    for checks in ([], [line("skipped")], [line("passed", severity=Severity.ADVISORY)], [line("passed", "broker")]):
        made = report(*checks)
        assert made.verdict == "NO-GO"
        assert "no check was asked" in made.reason


def test_a_status_that_this_version_does_not_know_blocks():
    """A newer worker's report never becomes a GO by being misread."""
    data = report(line("passed")).to_json()
    data["checks"].append(line("passed", "vtt").to_json() | {"status": "degraded", "severity": "odd", "new": 1})
    made = PreFlightReport.from_json(data)

    assert made["vtt"].status is Status.ERROR
    assert made["vtt"].severity is Severity.BLOCKING
    assert made.verdict == "NO-GO"


def test_a_verdict_in_the_json_is_never_believed():
    """Verdict and success are derived from the lines."""
    data = report(line("failed")).to_json() | {"success": True, "verdict": "GO"}

    assert PreFlightReport.from_json(data).verdict == "NO-GO"


def test_the_first_blocking_check_in_plan_order_is_named():
    """Only if something was skipped because of it."""
    skipped = line("skipped", "vtt", skipped_because="redis failed")

    assert report(line("failed"), skipped).short_circuited_by == "redis"
    assert report(line("failed")).short_circuited_by is None


def test_the_reason_names_blocking_checks_and_what_to_do():
    """The exception's text is the reason; the report goes with it, through pickle too."""
    made = report(line("failed", message="down", remediation="Start it."), line("error", "vtt", message="timed out"))

    with pytest.raises(PreFlightFailed) as caught:
        made.go_or_raise()
    assert str(caught.value) == ("NO-GO for poll_launch: redis failed: down To do: Start it.; vtt error: timed out")
    assert pickle.loads(pickle.dumps(caught.value)).report == made


def test_a_go_report_is_handed_back():
    """`go_or_raise` is transparent for a GO."""
    made = report(line("warning"))

    assert made.go_or_raise() is made
    assert made["redis"].status is Status.WARNING
    with pytest.raises(KeyError):
        made["nothing"]


def test_the_json_says_utc_with_a_z():
    """Instants are UTC and say so."""
    assert report().to_json()["created_at"] == "2024-05-06T07:08:09.001000Z"


@pytest.mark.parametrize(("success", "warnings"), list(itertools.product([True, False, "yes", 1, None], [(), ("w",)])))
def test_only_true_is_a_yes(success, warnings):
    """A truthy value is no answer."""
    status = CheckResult(success, warnings=warnings).status

    assert (status in {Status.PASSED, Status.WARNING}) is (success is True)
