"""Ask whether every streamer of the campaign can be acted for."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Self

from pydantic import Field

from preflight import addresses
from preflight.campaign import findings
from preflight.campaign.campaigns import SOURCE_EXAMPLES, Campaigns, may_read
from preflight.campaign.findings import Finding
from preflight.campaign.source import SourceUnavailable, Streamer
from preflight.campaign.twitch import Conversation, Host, TwitchSilent, conversation, look_up
from preflight.context import CheckContext
from preflight.declaration import PreFlightCheck
from preflight.examples import errored, failed, passed, warning
from preflight.settings import Settings
from preflight.types import CheckResult

#: So many tokens are validated at the same time.
AT_ONCE = 16


def same_streamers(context: CheckContext) -> str:
    """Return what two runs must share for one answer to serve both: the campaign, and whom they name besides."""
    return f"{context.campaign_id} {' '.join(sorted(context.streamer_ids))}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TokensCheck(PreFlightCheck):
    """Look whether every streamer is active and has authorised the campaign, and have Twitch validate their tokens.

    The streamers are those of the campaign and those that the run names in `streamer_ids`. Tokens are validated 16 at
    a time, all of them within the check's timeout. They are never refreshed and nothing is ever written. A token that
    expires within `warn_within_hours` is a warning. An outage of Twitch is no fault of a token: it is an error.
    """

    name: str = "tokens"
    priority: int = 10
    timeout: float = 10.0
    requires: tuple[str, ...] = ("campaign_id",)
    cache_ttl: float | None = 60.0
    cache_scope: str | Callable[[CheckContext], str] | None = same_streamers
    may_be_slow: bool = True
    auth_url: str = dataclasses.field(default="https://id.twitch.tv", metadata={"parameter": False})
    allow_private: bool = dataclasses.field(default=False, metadata={"parameter": False})
    campaigns: Campaigns = dataclasses.field(default_factory=Campaigns, metadata={"parameter": False})
    warn_within_hours: Annotated[
        float, Field(ge=0, le=8760, allow_inf_nan=False, description="a token that expires sooner is a warning")
    ] = 24.0

    default_remediation = "See Twitch's status page and what the campaigns' database is busy with."
    permissions = may_read("streamers", "memberships")
    examples = (
        passed("the tokens of <12> streamers are valid"),
        passed("the token of the only streamer is valid"),
        warning("<nova has a token that expires in 3 h>", "Have the streamer sign in with Twitch again."),
        failed("<nova> has a token that Twitch no longer accepts", "Have the streamer sign in with Twitch again."),
        failed("<nova> has a token that has expired", "Have the streamer sign in with Twitch again."),
        failed("<nova> has never signed in with Twitch", "Have the streamer sign in with Twitch again."),
        failed("<nova> has a token that is none of Twitch's", "Have the streamer sign in with Twitch again."),
        failed("<nova> is not active", "Activate the streamer, or take them out of the campaign."),
        failed(
            "<nova> has not authorised the campaign",
            "Have the streamer authorise the campaign, or take them out of it.",
        ),
        failed(
            "<nova> authorised the campaign for a time that is over",
            "Have the streamer authorise the campaign, or take them out of it.",
        ),
        failed(
            "<nova is not active; vega is not active>; and <7> more",
            "<Activate the streamer, or take them out of the campaign.>",
        ),
        failed("<nova> is no known streamer", "Correct the run's streamer_ids."),
        failed("the campaign has no streamer", "Invite streamers, or correct the campaign's id."),
        errored(
            "<nova> could not be validated (<Twitch answers 429, to be asked again in 7 s>)",
            "Try again when Twitch is well: nothing is known to be wrong with the streamers' tokens.",
        ),
        errored(
            "<nova could not be validated (Twitch did not answer in time)>; and <7> more",
            "Try again when Twitch is well: nothing is known to be wrong with the streamers' tokens.",
        ),
        errored(
            "no key of PREFLIGHT_CAMPAIGN_KEYS decrypts the token of <nova>",
            "Add the key that it was encrypted with to PREFLIGHT_CAMPAIGN_KEYS, or have the streamer sign in again.",
        ),
        errored(
            "PREFLIGHT_CAMPAIGN_KEYS is not set, so that no token of a streamer can be read",
            "Set PREFLIGHT_CAMPAIGN_KEYS to the key that the tokens were encrypted with.",
        ),
        *SOURCE_EXAMPLES,
    )

    @classmethod
    def from_settings(cls, settings: Settings) -> Iterable[Self]:
        """With `PREFLIGHT_PACKS=campaign`: ask the authorization server of `PREFLIGHT_TWITCH_AUTH_URL`."""
        return [
            cls(
                auth_url=settings.twitch_auth_url,
                allow_private=settings.http_allow_private,
                campaigns=Campaigns.from_settings(settings),
            )
        ]

    def warm_up(self) -> None:
        """Load what speaks with Twitch and reads the tables."""
        addresses.warm_up()
        self.campaigns.warm_up()

    async def execute(self, context: CheckContext) -> CheckResult:
        """Answer within 90 % of the timeout; what Twitch has not answered by then could not be asked."""
        until = asyncio.get_running_loop().time() + 0.9 * self.timeout
        try:
            streamers = await self._streamers(context)
        except SourceUnavailable as trouble:
            return CheckResult.errored(str(trouble), remediation=trouble.remediation)
        known = {streamer.id for streamer in streamers}
        found = [findings.unknown(named) for named in context.streamer_ids if named not in known]
        found += [finding for finding in map(findings.stored, streamers) if finding]
        if in_order := [one for one in streamers if findings.stored(one) is None]:
            found += await self._validated(in_order, until)
        return findings.result_of(found)

    async def _streamers(self, context: CheckContext) -> Sequence[Streamer]:
        campaign = context.campaign_id
        assert campaign is not None, "the check requires it"
        return await self.campaigns.ask(
            lambda source: tuple(source.streamers(campaign, context.streamer_ids)), 0.5 * self.timeout
        )

    async def _validated(self, streamers: Sequence[Streamer], until: float) -> list[Finding]:
        """Return a finding for each streamer: some tasks take from one iterator, so that no more are under way."""
        found: dict[str, Finding] = {}
        waiting = iter(streamers)
        why = "Twitch did not answer in time"
        try:
            async with asyncio.timeout_at(until):
                host = await look_up(self.auth_url, allow_private=self.allow_private)
                async with asyncio.TaskGroup() as tasks:
                    for _ in range(min(AT_ONCE, len(streamers))):
                        tasks.create_task(self._validate(waiting, host, until, found))
        except TwitchSilent as silence:
            why = str(silence)
        except TimeoutError:
            pass  # those that are not in `found` are the ones that were not answered
        return [found.get(one.id) or findings.not_asked(one, why) for one in streamers]

    async def _validate(self, waiting: Iterator[Streamer], host: Host, until: float, found: dict[str, Finding]) -> None:
        async with conversation(host, until) as twitch:
            for streamer in waiting:
                found[streamer.id] = await self._finding(streamer, twitch)
                if twitch.gave_up:
                    return

    async def _finding(self, streamer: Streamer, twitch: Conversation) -> Finding:
        token = streamer.token.get_secret_value() if streamer.token else ""
        try:
            answer = await twitch.ask("GET", "/oauth2/validate", headers={"Authorization": f"OAuth {token}"})
        except TwitchSilent as silence:
            return findings.not_asked(streamer, str(silence))
        if answer.status == 401:
            return findings.invalid(streamer)
        expires_in = answer.body.get("expires_in")
        if answer.status != 200 or not isinstance(expires_in, int | float) or not 0 <= expires_in < math.inf:
            return findings.not_asked(streamer, _refusal(answer.status, answer.wait_seconds))
        return findings.valid(streamer, expires_in, self.warn_within_hours)


def _refusal(status: int, wait_seconds: int | None) -> str:
    if status == 200:
        return "Twitch does not say when it expires"
    wait = f", to be asked again in {wait_seconds} s" if status == 429 and wait_seconds is not None else ""
    return f"Twitch answers {status}{wait}"
