"""How Alembic runs the revisions: on the connection that `preflight.campaign.migrations` opened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context

from preflight.campaign.migrations import UPGRADE_LOCK, VERSION_TABLE
from preflight.campaign.models import metadata

connection = context.config.attributes["connection"]
connection.execute(sa.select(sa.func.pg_advisory_xact_lock(UPGRADE_LOCK)))
context.configure(connection=connection, target_metadata=metadata, version_table=VERSION_TABLE)
context.run_migrations()
