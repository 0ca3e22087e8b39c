"""One real PostgreSQL for these tests; each test has a database of its own, cloned from a migrated template."""

from __future__ import annotations

import contextlib
import itertools
import secrets
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest

from preflight.embedded.postgresql import Postgresql
from preflight.reports.migrations import upgrade
from preflight.reports.store import ReportStore

_numbers = itertools.count(1)


class Database:
    """A test's own database, and a way to run SQL in it besides the store."""

    def __init__(self, server: Postgresql, name: str, template: str) -> None:
        self.server, self.name = server, name
        self.url = server.create_database(name, template)

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        with contextlib.closing(psycopg2.connect(self.url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def reports_server(tmp_path_factory) -> Iterator[Postgresql]:
    """Start a PostgreSQL for these tests and stop it at their end."""
    server = Postgresql(tmp_path_factory.mktemp("postgresql"), secrets.token_hex(8), options={"fsync": "off"})
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated(reports_server) -> str:
    """Migrate a template database and return its name."""
    upgrade(reports_server.create_database("reports_template"))
    return "reports_template"


@pytest.fixture
def database(reports_server, migrated) -> Database:
    """Make a migrated database."""
    return Database(reports_server, f"reports_{next(_numbers)}", migrated)


@pytest.fixture
def bare_database(reports_server) -> Database:
    """Make a database without a schema."""
    return Database(reports_server, f"reports_{next(_numbers)}", "template1")


@pytest.fixture
def store(database) -> Iterator[ReportStore]:
    """Open a store on the migrated database."""
    made = ReportStore(database.url)
    yield made
    made.dispose()
