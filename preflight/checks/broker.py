"""Ask whether the Redis that drives the runs answers."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable
from typing import Self

from pydantic import SecretStr

from preflight.context import CheckContext
from preflight.declaration import PreFlightCheck
from preflight.examples import passed
from preflight.redis_peer import EXAMPLES, address_of, connected, trouble_of
from preflight.settings import Settings
from preflight.types import CheckResult


@dataclasses.dataclass(frozen=True, kw_only=True)
class BrokerCheck(PreFlightCheck):
    """Ask PreFlight's own Redis for a PING.

    The opening of a run answers this check itself and no worker executes it: a run that could be opened has a broker;
    with `PREFLIGHT_BROKER_URL` its first checks were published there too. Executed by hand it asks truthfully. It can
    stop a run, and never makes one a GO. The rarer refusals are those of `redis`.
    """

    name: str = "broker"
    priority: int = 0
    timeout: float = 2.0
    url: SecretStr = dataclasses.field(default=SecretStr("redis://localhost:6379/0"), metadata={"parameter": False})

    default_remediation = "Start the Redis that PREFLIGHT_REDIS_URL names, or correct the setting."
    permissions = "+ping +select"
    examples = (passed("Redis at <broker:6379> answers"), *EXAMPLES)

    @classmethod
    def from_settings(cls, settings: Settings) -> Iterable[Self]:
        """Ask the Redis of `PREFLIGHT_REDIS_URL`, if it is set."""
        return [cls(url=settings.redis_url)] if settings.redis_url else []

    async def execute(self, context: CheckContext) -> CheckResult:
        """Answer within 90 % of the timeout, so that the check speaks for itself when Redis is silent."""
        url = self.url.get_secret_value()
        try:
            async with asyncio.timeout(0.9 * self.timeout), connected(url) as client:
                await client.ping()
        except Exception as error:
            trouble = trouble_of(error, url)
            return CheckResult.failed(trouble.message, error=type(error).__name__, remediation=trouble.remediation)
        return CheckResult.passed(f"Redis at {address_of(url)} answers")
