"""Retention drops whole days, waits for nobody long, and can be repeated after any interruption."""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime as dt
import threading

import psycopg2
import pytest
from integration.reports.samples import NO_GO, now, report

from preflight.exceptions import InvalidSettings, StoreUnavailable
from preflight.reports import partitions, retention
from preflight.reports.instants import floor

DAY = dt.timedelta(days=1)


@pytest.fixture
def aged(store, database):
    """Give the store a partition for each of the last ten days, the oldest for all before, and a report in each."""
    today = floor(now(), 86400)
    with store._engine.begin() as connection:
        for partition in partitions.existing(connection):
            connection.exec_driver_sql(f"DROP TABLE {', '.join(partition.tables)}")
        for table in partitions.TABLES:
            connection.exec_driver_sql(f"CREATE TABLE {table}_before (LIKE {table} INCLUDING ALL)")
            partitions.attach(connection, table, f"{table}_before", None, today - 10 * DAY)
        for place in range(-10, 2):
            partitions._make(connection, today + place * DAY)
    reports = [report(at=today - place * DAY - DAY / 2) for place in range(12)]
    store.save(reports)
    return reports


def names(store):
    with store._engine.connect() as connection:
        return [partition.tables[0] for partition in partitions.existing(connection)]


def test_purge_drops_the_days_that_are_older_and_nothing_else(store, aged, database):
    """A dry run names them; afterwards the younger reports are there, and nothing points at the others."""
    before = names(store)
    planned = store.purge(5, dry_run=True)

    assert names(store) == before
    assert store.purge(5) == planned
    assert planned.partitions == tuple(before[: len(planned.partitions)])
    assert planned.reports == 12 - len(store.page()) == 7
    assert [found.id for found in store.page()] == [kept.id for kept in aged[:5]]
    assert store.purge(5).partitions == ()
    slots = "SELECT sum(runs)::int FROM preflight_run_slots"
    assert database.sql(slots) == [(5,)]


def test_statistics_outlive_the_reports_for_their_own_time(store, aged):
    """By the hour, until they are older than their own days; these are never fewer than the reports'."""
    planned = store.purge(5, statistics_days=9, dry_run=True)
    assert store.statistics(now() - 30 * DAY).total_runs == 12
    assert store.purge(5, statistics_days=9) == planned
    assert planned.hours == 2 * (12 - 9)
    assert store.statistics(now() - 30 * DAY).total_runs == 9

    store.purge(5, statistics_days=1)
    assert store.statistics(now() - 30 * DAY).total_runs == 5


def test_a_search_looks_only_where_there_are_reports(store, aged):
    """What the rollups still count is not looked for."""
    store.save([report(NO_GO, at=aged[-1].created_at)])
    store.purge(5, statistics_days=30)

    assert store.strip("redis")[0].report_id == aged[4].id
    assert store.latest()["poll_launch"][0].report_id == aged[4].id


def test_a_partition_in_use_is_waited_for(store, aged, database, monkeypatch):
    """A transaction that reads holds the purge up and nobody else: it tries again until that is over."""
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 0.01)
    waiting = threading.Event()
    monkeypatch.setattr(retention.time, "sleep", lambda _: waiting.set())
    with contextlib.closing(psycopg2.connect(database.url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM preflight_reports")
        thread = threading.Thread(target=store.purge, args=(5,))
        thread.start()
        assert waiting.wait(30)
        store.save([report()])
        connection.rollback()
        thread.join()

    assert len(store.page()) == 6


def test_a_partition_that_stays_in_use_is_told(store, aged, database, monkeypatch):
    """In the end the purge says what to do, and what it had dropped is dropped."""
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(retention, "ATTEMPTS", 2)
    with contextlib.closing(psycopg2.connect(database.url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {names(store)[2]} IN ACCESS SHARE MODE")
        with pytest.raises(StoreUnavailable, match=r"keeps locked\. Look for long transactions and try again"):
            store.purge(5)
    assert len(store.page()) == 9

    store.purge(5)
    assert len(store.page()) == 5


def test_a_purge_that_was_interrupted_is_simply_repeated(store, aged, monkeypatch):
    """Killed between two partitions: the next one does the rest, and the counts are right."""
    drop, dropped = retention._drop, []

    def killed(engine, partition):
        if len(dropped) == 3:
            raise KeyboardInterrupt
        dropped.append(partition)
        drop(engine, partition)

    with monkeypatch.context() as patched:
        patched.setattr(retention, "_drop", killed)
        with pytest.raises(KeyboardInterrupt):
            store.purge(5)
    assert store.purge(5).reports == 7 - 4
    assert [found.id for found in store.page()] == [kept.id for kept in aged[:5]]


def test_two_purges_at_a_time_do_no_harm(store, aged):
    """They take turns, and each says what it dropped itself."""
    with concurrent.futures.ThreadPoolExecutor(3) as threads:
        purged = list(threads.map(store.purge, (5, 5, 5)))

    assert len(store.page()) == 5
    names = [name for one in purged for name in one.partitions]
    assert len(names) == len(set(names)) == 6
    assert sum(one.reports for one in purged) == 7


def test_a_retention_that_makes_no_sense_deletes_nothing(store, aged):
    """0 never means "delete everything"."""
    for days in (0, -1, 3651, 10**9, True, 1.5, "30d", None):
        for wrong in ({"older_than_days": days}, {"older_than_days": 5, "statistics_days": days}):
            with pytest.raises(InvalidSettings, match="whole number of days from 1 to 3650"):
                store.purge(**wrong)
    assert len(store.page()) == 12
