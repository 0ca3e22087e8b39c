"""Sample data: a campaign that is all well, and one for each way to be unwell. For the demo and for tests."""

from __future__ import annotations

import base64
import dataclasses
import functools
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from preflight.campaign.encryption import Keys
from preflight.campaign.models import (
    campaigns,
    configs,
    events,
    instances,
    memberships,
    streamers,
    vtt_connections,
)
from preflight.reports.database import explaining, make_engine, parsed
from preflight.types import Status

#: An event that cools down by streamer, and one that cools down for the whole campaign.
INDIVIDUAL_EVENT = UUID("0190a5a0-7c1e-7000-8000-00000000e001")
GROUP_EVENT = UUID("0190a5a0-7c1e-7000-8000-00000000e002")
TOKEN_SECONDS = 30 * 24 * 3600
EXPIRING_SECONDS = 3 * 3600

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sample:
    """One campaign with one streamer. Everything is well but what is given here; `says` is what its checks answer then.

    Rows are changed by the columns given; None leaves the row out. `cooling` are the events on cooldown.
    """

    name: str
    number: int
    says: Mapping[str, Status] = dataclasses.field(default_factory=dict)
    streamer: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    membership: Mapping[str, Any] | None = dataclasses.field(default_factory=dict)
    vtt_connection: Mapping[str, Any] | None = dataclasses.field(default_factory=dict)
    config: Mapping[str, Any] | None = dataclasses.field(default_factory=dict)
    cooling: tuple[UUID, ...] = ()

    @property
    def id(self) -> UUID:
        """The campaign's id, the same everywhere."""
        return UUID(f"0190a5a0-7c1e-7000-8000-{self.number:012}")

    @property
    def streamer_id(self) -> str:
        """The id of its streamer."""
        return f"sample_{self.name}"

    @property
    def token(self) -> str:
        """The token of its streamer, in plain text: it opens nothing but the sample Twitch."""
        return f"sample-token-{self.name}"


NO_TOKENS = {"tokens": Status.FAILED}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

WELL = Sample(name="well", number=1)
SAMPLES = (
    WELL,
    Sample(name="inactive", number=2, says=NO_TOKENS, streamer={"active": False}),
    Sample(name="unauthorised", number=3, says=NO_TOKENS, membership={"authorised": False}),
    Sample(name="authorised_too_long_ago", number=4, says=NO_TOKENS, membership={"authorised_until": LONG_AGO}),
    Sample(name="never_signed_in", number=5, says=NO_TOKENS, streamer={"encrypted_token": None}),
    Sample(name="expired", number=6, says=NO_TOKENS, streamer={"token_expires_at": LONG_AGO}),
    Sample(name="revoked", number=7, says=NO_TOKENS),
    Sample(name="expiring", number=8, says={"tokens": Status.WARNING}),
    Sample(name="lost_key", number=9, says={"tokens": Status.ERROR}),
    Sample(name="without_streamers", number=10, says=NO_TOKENS, membership=None),
    Sample(name="without_tabletop", number=11, says={"vtt_connection": Status.FAILED}, vtt_connection=None),
    Sample(
        name="tabletop_revoked", number=12, says={"vtt_connection": Status.FAILED}, vtt_connection={"active": False}
    ),
    Sample(
        name="tunnel_lost",
        number=13,
        says={"vtt_connection": Status.WARNING},
        vtt_connection={"tunnel": "disconnected"},
    ),
    Sample(
        name="tunnel_broken", number=14, says={"vtt_connection": Status.WARNING}, vtt_connection={"tunnel": "error"}
    ),
    Sample(name="unconfigured", number=15, says={"gamification_config": Status.FAILED}, config=None),
    Sample(name="disabled", number=16, says={"gamification_config": Status.FAILED}, config={"enabled": False}),
    Sample(name="cooling", number=17, says={"cooldown": Status.FAILED}, cooling=(INDIVIDUAL_EVENT, GROUP_EVENT)),
)

#: The tokens that the sample Twitch accepts, and the seconds that each has left.
TOKENS = {one.token: TOKEN_SECONDS for one in SAMPLES if one.name != "revoked"} | {
    one.token: EXPIRING_SECONDS for one in SAMPLES if one.name == "expiring"
}


def new_key() -> str:
    """Return a new Fernet key."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def install(database_url: str, keys: SecretStr) -> None:
    """Write the sample into a migrated database, over an older sample; `StoreUnavailable` if that cannot be."""
    url = parsed(database_url)
    engine = make_engine(url, poolclass=sa.NullPool)
    with explaining(url), engine.begin() as connection:
        _remove(connection)
        connection.execute(
            insert(events),
            [
                {"id": INDIVIDUAL_EVENT, "name": "Critical hit", "individual": True},
                {"id": GROUP_EVENT, "name": "Group inspiration", "individual": False},
            ],
        )
        for one in SAMPLES:
            _write(connection, one, Keys(keys))


def _remove(connection: Connection) -> None:
    connection.execute(sa.delete(campaigns).where(campaigns.c.id.in_([one.id for one in SAMPLES])))
    connection.execute(sa.delete(streamers).where(streamers.c.id.in_([one.streamer_id for one in SAMPLES])))
    connection.execute(sa.delete(events).where(events.c.id.in_([INDIVIDUAL_EVENT, GROUP_EVENT])))


def _write(connection: Connection, one: Sample, keys: Keys) -> None:
    if one.name == "lost_key":
        keys = Keys(SecretStr(new_key()))
    now = datetime.now(UTC)
    row = functools.partial(_row, campaign_id=one.id)
    streamer = {"encrypted_token": keys.encrypt(one.token), "token_expires_at": now + timedelta(days=30)}
    connection.execute(insert(campaigns), {"id": one.id, "name": f"Sample {one.name}"})
    connection.execute(
        insert(streamers), {"id": one.streamer_id, "name": one.streamer_id, "active": True, **streamer, **one.streamer}
    )
    _insert(connection, memberships, one.membership, row(streamer_id=one.streamer_id, authorised=True))
    tabletop = row(id=one.id, name="Sample tabletop", active=True, tunnel="connected")
    _insert(connection, vtt_connections, one.vtt_connection, tabletop)
    for event in (INDIVIDUAL_EVENT, GROUP_EVENT):
        _insert(connection, configs, one.config, row(event_id=event, enabled=True))
    for event in one.cooling:
        whose = one.streamer_id if event == INDIVIDUAL_EVENT else None
        cooling = row(id=_instance_id(one, event), event_id=event, streamer_id=whose)
        _insert(connection, instances, {"cooldown_ends_at": now + timedelta(days=1)}, cooling)


def _row(**columns: Any) -> Row:
    return columns


def _instance_id(one: Sample, event: UUID) -> UUID:
    return UUID(int=one.id.int ^ (event.int & 0xFFFF) << 16)


def _insert(connection: Connection, table: sa.Table, changes: Mapping[str, Any] | None, row: Row) -> None:
    if changes is not None:
        connection.execute(insert(table), {**row, **changes})
