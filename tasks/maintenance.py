"""What beat sends."""

from __future__ import annotations

from typing import Any

from celery import Celery, Task, shared_task
from celery.schedules import maybe_schedule

from preflight import maintenance
from preflight.observability import sentry


class Job(Task[..., Any]):
    """A job of beat: Sentry is told that it runs, under its name in the schedule."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Run it."""
        name, every_seconds = _planned(self.app, self.name)
        with sentry.checked_in(name, every_seconds):
            return super().__call__(*arguments, **options)


def _planned(app: Celery, task: str) -> tuple[str, float]:
    """Return a task's name in beat's schedule and its interval in seconds; 0 when it has none."""
    for name, entry in app.conf.beat_schedule.items():
        if entry["task"] == task:
            every = getattr(maybe_schedule(entry["schedule"]), "run_every", None)
            return name, every.total_seconds() if every else 0.0
    return task, 0.0


@shared_task(name="preflight.tick", base=Job, ignore_result=True)
def tick() -> None:
    """Say that beat is alive."""
    maintenance.tick()


@shared_task(name="preflight.sweep", base=Job, ignore_result=True)
def sweep() -> None:
    """Ask every check that needs no input, one failing or not, and leave a report."""
    maintenance.sweep()


@shared_task(name="preflight.purge", base=Job, ignore_result=True)
def purge() -> None:
    """Forget reports that are older than the retention."""
    maintenance.purge()


@shared_task(name="preflight.partitions", base=Job, ignore_result=True)
def partitions() -> None:
    """Make the partitions that the reports of the next days need."""
    maintenance.make_partitions()


@shared_task(name="preflight.unfinished", base=Job, ignore_result=True)
def unfinished() -> None:
    """Count the runs that nobody takes to their end."""
    maintenance.count_unfinished()
