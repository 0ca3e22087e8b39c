"""Ask whether beat, which sends PreFlight's own periodic jobs, is alive."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Annotated, Self, cast

from pydantic import Field, SecretStr
from redis.asyncio import Redis

from preflight.beat_jobs import TICK, Job, all_jobs
from preflight.context import CheckContext
from preflight.declaration import PreFlightCheck
from preflight.examples import failed, passed, warning
from preflight.redis_peer import EXAMPLES, connected, trouble_of
from preflight.settings import Settings
from preflight.types import CheckResult, Severity

SEE_LOG = "See the log of the worker that reads the maintenance queue."
START_BEAT = "Start it: celery -A worker beat. Without it no health sweep runs and no old report is deleted."


@dataclasses.dataclass(frozen=True, kw_only=True)
class BeatCheck(PreFlightCheck):
    """Ask how long ago beat ticked last, and whether its jobs are done in time, by Redis' clock.

    Beat ticks when it starts and every 10 s, and a worker notes it in Redis, as it notes each job that it has done:
    without such a worker there is no tick either. A job that was never done may only be young. Advisory, since runs do
    not need beat. The rarer refusals of Redis are those of `redis`.
    """

    name: str = "beat"
    priority: int = 0
    timeout: float = 2.0
    severity: Severity | str = Severity.ADVISORY
    cache_ttl: float | None = 5.0
    cache_scope: str | None = "global"
    url: SecretStr = dataclasses.field(default=SecretStr("redis://localhost:6379/0"), metadata={"parameter": False})
    namespace: str = dataclasses.field(default="preflight", metadata={"parameter": False})
    jobs: tuple[Job, ...] = dataclasses.field(default=(), metadata={"parameter": False})
    late_after: Annotated[
        float, Field(ge=10, le=86_400, allow_inf_nan=False, description="seconds; an older tick is a failure")
    ] = 30.0

    default_remediation = START_BEAT
    permissions = "~<namespace>:beat +time +hgetall +select"
    examples = (
        passed("beat ticked <4> s ago"),
        warning("beat's job <purge> was done <95000> s ago and is due every <84600> s", SEE_LOG),
        failed("beat has not ticked for <95> s", START_BEAT),
        failed("beat has never ticked", START_BEAT),
        *EXAMPLES,
    )

    @classmethod
    def from_settings(cls, settings: Settings) -> Iterable[Self]:
        """Read what beat did last, `<namespace>:beat`, in the Redis of `PREFLIGHT_REDIS_URL`, if it is set."""
        jobs = all_jobs(settings.sweep_seconds)
        return [cls(url=settings.redis_url, namespace=settings.namespace, jobs=jobs)] if settings.redis_url else []

    async def execute(self, context: CheckContext) -> CheckResult:
        """Answer within 90 % of the timeout, so that the check speaks for itself when Redis is silent."""
        url = self.url.get_secret_value()
        try:
            async with asyncio.timeout(0.9 * self.timeout), connected(url) as client:
                ages = await self._ages(client)
        except Exception as error:
            trouble = trouble_of(error, url)
            return CheckResult.failed(trouble.message, error=type(error).__name__, remediation=trouble.remediation)
        return self._judged(ages)

    async def _ages(self, client: Redis) -> dict[str, float]:
        """Return the seconds since each job was done last, as far as it was."""
        done = cast("dict[bytes, bytes]", await client.hgetall(f"{self.namespace}:beat"))
        seconds, microseconds = await client.time()
        now = seconds + microseconds / 1_000_000
        return {
            job.decode(errors="replace"): max(0.0, now - int(at) / 1000) for job, at in done.items() if at.isdigit()
        }

    def _judged(self, ages: Mapping[str, float]) -> CheckResult:
        age = ages.get(TICK.name)
        if age is None:
            return CheckResult.failed("beat has never ticked", remediation=START_BEAT)
        if age > self.late_after:
            return CheckResult.failed(f"beat has not ticked for {age:.0f} s", remediation=START_BEAT)
        for job in self.jobs:
            if job != TICK and ages.get(job.name, 0) > job.late_seconds:
                late = f"was done {ages[job.name]:.0f} s ago and is due every {job.due_seconds:.0f} s"
                return CheckResult.warning(f"beat's job {job.name} {late}", remediation=SEE_LOG)
        return CheckResult.passed(f"beat ticked {age:.0f} s ago", metadata={"age_seconds": round(age, 1)})
