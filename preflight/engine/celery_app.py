"""PreFlight's own Celery application: one place for its settings, used by workers, beat and message building."""

from __future__ import annotations

from typing import Any

from celery import Celery
from kombu import Exchange, Queue

from preflight.engine.keys import Keys
from preflight.settings import Settings

CHECK_TASK = "preflight.check"
RUN_TASK = "preflight.run"


def transport_options(keys: Keys, *, acknowledge: bool) -> dict[str, Any]:
    """Return kombu's options for the Redis transport. With `acknowledge`, a lost message comes back after a minute."""
    return {
        # A silent Redis must be noticed: without these a worker ignores SIGTERM for over 40 s.
        "socket_timeout": 2,
        "socket_connect_timeout": 1,
        "socket_keepalive": True,
        "health_check_interval": 5,
        "max_retries": 1,
        "queue_order_strategy": "priority",
        "priority_steps": [0],
        # The run's state decides what is asked again, so checks need no acknowledgements: half of a worker's cost.
        "ack_emulation": acknowledge,
        "visibility_timeout": 60,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "unacked_key": keys["unacked"],
        "unacked_index_key": keys["unacked_index"],
        "unacked_mutex_key": keys["unacked_mutex"],
        # kombu takes what follows the first dot for the name: with a second one, each ping costs the connection.
        "fanout_prefix": f"/{keys.namespace}/{{db}}.",
        "fanout_patterns": True,
    }


def on_redis(settings: Settings) -> bool:
    """Return whether the broker is a Redis, which kombu makes a broker of; others know acknowledgements themselves."""
    return settings.broker.startswith("redis")


def queues_of(keys: Keys, role: str) -> tuple[str, ...]:
    """Return the queues that a worker of a role reads, the most urgent first."""
    own = {"checks": keys.queues[:2], "requests": keys.queues[2:]}
    return own.get(role, keys.queues)


def create_app(settings: Settings, role: str = "all") -> Celery:
    """Return a Celery application with PreFlight's queues and settings. Does no I/O.

    A worker that reads only the checks' queues needs no broker acknowledgements; the option is per connection.
    """
    keys = Keys(settings.namespace)
    app = Celery("preflight", set_as_current=False)
    app.conf.update(
        broker_url=settings.broker,
        result_backend=settings.redis,
        broker_transport_options=transport_options(keys, acknowledge=role != "checks") if on_redis(settings) else {},
        result_backend_transport_options={
            "socket_timeout": 2,
            "socket_connect_timeout": 1,
            "retry_policy": {"max_retries": 1},
        },
        result_expires=3600,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_pool_limit=4,
        task_queues=[Queue(name, exchange=Exchange(""), routing_key=name) for name in queues_of(keys, role)],
        task_default_queue=queues_of(keys, role)[0],
        task_create_missing_queues=False,
        task_routes={
            CHECK_TASK: {"queue": keys.full_queue},
            RUN_TASK: {"queue": keys.requests_queue},
            "preflight.*": {"queue": keys.maintenance_queue},
        },
        task_ignore_result=True,
        task_acks_late=False,
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
        result_accept_content=["json"],
        event_serializer="json",
        enable_utc=True,
        worker_prefetch_multiplier=1,
        worker_proc_alive_timeout=30,
        worker_enable_remote_control=True,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        task_send_sent_event=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
    )
    return app
