"""The reports that no store has: how many there were, and where they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from preflight.cli.diagnosis import Finding

if TYPE_CHECKING:
    from preflight.settings import Settings

_TIMEOUT_SECONDS = 2.0
#: By the name under which Redis counts them: what happened, and what to do.
_COUNTS = {
    "shed": (
        "waited in Redis beyond PREFLIGHT_OUTBOX_MB: they are in the workers' logs only",
        "Keep PostgreSQL reachable, or raise PREFLIGHT_OUTBOX_MB.",
    ),
    "refused": (
        "could not be stored although PostgreSQL works: they are in the workers' logs only",
        "See there for the reason.",
    ),
    "lost": (
        "waited in Redis until their state was gone: their ids are in the workers' logs",
        "Keep PostgreSQL reachable.",
    ),
}


def reports(settings: Settings) -> Iterator[Finding]:
    """Look at the counts of reports that were not stored. Says nothing when there is none, or when Redis is away."""
    if settings.redis_url is None:
        return
    import redis

    from preflight.engine.connection import connect
    from preflight.engine.keys import Keys

    client, numbers = connect(settings.redis, _TIMEOUT_SECONDS), Keys(settings.namespace)["numbers"]
    try:
        counts = [int(count or 0) for count in client.hmget(numbers, list(_COUNTS))]
    except redis.RedisError:
        return
    finally:
        client.close()
    for (name, (message, todo)), count in zip(_COUNTS.items(), counts, strict=True):
        if count:
            forget = f"`HDEL {numbers} {name}` in Redis forgets the count."
            yield Finding("reports", "warning", f"{count} {message}", f"{todo} {forget}")
