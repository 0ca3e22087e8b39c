"""A report's lines, and their size."""

from __future__ import annotations

import json

from preflight.engine.lines import MAX_LINES_BYTES, answered_line, bounded, errored, skipped_line
from preflight.engine.plan import PlannedCheck
from preflight.types import Severity, Status


def planned(name="a", **fields):
    return PlannedCheck(name=name, priority=0, timeout=1.0, severity=Severity.BLOCKING, **fields)


def test_the_engine_speaks_with_the_checks_remediation():
    """A timeout says what the check itself would advise."""
    assert answered_line(planned(remediation="Restart it."), errored("timed out")).remediation == "Restart it."


def test_a_passed_check_has_no_remediation():
    """Nothing is to be done."""
    assert answered_line(planned(remediation="Restart it."), {"status": "passed", "message": ""}).remediation is None


def test_a_skipped_check_says_why():
    """Never `passed` for what was not asked."""
    line = skipped_line(planned(), "redis failed")

    assert (line.status, line.skipped_because) == (Status.SKIPPED, "redis failed")


def test_a_report_that_is_too_large_loses_its_largest_details_first():
    """500 answers of 60 KB: verdict, names and statuses stay, the whole fits."""
    big = [answered_line(planned(f"c{n}"), errored("x" * 60_000)) for n in range(500)]
    small = answered_line(planned("small"), errored("short"))
    kept = bounded([*big, small])

    assert sum(len(json.dumps(line.to_json())) for line in kept) <= MAX_LINES_BYTES
    assert [(line.name, line.status) for line in kept] == [(line.name, line.status) for line in [*big, small]]
    assert kept[-1] == small


def test_a_report_that_fits_is_left_as_it_is():
    """Nothing is cut without need."""
    lines = [answered_line(planned(), errored("x" * 60_000))]

    assert bounded(lines) == lines
