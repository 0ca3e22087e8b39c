"""The task that asks one check. Its message is a hint; the run's state decides."""

from __future__ import annotations

from typing import Any

from celery import Task, shared_task

from preflight.engine.celery_app import CHECK_TASK
from preflight.engine.execution import read_message
from preflight.engine.worker_process import execution


class CheckTask(Task[..., Any]):
    """A task whose worker notices when the process that runs it dies."""

    Request = "worker.request:CheckRequest"


@shared_task(name=CHECK_TASK, base=CheckTask, ignore_result=True)
def check(run_id: str, name: str, number: str) -> None:
    """Ask one check and hand its answer to the run's barrier."""
    message = read_message((run_id, name, number))
    if message is None:
        raise ValueError("preflight.check takes a run id, a check's name and a number")
    execution().execute(*message)
