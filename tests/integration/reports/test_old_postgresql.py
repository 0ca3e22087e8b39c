"""Everything that the store does on each PostgreSQL that is older than the embedded one: 14 to 17."""

from __future__ import annotations

import datetime as dt
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

#: One is Debian's. The others are no packages of Debian or PyPI, so that no machine has to have them.
INSTALLED = {version: servers.postgresql_installation(version) for version in ("14", "15", "16", "17")}


class Old(Postgresql):
    """A server of another installation, kept as the embedded one is."""

    installation: Path

    def _binary(self, name: str) -> str:
        return str(self.owner.readable(self.installation) / "bin" / name)


@pytest.fixture(params=INSTALLED)
def version(request) -> str:
    """Return the version that the test is about."""
    return str(request.param)


@pytest.fixture
def old(tmp_path, version) -> Iterator[Database]:
    """Yield a database without a schema on a PostgreSQL of that version."""
    partner("postgresql (14 to 17)", any(INSTALLED.values()))
    installation = INSTALLED[version]
    if installation is None:
        pytest.skip(f"PostgreSQL {version} is not here: .ci/old-postgresql installs it")
    server = Old(tmp_path / "old", secrets.token_hex(8), options=servers.THROWAWAY)
    server.installation = installation
    server.start()
    yield Database(server.create_database())
    server.stop()


def test_the_store_works_on_an_older_postgresql(old, version):
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
        assert connection.info.server_version // 10_000 == int(version)
    connection.close()

    (last,) = old.sql("SELECT max(relname) FROM pg_class WHERE relname ~ '^preflight_reports_[0-9]{8}$'")[0]
    old.sql(f"DROP TABLE {last}, {last.replace('reports', 'run_slots')}, {last.replace('reports', 'check_slots')}")
    assert store.make_partitions() == [last]
    assert store.purge(30).partitions == ()
    store.dispose()
    migrations.downgrade(old.url, "0001")
    assert old.sql("SELECT count(*) FROM preflight_reports") == [(61,)]
