"""Beat's jobs: done by one process at a time and not again before they are due, with a heartbeat when done.

Who sends them, and how often, may be wrong: two beats, a beat that catches up, a message delivered twice.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator

from preflight.beat_jobs import Job
from preflight.engine.connection import Client, now_ms
from preflight.engine.keys import Keys
from preflight.engine.runs import Runs

#: Runs that nobody has looked at for this long: the watchdog does it every second.
UNFINISHED_MS = 10_000


@contextlib.contextmanager
def turn(runs: Runs, job: Job) -> Iterator[bool]:
    """Yield whether it is the caller's turn to do a job; note its success unless the block raises."""
    names = [runs.keys["beat"], runs.keys[f"lease:job:{job.name}"]]
    holder = secrets.token_hex(8)
    arguments: list[str | int | float] = [job.name, round(job.due_seconds * 1000), job.lease_seconds * 1000, holder]
    if not runs.call("begin_job", names, arguments):
        yield False
        return
    succeeded = 0
    try:
        yield True
        succeeded = 1
    finally:
        runs.call("end_job", names, [job.name, holder, succeeded])


def count_unfinished(client: Client, keys: Keys) -> int:
    """Return how many runs nobody takes to their end. Mending them is the watchdog's work."""
    return int(client.zcount(keys["due"], "-inf", now_ms(client) - UNFINISHED_MS))
