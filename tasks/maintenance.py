"""What beat sends."""

from __future__ import annotations

from celery import shared_task

from preflight import maintenance


@shared_task(name="preflight.tick", ignore_result=True)
def tick() -> None:
    """Say that beat is alive."""
    maintenance.tick()


@shared_task(name="preflight.sweep", ignore_result=True)
def sweep() -> None:
    """Ask every check that needs no input, one failing or not, and leave a report."""
    maintenance.sweep()


@shared_task(name="preflight.purge", ignore_result=True)
def purge() -> None:
    """Forget reports that are older than the retention."""
    maintenance.purge()


@shared_task(name="preflight.partitions", ignore_result=True)
def partitions() -> None:
    """Make the partitions that the reports of the next days need."""
    maintenance.make_partitions()


@shared_task(name="preflight.unfinished", ignore_result=True)
def unfinished() -> None:
    """Count the runs that nobody takes to their end."""
    maintenance.count_unfinished()
