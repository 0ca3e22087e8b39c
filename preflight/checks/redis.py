"""Ask whether the application's Redis answers and takes writes."""

from __future__ import annotations

import asyncio
import dataclasses
import uuid
from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import Field, SecretStr
from redis.asyncio import Redis

from preflight.context import CheckContext
from preflight.declaration import PreFlightCheck
from preflight.examples import failed, passed
from preflight.redis_peer import EXAMPLES, RARER_EXAMPLES, address_of, connected, trouble_of
from preflight.settings import Settings
from preflight.types import CheckResult

_EVICTED = "See whether a proxy stands before it, or whether it evicts keys at once."


@dataclasses.dataclass(frozen=True, kw_only=True)
class RedisCheck(PreFlightCheck):
    """Ask Redis for a PING, then write, read and let expire a key of its own.

    A server that is full or read-only answers PING and still fails here. The key is `<namespace>:probe:<random>`; it is
    deleted at once, and expires by itself if that gets lost.
    """

    name: str = "redis"
    priority: int = 0
    timeout: float = 2.0
    url: SecretStr = dataclasses.field(default=SecretStr("redis://localhost:6379/0"), metadata={"parameter": False})
    namespace: str = dataclasses.field(default="preflight", metadata={"parameter": False})
    probe_ttl_ms: Annotated[
        int, Field(ge=1000, le=60_000, description="time to live of the probe key, in milliseconds")
    ] = 5000

    default_remediation = "See whether Redis hangs: `redis-cli --latency` and `SLOWLOG GET` tell."
    permissions = "~<namespace>:probe:* +ping +set +get +pttl +del +select"
    examples = (
        passed("Redis at <cache:6379> answers, and keeps what is written to it"),
        failed("Redis at <cache:6379> does not keep what is written to it", _EVICTED),
        *EXAMPLES,
        *RARER_EXAMPLES,
    )

    @classmethod
    def from_settings(cls, settings: Settings) -> Iterable[Self]:
        """Ask the Redis of `PREFLIGHT_CHECK_REDIS_URL`, else that of `PREFLIGHT_REDIS_URL`."""
        url = settings.check_redis_url or settings.redis_url
        return [cls(url=url, namespace=settings.namespace)] if url else []

    async def execute(self, context: CheckContext) -> CheckResult:
        """Answer within 90 % of the timeout, so that the check speaks for itself when Redis is silent."""
        url = self.url.get_secret_value()
        try:
            async with asyncio.timeout(0.9 * self.timeout), connected(url) as client:
                return await self._answer(client)
        except Exception as error:
            trouble = trouble_of(error, url)
            return CheckResult.failed(trouble.message, error=type(error).__name__, remediation=trouble.remediation)

    async def _answer(self, client: Redis) -> CheckResult:
        where = f"Redis at {address_of(self.url.get_secret_value())}"
        key, value = f"{self.namespace}:probe:{uuid.uuid4().hex}", uuid.uuid4().hex
        await client.ping()
        await client.set(key, value, px=self.probe_ttl_ms)
        read, expires_in_ms = await client.get(key), await client.pttl(key)
        await client.delete(key)
        if read != value.encode() or not 0 < expires_in_ms <= self.probe_ttl_ms:
            return CheckResult.failed(f"{where} does not keep what is written to it", remediation=_EVICTED)
        return CheckResult.passed(f"{where} answers, and keeps what is written to it")
