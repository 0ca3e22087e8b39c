"""Who answers the checks' questions about campaigns: the pack's tables, or an object of the application."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Self, TypeVar

from pydantic import SecretStr

from preflight.campaign.source import CampaignSource, GamificationEvent, SourceUnavailable
from preflight.context import CheckContext, shown
from preflight.examples import errored, failed
from preflight.redaction import redact
from preflight.settings import Settings
from preflight.threads import in_daemon_thread

Answer = TypeVar("Answer")

#: What every check says when the data cannot be read.
SOURCE_EXAMPLES = (
    errored("the campaigns' database <db:5432/app refuses the connection>", "<Start it, or correct its address.>"),
    errored(
        "the campaigns' database <db:5432/app> lacks the tables of this version",
        "Run `preflight db upgrade` with campaign in PREFLIGHT_PACKS.",
    ),
    errored(
        "the campaigns' database <db:5432/app> does not let this user read it",
        "Grant its user what the check needs: `preflight checks NAME` shows it.",
    ),
    errored(
        "there is no database to read campaigns from",
        "Set PREFLIGHT_DATABASE_URL, or name a source in PREFLIGHT_CAMPAIGN_SOURCE.",
    ),
    errored(
        "the package <cryptography> is not installed", "Install PreFlight with its extra: celery-preflight[campaign]."
    ),
    errored(
        "the source <shop.campaigns:source> did not answer in time",
        "Correct it, or the name in PREFLIGHT_CAMPAIGN_SOURCE.",
    ),
    errored(
        "the source <shop.campaigns:source> cannot be asked (<KeyError: 'nick'>)",
        "Correct it, or the name in PREFLIGHT_CAMPAIGN_SOURCE.",
    ),
)
#: What checks of one event say when the run names none that there is.
EVENT_EXAMPLES = (
    failed(
        "there is no event <'0190a5a0-7c1e-7000-8000-00000000ffff'>",
        "Create the event, or correct gamification_event_id.",
    ),
    errored(
        "gamification_event_id must be the id of an event as text, not <5>",
        'Pass metadata={"gamification_event_id": "..."} to the run.',
    ),
)


def may_read(*tables: str) -> str:
    """Return what the role of a check must be allowed to read some of the pack's tables."""
    grants = (f"GRANT SELECT ON campaign_{table} TO <user>" for table in tables)
    return "; ".join(("GRANT CONNECT ON DATABASE <database> TO <user>", *grants))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Campaigns:
    """Where campaigns are read. Only settings, so that it looks the same in every process."""

    named: str = ""
    database_url: SecretStr | None = None
    keys: SecretStr | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Read what `PREFLIGHT_CAMPAIGN_SOURCE` names, or the pack's tables in `PREFLIGHT_DATABASE_URL`."""
        return cls(named=settings.campaign_source, database_url=settings.database_url, keys=settings.campaign_keys)

    def warm_up(self) -> None:
        """Load what reads the pack's tables; what is not installed is told by the checks' answers."""
        if not self.named:
            with contextlib.suppress(ModuleNotFoundError):
                importlib.import_module("psycopg2.extras")  # SQLAlchemy loads it when it connects
                importlib.import_module("preflight.campaign.tables")

    async def ask(self, question: Callable[[CampaignSource], Answer], seconds: float) -> Answer:
        """Return what the source answers; raise `SourceUnavailable` if it cannot, or not within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                return await in_daemon_thread(lambda: question(_opened(self)))
        except SourceUnavailable:
            raise
        except TimeoutError:
            raise self._trouble("did not answer in time") from None
        except Exception as error:
            text = redact(" ".join(str(error).split()))[:200]
            raise self._trouble(f"cannot be asked ({type(error).__name__}: {text})") from None

    async def event_of(self, context: CheckContext, seconds: float) -> GamificationEvent | None:
        """Return the event that a run is about, None if there is no such event; raises as `ask` does."""
        campaign, event = context.campaign_id, context.metadata.get("gamification_event_id")
        if campaign is None or not isinstance(event, str):
            raise SourceUnavailable(
                f"gamification_event_id must be the id of an event as text, not {shown(event)}",
                'Pass metadata={"gamification_event_id": "..."} to the run.',
            )
        return await self.ask(lambda source: source.event(campaign, event), seconds)

    def _trouble(self, what: str) -> SourceUnavailable:
        if self.named:
            return SourceUnavailable(
                f"the source {self.named} {what}", "Correct it, or the name in PREFLIGHT_CAMPAIGN_SOURCE."
            )
        return SourceUnavailable(f"the campaigns' database {what}", "See what PostgreSQL is busy with.")


@functools.cache
def _opened(campaigns: Campaigns) -> CampaignSource:
    """Return the source of this process, made at the first question."""
    if campaigns.named:
        module, _, name = campaigns.named.partition(":")
        found: CampaignSource = functools.reduce(getattr, name.split("."), importlib.import_module(module))
        return found() if inspect.isclass(found) else found
    if campaigns.database_url is None:
        raise SourceUnavailable(
            "there is no database to read campaigns from",
            "Set PREFLIGHT_DATABASE_URL, or name a source in PREFLIGHT_CAMPAIGN_SOURCE.",
        )
    try:
        from preflight.campaign.tables import Tables
    except ModuleNotFoundError as error:
        raise SourceUnavailable(
            f"the package {error.name} is not installed",
            "Install PreFlight with its extra: celery-preflight[campaign].",
        ) from None
    return Tables(campaigns.database_url.get_secret_value(), campaigns.keys)
