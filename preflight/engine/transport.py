"""kombu's Redis transport, surviving what others put on the queues.

Celery drops a message whose body it cannot decode. One that is no JSON at all, or of another shape, raises in the
middle of the worker's event loop instead: the worker ends, or loses its connection. Only workers use it.
"""

from __future__ import annotations

import logging
from queue import Empty
from typing import Any

from kombu.transport import redis, virtual
from redis.exceptions import InvalidResponse

logger = logging.getLogger("preflight.worker")

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

    def restore_unacked(self) -> Any:
        """Put back what can be put back; name none that could not: kombu would write them into a file in /tmp."""
        super().restore_unacked()
        return []


class Channel(redis.Channel):
    """Drops a message that cannot be read, says so in one line, and goes on to the next."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.QoS = _Acknowledging if self.ack_emulation else _Forgetting  # type: ignore[assignment]  # as kombu does

    def _brpop_read(self, **options: Any) -> Any:
        held = self._newest_tag()
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # the type stubs leave it out
        except _MALFORMED as error:
            logger.error("a message was dropped: it cannot be read (%s)", type(error).__name__)  # noqa: TRY400  # a line
            newest = self._newest_tag()
            if newest is not None and newest != held:
                self.basic_reject(newest, requeue=False)  # else it would come back for ever
            raise Empty from None

    def _newest_tag(self) -> str | None:
        """Return the tag of the newest message that waits for its acknowledgement."""
        return next(reversed(self.qos._delivered or {}), None)  # noqa: SLF001  # kombu has no other way to ask


class Transport(redis.Transport):
    """The Redis transport with that channel.

    A server that does not speak Redis' language for a while (a proxy's error page) costs the connection, as a lost
    one does, and not the worker.
    """

    Channel = Channel
    connection_errors = (*redis.Transport.connection_errors, InvalidResponse)
