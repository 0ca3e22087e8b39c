"""Ask whether the event may happen again already."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Self

from preflight.campaign.campaigns import EVENT_EXAMPLES, SOURCE_EXAMPLES, Campaigns, may_read
from preflight.campaign.source import Cooldown, GamificationEvent, SourceUnavailable
from preflight.context import CheckContext, shown
from preflight.declaration import PreFlightCheck
from preflight.examples import errored, failed, passed
from preflight.settings import Settings
from preflight.types import CheckResult


@dataclasses.dataclass(frozen=True, kw_only=True)
class CooldownCheck(PreFlightCheck):
    """Look whether the event of the run is on cooldown in its campaign.

    The event is `metadata["gamification_event_id"]`. An individual event cools down by streamer, so that the run must
    name its `streamer_ids`; any other one for the whole campaign. Answers are never kept.
    """

    name: str = "cooldown"
    priority: int = 20
    timeout: float = 5.0
    event_types: tuple[str, ...] = ("dice_roll", "redemption", "gamification_trigger")
    requires: tuple[str, ...] = ("campaign_id", "gamification_event_id")
    campaigns: Campaigns = dataclasses.field(default_factory=Campaigns, metadata={"parameter": False})

    default_remediation = "See what PostgreSQL, or the source of campaigns, is busy with."
    permissions = may_read("events", "configs", "instances")
    examples = (
        passed("<Critical hit> is not on cooldown"),
        failed(
            "<Critical hit> is on cooldown for <2 of the run's streamers>: <42> s left",
            "Wait <42> s, or shorten the event's cooldown.",
        ),
        failed(
            "<Critical hit> is on cooldown for the campaign: <42> s left",
            "Wait <42> s, or shorten the event's cooldown.",
        ),
        errored("<Critical hit> cools down by streamer, and the run names none", "Pass streamer_ids to the run."),
        *EVENT_EXAMPLES,
        *SOURCE_EXAMPLES,
    )

    @classmethod
    def from_settings(cls, settings: Settings) -> Iterable[Self]:
        """With `PREFLIGHT_PACKS=campaign`: ask for the event types of `PREFLIGHT_CAMPAIGN_EVENT_TYPES`."""
        return [cls(event_types=settings.campaign_event_types, campaigns=Campaigns.from_settings(settings))]

    def warm_up(self) -> None:
        """Load what reads the tables."""
        self.campaigns.warm_up()

    async def execute(self, context: CheckContext) -> CheckResult:
        """Answer within 90 % of the timeout."""
        try:
            event = await self.campaigns.event_of(context, 0.9 * self.timeout)
        except SourceUnavailable as trouble:
            return CheckResult.errored(str(trouble), remediation=trouble.remediation)
        if event is None:
            return CheckResult.failed(
                f"there is no event {shown(context.metadata['gamification_event_id'])}",
                remediation="Create the event, or correct gamification_event_id.",
            )
        if event.individual and not context.streamer_ids:
            return CheckResult.errored(
                f"{event.name} cools down by streamer, and the run names none",
                remediation="Pass streamer_ids to the run.",
            )
        return _judged(event, _cooling(event, context))


def _cooling(event: GamificationEvent, context: CheckContext) -> list[Cooldown]:
    """Return what is still cooling down and counts for the run, the longest first."""
    now = datetime.now(UTC)
    ours = [one for one in event.cooldowns if not event.individual or one.streamer_id in context.streamer_ids]
    return sorted((one for one in ours if one.ends_at > now), key=lambda one: one.ends_at, reverse=True)


def _judged(event: GamificationEvent, cooling: list[Cooldown]) -> CheckResult:
    if not cooling:
        return CheckResult.passed(f"{event.name} is not on cooldown")
    seconds = math.ceil((cooling[0].ends_at - datetime.now(UTC)).total_seconds())
    whom = f"{len(cooling)} of the run's streamers" if event.individual else "the campaign"
    return CheckResult.failed(
        f"{event.name} is on cooldown for {whom}: {max(seconds, 1)} s left",
        metadata={"seconds_left": max(seconds, 1)},
        remediation=f"Wait {max(seconds, 1)} s, or shorten the event's cooldown.",
    )
