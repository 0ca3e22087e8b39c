"""How Alembic runs the revisions: on the connection that `preflight.reports.migrations` opened."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import context

from preflight.reports.migrations import UPGRADE_LOCK, VERSION_TABLE
from preflight.reports.models import metadata
from preflight.reports.patience import SHORT

_PAUSE_SECONDS = 0.2

connection = context.config.attributes["connection"]
# For the session, not the transaction: a revision may commit half-way, so that it locks a table for a moment only.
# Who waits for it must not be in a transaction: making an index without a lock waits for all of them.
while not connection.execute(sa.select(sa.func.pg_try_advisory_lock(UPGRADE_LOCK))).scalar():
    connection.rollback()
    time.sleep(_PAUSE_SECONDS)
# A revision that waits for a table holds up everybody behind it: not for long, it is tried again.
connection.execute(SHORT)
connection.commit()
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
connection.execute(sa.select(sa.func.pg_advisory_unlock(UPGRADE_LOCK)))
connection.commit()
