"""The Celery application that workers, beat and Flower load."""

from __future__ import annotations

from celery.signals import (
    setup_logging,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
)

from beat_schedule import beat_schedule
from preflight.engine.celery_app import create_app
from preflight.observability import logs
from preflight.settings import settings
from worker import signals, tracer

app = create_app(settings(), settings().worker_role)
app.conf.include = ["tasks.checks", "tasks.requests", "tasks.maintenance"]
app.conf.beat_schedule = beat_schedule(settings().sweep_seconds)
# Flower asks eight questions at once, and each holds a connection while it waits for another one: with fewer than 16
# they wait for each other for ever, and Flower lists nothing. Connections are opened when they are needed.
app.conf.broker_pool_limit = 32
app.conf.worker_concurrency = settings().concurrency
app.conf.worker_pool = "worker.pool:TaskPool"
app.conf.worker_consumer = "worker.consumer:Consumer"
app.steps["consumer"].add("worker.consumer:LightQueue")
app.set_default()

setup_logging.connect(logs.configure)
worker_init.connect(signals.prepare)
worker_process_init.connect(tracer.install)
worker_process_shutdown.connect(signals.leave_process)
worker_ready.connect(signals.start_keepers)
worker_shutdown.connect(signals.stop_keepers)
