"""Statistics say what the stored reports say, and come from the rollups alone."""

from __future__ import annotations

import datetime as dt
import random
import threading

import pytest
from integration.reports.samples import NO_GO, ROLLUPS, line, now, report, rollups

from preflight.reports import recount
from preflight.reports.statistics import CheckStatistics
from preflight.types import Status

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


def recounted(store, database):
    """Return the rollups as they are when every report is counted anew."""
    with store._engine.begin() as connection:
        for table in ROLLUPS:
            connection.exec_driver_sql(f"DELETE FROM {table}")
        recount.count_all(connection)
    return rollups(database)


def test_without_runs_rates_and_durations_are_none(store):
    """Nothing ran: no rate is invented."""
    found = store.statistics(now() - DAY)

    assert (found.total_runs, found.go_runs, found.event_types) == (0, 0, ())
    assert {found.success_rate, found.average_duration_ms, found.duration_p50_ms, found.duration_p95_ms} == {None}
    assert store.check_statistics(now() - DAY) == []


def test_runs_are_counted_by_event_type_and_mode(store):
    """Totals, success rate and mean, of all and of each kind, and of the kind that is asked for."""
    store.save([report(duration_ms=10), report(NO_GO, duration_ms=30)])
    store.save([report(mode="light", event_type="dice_roll", duration_ms=20)])
    found = store.statistics(now() - HOUR)

    assert (found.total_runs, found.go_runs, found.average_duration_ms) == (3, 2, 20.0)
    assert found.success_rate == pytest.approx(2 / 3)
    assert [(kind.event_type, kind.mode, kind.runs, kind.success_rate) for kind in found.event_types] == [
        ("dice_roll", "light", 1, 1.0),
        ("poll_launch", "full", 2, 0.5),
    ]
    assert store.statistics(now() - HOUR, mode="light").total_runs == 1
    assert store.statistics(now() - HOUR, event_type="poll_launch").success_rate == 0.5


def test_percentiles_are_right_to_the_width_of_a_bucket(store):
    """Of durations from 1 to 1000 ms, p50 and p95 are within a tenth."""
    store.save([report(line(duration_ms=float(ms)), duration_ms=ms) for ms in range(1, 1001)])
    runs, (check,) = store.statistics(now() - HOUR), store.check_statistics(now() - HOUR)

    assert runs.duration_p50_ms == check.duration_p50_ms == pytest.approx(500, rel=0.1)
    assert runs.duration_p95_ms == check.duration_p95_ms == pytest.approx(950, rel=0.1)


def test_only_executions_that_failed_are_failures(store):
    """What was skipped because of another was not asked; a cached answer counts for the run that asked."""
    failed_at = now()
    store.save(
        [
            report(line("failed", "redis"), line("skipped", "vtt", skipped_because="redis failed"), at=failed_at),
            report(line("failed", "redis", cached=True), line("skipped", "vtt", skipped_because="redis failed")),
            report(line("passed", "redis"), line("error", "vtt"), line("warning", "disk", cached=True)),
        ]
    )
    redis, vtt, disk = store.check_statistics(now() - HOUR)

    assert redis == CheckStatistics(
        check_name="redis",
        asked=2,
        cached=1,
        failures=1,
        failure_rate=0.5,
        last_failure_at=failed_at,
        duration_p50_ms=None,
        duration_p95_ms=None,
    )
    assert (vtt.check_name, vtt.asked, vtt.failures, vtt.failure_rate) == ("vtt", 1, 1, 1.0)
    assert (disk.asked, disk.cached, disk.failures, disk.failure_rate, disk.last_failure_at) == (0, 1, 0, None, None)


def test_the_check_that_failed_most_comes_first(store):
    """Those that failed as often come by name."""
    store.save([report(line("failed", name)) for name in ("b", "a", "c", "c")])

    assert [found.check_name for found in store.check_statistics(now() - HOUR)] == ["c", "a", "b"]


def test_a_span_takes_what_is_inside_to_five_minutes(store):
    """Runs before it and after it are not counted, however the span lies to the hours."""
    noon = now().replace(hour=12, minute=0, second=0, microsecond=0) - DAY
    store.save([report(at=noon + minutes * dt.timedelta(minutes=1)) for minutes in range(-180, 180, 5)])

    for begin, end in ((-70, 70), (-60, 60), (5, 20), (-5, 5), (0, 0), (-175, -120)):
        since, until = noon + begin * dt.timedelta(minutes=1), noon + end * dt.timedelta(minutes=1)
        assert store.statistics(since, until).total_runs == (end - begin) / 5, (begin, end)
    assert store.statistics(noon).total_runs == 36
    assert store.statistics(noon - 7 * DAY).total_runs == 72


