"""The pack's own tables as a source: every question is a fixed number of queries, in a transaction that only reads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from uuid import UUID

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection, Row

from preflight.campaign.encryption import Keys
from preflight.campaign.models import configs, events, instances, memberships, streamers, vtt_connections
from preflight.campaign.source import Cooldown, GamificationEvent, SourceUnavailable, Streamer, VttConnection
from preflight.postgresql_peer import GRANT_IT
from preflight.reports.database import make_engine, parsed
from preflight.reports.errors import address_of, fault_of

#: Less than the checks' timeouts, so that a query never outlives its check for long.
STATEMENT_TIMEOUT_MS = 4000
#: By PostgreSQL's error code, what is otherwise than with the reports' tables.
_TROUBLES = {
    **dict.fromkeys(
        ("42P01", "42703"),
        ("lacks the tables of this version", "Run `preflight db upgrade` with campaign in PREFLIGHT_PACKS."),
    ),
    "42501": ("does not let this user read it", GRANT_IT),
}


class Tables:
    """The tables of `preflight.campaign.models`, in PreFlight's own database."""

    def __init__(self, database_url: str, keys: SecretStr | None) -> None:
        """Connect to nothing yet. Without `keys` everything but tokens can be read."""
        self._url = parsed(database_url)
        self._keys = keys
        self._engine = make_engine(
            self._url,
            statement_timeout_ms=STATEMENT_TIMEOUT_MS,
            pool_size=2,
            max_overflow=3,
            pool_timeout=2,
            execution_options={"postgresql_readonly": True},
        )

    def dispose(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def streamers(self, campaign_id: UUID, streamer_ids: Sequence[str]) -> list[Streamer]:
        """Return a campaign's streamers and those that are named besides, by name, in one query."""
        with self._reading() as connection:
            rows = connection.execute(_streamers(campaign_id, streamer_ids)).all()
        keys = Keys(self._keys) if any(row.encrypted_token for row in rows) else None
        return [_streamer(row, keys) for row in rows]

    def vtt_connection(self, campaign_id: UUID) -> VttConnection | None:
        """Return a campaign's connection, an active one before others, in one query."""
        found = vtt_connections.c
        query = sa.select(found.name, found.active, found.tunnel).where(found.campaign_id == campaign_id)
        with self._reading() as connection:
            row = connection.execute(query.order_by(found.active.desc(), found.id.desc()).limit(1)).first()
        return row and VttConnection(name=row.name, active=row.active, tunnel=row.tunnel)

    def event(self, campaign_id: UUID, event_id: str) -> GamificationEvent | None:
        """Return an event with its configuration in a campaign and what cools down there, in two queries."""
        try:
            event = UUID(event_id)
        except ValueError:
            return None  # our events' ids are UUIDs
        with self._reading() as connection:
            row = connection.execute(_event(campaign_id, event)).first()
            cooling = connection.execute(_cooling(campaign_id, event)).all()
        return row and GamificationEvent(
            name=row.name,
            individual=row.individual,
            configured=row.enabled is not None,
            enabled=bool(row.enabled),
            cooldowns=tuple(Cooldown(streamer_id=one.streamer_id, ends_at=one.ends_at) for one in cooling),
        )

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise self._trouble(error) from None

    def _trouble(self, error: sa.exc.SQLAlchemyError) -> SourceUnavailable:
        code = getattr(getattr(error, "orig", None), "pgcode", None) or ""
        fault, advice = _TROUBLES.get(code) or fault_of(self._url, error)
        return SourceUnavailable(f"the campaigns' database {address_of(self._url)} {fault}", advice)


def _streamers(campaign_id: UUID, streamer_ids: Sequence[str]) -> sa.Select[tuple[object, ...]]:
    members = sa.select(memberships.c.streamer_id).where(memberships.c.campaign_id == campaign_id)
    named = sa.select(sa.func.unnest(sa.literal(list(streamer_ids), ARRAY(sa.String))))
    ours = sa.and_(memberships.c.streamer_id == streamers.c.id, memberships.c.campaign_id == campaign_id)
    return (
        sa.select(*streamers.c, memberships.c.authorised, memberships.c.authorised_until)
        .outerjoin_from(streamers, memberships, ours)
        .where(streamers.c.id.in_(sa.union(members, named)))
        .order_by(streamers.c.name, streamers.c.id)
    )


def _streamer(row: Row[tuple[object, ...]], keys: Keys | None) -> Streamer:
    return Streamer(
        id=row.id,
        name=row.name,
        active=row.active,
        authorised=bool(row.authorised),
        authorised_until=row.authorised_until,
        token=keys.decrypt(row.encrypted_token, row.name) if keys and row.encrypted_token else None,
        token_expires_at=row.token_expires_at,
    )


def _event(campaign_id: UUID, event_id: UUID) -> sa.Select[tuple[object, ...]]:
    ours = sa.and_(configs.c.event_id == events.c.id, configs.c.campaign_id == campaign_id)
    columns = (events.c.name, events.c.individual, configs.c.enabled)
    return sa.select(*columns).outerjoin_from(events, configs, ours).where(events.c.id == event_id)


def _cooling(campaign_id: UUID, event_id: UUID) -> sa.Select[tuple[object, ...]]:
    found = instances.c
    return (
        sa.select(found.streamer_id, sa.func.max(found.cooldown_ends_at).label("ends_at"))
        .where(found.campaign_id == campaign_id, found.event_id == event_id, found.cooldown_ends_at > sa.func.now())
        .group_by(found.streamer_id)
    )
