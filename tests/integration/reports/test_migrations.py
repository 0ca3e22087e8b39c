"""The schema of the reports' database."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import psycopg2
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from preflight.admin import tables  # noqa: F401  # they belong to the metadata
from preflight.exceptions import StoreUnavailable
from preflight.reports import migrations
from preflight.reports.database import parsed
from preflight.reports.models import metadata


def test_the_migrations_make_the_tables_of_the_code(database):
    """Nothing differs between what the revisions build and what the code expects."""
    engine = sa.create_engine(parsed(database.url))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": migrations.VERSION_TABLE,
                "compare_type": True,
                "include_name": lambda name, kind, parent: kind != "table" or name in metadata.tables,
            },
        )
        differences = compare_metadata(context, metadata)
    engine.dispose()

    assert differences == []


def test_an_upgrade_of_a_current_schema_changes_nothing(database):
    """Twice is as good as once."""
    migrations.upgrade(database.url)

    assert migrations.current(database.url) == migrations.head() == migrations.check_schema(database.url)


def test_upgrades_at_the_same_time_wait_for_each_other(bare_database):
    """Starting processes that upgrade together end with one schema and no error."""
    code = "import sys; from preflight.reports.migrations import upgrade; upgrade(sys.argv[1])"
    command = [sys.executable, "-c", code, bare_database.url]
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'preflight'"
        " AND xact_start IS NULL"
    )
    with contextlib.closing(psycopg2.connect(bare_database.url)) as holder, holder.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (migrations.UPGRADE_LOCK,))
        started = [subprocess.Popen(command) for _ in range(3)]
        while bare_database.sql(waiting) != [(3,)]:
            assert [process.poll() for process in started] == [None] * 3, "an upgrade did not wait"

    assert [process.wait() for process in started] == [0, 0, 0]
    assert migrations.check_schema(bare_database.url) == migrations.head()


def test_a_downgrade_to_base_removes_the_tables(database):
    """Back to nothing, and up again."""
    migrations.downgrade(database.url, "base")

    assert migrations.current(database.url) is None
    assert database.sql("SELECT to_regclass('preflight_reports')") == [(None,)]
    migrations.upgrade(database.url)
    assert migrations.check_schema(database.url) == migrations.head()


def test_an_unknown_revision_is_one_line(database):
    """A revision that does not exist is an error that says so."""
    with pytest.raises(StoreUnavailable, match="9999"):
        migrations.downgrade(database.url, "9999")


def test_a_database_without_schema_says_which_command_to_run(bare_database):
    """Nothing there yet."""
    with pytest.raises(StoreUnavailable, match=r"has no schema\. Run `preflight db upgrade`\."):
        migrations.check_schema(bare_database.url)


def test_a_newer_schema_says_that_the_code_is_too_old(database):
    """A revision that this code does not know was made by a newer one."""
    database.sql(f"UPDATE {migrations.VERSION_TABLE} SET version_num = '0999'")

    with pytest.raises(StoreUnavailable, match="is newer than this PreFlight"):
        migrations.check_schema(database.url)
    with pytest.raises(StoreUnavailable, match="0999"):
        migrations.upgrade(database.url)


def test_the_version_table_of_the_application_is_left_alone(bare_database):
    """An application's own Alembic keeps its versions in the same database."""
    bare_database.sql("CREATE TABLE alembic_version (version_num varchar(32))")
    bare_database.sql("INSERT INTO alembic_version VALUES ('theirs')")

    migrations.upgrade(bare_database.url)

    assert bare_database.sql("SELECT version_num FROM alembic_version") == [("theirs",)]
