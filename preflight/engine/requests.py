"""Runs that nobody in this process waits for: asked for by other services, and by beat."""

from __future__ import annotations

import functools
from typing import Any
from uuid import UUID

from preflight.context import RunRequest
from preflight.engine.caller import Caller, new_run_id
from preflight.engine.plan import plan
from preflight.engine.worker_process import runs
from preflight.registry import default_registry
from preflight.settings import settings

SWEEP_EVENT = "health_sweep"
#: A request that is delivered again within this time is the same run.
SAME_REQUEST_SECONDS = 3600


@functools.cache
def _caller() -> Caller:
    return Caller(settings())


def open_requested(task_id: str, *, mode: str, event_type: str, **details: Any) -> UUID:
    """Open the run that a foreign `preflight.run` task asks for; its report becomes that task's result.

    Raises `InvalidRun` for wrong arguments and `BrokerUnavailable`. A message delivered twice opens one run.
    """
    request = RunRequest.build(mode=mode, event_type=event_type, **details)
    planned = plan(request, default_registry(), settings(), _caller().changes)
    client, key, made = runs().client, runs().keys[f"request:{task_id}"], str(new_run_id())
    known = client.set(key, made, nx=True, get=True, ex=SAME_REQUEST_SECONDS)
    run_id, _, opened = str(known or made).partition(" ")
    if not opened:
        # Until the note below is written, a second delivery opens the same id, which opens nothing twice.
        _caller().open(UUID(run_id), planned, task_id=task_id)
        client.set(key, f"{run_id} opened", ex=SAME_REQUEST_SECONDS)
    return UUID(run_id)


def sweep() -> UUID | None:
    """Open a health sweep: every check that requires no input, to the last one; None if there is none."""
    registry = default_registry()
    names = [check.name for check in registry if not check.requires]
    if not names:
        return None
    request = RunRequest.build(mode="full", event_type=SWEEP_EVENT, only=names, short_circuit="never")
    run_id = new_run_id()
    _caller().open(run_id, plan(request, registry, settings(), _caller().changes))
    return run_id
