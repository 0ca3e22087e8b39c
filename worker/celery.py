"""The Celery application that workers, beat and Flower load."""

from __future__ import annotations

import gc

gc.disable()  # what loads here stays: looking through it for garbage again and again is a tenth of the start

from celery.signals import (
    beat_init,
    setup_logging,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
)

from beat_schedule import beat_schedule
from preflight.engine.celery_app import create_app
from preflight.exceptions import InvalidSettings
from preflight.observability import logs
from preflight.settings import settings
from worker import beat_health, signals, tracer

gc.enable()

#: A beat whose lock is this old is replaced by one that waits.
REDBEAT_LOCK_SECONDS = 15

try:
    app = create_app(settings(), settings().worker_role)
except InvalidSettings as error:
    # Celery would show its own way to this module, in fifty lines, and the reason as the last one.
    raise SystemExit(str(error)) from None
app.conf.include = ["tasks.checks", "tasks.requests", "tasks.maintenance"]
app.conf.beat_schedule = beat_schedule(settings().sweep_seconds)
# For more than one beat: `-S redbeat.RedBeatScheduler`, of the extra `redbeat`.
app.conf.redbeat_redis_url = settings().redis
app.conf.redbeat_key_prefix = f"{settings().namespace}:redbeat:"
app.conf.redbeat_lock_timeout = REDBEAT_LOCK_SECONDS
app.conf.beat_max_loop_interval = REDBEAT_LOCK_SECONDS / 5
# Flower asks eight questions at once, and each holds a connection while it waits for another one: with fewer than 16
# they wait for each other for ever, and Flower lists nothing. Connections are opened when they are needed.
app.conf.broker_pool_limit = 32
app.conf.worker_concurrency = settings().concurrency
app.conf.worker_pool = "worker.pool:TaskPool"
app.conf.worker_consumer = "worker.consumer:Consumer"
app.steps["consumer"].add("worker.consumer:LightQueue")
app.steps["worker"].add("worker.health:Health")
app.set_default()

setup_logging.connect(logs.configure)
beat_init.connect(signals.tick_at_once)
worker_init.connect(signals.prepare)
worker_process_init.connect(tracer.install)
worker_process_shutdown.connect(signals.leave_process)
worker_ready.connect(signals.start_keepers)
worker_shutdown.connect(signals.stop_keepers)
beat_init.connect(beat_health.serve)
