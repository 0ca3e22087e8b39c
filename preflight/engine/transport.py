"""kombu's Redis transport, surviving what others put on the queues.

Celery drops a message whose body it cannot decode. One that is no JSON at all, or of another shape, raises in the
middle of the worker's event loop instead: the worker ends, or loses its connection. Only workers use it.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from queue import Empty
from typing import Any

from kombu.transport import redis, virtual
from kombu.utils.encoding import bytes_to_str
from redis.exceptions import InvalidResponse, ResponseError

logger = logging.getLogger("preflight.worker")

#: A server that refuses (a read-only replica, a full disk) is asked again after this time.
_REFUSED_SECONDS = 0.5

#: What a malformed message raises in kombu and Celery. What a lost connection raises is none of these.
_MALFORMED = (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError)


class _Acknowledging(redis.QoS):
    """Keeps messages in Redis until they are acknowledged; what cannot be put back comes back from there."""

    def restore_unacked(self, client: Any = None) -> Any:
        """Put back what can be put back; name none that could not: kombu would write them into a file in /tmp."""
        super().restore_unacked()
        return []


class _Forgetting(virtual.QoS):
    """Keeps nothing: the runs' state has asked again what cannot be put back."""

    def can_consume(self) -> bool:
        """Return whether to ask for more: when half of what was taken is at work, so that one trip brings many."""
        limit = self.prefetch_count
        return not limit or 2 * (limit - (self.can_consume_max_estimate() or 0)) <= limit

    def restore_unacked(self) -> Any:
        """Put back what can be put back; name none that could not: kombu would write them into a file in /tmp."""
        super().restore_unacked()
        return []


class Channel(redis.Channel):
    """Takes as many messages at a time as there is room for; drops one that cannot be read, says so, and goes on."""

    #: False with a Redis before 7.0, which knows no BLMPOP.
    _takes_many = True
    #: Nothing is asked before this instant of `time.monotonic`: the server has refused.
    _refused_until = 0.0
    _refusal = ""

    # What kombu's channel has and the type stubs leave out.
    connection_errors: tuple[type[Exception], ...]
    _queue_cycle: Any
    _q_for_pri: Callable[[str, int], str]
    _flush_brpop_reauth: Callable[[], None]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.QoS = _Acknowledging if self.ack_emulation else _Forgetting  # type: ignore[assignment]  # as kombu does

    def _brpop_start(self, timeout: float | None = None) -> None:
        queues = self._queue_cycle.consume(len(self.active_queues))
        if not queues or time.monotonic() < self._refused_until:
            return
        keys = [self._q_for_pri(queue, step) for step in self.priority_steps for queue in queues]
        wait = (self.brpop_timeout if timeout is None else timeout) or 0
        room = self.qos.can_consume_max_estimate() or 1
        many = ("BLMPOP", wait, len(keys), *keys, "RIGHT", "COUNT", room)
        self._in_poll, self._brpop_sent_at = self.client.connection, time.monotonic()
        self._in_poll.send_command(*many if self._takes_many else ("BRPOP", *keys, wait))

    def _brpop_read(self, **options: Any) -> bool:
        queue, texts = self._reply(options)
        self._queue_cycle.rotate(queue)
        for text in texts:
            self._deliver_or_drop(queue, text)
        return True

    def _reply(self, options: dict[str, Any]) -> tuple[str, list[bytes]]:
        """Return a queue and messages of it; raise `Empty` when none came."""
        try:
            reply = self.client.parse_response(self.client.connection, "BRPOP", **options)
            self._refusal = ""
        except ResponseError as error:
            reply = None
            self._refused(str(error))
        except self.connection_errors:
            self.client.connection.disconnect()  # the next turn of the loop connects again
            raise
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()
        if not reply:
            raise Empty
        return bytes_to_str(reply[0]).rsplit(self.sep, 1)[0], reply[1] if self._takes_many else [reply[1]]

    def _refused(self, reason: str) -> None:
        """Ask in the older way, or a little later: the worker outlives a server that refuses."""
        if self._takes_many and "unknown command" in reason:
            self._takes_many = False
            return
        self._refused_until = time.monotonic() + _REFUSED_SECONDS
        if reason != self._refusal:
            logger.error("no message can be taken: %s", reason)
        self._refusal = reason

    def _deliver_or_drop(self, queue: str, text: bytes) -> None:
        held = self._newest_tag()
        try:
            self.connection._deliver(json.loads(text), queue)  # noqa: SLF001  # as kombu's own channel does
        except _MALFORMED as error:
            logger.error("a message was dropped: it cannot be read (%s)", type(error).__name__)  # noqa: TRY400  # a line
            newest = self._newest_tag()
            if newest is not None and newest != held:
                self.basic_reject(newest, requeue=False)  # else it would come back for ever

    def _newest_tag(self) -> str | None:
        """Return the tag of the newest message that waits for its acknowledgement."""
        return next(reversed(self.qos._delivered or {}), None)  # noqa: SLF001  # kombu has no other way to ask


class Transport(redis.Transport):
    """The Redis transport with that channel.

    A server that does not speak Redis' language for a while (a proxy's error page), or refuses what else Celery asks of
    it, costs the connection, as a lost one does, and not the worker.
    """

    Channel = Channel
    connection_errors = (*redis.Transport.connection_errors, InvalidResponse, ResponseError)
