"""Beat's jobs: what is sent how often, how often it is done, and when it is late."""

from __future__ import annotations

from typing import NamedTuple


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
