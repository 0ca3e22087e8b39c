"""A store on a database of the test's own, and a way to run SQL in it."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest

from preflight.reports.store import ReportStore


class Database:
    """A test's own database, asked besides the store."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = url.rpartition("/")[2]

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        with contextlib.closing(psycopg2.connect(self.url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return cursor.fetchall() if cursor.description else []


@pytest.fixture
def database(database_url) -> Database:
    """Return a migrated database."""
    return Database(database_url)


@pytest.fixture
def bare_database(shared_postgresql) -> Iterator[Database]:
    """Yield a database without a schema."""
    name = f"t{secrets.token_hex(6)}"
    yield Database(shared_postgresql.create_database(name, "template1"))
    shared_postgresql.drop_database(name)


@pytest.fixture
def store(database) -> Iterator[ReportStore]:
    """Open a store on the migrated database."""
    made = ReportStore(database.url)
    yield made
    made.dispose()
