"""The task that other services send by name: it opens a run and returns its slot."""

from __future__ import annotations

from typing import Any

from celery import Task, shared_task
from celery.exceptions import Ignore

from preflight.engine.celery_app import RUN_TASK
from preflight.engine.requests import open_requested


@shared_task(name=RUN_TASK, bind=True, ignore_result=False, acks_late=True)
def run(self: Task[..., Any], event_type: str, mode: str = "full", **details: Any) -> None:
    """Open a run. Its report becomes this task's result when the run has ended; wrong arguments its exception."""
    open_requested(str(self.request.id), mode=mode, event_type=event_type, **details)
    raise Ignore
