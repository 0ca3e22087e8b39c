"""Ask whether the campaign wants the event at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Self

from preflight.campaign.campaigns import EVENT_EXAMPLES, SOURCE_EXAMPLES, Campaigns, may_read
from preflight.campaign.source import GamificationEvent, SourceUnavailable
from preflight.context import CheckContext, shown
from preflight.declaration import PreFlightCheck
from preflight.examples import failed, passed
from preflight.settings import Settings
from preflight.types import CheckResult


@dataclasses.dataclass(frozen=True, kw_only=True)
class GamificationConfigCheck(PreFlightCheck):
    """Look whether the event of the run is configured for its campaign, and enabled.

    The event is `metadata["gamification_event_id"]`. Answers are never kept: a game master may switch at any moment.
    """

    name: str = "gamification_config"
    priority: int = 20
    timeout: float = 5.0
    event_types: tuple[str, ...] = ("dice_roll", "redemption", "gamification_trigger")
    requires: tuple[str, ...] = ("campaign_id", "gamification_event_id")
    campaigns: Campaigns = dataclasses.field(default_factory=Campaigns, metadata={"parameter": False})

    default_remediation = "See what PostgreSQL, or the source of campaigns, is busy with."
    permissions = may_read("events", "configs", "instances")
    examples = (
        passed("<Critical hit> is enabled for the campaign"),
        failed("<Critical hit> is disabled for the campaign", "Enable <Critical hit> in the campaign's settings."),
        failed("<Critical hit> is not configured for the campaign", "Configure <Critical hit> for the campaign."),
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
        return _judged(event, shown(context.metadata["gamification_event_id"]))


def _judged(event: GamificationEvent | None, event_id: str) -> CheckResult:
    if event is None:
        return CheckResult.failed(
            f"there is no event {event_id}", remediation="Create the event, or correct gamification_event_id."
        )
    if not event.configured:
        return CheckResult.failed(
            f"{event.name} is not configured for the campaign", remediation=f"Configure {event.name} for the campaign."
        )
    if not event.enabled:
        return CheckResult.failed(
            f"{event.name} is disabled for the campaign", remediation=f"Enable {event.name} in the campaign's settings."
        )
    return CheckResult.passed(f"{event.name} is enabled for the campaign")
