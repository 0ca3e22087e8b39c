"""This process as a worker: who it is, and its own connection. Set before the pool forks, inherited by its children."""

from __future__ import annotations

import functools
import os
import threading

from preflight.engine import workers
from preflight.engine.connection import connect
from preflight.engine.dispatch import ByWinner
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
    # A pool of processes asks from each one's main thread: one connection, and no look into a pool of them.
    alone = threading.current_thread() is threading.main_thread()
    client = connect(settings().redis, single_connection_client=alone)
    return Runs(client, Keys(settings().namespace), ByWinner(settings()))


def execution() -> Execution:
    """Return what asks checks in this process."""
    return _execution(os.getpid())


@functools.lru_cache(maxsize=1)
def _execution(_process: int) -> Execution:
    return Execution(runs(), default_registry(), name(), settings().slow_ms)
