"""How a pool's process runs `preflight.check`: without Celery's bookkeeping around it, which a check has no use for.

A check's task keeps no result, has no callbacks and never raises; what it does is in the run's state. Celery's own
tracer runs it as soon as somebody listens to the signals that it sends, as Celery's Django fixup does.
"""

from __future__ import annotations

import time
from typing import Any

from celery import current_app, signals
from celery.app.trace import trace_ok_t

from preflight.engine.celery_app import CHECK_TASK
from preflight.engine.execution import read_message
from preflight.engine.worker_process import execution

_SIGNALS = (signals.task_prerun, signals.task_postrun, signals.task_success)


def install(**_: Any) -> None:
    """Give the task its tracer, in a process that the pool has just started."""
    task = current_app.tasks[CHECK_TASK]
    celerys = task.__trace__

    def trace(task_id: str, args: Any, kwargs: Any, request: Any = None) -> Any:
        started, message = time.monotonic(), read_message(args)
        if message is None or kwargs:
            return celerys(task_id, args, kwargs, request)
        execution().execute(*message)
        return trace_ok_t(None, None, time.monotonic() - started, "None")

    if not any(signal.receivers for signal in _SIGNALS):
        task.__trace__ = trace
