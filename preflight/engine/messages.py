"""The messages of checks: built by Celery and kombu themselves, delivered by the run's scripts.

A message is built once per queue with marks in it (`@run@`, `@name@`, `@number@`, `@limit@`), which the scripts
replace. So a tier is opened in the same atomic step that closes the one before it.
"""

from __future__ import annotations

import functools
import json
from typing import Any, NamedTuple, Self, cast

from celery import Celery
from kombu import Connection
from kombu.transport import virtual

from preflight.engine.celery_app import CHECK_TASK, create_app
from preflight.settings import Settings

#: Seconds after a check's own timeout at which the pool kills the process that runs it: the second fence. The run has
#: its answer long before; a process whose Redis is away needs the time to hand in what its check has said.
LIMIT_GRACE_SECONDS = 5.0
_LIMIT = 735773577357


class Sending(NamedTuple):
    """A check's message to be sent: whose it is, its number in its queue, and the pool's time limit in seconds."""

    run: str
    name: str
    number: str
    limit: float
    queue: str

    @classmethod
    def of(cls, text: str) -> Self:
        """Read what a script could not push."""
        run, name, number, limit, queue = text.split(" ")
        return cls(run, name, number, float(limit), queue)

    @property
    def task_id(self) -> str:
        """The id of the Celery task."""
        return f"{self.run}:{self.name}:{self.number}"


_MARKED = {"run": "@run@", "name": "@name@", "number": "@number@"}


def send(app: Celery, sending: Sending, **options: Any) -> None:
    """Send a check's message through Celery, to the broker that `options` name."""
    app.send_task(
        CHECK_TASK,
        args=(sending.run, sending.name, sending.number),
        argsrepr=f"{sending.name} {sending.run}",
        task_id=sending.task_id,
        time_limit=sending.limit,  # type: ignore[arg-type]  # parts of a second are kept
        ignore_result=True,
        add_to_parent=False,
        queue=sending.queue,
        **options,
    )


class _CaptureChannel(virtual.Channel):
    """Keeps what would have been queued. A body that stays text can be filled in by the scripts."""

    body_encoding = None  # type: ignore[assignment]  # kombu takes it for text

    def _put(self, queue: str, message: dict[str, Any], **_: Any) -> None:
        cast("_CaptureTransport", self.connection).captured = message

    def _new_queue(self, queue: str, **_: Any) -> None:
        """Queues are lists: they need no declaration."""

    def _size(self, queue: str) -> int:
        return 0


class _CaptureTransport(virtual.Transport):
    Channel = _CaptureChannel
    captured: dict[str, Any]


@functools.lru_cache(maxsize=8)
def template(settings: Settings, queue: str) -> str:
    """Return the text of a check's message for a queue, with marks where the scripts fill in."""
    return build(create_app(settings), queue)


def build(app: Celery, queue: str) -> str:
    """Let Celery and kombu build the message that `apply_async` would queue, and return it as text with marks."""
    sending = Sending(**_MARKED, limit=_LIMIT, queue=queue)
    with Connection(transport=_CaptureTransport) as connection:
        send(app, sending, connection=connection)
        message = cast("_CaptureTransport", connection.transport).captured
    message["properties"]["delivery_tag"] = sending.task_id
    return json.dumps(message).replace(str(_LIMIT), "@limit@")


def filled(text: str, sending: Sending) -> str:
    """Return the message that scripts push for a template."""
    marks = {**_MARKED, "limit": "@limit@"}
    for name, mark in marks.items():
        text = text.replace(mark, str(getattr(sending, name)))
    return text
