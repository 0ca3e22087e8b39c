"""Who is alive: workers, their versions, the queues and checks that they serve, and beat."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from preflight.cli import environment
from preflight.cli.diagnosis import Finding

if TYPE_CHECKING:
    from preflight.engine.keys import Keys
    from preflight.engine.workers import WorkerInfo
    from preflight.settings import Settings

_TIMEOUT_SECONDS = 2.0
#: Beat ticks every 10 s; three missed ticks are no hiccup.
_BEAT_SILENT_MS = 30_000
_START_A_WORKER = "Start one: celery -A worker worker."
_END_HANGS = "Its log names the checks when half hang and it ends itself. Give what checks call timeouts of its own."


def workers(settings: Settings) -> Iterator[Finding]:
    """Look at the heartbeats and at beat's last tick. Says nothing when Redis is away: that is told already."""
    if settings.redis_url is None:
        return
    import redis

    from preflight.engine import workers as engine_workers
    from preflight.engine.connection import connect, now_ms
    from preflight.engine.keys import Keys

    client = connect(settings.redis, _TIMEOUT_SECONDS)
    try:
        live = engine_workers.live(client, settings.namespace)
        now, tick = now_ms(client), client.get(Keys(settings.namespace)["beat"])
    except redis.RedisError:
        return
    finally:
        client.close()
    yield from _about_workers(live, Keys(settings.namespace))
    yield _beat(None if tick is None else now - int(float(tick)))


def _about_workers(live: Sequence[WorkerInfo], keys: Keys) -> Iterator[Finding]:
    if not live:
        yield Finding("workers", "problem", "none is alive: every full run would be NO-GO", _START_A_WORKER)
        return
    for worker in live:
        yield _version(worker)
        if worker.hung_threads:
            yield Finding("workers", "warning", f"{worker.name}: {worker.hung_threads} of its threads hang", _END_HANGS)
    read = {queue for worker in live for queue in worker.queues}
    for queue in (keys.full_queue, keys.light_queue):
        if queue not in read:
            yield Finding("workers", "problem", f"none reads the queue {queue}", _START_A_WORKER)
    for queue in (keys.requests_queue, keys.maintenance_queue):
        if queue not in read:
            todo = "Start one that does: PREFLIGHT_WORKER_ROLE=requests celery -A worker worker."
            yield Finding("workers", "warning", f"none reads the queue {queue}", todo)
    yield from _unknown_checks(live)


def _version(worker: WorkerInfo) -> Finding:
    mine = importlib.metadata.version("celery-preflight")
    text = f"{worker.name}: version {worker.version}, reads {', '.join(worker.queues) or 'no queue'}"
    if worker.version == mine:
        return Finding("workers", "ok", text)
    return Finding("workers", "warning", f"{text}; this is {mine}", "Run the same version everywhere.")


def _unknown_checks(live: Sequence[WorkerInfo]) -> Iterator[Finding]:
    from preflight.types import SELF_ANSWERED

    known = {name for worker in live for name in worker.checks} | SELF_ANSWERED
    missing = [check.name for check in environment.registry() if check.name not in known]
    if missing:
        todo = "Start the workers with the same PREFLIGHT_* settings and the same code as here."
        yield Finding(
            "workers", "problem", f"none knows the check{'s' if len(missing) > 1 else ''} {_listed(missing)}", todo
        )


def _listed(names: Sequence[str], most: int = 8) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _beat(silent_ms: int | None) -> Finding:
    todo = "Start it: celery -A worker beat. Without it no health sweep runs and no old report is deleted."
    if silent_ms is None:
        return Finding("beat", "warning", "it has never ticked", todo)
    if silent_ms > _BEAT_SILENT_MS:
        return Finding("beat", "warning", f"its last tick is {silent_ms // 1000} s old", todo)
    return Finding("beat", "ok", f"its last tick is {max(0, silent_ms) // 1000} s old")
