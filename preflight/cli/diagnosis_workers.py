"""Who is alive: workers, their versions, the queues and checks that they serve, and beat."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from preflight.cli import environment
from preflight.cli.diagnosis import Finding

if TYPE_CHECKING:
    from preflight.engine.connection import Client
    from preflight.engine.keys import Keys
    from preflight.engine.workers import WorkerInfo
    from preflight.settings import Settings

_TIMEOUT_SECONDS = 2.0
_START_A_WORKER = "Start one: celery -A worker worker."
_END_HANGS = "Its log names the checks when half hang and it ends itself. Give what checks call timeouts of its own."


def workers(settings: Settings) -> Iterator[Finding]:
    """Look at the heartbeats and at beat's last tick. Says nothing when Redis is away: that is told already."""
    if settings.redis_url is None:
        return
    import redis

    from preflight.engine import workers as engine_workers
    from preflight.engine.connection import connect, now_ms
    from preflight.engine.jobs import count_unfinished
    from preflight.engine.keys import Keys

    client = connect(settings.redis, _TIMEOUT_SECONDS)
    try:
        live = engine_workers.live(client, settings.namespace)
        now, done = now_ms(client), _jobs_done(client, Keys(settings.namespace)["beat"])
        unfinished = count_unfinished(client, Keys(settings.namespace))
    except redis.RedisError:
        return
    finally:
        client.close()
    yield from _about_workers(live, Keys(settings.namespace))
    yield _beat(now - done["tick"] if "tick" in done else None)
    yield from _late_jobs(settings, now, done)
    if unfinished:
        yield Finding("runs", "problem", f"{unfinished} are overdue, and no worker ends them", _START_A_WORKER)


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


def _jobs_done(client: Client, key: str) -> dict[str, int]:
    """Return when each job of beat's was done last, in ms of Redis' clock. Older versions noted the tick alone."""
    if client.type(key) != "hash":
        return {}
    return {job: int(at) for job, at in cast("dict[str, str]", client.hgetall(key)).items()}


def _beat(silent_ms: int | None) -> Finding:
    from preflight.beat_jobs import TICK

    todo = "Start it: celery -A worker beat. Without it no health sweep runs and no old report is deleted."
    if silent_ms is None:
        return Finding("beat", "warning", "it has never ticked", todo)
    age = f"its last tick is {max(0, silent_ms) // 1000} s old"
    late = silent_ms > 3000 * TICK.sent_seconds  # three missed ticks are no hiccup
    return Finding("beat", "warning", age, todo) if late else Finding("beat", "ok", age)


def _late_jobs(settings: Settings, now: int, done: Mapping[str, int]) -> Iterator[Finding]:
    """Look at the jobs besides the tick. One that was never done may only be young."""
    from preflight.beat_jobs import TICK, all_jobs

    for job in all_jobs(settings.sweep_seconds):
        age = (now - done.get(job.name, now)) / 1000
        if job != TICK and age > job.late_seconds:
            message = f"its job {job.name} was done {age:.0f} s ago, and is due every {job.due_seconds:.0f} s"
            yield Finding("beat", "warning", message, "See the log of the worker that reads the maintenance queue.")
