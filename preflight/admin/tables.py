"""The tables of who may see the admin page. Nothing in them opens anything: of every secret there is only a hash."""

from __future__ import annotations

import sqlalchemy as sa

from preflight.reports.models import metadata

ROLE = sa.String(10)
HASH = sa.LargeBinary
INSTANT = sa.TIMESTAMP(timezone=True)

tokens = sa.Table(
    "preflight_admin_tokens",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("role", ROLE, nullable=False),
    sa.Column("hash", HASH, nullable=False),
    sa.Column("created_at", INSTANT, nullable=False),
    sa.Column("revoked_at", INSTANT),
    # A name may be used again after its token was revoked.
    sa.Index("preflight_admin_tokens_name", "name", unique=True, postgresql_where=sa.text("revoked_at IS NULL")),
)

sessions = sa.Table(
    "preflight_admin_sessions",
    metadata,
    sa.Column("hash", HASH, primary_key=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("role", ROLE, nullable=False),
    # The token that was signed in with, if any: its end is the session's.
    sa.Column("token_id", sa.String(16), sa.ForeignKey("preflight_admin_tokens.id", ondelete="CASCADE")),
    sa.Column("created_at", INSTANT, nullable=False),
    sa.Column("expires_at", INSTANT, nullable=False),
)

links = sa.Table(
    "preflight_admin_links",
    metadata,
    sa.Column("hash", HASH, primary_key=True),
    sa.Column("role", ROLE, nullable=False),
    sa.Column("expires_at", INSTANT, nullable=False),
)

#: One row: what the processes of the page sign cookies with.
keys = sa.Table(
    "preflight_admin_keys",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("key", sa.LargeBinary, nullable=False),
)
