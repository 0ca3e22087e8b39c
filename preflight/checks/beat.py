"""Ask whether beat, which sends PreFlight's own periodic jobs, is alive."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import Field, SecretStr
from redis.asyncio import Redis

from preflight.context import CheckContext
from preflight.declaration import PreFlightCheck
from preflight.examples import failed, passed
from preflight.redis_peer import EXAMPLES, connected, trouble_of
from preflight.settings import Settings
from preflight.types import CheckResult, Severity

START_BEAT = "Start it: celery -A worker beat. Without it no health sweep runs and no old report is deleted."


@dataclasses.dataclass(frozen=True, kw_only=True)
class BeatCheck(PreFlightCheck):
    """Ask how long ago beat ticked last, by Redis' clock.

    Beat ticks when it starts and every 10 s, and a worker notes it in Redis: without such a worker there is no tick
    either. Advisory, since runs do not need beat. The rarer refusals of Redis are those of `redis`.
    """

    name: str = "beat"
    priority: int = 0
    timeout: float = 2.0
    severity: Severity | str = Severity.ADVISORY
    cache_ttl: float | None = 5.0
    cache_scope: str | None = "global"
    url: SecretStr = dataclasses.field(default=SecretStr("redis://localhost:6379/0"), metadata={"parameter": False})
    namespace: str = dataclasses.field(default="preflight", metadata={"parameter": False})
    late_after: Annotated[
        float, Field(ge=10, le=86_400, allow_inf_nan=False, description="seconds; an older tick is a failure")
    ] = 30.0

    default_remediation = START_BEAT
    permissions = "~<namespace>:beat +time +get +select"
    examples = (
        passed("beat ticked <4> s ago"),
        failed("beat has not ticked for <95> s", START_BEAT),
        failed("beat has never ticked", START_BEAT),
        *EXAMPLES,
    )

    @classmethod
    def from_settings(cls, settings: Settings) -> Iterable[Self]:
        """Read the last tick, `<namespace>:beat`, in the Redis of `PREFLIGHT_REDIS_URL`, if it is set."""
        return [cls(url=settings.redis_url, namespace=settings.namespace)] if settings.redis_url else []

    async def execute(self, context: CheckContext) -> CheckResult:
        """Answer within 90 % of the timeout, so that the check speaks for itself when Redis is silent."""
        url = self.url.get_secret_value()
        try:
            async with asyncio.timeout(0.9 * self.timeout), connected(url) as client:
                age = await self._age(client)
        except Exception as error:
            trouble = trouble_of(error, url)
            return CheckResult.failed(trouble.message, error=type(error).__name__, remediation=trouble.remediation)
        return self._judged(age)

    async def _age(self, client: Redis) -> float | None:
        """Return the seconds since the last tick; None if there was none."""
        tick = await client.get(f"{self.namespace}:beat")
        seconds, microseconds = await client.time()
        if tick is None or not tick.isdigit():
            return None
        return max(0.0, seconds + microseconds / 1_000_000 - int(tick) / 1000)

    def _judged(self, age: float | None) -> CheckResult:
        if age is None:
            return CheckResult.failed("beat has never ticked", remediation=START_BEAT)
        if age > self.late_after:
            return CheckResult.failed(f"beat has not ticked for {age:.0f} s", remediation=START_BEAT)
        return CheckResult.passed(f"beat ticked {age:.0f} s ago", metadata={"age_seconds": round(age, 1)})
