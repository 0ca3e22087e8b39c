"""Ask whether there is a worker to ask the checks."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable
from typing import Self

from pydantic import SecretStr
from redis.asyncio import Redis

from preflight.context import CheckContext
from preflight.declaration import PreFlightCheck
from preflight.examples import failed, passed
from preflight.redis_peer import EXAMPLES, connected, trouble_of
from preflight.settings import Settings
from preflight.types import CheckResult

#: A worker whose last heartbeat is older than this is taken for dead, in milliseconds.
ALIVE_FOR_MS = 3000
START_A_WORKER = "start a worker: celery -A worker worker"


@dataclasses.dataclass(frozen=True, kw_only=True)
class WorkersCheck(PreFlightCheck):
    """Count the workers whose heartbeat is at most three seconds old, by Redis' clock.

    The opening of a run answers this check itself, since without a worker nobody else could. Executed by hand it asks
    truthfully. It can stop a run, and never makes one a GO. The rarer refusals of Redis are those of `redis`.
    """

    name: str = "workers"
    priority: int = 0
    timeout: float = 2.0
    url: SecretStr = dataclasses.field(default=SecretStr("redis://localhost:6379/0"), metadata={"parameter": False})
    namespace: str = dataclasses.field(default="preflight", metadata={"parameter": False})

    default_remediation = START_A_WORKER
    permissions = "~<namespace>:alive +time +zcount +select"
    examples = (passed("<2 workers are> alive"), failed("no worker is alive", START_A_WORKER), *EXAMPLES)

    @classmethod
    def from_settings(cls, settings: Settings) -> Iterable[Self]:
        """Read the heartbeats `<namespace>:alive` in the Redis of `PREFLIGHT_REDIS_URL`, if it is set."""
        return [cls(url=settings.redis_url, namespace=settings.namespace)] if settings.redis_url else []

    async def execute(self, context: CheckContext) -> CheckResult:
        """Answer within 90 % of the timeout, so that the check speaks for itself when Redis is silent."""
        url = self.url.get_secret_value()
        try:
            async with asyncio.timeout(0.9 * self.timeout), connected(url) as client:
                alive = await self._count(client)
        except Exception as error:
            trouble = trouble_of(error, url)
            return CheckResult.failed(trouble.message, error=type(error).__name__, remediation=trouble.remediation)
        if not alive:
            return CheckResult.failed("no worker is alive", remediation=START_A_WORKER)
        return CheckResult.passed(f"{alive} worker{'s are' if alive > 1 else ' is'} alive", metadata={"alive": alive})

    async def _count(self, client: Redis) -> int:
        seconds, microseconds = await client.time()
        now_ms = seconds * 1000 + microseconds // 1000
        return int(await client.zcount(f"{self.namespace}:alive", now_ms - ALIVE_FOR_MS, "+inf"))
