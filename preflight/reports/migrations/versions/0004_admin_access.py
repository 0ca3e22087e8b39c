"""Create the tables of who may see the admin page."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_INSTANT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Create tokens, sessions, sign-in links, and the key that cookies are signed with."""
    op.create_table(
        "preflight_admin_tokens",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("revoked_at", _INSTANT),
    )
    op.create_index(
        "preflight_admin_tokens_name",
        "preflight_admin_tokens",
        ["name"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "preflight_admin_sessions",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("token_id", sa.String(16), sa.ForeignKey("preflight_admin_tokens.id", ondelete="CASCADE")),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
    )
    op.create_table(
        "preflight_admin_links",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
    )
    keys = op.create_table(
        "preflight_admin_keys",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
    )
    op.bulk_insert(keys, [{"id": 1, "key": secrets.token_bytes(32)}])


def downgrade() -> None:
    """Drop them: every token and session ends."""
    for name in ("keys", "links", "sessions", "tokens"):
        op.drop_table(f"preflight_admin_{name}")
