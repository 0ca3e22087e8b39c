"""Create the tables of the pack."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create campaigns, streamers and events, and what belongs to them."""
    op.create_table(
        "campaign_campaigns",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
    )
    op.create_table(
        "campaign_streamers",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("encrypted_token", sa.Text),
        sa.Column("token_expires_at", sa.TIMESTAMP(timezone=True)),
    )
    op.create_table(
        "campaign_events",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("individual", sa.Boolean, nullable=False),
    )
    _create_memberships()
    _create_vtt_connections()
    _create_configs()
    _create_instances()


def _create_memberships() -> None:
    op.create_table(
        "campaign_memberships",
        _campaign(primary_key=True),
        sa.Column(
            "streamer_id", sa.String(64), sa.ForeignKey("campaign_streamers.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("authorised", sa.Boolean, nullable=False),
        sa.Column("authorised_until", sa.TIMESTAMP(timezone=True)),
    )
    op.create_index("campaign_memberships_streamer", "campaign_memberships", ["streamer_id"])


def _create_vtt_connections() -> None:
    op.create_table(
        "campaign_vtt_connections",
        sa.Column("id", sa.Uuid, primary_key=True),
        _campaign(),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("tunnel", sa.String(20), nullable=False),
    )
    op.create_index("campaign_vtt_connections_campaign", "campaign_vtt_connections", ["campaign_id"])


def _create_configs() -> None:
    op.create_table(
        "campaign_configs",
        _campaign(primary_key=True),
        _event(primary_key=True),
        sa.Column("enabled", sa.Boolean, nullable=False),
    )
    op.create_index("campaign_configs_event", "campaign_configs", ["event_id"])


def _create_instances() -> None:
    op.create_table(
        "campaign_instances",
        sa.Column("id", sa.Uuid, primary_key=True),
        _campaign(),
        _event(),
        sa.Column("streamer_id", sa.String(64), sa.ForeignKey("campaign_streamers.id", ondelete="CASCADE")),
        sa.Column("cooldown_ends_at", sa.TIMESTAMP(timezone=True), nullable=False),
    )
    columns = ["campaign_id", "event_id", "cooldown_ends_at"]
    op.create_index("campaign_instances_cooldown", "campaign_instances", columns)
    op.create_index("campaign_instances_event", "campaign_instances", ["event_id"])
    op.create_index("campaign_instances_streamer", "campaign_instances", ["streamer_id"])


def _campaign(*, primary_key: bool = False) -> sa.Column[object]:
    owner = sa.ForeignKey("campaign_campaigns.id", ondelete="CASCADE")
    return sa.Column("campaign_id", sa.Uuid, owner, primary_key=primary_key, nullable=False)


def _event(*, primary_key: bool = False) -> sa.Column[object]:
    owner = sa.ForeignKey("campaign_events.id", ondelete="CASCADE")
    return sa.Column("event_id", sa.Uuid, owner, primary_key=primary_key, nullable=False)


def downgrade() -> None:
    """Drop the tables with all that they hold."""
    for name in ("instances", "configs", "vtt_connections", "memberships", "events", "streamers", "campaigns"):
        op.drop_table(f"campaign_{name}")
