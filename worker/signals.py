"""What a worker does when it starts and stops, besides what Celery does."""

from __future__ import annotations

import logging
from typing import Any

from preflight.engine import worker_process
from preflight.registry import default_registry
from preflight.runner import refuse_runs
from worker.keepers import Keepers

logger = logging.getLogger("preflight.worker")

_running: list[Keepers] = []


def prepare(**_: Any) -> None:
    """Load the checks and take a name before the pool forks, so that its processes share both."""
    refuse_runs(
        "PreFlight's own workers cannot wait for a run: it would wait for itself."
        " Call run() in your application, or send the task preflight.run."
    )
    worker_process.name()
    for broken in default_registry().broken:
        logger.error("checks of %s are missing: %s", broken.source, broken.error)


def start_keepers(sender: Any, **_: Any) -> None:
    """Start the threads that keep runs going, once the worker reads its queues."""
    keepers = Keepers(sender.app)
    _running.append(keepers)
    keepers.start()


def stop_keepers(**_: Any) -> None:
    """Stop them when the pool has finished its work."""
    while _running:
        _running.pop().stop()
