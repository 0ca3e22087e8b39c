"""What a worker does when it starts and stops, besides what Celery does."""

from __future__ import annotations

import contextlib
import gc
import logging
import sys
from typing import Any

from billiard.util import get_pdeathsig  # type: ignore[attr-defined]  # its stubs lack it

from preflight.addresses import warm_up
from preflight.engine import worker_process
from preflight.engine.celery_app import on_redis
from preflight.observability import sentry
from preflight.registry import default_registry
from preflight.runner import refuse_runs
from preflight.settings import settings
from worker.keepers import Keepers
from worker.pool_choice import choose
from worker.thread_pool import leave_threads_behind

logger = logging.getLogger("preflight.worker")

#: How often the pool looks for processes that died.
REAP_SECONDS = 0.25
#: What a worker that is asked to stop grants its longest check besides the check's own timeout.
STOP_GRACE_SECONDS = 2.0

_running: list[Keepers] = []


def tick_at_once(sender: Any, **_: Any) -> None:
    """Have beat tick when it starts: its first tick by schedule would leave it looking dead for so long."""
    entry = sender.app.conf.beat_schedule["tick"]
    with contextlib.suppress(Exception):  # a broker that is away is beat's own to tell
        sender.app.send_task(entry["task"], retry=False, **entry["options"])


def prepare(sender: Any, **_: Any) -> None:
    """Load the checks and take a name before the pool forks, so that its processes share both."""
    sender.pool_cls = choose(sender.pool_cls, settings().worker_role)
    if on_redis(settings()):
        # Only here: Flower and other readers of the settings expect kombu's own transport.
        sender.app.conf.broker_transport = "preflight.engine.transport:Transport"
    refuse_runs(
        "PreFlight's own workers cannot wait for a run: it would wait for itself."
        " Call run() in your application, or send the task preflight.run."
    )
    worker_process.name()
    sentry.start(settings(), "worker")
    warm_up_checks()
    longest = max((check.timeout for check in default_registry()), default=0.0)
    sender.app.conf.worker_soft_shutdown_timeout = longest + STOP_GRACE_SECONDS
    for broken in default_registry().broken:
        logger.error("checks of %s are missing: %s", broken.source, broken.error)
    with contextlib.suppress(OSError):  # each process of the pool would load the C parser that this needs for itself
        get_pdeathsig()
    # Celery collects garbage before it forks a process of the pool: without what is there for good, that takes nothing.
    gc.freeze()


def warm_up_checks() -> None:
    """Load what the checks' first questions would load in every process of the pool, within the checks' time."""
    if any(vars(sys.modules[type(check).__module__]).keys() & {"httpx", "websockets"} for check in default_registry()):
        warm_up()
    for check in default_registry():
        try:
            check.warm_up()
        except Exception:
            logger.exception("the check %s could not load what it needs: its first answer will take longer", check.name)


def start_keepers(sender: Any, **_: Any) -> None:
    """Start the threads that keep runs going, once the worker reads its queues."""
    _watch_children(sender)
    keepers = Keepers(sender)
    _running.append(keepers)
    keepers.start()


def _watch_children(consumer: Any) -> None:
    """Look for dead processes of the pool often.

    The pool looks when a child's pipe closes, which can be before the kernel lets the child be reaped; its next look
    by itself is 5 s later, and by then the check has "timed out" instead of "died".
    """
    maintain = getattr(getattr(consumer.pool, "_pool", None), "maintain_pool", None)
    if consumer.hub is not None and maintain is not None:
        consumer.hub.call_repeatedly(REAP_SECONDS, maintain)


def leave_process(**_: Any) -> None:
    """Send what a pool's process has still to tell."""
    sentry.stop()


def stop_keepers(sender: Any, **_: Any) -> None:
    """Stop them when the pool has finished its work; what of it never will does not keep the process."""
    while _running:
        _running.pop().stop()
    sentry.stop()
    leave_threads_behind(sender)
