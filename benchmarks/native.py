"""The native arm: tiers as Celery chords in their lightest form, and the worker that runs them.

The body of each chord sends the next one, and the last body carries the run's id, so that its result is the run's.
Its settings are the best that were found: results ignored wherever a chord does not need them, chord results kept in
no order, prefetch 1, no events, no rate limits. Broker acknowledgements are measured both on and off.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, Task, chord

from benchmarks.shapes import Tiers

REDIS = "BENCH_REDIS_URL"
ACKNOWLEDGE = "BENCH_ACKNOWLEDGE"


def queue_of(*, acknowledge: bool) -> str:
    """Return the queue of the variant; each has a worker of its own."""
    return "native.acknowledged" if acknowledge else "native"


def create_app(redis_url: str, *, acknowledge: bool) -> Celery:
    """Return a Celery application for one variant of the native arm."""
    app = Celery("native", broker=redis_url, backend=redis_url, set_as_current=False)
    app.conf.update(
        broker_transport_options={
            "ack_emulation": acknowledge,
            "unacked_key": f"{queue_of(acknowledge=acknowledge)}.unacked",
            "unacked_index_key": f"{queue_of(acknowledge=acknowledge)}.unacked_index",
            "unacked_mutex_key": f"{queue_of(acknowledge=acknowledge)}.unacked_mutex",
        },
        result_backend_transport_options={"result_chord_ordered": False},
        task_default_queue=queue_of(acknowledge=acknowledge),
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_disable_rate_limits=True,
        worker_send_task_events=False,
        task_send_sent_event=False,
    )
    app.task(name="native.advance", bind=True, ignore_result=True)(advance)
    app.task(name="native.finish")(finish)
    for task in (ask, nothing):
        app.task(name=f"native.{task.__name__}", ignore_result=True)(task)
    return app


def ask(name: str) -> dict[str, Any]:
    """Do what a no-op check does."""
    return {"name": name, "status": "passed", "message": "nothing was asked"}


def advance(self: Task[..., Any], results: object, run_id: str, tiers: list[list[str]], good: bool) -> None:
    """Send the next tier."""
    send(self.app, run_id, tiers, good=good and all_passed(results))


def finish(results: object, good: bool) -> dict[str, Any]:
    """Return the verdict as the run's result."""
    return {"success": good and all_passed(results)}


def nothing() -> None:
    """Be sent: the yardstick of what one `send_task` costs its caller."""


def all_passed(results: Any) -> bool:
    """Return whether a tier passed; a chord over one task hands its body no list."""
    return all(result["status"] == "passed" for result in (results if isinstance(results, list) else [results]))


def send(app: Celery, run_id: str, tiers: Tiers | list[list[str]], *, good: bool = True) -> None:
    """Send the first of the tiers as a chord whose body goes on; the last body is the task `run_id`."""
    header = [app.tasks["native.ask"].s(name) for name in tiers[0]]
    if tiers[1:]:
        body = app.tasks["native.advance"].s(run_id, tiers[1:], good)
    else:
        body = app.tasks["native.finish"].s(good).set(task_id=run_id)
    chord(header, app=app)(body)


if REDIS in os.environ:  # a worker: `celery -A benchmarks.native worker`
    app = create_app(os.environ[REDIS], acknowledge=os.environ[ACKNOWLEDGE] == "yes")