def test_a_trend_has_a_point_for_every_hour_and_day(store):
    """Hours and days without runs are there with 0; a check's points count its executions."""
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    store.save([report(at=today - DAY + 3 * HOUR), report(NO_GO, line("passed", "vtt"), at=today - DAY + 3.5 * HOUR)])
    store.save([report(at=today - 3 * DAY, event_type="dice_roll")])
    days = store.trend(today - 4 * DAY, today, step="day")
    hours = store.trend(today - DAY, today, step="hour", check="redis")

    assert [(point.at, point.runs, point.failures) for point in days] == [
        (today - 4 * DAY, 0, 0),
        (today - 3 * DAY, 1, 0),
        (today - 2 * DAY, 0, 0),
        (today - DAY, 2, 1),
    ]
    assert len(hours) == 24
    assert [(point.runs, point.failures) for point in hours[2:5]] == [(0, 0), (2, 1), (0, 0)]
    assert sum(point.runs for point in store.trend(today - 4 * DAY, step="day", event_type="dice_roll")) == 1
    assert store.trend(dt.datetime(1, 1, 1, tzinfo=dt.UTC), step="hour")[-1].at <= now()
    assert len(store.trend(dt.datetime(1, 1, 1, tzinfo=dt.UTC), step="hour")) <= 10_001


def test_the_strip_of_a_check_is_its_last_runs(store):
    """Newest last, with what became of it in each; runs without the check are left out."""
    runs = [report(line("passed", duration_ms=3.0)), report(line("failed", cached=True)), report(line(name="vtt"))]
    store.save(runs)
    strip = store.strip("redis")

    assert [(mark.report_id, mark.status, mark.duration_ms, mark.cached) for mark in strip] == [
        (runs[0].id, Status.PASSED, 3.0, False),
        (runs[1].id, Status.FAILED, None, True),
    ]
    assert [mark.report_id for mark in store.strip("redis", 1)] == [runs[1].id]
    assert store.strip("nobody") == []  # noqa: B005


def test_the_latest_verdicts_are_by_event_type(store):
    """The last of each, newest last."""
    runs = [report(), report(NO_GO, line("skipped", "vtt", skipped_because="redis failed"), mode="light"), report()]
    store.save([*runs, report(event_type="dice_roll")])
    latest = store.latest(2)

    assert latest.keys() == {"poll_launch", "dice_roll"}
    assert [
        (found.report_id, found.success, found.mode, found.short_circuited_by) for found in latest["poll_launch"]
    ] == [
        (runs[1].id, False, "light", "redis"),
        (runs[2].id, True, "full", None),
    ]


def test_counting_anew_finds_what_was_counted(store, database):
    """Whatever was saved, twice, overruled: the rollups are what the stored reports add up to."""
    kinds = [line(status, name, duration_ms=ms, cached=ms > 99) for status, name, ms in STATUSES]
    saved = [
        report(
            *kinds, at=now() - place * dt.timedelta(minutes=7), mode=("full", "light")[place % 2], duration_ms=place**3
        )
        for place in range(40)
    ]
    goes = [report(at=now() - place * dt.timedelta(minutes=3)) for place in range(40)]
    store.save(saved + goes)
    store.save(saved + goes)
    told = [report(NO_GO, id=go.id, at=go.created_at) for go in goes[::2]]
    store.save(told + saved + goes, overrule=True)
    counted = rollups(database)

    assert store.statistics(now() - DAY).total_runs == 80
    assert counted == recounted(store, database)


STATUSES = [
    *(("passed", "a", 1.0), ("warning", "b", 77.7), ("failed", "c", 5000.0), ("error", "d", 90_000.0)),
    *(("skipped", "e", 2.0), ("failed", "f", 100.0), ("passed", "g" * 64, 0.0)),
]


def test_writers_never_wait_for_each_other_in_a_circle(store, database):
    """Six savers of overlapping batches in any order, some overruling: no deadlock, and every count is right."""
    dice = random.Random(7)
    goes = [report(line(), line(name="vtt"), at=now() - dt.timedelta(minutes=place)) for place in range(120)]
    told = [report(NO_GO, line("skipped", "vtt"), id=go.id, at=go.created_at) for go in goes[::3]]
    failures: list[Exception] = []

    def save(batches):
        try:
            for batch, overrule in batches:
                store.save(batch, overrule=overrule)
        except Exception as failure:
            failures.append(failure)

    def batches():
        return [
            (dice.sample(told if overrule else goes, 25), overrule) for overrule in dice.choices((False, True), k=12)
        ]

    threads = [threading.Thread(target=save, args=(batches(),)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.save(told, overrule=True)
    counted = rollups(database)

    assert failures == []
    assert counted == recounted(store, database)
