"""What beat sends."""

from __future__ import annotations

from celery import shared_task

from preflight.engine import requests
from preflight.recorder import purge_expired


@shared_task(name="preflight.tick", ignore_result=True)
def tick() -> None:
    """Say that beat is alive."""
    requests.tick()


@shared_task(name="preflight.sweep", ignore_result=True)
def sweep() -> None:
    """Ask every check that needs no input, one failing or not, and leave a report."""
    requests.sweep()


@shared_task(name="preflight.purge", ignore_result=True)
def purge() -> None:
    """Forget reports that are older than the retention."""
    purge_expired()
