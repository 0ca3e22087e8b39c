"""What the pack's checks ask of an application's data, and the words in which it answers.

The pack's own tables answer unless `PREFLIGHT_CAMPAIGN_SOURCE` names an object of yours with these three methods.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from pydantic import SecretStr

from preflight.exceptions import PreFlightError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Streamer:
    """A streamer as one campaign sees them. Instants are aware; `authorised_until` None means without an end."""

    id: str
    name: str
    active: bool
    authorised: bool
    authorised_until: datetime | None = None
    token: SecretStr | None = None
    token_expires_at: datetime | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class VttConnection:
    """A campaign's connection with its virtual tabletop. `tunnel` is connected, connecting, disconnected or error."""

    name: str
    active: bool
    tunnel: str = "connected"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cooldown:
    """Until when an event must not happen again; of an individual event, for one streamer."""

    ends_at: datetime
    streamer_id: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class GamificationEvent:
    """An event as one campaign sees it. `individual` events cool down by streamer, others for the whole campaign."""

    name: str
    individual: bool
    configured: bool
    enabled: bool
    cooldowns: Sequence[Cooldown] = ()


class CampaignSource(Protocol):
    """Where campaigns are kept. Methods are called in threads, read only, and may raise anything."""

    def streamers(self, campaign_id: UUID, streamer_ids: Sequence[str]) -> Iterable[Streamer]:
        """Return the streamers of a campaign, and those of `streamer_ids` that exist besides."""
        ...

    def vtt_connection(self, campaign_id: UUID) -> VttConnection | None:
        """Return a campaign's connection, an active one if there are several; None if there is none."""
        ...

    def event(self, campaign_id: UUID, event_id: str) -> GamificationEvent | None:
        """Return an event with what cools down of it in a campaign; None if there is no such event."""
        ...


class SourceUnavailable(PreFlightError):
    """The data cannot be read: the text says why, `remediation` what to do."""

    def __init__(self, message: str, remediation: str) -> None:
        super().__init__(message)
        self.remediation = remediation
