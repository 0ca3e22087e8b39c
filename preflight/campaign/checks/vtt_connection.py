"""Ask whether the campaign's virtual tabletop is connected."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Self

from preflight.campaign.campaigns import SOURCE_EXAMPLES, Campaigns, may_read
from preflight.campaign.source import SourceUnavailable, VttConnection
from preflight.context import CheckContext
from preflight.declaration import PreFlightCheck
from preflight.examples import failed, passed, warning
from preflight.settings import Settings
from preflight.types import CheckResult

BROKEN_TUNNELS = ("error", "disconnected")


@dataclasses.dataclass(frozen=True, kw_only=True)
class VttConnectionCheck(PreFlightCheck):
    """Look whether the campaign has a connection with a virtual tabletop, and whether it is active.

    A tunnel that is in error or disconnected is a warning: it may come back by itself.
    """

    name: str = "vtt_connection"
    priority: int = 15
    timeout: float = 5.0
    event_types: tuple[str, ...] = ("dice_roll", "redemption", "gamification_trigger")
    requires: tuple[str, ...] = ("campaign_id",)
    campaigns: Campaigns = dataclasses.field(default_factory=Campaigns, metadata={"parameter": False})

    default_remediation = "See what PostgreSQL, or the source of campaigns, is busy with."
    permissions = may_read("vtt_connections")
    examples = (
        passed("the connection with <Foundry> is active"),
        warning(
            "the tunnel to <Foundry> is in the state <disconnected>",
            "Open <Foundry> in the game master's browser, and see its log.",
        ),
        failed(
            "the campaign has no connection with a virtual tabletop",
            "Connect the campaign with its virtual tabletop, or correct the campaign's id.",
        ),
        failed("the connection with <Foundry> is not active", "Activate the campaign's connection with <Foundry>."),
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
        campaign = context.campaign_id
        assert campaign is not None, "the check requires it"
        try:
            found = await self.campaigns.ask(lambda source: source.vtt_connection(campaign), 0.9 * self.timeout)
        except SourceUnavailable as trouble:
            return CheckResult.errored(str(trouble), remediation=trouble.remediation)
        return _judged(found)


def _judged(connection: VttConnection | None) -> CheckResult:
    if connection is None:
        return CheckResult.failed(
            "the campaign has no connection with a virtual tabletop",
            remediation="Connect the campaign with its virtual tabletop, or correct the campaign's id.",
        )
    if not connection.active:
        return CheckResult.failed(
            f"the connection with {connection.name} is not active",
            remediation=f"Activate the campaign's connection with {connection.name}.",
        )
    if connection.tunnel in BROKEN_TUNNELS:
        return CheckResult.warning(
            f"the tunnel to {connection.name} is in the state {connection.tunnel}",
            remediation=f"Open {connection.name} in the game master's browser, and see its log.",
        )
    return CheckResult.passed(f"the connection with {connection.name} is active")
