"""Beat's jobs: done by one process at a time and not again before they are due, with a heartbeat when done.

Who sends them, and how often, may be wrong: two beats, a beat that catches up, a message delivered twice.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from typing import NamedTuple

from preflight.engine.connection import Client, now_ms
from preflight.engine.keys import Keys
from preflight.engine.runs import Runs

#: Runs that nobody has looked at for this long: the watchdog does it every second.
UNFINISHED_MS = 10_000


class Job(NamedTuple):
    """A job of beat's. It is sent every `sent_seconds`, and done when the last success is `due_seconds` old.

    `lease_seconds` is how long one that was begun and not ended keeps others away.
    """

    name: str
    sent_seconds: int
    due_seconds: float
    lease_seconds: int

    @property
    def late_seconds(self) -> float:
        """The age of the last success at which something is wrong."""
        return self.due_seconds + 3 * self.sent_seconds + self.lease_seconds


def _often(name: str, seconds: int) -> Job:
    # A message may come a little early after one that came a little late.
    return Job(name, seconds, 0.8 * seconds, 30)


TICK = Job("tick", 10, 0, 1)
UNFINISHED = _often("unfinished", 60)
PARTITIONS = Job("partitions", 3600, 0.8 * 3600, 300)
#: Once a day; sent every hour, so that one that failed, or a beat that was away, costs an hour and not a day.
PURGE = Job("purge", 3600, 23.5 * 3600, 3500)


def sweep(seconds: int) -> Job:
    """Return the health sweep as a job."""
    return _often("sweep", seconds)


def all_jobs(sweep_seconds: int) -> tuple[Job, ...]:
    """Return every job."""
    return TICK, sweep(sweep_seconds), UNFINISHED, PARTITIONS, PURGE


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
