"""Wait for a table without holding up whoever comes behind: give up soon, let them through, and try again."""

from __future__ import annotations

import time

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from preflight.reports.partitions import LOCK_TIMEOUT_MS

#: How long a migration goes on trying, and the pause in between.
SECONDS = 300.0
PAUSE_SECONDS = 0.5
#: PostgreSQL's code for a lock that was not to be had in time.
_LOCKED = "55P03"
#: For the rest of the session, unlike what `partitions` sets.
SHORT = sa.text(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")


def is_locked(error: DBAPIError) -> bool:
    """Say whether a statement was given up because somebody uses the table."""
    return getattr(error.orig, "pgcode", None) == _LOCKED


def lock(connection: Connection, table: str) -> None:
    """Lock a table for everybody else, in a session whose waits are short; what the transaction did before stays."""
    until = time.monotonic() + SECONDS
    while True:
        try:
            with connection.begin_nested():
                connection.execute(sa.text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
            return
        except DBAPIError as error:
            if not is_locked(error) or time.monotonic() > until:
                raise
            time.sleep(PAUSE_SECONDS)
