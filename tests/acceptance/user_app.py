"""An application of a user: a Celery app of its own, with a task that asks PreFlight before it acts."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery

import preflight

QUEUE = "shop"

app = Celery("shop", broker=os.environ["SHOP_REDIS_URL"], backend=os.environ["SHOP_REDIS_URL"])
app.conf.update(task_default_queue=QUEUE, broker_connection_retry_on_startup=True)


@app.task(name="shop.launch")
def launch(metadata: dict[str, Any], only: list[str]) -> dict[str, Any]:
    """Launch only on GO."""
    report = preflight.runner.run(event_type="launch", metadata=metadata, only=only)
    return report.to_json()
