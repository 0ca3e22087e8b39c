"""A check's time limit: the first fence. Behind it stand the watchdog and the pool's hard limit."""

from __future__ import annotations

import asyncio
import inspect
import signal
import threading
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

#: An async check is cancelled at its timeout; the alarm comes this many seconds later, if it ignored that.
CANCELLATION_GRACE_SECONDS = 0.1


class TimedOut(BaseException):
    """A check has used up its time. Not an `Exception`, so that a check's own `except` does not swallow it."""


def call_within(seconds: float, ask: Callable[[], Any]) -> Any:
    """Call a sync or async question and return its answer; raise `TimedOut` after `seconds`.

    In a process's main thread (the prefork pool) an alarm interrupts what waits or computes in Python. In other
    threads only async questions can be stopped; a sync one keeps its thread, and the watchdog answers for it.
    """
    within = _alarmed if threading.current_thread() is threading.main_thread() else _unalarmed
    answer = within(seconds, ask)
    if not inspect.isawaitable(answer):
        return answer
    return within(seconds + CANCELLATION_GRACE_SECONDS, lambda: asyncio.run(_awaited(answer, seconds)))


async def _awaited(answer: Awaitable[Any], seconds: float) -> Any:
    try:
        async with asyncio.timeout(seconds) as limit:
            return await answer
    except TimeoutError:
        # A check's own TimeoutError is its answer; only ours means that its time is over.
        if limit.expired():
            raise TimedOut from None
        raise


def _unalarmed(_seconds: float, call: Callable[[], Any]) -> Any:
    return call()


def _alarmed(seconds: float, call: Callable[[], Any]) -> Any:
    before = signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return call()
    except BaseExceptionGroup as group:  # a TaskGroup of the check's wraps the alarm
        if group.subgroup(TimedOut):
            raise TimedOut from None
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _ring(_signal: int, _frame: FrameType | None) -> None:
    raise TimedOut
