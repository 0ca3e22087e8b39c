"""How the messages of checks reach their queues: pushed by the scripts themselves, or published by who called them."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from preflight.engine import messages
from preflight.engine.contract import differences
from preflight.engine.messages import Sending
from preflight.engine.publisher import Publisher
from preflight.exceptions import BrokerUnavailable
from preflight.settings import Settings

logger = logging.getLogger("preflight")


class Dispatch(Protocol):
    """What a run's messages need on their way. A run's state says by which design its messages travel."""

    def template(self, queue: str) -> str:
        """Return what scripts push to a queue, with marks to fill in; empty when they must not push."""

    def publish(self, sendings: Sequence[Sending]) -> str:
        """Send messages that scripts did not push; return why that failed, or nothing."""

    def waiting(self, queue: str) -> int | None:
        """Return how many messages wait in a queue of the broker; None when the broker does not say."""

    def close(self) -> None:
        """Close the connection to the broker; publishing opens it again."""


class ByWinner:
    """Who wins a step publishes what it opens, and the watchdog what was never claimed. Works with every broker."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._publisher = Publisher(settings)
        self._said = ""

    def template(self, queue: str) -> str:
        """Return nothing: scripts push nothing."""
        return ""

    def publish(self, sendings: Sequence[Sending]) -> str:
        """Send messages; return why that failed. A failure is logged once: the run's state knows what is missing."""
        try:
            self._publisher.send(sendings)
        except BrokerUnavailable as error:
            return self._say(str(error))
        return self._say("")

    def waiting(self, queue: str) -> int | None:
        """Ask the broker."""
        try:
            return self._publisher.waiting(queue)
        except BrokerUnavailable as error:
            self._say(str(error))
            return None

    def close(self) -> None:
        """Close the publisher's connection."""
        self._publisher.close()

    def _say(self, failure: str) -> str:
        if failure and failure != self._said:
            logger.warning("checks wait until they can be published: %s", failure)
        self._said = failure
        return failure


class ByScripts(ByWinner):
    """Scripts push the messages that Celery built: no step between a tier's end and the next one's messages.

    Publishes only for runs that were opened by the other design.
    """

    def template(self, queue: str) -> str:
        """Return the message that scripts fill in."""
        return messages.template(self.settings, queue)


def dispatch_for(settings: Settings, differ: Callable[[Settings], Iterable[str]] = differences) -> Dispatch:
    """Return how runs opened by this process are dispatched.

    Scripts reach only queues of their own Redis, and push only what `differ` finds to be what Celery would queue.
    """
    if settings.broker != settings.redis:
        return ByWinner(settings)
    if found := sorted(differ(settings)):
        logger.warning(
            "the messages of this Celery and kombu differ from what PreFlight's scripts push (%s):"
            " checks are published one by one, which is slower and as safe",
            ", ".join(found),
        )
        return ByWinner(settings)
    return ByScripts(settings)


@functools.lru_cache(maxsize=8)
def process_dispatch(settings: Settings) -> Dispatch:
    """Return this process's dispatch; the contract is looked at once."""
    return dispatch_for(settings)
