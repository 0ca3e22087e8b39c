"""The schema of the reports' database: Alembic, inside the package, with a version table of its own."""

from __future__ import annotations

import contextlib
import pathlib
import time
from collections.abc import Callable, Iterator
from typing import Literal

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import NullPool
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from preflight.exceptions import StoreUnavailable
from preflight.redaction import redact
from preflight.reports import patience
from preflight.reports.database import explaining, make_engine, parsed

#: Not Alembic's default name: an application that shares the database keeps its own versions there.
VERSION_TABLE = "preflight_schema_version"
#: Any number that nobody else uses: two processes that upgrade at a time wait for each other.
UPGRADE_LOCK = 7_305_661_924


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the schema to a revision, the newest one; harmless when it is there, and when two do it at a time."""
    with _connected(database_url) as connection:
        _patiently(connection, command.upgrade, revision)


def downgrade(database_url: str, revision: str) -> None:
    """Take the schema back to a revision; "base" removes the tables and every report."""
    with _connected(database_url) as connection:
        _patiently(connection, command.downgrade, revision)


def _patiently(connection: Connection, change: Callable[[Config, str], None], revision: str) -> None:
    """Change the schema, beginning again with the revision that could not have a table for itself in time."""
    until = time.monotonic() + patience.SECONDS
    while True:
        try:
            return change(_config(connection), revision)
        except DBAPIError as error:
            if not patience.is_locked(error) or time.monotonic() > until:
                raise
        connection.rollback()
        connection.execute(sa.select(sa.func.pg_advisory_unlock_all()))
        connection.commit()
        time.sleep(patience.PAUSE_SECONDS)


def current(database_url: str) -> str | None:
    """Return the schema's revision, None if there is no schema."""
    with _connected(database_url) as connection:
        return revision_on(connection)


def head() -> str:
    """Return the newest revision that this version of PreFlight knows."""
    return _scripts().get_current_head() or ""


def check_schema(database_url: str) -> str:
    """Return the schema's revision when it is the newest; raise `StoreUnavailable` when missing, older or newer."""
    revision = current(database_url)
    match standing(revision):
        case "missing":
            raise StoreUnavailable("The reports' database has no schema. Run `preflight db upgrade`.")
        case "older":
            raise StoreUnavailable(
                f"The reports' schema {revision} is older than this PreFlight, which needs {head()}."
                " Run `preflight db upgrade`."
            )
        case "newer":
            raise StoreUnavailable(
                f"The reports' schema {str(revision)[:32]!r} is newer than this PreFlight, which knows {head()}."
                " Install the newer PreFlight here too."
            )
    return str(revision)


def standing(revision: str | None) -> Literal["current", "missing", "older", "newer"]:
    """Return how a schema's revision stands to the newest that this version of PreFlight knows."""
    if revision is None:
        return "missing"
    if revision == head():
        return "current"
    return "older" if revision in {script.revision for script in _scripts().walk_revisions()} else "newer"


@contextlib.contextmanager
def _connected(database_url: str) -> Iterator[Connection]:
    url = parsed(database_url)
    # A migration may take long on a big table, and must not be cut off half-way by the store's own limit.
    engine = make_engine(url, statement_timeout_ms=0, poolclass=NullPool)
    try:
        with explaining(url), engine.connect() as connection:
            yield connection
    except CommandError as error:  # a revision that this version of the code does not have
        raise StoreUnavailable(
            f"The reports' schema was not changed: {redact(str(error))}. Install the PreFlight that knows it."
        ) from None
    finally:
        engine.dispose()


def revision_on(connection: Connection) -> str | None:
    """Return the revision of the schema that a connection sees, None if there is no schema."""
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    # Options are interpolated: a literal percent sign in the installation's path is doubled.
    config.set_main_option("script_location", str(pathlib.Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
