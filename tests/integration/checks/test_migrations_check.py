"""The check `migrations` against schemas of a real PostgreSQL, and servers in trouble."""

from __future__ import annotations

import secrets

import psycopg2
import pytest
from integration.checks.conftest import fails_with
from pydantic import SecretStr

from preflight.checks.migrations import MigrationsCheck
from preflight.reports import migrations
from preflight.types import Status


def check_of(url):
    return MigrationsCheck(url=SecretStr(url), timeout=3.0)


def note(url, revision):
    """Write a schema's revision by hand."""
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("UPDATE preflight_schema_version SET version_num = %s", (revision,))
    connection.close()


@pytest.fixture
def bare_url(shared_postgresql):
    """Yield the address of a database without a schema."""
    name = f"t{secrets.token_hex(6)}"
    yield shared_postgresql.create_database(name)
    shared_postgresql.drop_database(name)


def test_the_newest_schema_passes(ask, database_url):
    """A database that was upgraded has the schema that the code needs."""
    result = ask(check_of(database_url))

    assert result.status is Status.PASSED
    assert migrations.head() in result.message


def test_a_database_without_a_schema_fails(ask, bare_url):
    """A database in which nothing was migrated yet says how to."""
    result = ask(check_of(bare_url))

    assert result.status is Status.FAILED
    assert result.message == "the reports' database has no schema"
    assert result.remediation == "Run `preflight db upgrade`."


def test_an_older_schema_fails(ask, bare_url):
    """A revision before the newest one that the code knows needs an upgrade."""
    migrations.upgrade(bare_url, "0003")

    result = ask(check_of(bare_url))

    assert result.status is Status.FAILED
    assert f"schema 0003 is older than this PreFlight, which needs {migrations.head()}" in result.message
    assert result.remediation == "Run `preflight db upgrade`."


def test_a_newer_schema_fails(ask, database_url):
    """A revision that the code does not know belongs to a newer PreFlight."""
    note(database_url, "9999")

    result = ask(check_of(database_url))

    assert result.status is Status.FAILED
    assert "schema 9999 is newer than this PreFlight" in result.message
    assert result.remediation == "Install the newer PreFlight here too."


def test_a_postgresql_in_trouble_fails(ask, troubled_postgresql):
    """Whatever the server says, the check says what it means and what to do."""
    url, message = troubled_postgresql

    fails_with(ask(check_of(url)), message)


def test_every_documented_answer_is_given(not_given):
    """The page of the check shows no answer that these tests have not met."""
    assert not_given(MigrationsCheck) == []
