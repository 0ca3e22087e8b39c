"""What Redis knows of the whole namespace, read in a few round trips."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, cast

import redis

from preflight.engine.celery_app import on_redis
from preflight.engine.connection import Client, client_of, unavailable
from preflight.engine.keys import Keys
from preflight.engine.workers import WorkerInfo, live
from preflight.settings import Settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reading:
    """One look at a namespace. Instants are ms of Redis' clock; `queued` is empty with another broker."""

    keys: Keys
    counts: Mapping[str, str]
    numbers: Mapping[str, str]
    now_ms: int
    unfinished: int
    outbox: int
    oldest_ms: float | None
    beat: Mapping[str, float]
    queued: Mapping[str, int]
    workers: tuple[WorkerInfo, ...]


def read(settings: Settings) -> Reading:
    """Look at the settings' namespace; raise `BrokerUnavailable` in one line when Redis cannot be asked."""
    client, keys = client_of(settings.redis), Keys(settings.namespace)
    try:
        return _read(client, keys, keys.queues if on_redis(settings) else ())
    except redis.RedisError as error:
        raise unavailable(error, settings.redis) from error


def _read(client: Client, keys: Keys, queues: tuple[str, ...]) -> Reading:
    with client.pipeline(transaction=False) as pipeline:
        pipeline.time()
        pipeline.hgetall(keys["counts"])
        pipeline.hgetall(keys["numbers"])
        pipeline.zcard(keys["due"])
        pipeline.zcard(keys["outbox"])
        pipeline.zrange(keys["outbox"], 0, 0, withscores=True)
        for queue in queues:
            pipeline.llen(queue)
        (seconds, micros), counts, numbers, unfinished, outbox, oldest, *lengths = pipeline.execute()
    return Reading(
        keys=keys,
        counts=counts,
        numbers=numbers,
        now_ms=int(seconds) * 1000 + int(micros) // 1000,
        unfinished=unfinished,
        outbox=outbox,
        oldest_ms=oldest[0][1] if oldest else None,
        beat=beat_successes(client, keys),
        queued=dict(zip(queues, lengths, strict=True)),
        workers=tuple(live(client, keys.namespace)),
    )


def beat_successes(client: Client, keys: Keys) -> dict[str, float]:
    """Return when each job of beat last succeeded, in ms of Redis' clock; "tick" is its heartbeat."""
    found: Any = client.type(keys["beat"])
    if found == "hash":
        return {job: float(at) for job, at in cast("dict[str, str]", client.hgetall(keys["beat"])).items()}
    tick = client.get(keys["beat"]) if found == "string" else None
    return {} if tick is None else {"tick": float(cast("str", tick))}
