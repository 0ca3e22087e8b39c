"""How it is in general: the figures of a period, against the period before."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from preflight.admin import drawing
from preflight.admin.wording import NONE, milliseconds, percent
from preflight.reports.statistics import CheckStatistics, Statistics, Step, TrendPoint
from preflight.reports.store import ReportStore

TOP = 10
MOST_EVENTS = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Period:
    """A span that the statistics can be about. `group` steps are one point of the chart."""

    key: str
    label: str
    length: timedelta
    step: Step
    group: int
    chart_title: str
    label_format: str
    axis_format: str


PERIODS = (
    Period(
        key="24h", label="24 h", length=timedelta(hours=24), step="hour", group=1,
        chart_title="Runs per hour", label_format="%H:%M", axis_format="%H:%M",
    ),
    Period(
        key="7d", label="7 d", length=timedelta(days=7), step="hour", group=6,
        chart_title="Runs per 6 hours", label_format="%-d %b %H:%M", axis_format="%-d %b",
    ),
    Period(
        key="30d", label="30 d", length=timedelta(days=30), step="day", group=1,
        chart_title="Runs per day", label_format="%-d %b", axis_format="%-d %b",
    ),
)  # fmt: skip


def period_of(key: str) -> Period:
    """Return a period by its key; 24 h for any other word."""
    return next((period for period in PERIODS if period.key == key), PERIODS[0])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure with its unit, and what it was in the period before."""

    label: str
    value: str
    unit: str = ""
    change: str = ""
    worse: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class EventBar:
    """How often an event type ran; widths are parts of 1000."""

    name: str
    runs: int
    no_go: int
    share: str
    width: int
    no_go_width: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Failing:
    """A check among those that failed most."""

    name: str
    failures: int
    rate: float | None
    last_failure_at: datetime | None
    spark: drawing.Spark


def figures(now: Statistics, before: Statistics, length: str) -> list[Figure]:
    """Return the four figures at the top."""
    rate, old_rate = now.success_rate, before.success_rate
    return [
        Figure(
            label="Runs", value=f"{now.total_runs:,}", change=_runs_change(now.total_runs, before.total_runs, length)
        ),
        Figure(
            label="Success rate",
            value=percent(rate),
            unit="%" if rate is not None else "",
            change=_points(rate, old_rate),
            worse=rate is not None and old_rate is not None and rate < old_rate - 0.005,
        ),
        _duration("Average", now.average_duration_ms, before.average_duration_ms),
        _duration("95th percentile", now.duration_p95_ms, before.duration_p95_ms),
    ]


def _duration(label: str, value: float | None, before: float | None) -> Figure:
    number, _, unit = milliseconds(value).partition(" ")
    change = f"{'▲' if value > before else '▼'} {milliseconds(abs(value - before))}" if value and before else NONE
    if value and before and abs(value - before) < 0.05 * before:
        change = "as before"
    worse = bool(value and before and value > 1.25 * before)
    return Figure(label=label, value=number, unit=unit, change=change, worse=worse)


def _runs_change(value: int, before: int, length: str) -> str:
    if not before:
        return f"none in the {length} before" if value else NONE
    if value >= 3 * before:
        return f"{round(value / before):,} times as many"
    change = round(100 * (value - before) / before)
    return f"{'▲' if change > 0 else '▼'} {abs(change):,} %" if change else "as before"


def _points(rate: float | None, before: float | None) -> str:
    if rate is None or before is None:
        return NONE
    points = round(100 * (rate - before), 1)
    return f"{'▲' if points > 0 else '▼'} {abs(points):g} points" if points else "as before"


def chart(store: ReportStore, period: Period, now: datetime) -> drawing.Chart:
    """Return the chart of runs and NO-GO."""
    points = store.trend(now - period.length, now, step=period.step)
    return drawing.chart(list(_grouped(points, period.group)), period.label_format, period.chart_title)


def _grouped(points: Sequence[TrendPoint], size: int) -> Iterable[tuple[datetime, int, int]]:
    """Yield (instant, runs, failures) of every so many points; the newest group is whole, the oldest may be short."""
    first = len(points) % size
    starts = [0, *range(first, len(points), size)] if first else list(range(0, len(points), size))
    for start, end in zip(starts, [*starts[1:], len(points)], strict=True):
        part = points[start:end]
        yield part[0].at, sum(point.runs for point in part), sum(point.failures for point in part)


def axis(chart: drawing.Chart, period: Period) -> list[str]:
    """Return about eight labels below a chart."""
    every = max(1, len(chart.columns) // 8)
    return [column.at.strftime(period.axis_format) for column in chart.columns[::every]]


def event_bars(statistics: Statistics) -> list[EventBar]:
    """Return the event types that ran most, modes taken together."""
    runs: dict[str, int] = {}
    no_go: dict[str, int] = {}
    for one in statistics.event_types:
        runs[one.event_type] = runs.get(one.event_type, 0) + one.runs
        no_go[one.event_type] = no_go.get(one.event_type, 0) + round(one.runs * (1 - one.success_rate))
    most = max(runs.values(), default=1)
    names = sorted(runs, key=lambda name: (-runs[name], name))[:MOST_EVENTS]
    return [
        EventBar(
            name=name,
            runs=runs[name],
            no_go=no_go[name],
            share=percent(runs[name] / statistics.total_runs, 0),
            width=max(4, round(1000 * runs[name] / most)),
            no_go_width=max(4, round(1000 * no_go[name] / most)) if no_go[name] else 0,
        )
        for name in names
    ]


def failing(store: ReportStore, checks: Sequence[CheckStatistics], period: Period, now: datetime) -> list[Failing]:
    """Return the ten checks that failed most, each with its trend."""
    worst = [check for check in checks if check.failures][:TOP]
    return [
        Failing(
            name=check.check_name,
            failures=check.failures,
            rate=check.failure_rate,
            last_failure_at=check.last_failure_at,
            spark=drawing.spark(
                [
                    point.failures
                    for point in store.trend(now - period.length, now, step=period.step, check=check.check_name)
                ]
            ),
        )
        for check in worst
    ]
