"""Create the table of reports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `preflight_reports` and its indexes."""
    op.create_table(
        "preflight_reports",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("mode", sa.String(10), nullable=False),
        sa.Column("event_type", sa.String(50), nullable=False),
        sa.Column("campaign_id", sa.Uuid),
        sa.Column("success", sa.Boolean, nullable=False),
        sa.Column("checks", JSONB, nullable=False),
        sa.Column("duration_ms", sa.Integer, nullable=False),
        sa.Column("triggered_by", sa.Uuid),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("verdict", sa.String(5), nullable=False),
        sa.Column("streamer_ids", JSONB, nullable=False),
        sa.Column("metadata", JSONB, nullable=False),
        sa.Column("short_circuited_by", sa.String(64)),
    )
    op.create_index("preflight_reports_event_type", "preflight_reports", ["event_type", "id"])
    op.create_index(
        "preflight_reports_campaign",
        "preflight_reports",
        ["campaign_id", "id"],
        postgresql_where=sa.text("campaign_id IS NOT NULL"),
    )
    op.create_index("preflight_reports_failed", "preflight_reports", ["id"], postgresql_where=sa.text("NOT success"))
    op.create_index("preflight_reports_created_at", "preflight_reports", ["created_at"])


def downgrade() -> None:
    """Drop the table with every report."""
    op.drop_table("preflight_reports")
