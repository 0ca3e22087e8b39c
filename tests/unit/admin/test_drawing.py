"""Strips, charts and bars as numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from preflight.admin import drawing

AT = datetime(2026, 11, 25, tzinfo=UTC)


def test_neighbours_of_one_status_are_one_line_whose_dashes_are_the_bars():
    """50 bars that passed are one short path, so that 200 strips fit into a page."""
    drawn = drawing.strip(["passed"] * 50, 50)

    assert drawn.width == 298
    assert [(stroke.style, stroke.path) for stroke in drawn.strokes] == [("passed", "M0 15.5h298")]
    assert drawn.label == "last 50 runs: 50 passed; newest passed"


def test_the_newest_bar_is_at_the_right_end():
    """A short history leaves the left end empty."""
    drawn = drawing.strip(["passed", "failed"], 50)

    assert {stroke.style: stroke.path for stroke in drawn.strokes} == {"passed": "M288 15.5h4", "failed": "M294 10h4"}


def test_parts_of_one_status_are_one_path_in_short_steps():
    """A restless strip is small too: each part begins where the one before it has ended."""
    drawn = drawing.strip(["passed", "passed", "failed", "passed", "failed"], 5)

    assert {stroke.style: stroke.path for stroke in drawn.strokes} == {
        "passed": "M0 15.5h10m8 0h4",
        "failed": "M12 10h4m8 0h4",
    }


def test_only_the_newest_are_drawn_and_counted():
    """What is older than the strip's size is neither drawn nor told."""
    drawn = drawing.strip(["failed"] * 10 + ["passed"] * 44, 44, "verdicts")

    assert drawn.label == "last 44 verdicts: 44 passed; newest passed"


def test_a_warning_is_a_low_bar_with_a_dot_and_an_error_is_hollow():
    """Shape tells them apart where colour cannot."""
    styles = {stroke.style: stroke.path for stroke in drawing.strip(["warning", "error"], 2).strokes}

    assert styles["warning"] == "M0 15.5h4"
    assert styles["dot"] == "M0 7h4"
    assert styles["error"] == "M6.7 .7h2.6v18.6h-2.6z"


def test_verdicts_are_drawn_as_their_statuses():
    """GO is low, NO-GO is full height."""
    assert [stroke.style for stroke in drawing.strip(["GO", "NO-GO"], 2).strokes] == ["passed", "failed"]


def test_an_empty_strip_says_so():
    """Nothing to draw, and one text for who cannot see that."""
    drawn = drawing.strip([], 50)

    assert drawn.strokes == ()
    assert drawn.label == "no runs yet"


@pytest.mark.parametrize(("most", "top"), [(0, 4), (4, 4), (5, 8), (9, 20), (431, 800), (81, 200), (10**9, 2 * 10**9)])
def test_a_scale_ends_at_a_round_number_that_four_steps_divide(most, top):
    """Marks on the axis are whole numbers."""
    assert drawing.nice_top(most) == top
    assert top % 4 == 0


def test_a_chart_without_runs_is_drawn_too():
    """No division by nothing."""
    chart = drawing.chart([], "%H:%M", "Runs per hour")

    assert chart.columns == ()
    assert chart.label == "Runs per hour: none"


def test_a_single_failure_among_many_runs_is_still_seen():
    """Its bar is at least two high."""
    chart = drawing.chart([(AT, 8000, 1), (AT + timedelta(hours=1), 10, 0)], "%H:%M", "Runs per hour")

    assert chart.columns[0].failure_top == drawing.CHART_HEIGHT - 2
    assert "NO-GO peak: 1 at 00:00" in chart.label


@pytest.mark.parametrize(
    ("values", "word"),
    [([0, 0, 1, 5], "rising"), ([5, 1, 0, 0], "falling"), ([0] * 8, "steady"), ([3, 3, 3, 3], "steady")],
)
def test_a_trend_has_a_word(values, word):
    """The second half against the first."""
    assert drawing.spark(values).word == word


def test_a_spark_has_at_most_a_dozen_bars_whatever_the_period():
    """168 hours are summed up."""
    assert len(drawing.spark([1] * 168).bars) == 12
    assert len(drawing.spark([1] * 25).bars) <= 12


def test_a_bar_waits_then_runs():
    """The scale is the whole run."""
    assert drawing.bar(100, 50, 100, 1000) == drawing.Bar(queue_x=100, queue_width=50, run_x=150, run_width=100)


def test_a_bar_of_a_millisecond_is_still_seen_and_stays_inside():
    """At least 5 of 1000 wide, and never beyond the end."""
    bar = drawing.bar(9999, 0, 1, 10_000)

    assert bar.run_width == 5
    assert bar.run_x + bar.run_width == 1000


def test_a_check_that_was_not_asked_has_no_bar():
    """No times, no drawing."""
    assert drawing.bar(0, None, None, 100) is None
