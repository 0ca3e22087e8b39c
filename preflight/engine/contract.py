"""The contract with Celery and kombu: what scripts push is what `apply_async` would queue."""

from __future__ import annotations

import base64
import json
from typing import Any, cast

from celery import Celery
from kombu import Connection
from kombu.transport import redis

from preflight.engine.celery_app import create_app
from preflight.engine.keys import Keys
from preflight.engine.messages import Sending, build, filled, send
from preflight.settings import Settings

#: Parts that differ from message to message, or between a body that is text and one in base64.
_OWN = frozenset({"properties.delivery_tag", "properties.body_encoding", "properties.reply_to", "headers.origin"})


def differences(settings: Settings) -> list[str]:
    """Return which parts of our messages are not what the installed Celery and kombu would queue. Does no I/O."""
    queue = Keys(settings.namespace).full_queue
    sending = Sending("018f4c1e-0000-7000-8000-000000000001", "a_check", "7", 6.5, queue)
    app = create_app(settings)
    try:
        return compare(filled(build(app, queue), sending), queued_by_kombu(app, sending))
    except Exception as error:  # whatever another version does differently, it is no reason to fail
        return [f"the comparison: {type(error).__name__}"]


def compare(ours: str, theirs: str) -> list[str]:
    """Return the names of the parts in which two queued messages differ, as a worker reads them."""
    try:
        own, expected = _parts(ours), _parts(theirs)
    except (ValueError, TypeError, AttributeError):
        return ["the message: it is no JSON object"]
    names = (own.keys() | expected.keys()) - _OWN
    return sorted(name for name in names if own.get(name, ...) != expected.get(name, ...))


def _parts(text: str) -> dict[str, Any]:
    message = json.loads(text)
    parts: dict[str, Any] = {"body": _body(message)} if "body" in message else {}
    for name, value in message.items():
        if isinstance(value, dict):
            parts |= {f"{name}.{key}": item for key, item in value.items()}
        elif name != "body":
            parts[name] = value
    return parts


def _body(message: dict[str, Any]) -> Any:
    body = message["body"]
    if message["properties"].get("body_encoding") == "base64":
        body = base64.b64decode(body).decode()
    return json.loads(body)


def queued_by_kombu(app: Celery, sending: Sending) -> str:
    """Return the text that kombu's own Redis channel pushes for a message; raise `ValueError` if it does otherwise."""
    options = app.conf.broker_transport_options
    with Connection(transport=_Transport, transport_options=options) as connection:
        send(app, sending, connection=connection)
        commands = cast("_Transport", connection.transport).commands
    if [key for key, _ in commands] != [sending.queue]:
        raise ValueError("kombu's Redis transport no longer pushes a message to the list of its queue")
    return str(commands[0][1])


class _Client:
    """Takes a Redis client's place and notes what would be pushed."""

    def __init__(self, commands: list[tuple[str, str]]) -> None:
        self._commands = commands

    def ping(self) -> bool:
        return True

    def lpush(self, key: str, text: str) -> None:
        self._commands.append((key, text))


class _Channel(redis.Channel):
    """kombu's Redis channel, to no server."""

    def _create_client(self, asynchronous: bool = False) -> _Client:
        return _Client(cast("_Transport", self.connection).commands)

    def _size(self, queue: str) -> int:
        return 0

    def _queue_bind(self, *_: object) -> None:
        """Messages go to their queue directly, whatever it is bound to."""


class _Transport(redis.Transport):
    Channel = _Channel

    def __init__(self, *args: Any, **options: Any) -> None:
        self.commands: list[tuple[str, str]] = []
        super().__init__(*args, **options)
