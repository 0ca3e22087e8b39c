"""The tables of the pack. Nothing outside of `preflight.campaign` reads or writes them."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

campaigns = sa.Table(
    "campaign_campaigns",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
)

streamers = sa.Table(
    "campaign_streamers",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    # Encrypted with the first of PREFLIGHT_CAMPAIGN_KEYS; never in plain text.
    sa.Column("encrypted_token", sa.Text),
    sa.Column("token_expires_at", sa.TIMESTAMP(timezone=True)),
)

memberships = sa.Table(
    "campaign_memberships",
    metadata,
    sa.Column("campaign_id", sa.ForeignKey("campaign_campaigns.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("streamer_id", sa.ForeignKey("campaign_streamers.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("authorised", sa.Boolean, nullable=False),
    sa.Column("authorised_until", sa.TIMESTAMP(timezone=True)),
    sa.Index("campaign_memberships_streamer", "streamer_id"),
)

vtt_connections = sa.Table(
    "campaign_vtt_connections",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("campaign_id", sa.ForeignKey("campaign_campaigns.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("tunnel", sa.String(20), nullable=False),
    sa.Index("campaign_vtt_connections_campaign", "campaign_id"),
)

events = sa.Table(
    "campaign_events",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("individual", sa.Boolean, nullable=False),
)

configs = sa.Table(
    "campaign_configs",
    metadata,
    sa.Column("campaign_id", sa.ForeignKey("campaign_campaigns.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("event_id", sa.ForeignKey("campaign_events.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Index("campaign_configs_event", "event_id"),
)

instances = sa.Table(
    "campaign_instances",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("campaign_id", sa.ForeignKey("campaign_campaigns.id", ondelete="CASCADE"), nullable=False),
    sa.Column("event_id", sa.ForeignKey("campaign_events.id", ondelete="CASCADE"), nullable=False),
    sa.Column("streamer_id", sa.ForeignKey("campaign_streamers.id", ondelete="CASCADE")),
    sa.Column("cooldown_ends_at", sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Index("campaign_instances_cooldown", "campaign_id", "event_id", "cooldown_ends_at"),
    sa.Index("campaign_instances_event", "event_id"),
    sa.Index("campaign_instances_streamer", "streamer_id"),
)
