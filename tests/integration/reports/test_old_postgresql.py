"""Everything that the store does on Debian's PostgreSQL: an older one than the embedded, without `uuidv7()`."""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
import servers
from conftest import partner
from integration.reports.conftest import Database
from integration.reports.samples import NO_GO, line, now, report, rollups
from integration.reports.test_conversion import insert, samples
from integration.reports.test_statistics import recounted

from preflight.embedded.postgresql import Postgresql
from preflight.reports import migrations
from preflight.reports.store import ReportFilter, ReportStore
from preflight.types import Status

#: Debian has one place per version.
PLACES = sorted(Path("/usr/lib/postgresql").glob("1[4-7]/bin/postgres"))


class Debian(Postgresql):
    """A server of the machine's own PostgreSQL, kept as the embedded one is."""

    def _binary(self, name: str) -> str:
        return str(PLACES[0].with_name(name))


@pytest.fixture(scope="module")
def old(tmp_path_factory) -> Iterator[Database]:
    """Yield a database without a schema on the oldest PostgreSQL that is here."""
    partner("postgresql (14 to 17, Debian's)", PLACES)
    server = Debian(tmp_path_factory.mktemp("old"), secrets.token_hex(8), options=servers.THROWAWAY)
    server.start()
    servers.SESSION_SERVERS.add(server.pid)
    yield Database(server.create_database())
    server.stop()


def test_the_store_works_on_an_older_postgresql(old):
    """Converted with data, saved, overruled, found, counted, made ahead, purged, and back."""
    kept = samples(60)
    migrations.upgrade(old.url, "0001")
    insert(old, kept)
    migrations.upgrade(old.url)
    store = ReportStore(old.url)
    go = report(line(duration_ms=3.0), line("warning", "vtt"))
    assert store.save([go]) == [go]
    told = report(NO_GO, id=go.id, at=go.created_at)
    assert store.save([told], overrule=True) == [told]

    assert store.page(limit=1000) == [told, *kept]
    assert store.page(ReportFilter(check="redis", check_status=Status.FAILED, mode="full"))[0] == told
    assert store.statistics(now() - dt.timedelta(days=30)).total_runs == 61
    assert store.check_statistics(now() - dt.timedelta(days=30))[0].failures > 0
    assert store.trend(now() - dt.timedelta(days=3), step="day")[-1].runs > 0
    assert store.strip("redis")[-1].report_id == store.latest()["poll_launch"][-1].report_id == told.id
    counted = rollups(old)
    assert counted == recounted(store, old)
    with psycopg2.connect(old.url) as connection:
        version = connection.info.server_version // 10_000
    connection.close()
    assert re.search(rf"/{version}/", str(PLACES[0]))

    (last,) = old.sql("SELECT max(relname) FROM pg_class WHERE relname ~ '^preflight_reports_[0-9]{8}$'")[0]
    old.sql(f"DROP TABLE {last}, {last.replace('reports', 'run_slots')}, {last.replace('reports', 'check_slots')}")
    assert store.make_partitions() == [last]
    assert store.purge(30).partitions == ()
    store.dispose()
    migrations.downgrade(old.url, "0001")
    assert old.sql("SELECT count(*) FROM preflight_reports") == [(61,)]
