"""What pages show, without a server: cards, figures, overviews that many ask for."""

from __future__ import annotations

import itertools
import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from preflight.admin.views import checks, statistics, verdicts
from preflight.admin.views.monitoring import asked
from preflight.admin.views.overview import Overviews
from preflight.admin.views.statistics import PERIODS, period_of
from preflight.reports.latest import StripEntry, VerdictEntry
from preflight.reports.statistics import EventStatistics, Statistics, TrendPoint
from preflight.types import Status

NOW = datetime(2026, 11, 25, 14, 30, tzinfo=UTC)
ID = UUID("019cecc1-ee6c-7c41-9b2e-4f07a61d3c8e")


def entry(minutes: int, status: str) -> StripEntry:
    at = NOW - timedelta(minutes=minutes)
    return StripEntry(report_id=ID, created_at=at, status=Status(status), duration_ms=1.0, cached=False)


def verdict(minutes: int, *, success: bool) -> VerdictEntry:
    at = NOW - timedelta(minutes=minutes)
    return VerdictEntry(report_id=ID, created_at=at, success=success, mode="full", short_circuited_by=None)


def totals(runs: int, go: int, *events: EventStatistics, took: float | None = 100.0) -> Statistics:
    return Statistics(
        total_runs=runs,
        go_runs=go,
        success_rate=go / runs if runs else None,
        average_duration_ms=took if runs else None,
        duration_p50_ms=took if runs else None,
        duration_p95_ms=took if runs else None,
        event_types=events,
    )


def test_a_verdict_holds_since_the_first_of_its_kind():
    """Older ones of the other kind end the streak."""
    entries = [verdict(9, success=True), verdict(6, success=False), verdict(3, success=False)]

    assert [one.created_at for one in verdicts._streak(entries)] == [entries[1].created_at, entries[2].created_at]


@pytest.mark.parametrize(
    ("statuses", "minutes"),
    [
        ([(9, "failed"), (4, "passed"), (2, "skipped"), (1, "warning")], 4),
        ([(4, "passed"), (2, "failed"), (1, "passed")], 1),
        ([(4, "passed"), (1, "failed")], None),
        ([(9, "passed")], None),
    ],
)
def test_a_cause_has_passed_again_since_its_last_failure_after_the_run(statuses, minutes):
    """What it said before the run, and runs that did not ask it, count for nothing."""
    found = verdicts._passed_again([entry(*one) for one in statuses], NOW - timedelta(minutes=5))

    assert found == (NOW - timedelta(minutes=minutes) if minutes else None)


def test_nothing_run_is_not_one_hundred_percent():
    """A dash, and no change against nothing."""
    runs, rate, average, _ = statistics.figures(totals(0, 0), totals(0, 0), "24 h")

    assert (runs.value, rate.value, rate.unit, average.value) == ("0", "\N{EN DASH}", "", "\N{EN DASH}")
    assert not rate.worse


def test_figures_say_how_they_changed():
    """In points, in percent, in milliseconds; what got worse is marked."""
    runs, rate, average, _ = statistics.figures(totals(110, 99, took=200.0), totals(100, 98), "24 h")

    assert runs.change == "▲ 10 %"
    assert (rate.value, rate.change, rate.worse) == ("90", "▼ 8 points", True)
    assert (average.value, average.unit, average.change, average.worse) == ("200", "ms", "▲ 100 ms", True)


def test_modes_of_one_event_type_are_one_bar():
    """Both counted, NO-GO too."""
    light = EventStatistics(
        event_type="a", mode="light", runs=10, success_rate=0.9, duration_p50_ms=1, duration_p95_ms=1
    )
    full = EventStatistics(event_type="a", mode="full", runs=10, success_rate=0.8, duration_p50_ms=1, duration_p95_ms=1)

    assert [(bar.runs, bar.no_go) for bar in statistics.event_bars(totals(20, 17, light, full))] == [(20, 3)]


def test_a_week_of_hours_is_grouped_so_that_the_newest_group_is_whole():
    """169 hours are 28 groups of six and one hour."""
    points = [TrendPoint(at=NOW + timedelta(hours=hour), runs=1, failures=0) for hour in range(169)]
    grouped = list(statistics._grouped(points, 6))

    assert len(grouped) == 29
    assert [runs for _, runs, _ in grouped] == [1] + [6] * 28


def test_an_unknown_period_is_a_day():
    """An address that somebody typed shows something."""
    assert period_of("a century") is PERIODS[0]


def test_a_state_as_old_as_its_strip_is_told_as_at_least_that_old():
    """50 runs with one status say nothing of the one before."""
    assert checks.streak([entry(minutes, "passed") for minutes in range(50, 0, -1)]) == (
        NOW - timedelta(minutes=50),
        True,
    )
    assert checks.streak([entry(2, "failed"), entry(1, "passed")]) == (NOW - timedelta(minutes=1), False)
    assert checks.streak([]) == (None, False)


def test_links_keep_what_they_do_not_change():
    """The period stays when the query changes, and the other way round."""
    wanted = asked(period_of("7d"), "mode:light check:redis", NOW, None, None)

    assert wanted.link(query="verdict:nogo") == "/admin/monitoring?period=7d&query=verdict:nogo"
    assert wanted.link(period="24h") == "/admin/monitoring?query=mode:light+check:redis"


def test_a_query_with_a_mistake_keeps_its_text():
    """The reader corrects it where it stands."""
    wanted = asked(period_of("24h"), "mode:lite", NOW, None, None)

    assert wanted.error is not None
    assert wanted.text == "mode:lite"
    assert wanted.query.conditions == {}


def test_a_query_of_ten_kilobytes_does_not_make_every_link_as_long():
    """What is too long is cut, and told."""
    wanted = asked(period_of("24h"), "x" * 10_000, NOW, None, None)

    assert wanted.error is not None
    assert len(wanted.link(period="7d")) < 600


def test_two_hundred_pages_that_ask_at_once_cost_two_readings():
    """Who asks while one is read shares the next; nobody gets what was read before they asked."""
    ticks, all_asked, readings = itertools.count(), threading.Event(), []

    def clock():
        tick = next(ticks)
        if tick == 200:  # 200 that ask, and the first reading
            all_asked.set()
        return tick

    def make(period):
        readings.append(period)
        assert all_asked.wait(30)
        return period

    overviews = Overviews(make, clock)
    threads = [threading.Thread(target=overviews.get, args=(PERIODS[0],)) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(readings) == 2


def test_an_overview_is_read_again_for_who_asks_later():
    """A report that was stored in between is in it."""
    readings = []
    overviews = Overviews(lambda period: readings.append(period) or period)

    overviews.get(PERIODS[0])
    overviews.get(PERIODS[0])

    assert len(readings) == 2
