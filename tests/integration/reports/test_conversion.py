"""The revision that partitions the reports, on data, there and back, while others write."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import subprocess
import sys
import threading
from uuid import uuid4

import psycopg2
import pytest
from integration.reports.samples import NO_GO, line, now, report, rollups

from preflight.exceptions import StoreUnavailable
from preflight.reports import migrations, patience
from preflight.reports.models import row_of
from preflight.reports.store import ReportFilter, ReportStore

DAY = dt.timedelta(days=1)
COLUMNS = "id, mode, event_type, campaign_id, success, checks, duration_ms, triggered_by, created_at, verdict"
INSERT = (
    f"INSERT INTO preflight_reports ({COLUMNS}, streamer_ids, metadata, short_circuited_by)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'preflight_reports'::regclass"


@pytest.fixture
def old_database(bare_database):
    """Return a database as the version before left it."""
    migrations.upgrade(bare_database.url, "0001")
    return bare_database


def insert(database, reports):
    """Store reports as the version before did: every field written out, no rollups."""
    with contextlib.closing(psycopg2.connect(database.url)) as connection, connection, connection.cursor() as cursor:
        for each in reports:
            row = row_of(each) | {"checks": [check.to_json() for check in each.checks]}
            as_text = {name: json.dumps(row[name]) for name in ("checks", "streamer_ids", "metadata")}
            row |= as_text | {name: row[name] and str(row[name]) for name in ("id", "campaign_id", "triggered_by")}
            names = [*COLUMNS.split(", "), "streamer_ids", "metadata", "short_circuited_by"]
            cursor.execute(INSERT, [row[name] for name in names])


def samples(count=300):
    """Return reports of the last ten days, with failing, skipped and cached checks."""
    kinds = (line(duration_ms=3.5), NO_GO, line("error", "vtt"), line("skipped", "disk"), line(cached=True))
    return [
        report(
            kinds[place % 5], line("warning", "http", duration_ms=80.0), at=now() - place * DAY / 30, campaign_id=None
        )
        for place in range(count)
    ]


def test_every_report_is_there_after_an_upgrade_and_counted(old_database):
    """The old table is the first partition; reports read the same, filters and statistics find them."""
    saved = samples()
    insert(old_database, saved)
    migrations.upgrade(old_database.url)
    store = ReportStore(old_database.url)

    assert store.page(limit=1000) == saved
    assert store.statistics(now() - 30 * DAY).total_runs == 300
    assert {found.check_name: found.failures for found in store.check_statistics(now() - 30 * DAY)} == {
        "redis": 60,
        "vtt": 60,
        "http": 0,
        "disk": 0,
    }
    assert len(store.page(ReportFilter(check="vtt", mode="full"), limit=1000)) == 60
    assert store.save(saved) == []
    fresh = report()
    assert store.save([fresh]) == [fresh]
    store.dispose()


def test_every_report_is_there_after_a_downgrade(database, store):
    """Back in one plain table, as the version before wants it, and up again with the same counts."""
    saved = samples()
    store.save(saved)
    before = rollups(database)
    store.dispose()
    migrations.downgrade(database.url, "0001")

    assert database.sql("SELECT relkind FROM pg_class WHERE oid = 'preflight_reports'::regclass") == [("r",)]
    assert database.sql("SELECT id::text FROM preflight_reports ORDER BY id DESC") == [
        (str(kept.id),) for kept in saved
    ]
    indexes = "SELECT indexname FROM pg_indexes WHERE tablename = 'preflight_reports' ORDER BY 1"
    names = ("campaign", "created_at", "event_type", "failed", "pkey")
    assert database.sql(indexes) == [(f"preflight_reports_{name}",) for name in names]
    assert database.sql("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'preflight%%slots%%'") == [(0,)]
    migrations.upgrade(database.url)
    assert store.page(limit=1000) == saved
    assert rollups(database) == before


def test_writers_go_on_while_the_table_is_converted(old_database):
    """A version before that stores reports all the time loses none, waits only for a moment, and all are counted."""
    insert(old_database, samples(3000))
    code = "import sys; from preflight.reports.migrations import upgrade; upgrade(sys.argv[1])"
    stored: list[str] = []
    with subprocess.Popen([sys.executable, "-c", code, old_database.url]) as process:
        while process.poll() is None:
            each = report()
            insert(old_database, [each])
            stored.append(str(each.id))
    counted = old_database.sql("SELECT sum(runs)::int FROM preflight_run_slots")[0][0]
    found = {text for (text,) in old_database.sql("SELECT id::text FROM preflight_reports")}

    assert process.returncode == 0
    assert set(stored) <= found
    assert len(found) == 3000 + len(stored)
    # What came after the tables had changed places, from a version that knows no rollups, is counted by `recount`.
    assert 3000 < counted <= len(found)
    store = ReportStore(old_database.url)
    assert store.recount() <= 2
    assert store.statistics(now() - 300 * DAY).total_runs == len(found)
    assert store.recount() == 0
    store.dispose()


def test_the_conversion_waits_without_a_lock_for_its_long_part(old_database):
    """Another session that reads, and is not over, holds up the conversion and no writer."""
    insert(old_database, samples(30))
    with contextlib.closing(psycopg2.connect(old_database.url)) as connection, connection.cursor() as cursor:
        thread = threading.Thread(target=migrations.upgrade, args=(old_database.url,))
        cursor.execute("SELECT count(*) FROM preflight_reports")
        thread.start()
        for _ in range(3):
            while old_database.sql(WAITING) == [(0,)]:
                assert thread.is_alive()
            insert(old_database, [report()])
        connection.rollback()
        thread.join()

    assert migrations.check_schema(old_database.url) == migrations.head()
    assert old_database.sql("SELECT sum(runs)::int FROM preflight_run_slots") == [(33,)]


def test_the_tables_change_places_without_holding_writers_up(old_database, monkeypatch):
    """Nor does a reader who comes when all is counted: what was counted stays, and writers go on."""
    insert(old_database, samples(30))
    counted, locked = threading.Event(), threading.Event()
    lock = patience.lock

    def late(connection, table):
        counted.set()
        assert locked.wait(30)
        lock(connection, table)

    monkeypatch.setattr(patience, "lock", late)
    thread = threading.Thread(target=migrations.upgrade, args=(old_database.url,))
    thread.start()
    assert counted.wait(30)
    with contextlib.closing(psycopg2.connect(old_database.url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM preflight_reports")
        locked.set()
        while old_database.sql(WAITING) == [(0,)]:
            assert thread.is_alive()
        insert(old_database, [report()])
        connection.rollback()
        thread.join()

    assert old_database.sql("SELECT sum(runs)::int FROM preflight_run_slots") == [(31,)]


def test_an_interrupted_conversion_is_repeated(old_database):
    """Stopped after its first steps, which are committed."""
    insert(old_database, samples(30))
    old_database.sql("ALTER TABLE preflight_reports ADD CONSTRAINT preflight_reports_before CHECK (id IS NOT NULL)")

    migrations.upgrade(old_database.url)
    assert old_database.sql("SELECT count(*) FROM preflight_reports") == [(30,)]


def test_ids_of_the_future_stop_the_conversion_with_one_line(old_database):
    """Nothing is changed: the line names the id and what to do."""
    strange = report(id=uuid4())
    insert(old_database, [strange])

    with pytest.raises(StoreUnavailable, match=f"{strange.id} is of .* Delete the reports with ids of the future"):
        migrations.upgrade(old_database.url)
    assert migrations.current(old_database.url) == "0001"
    assert old_database.sql("SELECT relkind FROM pg_class WHERE oid = 'preflight_reports'::regclass") == [("r",)]


def test_rights_on_the_old_table_are_given_on_the_new_ones(old_database):
    """A role with the least rights goes on storing."""
    role = f"clerk_{old_database.name}"
    old_database.sql(f"CREATE ROLE {role} LOGIN PASSWORD 'clerk'")
    old_database.sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON preflight_reports TO {role}")
    migrations.upgrade(old_database.url)
    store = ReportStore(f"postgresql://{role}:clerk@{old_database.url.partition('@')[2]}")

    fresh = report()
    assert store.save([fresh]) == [fresh]
    assert store.page() == [fresh]
    store.dispose()
    old_database.sql(f"DROP OWNED BY {role}")
    old_database.sql(f"DROP ROLE {role}")
