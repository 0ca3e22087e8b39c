"""The schema of the pack's tables: Alembic, with a version table of its own beside that of the reports."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import NullPool
from sqlalchemy.engine import Connection

from preflight.exceptions import StoreUnavailable
from preflight.redaction import redact
from preflight.reports.database import explaining, make_engine, parsed

VERSION_TABLE = "campaign_schema_version"
#: Any number that nobody else uses: two processes that upgrade at a time wait for each other.
UPGRADE_LOCK = 7_305_661_925


def upgrade(database_url: str) -> None:
    """Bring the schema to the newest revision; harmless when it is there, and when two do it at a time."""
    with _connected(database_url) as connection:
        command.upgrade(_config(connection), "head")


def downgrade(database_url: str, revision: str) -> None:
    """Take the schema back to a revision; "base" removes the tables with all that they hold."""
    with _connected(database_url) as connection:
        command.downgrade(_config(connection), revision)


def current(database_url: str) -> str | None:
    """Return the schema's revision, None if there is no schema."""
    with _connected(database_url) as connection:
        return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def check_schema(database_url: str) -> str:
    """Return the schema's revision when it is the newest; raise `StoreUnavailable` when it is any other."""
    revision, newest = current(database_url), ScriptDirectory.from_config(_config()).get_current_head() or ""
    if revision == newest:
        return revision
    raise StoreUnavailable(
        f"The pack campaign needs its schema at {newest}, and it is at {revision or 'nothing'}."
        " Run `preflight db upgrade`, or install the PreFlight that knows it."
    )


@contextlib.contextmanager
def _connected(database_url: str) -> Iterator[Connection]:
    url = parsed(database_url)
    engine = make_engine(url, statement_timeout_ms=0, poolclass=NullPool)
    try:
        with explaining(url), engine.begin() as connection:
            yield connection
    except CommandError as error:
        raise StoreUnavailable(
            f"The schema of the pack campaign was not changed: {redact(str(error))}."
            " Install the PreFlight that knows it."
        ) from None
    finally:
        engine.dispose()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    # Options are interpolated: a literal percent sign in the installation's path is doubled.
    config.set_main_option("script_location", str(pathlib.Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
