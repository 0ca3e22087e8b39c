"""This process as a worker: who it is, and its own connection. Set before the pool forks, inherited by its children."""

from __future__ import annotations

import functools
import os

from preflight.engine import workers
from preflight.engine.connection import client_of
from preflight.engine.execution import Execution
from preflight.engine.keys import Keys
from preflight.engine.runs import Runs
from preflight.registry import default_registry
from preflight.settings import settings


@functools.cache
def name() -> str:
    """Return this worker's name; its pool's processes inherit the one that their parent took."""
    return workers.identity(os.uname().nodename)


def runs() -> Runs:
    """Return the runs through this process's own connection: one opened before a fork is never shared."""
    return _runs(os.getpid())


@functools.lru_cache(maxsize=1)
def _runs(_process: int) -> Runs:
    return Runs(client_of(settings().redis), Keys(settings().namespace))


def execution() -> Execution:
    """Return what asks checks in this process."""
    return Execution(runs(), default_registry(), name(), settings().slow_ms)
