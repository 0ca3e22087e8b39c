"""Which of Celery's pools a worker may have, and what stands in for it."""

from __future__ import annotations

from typing import Any

from celery.concurrency import thread

from worker.thread_pool import ThreadPool

DEVELOPMENT_ONLY = ("solo", "gevent", "eventlet")


def choose(pool: Any, role: str) -> Any:
    """Return the pool to use for what was asked for; end the process with one line if it is not for production."""
    name = getattr(pool, "__module__", str(pool)).rpartition(".")[2]
    if name in DEVELOPMENT_ONLY and (name, role) != ("solo", "all"):
        raise SystemExit(
            f"PreFlight's workers do not run with the pool {name} outside development: one check that hangs would"
            " stop all others. Start this one with --pool prefork (the default) or --pool threads."
        )
    return ThreadPool if pool is thread.TaskPool else pool
