"""The reports' partitions: a day each, made ahead; a report of another day is refused and kept."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading

import psycopg2
import pytest
from integration.reports.samples import now, report

from preflight.exceptions import ReportMisdated
from preflight.reports import partitions
from preflight.reports.instants import ceiling, first_id, floor, made_at
from preflight.reports.partitions import AHEAD_DAYS, Partition

DAY = dt.timedelta(days=1)


def days(store) -> list[Partition]:
    with store._engine.connect() as connection:
        return partitions.existing(connection)


def drop(database, *dropped):
    for partition in dropped:
        database.sql(f"DROP TABLE {', '.join(partition.tables)}")


def test_an_id_tells_when_it_was_made():
    """To the millisecond, also of an instant before the epoch or without a zone."""
    at = dt.datetime(2026, 11, 25, 8, 4, 5, 678_000, tzinfo=dt.UTC)

    assert made_at(first_id(at)) == at
    assert made_at(first_id(dt.datetime(1, 1, 1))) == dt.datetime(1970, 1, 1, tzinfo=dt.UTC)  # noqa: DTZ001
    assert first_id(at) < first_id(at + dt.timedelta(milliseconds=1))
    assert floor(at, 300) == at.replace(minute=0, second=0, microsecond=0)
    assert ceiling(at, 300) == at.replace(minute=5, second=0, microsecond=0)
    assert ceiling(floor(at, 300), 300) == floor(at, 300)


def test_every_day_to_two_weeks_ahead_has_a_partition(store):
    """The first one holds what came before; from then on a day ends with each."""
    today = floor(now(), 86400)
    ends = [partition.end for partition in days(store)]

    assert ends == [ends[0] + place * DAY for place in range(len(ends))]
    assert today < ends[0] <= today + 4 * DAY
    assert ends[-1] == today + (AHEAD_DAYS + 1) * DAY
    assert store.make_partitions() == []


def test_missing_partitions_are_made_and_their_indexes_too(store, database):
    """What was dropped at the end is made again, with the same indexes as its neighbours."""
    before = days(store)
    drop(database, *before[-3:])

    assert store.make_partitions() == [partition.tables[0] for partition in before[-3:]]
    assert days(store) == before
    indexes = "SELECT count(*) FROM pg_index WHERE indrelid = %s::regclass"
    assert database.sql(indexes, before[-1].tables[0]) == database.sql(indexes, before[1].tables[0]) == [(5,)]


def test_two_that_make_partitions_make_each_once(store, database):
    """They wait for each other."""
    before = days(store)
    drop(database, *before[-9:])
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.extend(store.make_partitions())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(made) == sorted(partition.tables[0] for partition in before[-9:])
    assert days(store) == before


def test_partitions_are_made_while_others_read_and_write(store, database):
    """A transaction that has read and written reports, and is not over, holds nobody up."""
    last = days(store)[-1]
    drop(database, last)
    store.save([report()])
    with contextlib.closing(psycopg2.connect(database.url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM preflight_reports")
        cursor.execute("UPDATE preflight_reports SET duration_ms = 1")

        assert store.make_partitions() == [last.tables[0]]


def test_a_report_without_a_partition_is_refused_with_the_reason(store, database):
    """One of the far future: nothing of its batch is stored, neither rows nor counts."""
    with pytest.raises(ReportMisdated, match=r"has no partition for the day of a report's id\. Correct the clock"):
        store.save([report(), report(age_days=-40)])

    assert store.page() == []
    assert database.sql("SELECT count(*) FROM preflight_run_slots") == [(0,)]


def test_a_save_makes_the_partitions_that_nobody_made(store, database):
    """Beat was away for two weeks: the day's report is stored all the same."""
    drop(database, *days(store)[1:])
    late = report(at=days(store)[0].end + dt.timedelta(hours=1))

    assert store.save([late]) == [late]
    assert store.page() == [late]
    assert len(days(store)) > AHEAD_DAYS - 4


def test_a_broken_constraint_is_not_taken_for_a_missing_partition(store, database):
    """Both have the same code."""
    database.sql("ALTER TABLE preflight_reports ADD CONSTRAINT short CHECK (duration_ms < 10)")

    with pytest.raises(Exception, match="CheckViolation") as caught:
        store.save([report()])
    assert not isinstance(caught.value, ReportMisdated)
