"""Call something that blocks from a coroutine, and never be held by it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


async def in_daemon_thread(function: Callable[[], Result]) -> Result:
    """Return what `function()` returns, or raise what it raises; a cancelled wait leaves the thread to end alone.

    `asyncio.to_thread` would not do: the end of a loop joins its threads, and a dead name resolution holds them.
    """
    outcome: Future[Result] = Future()
    threading.Thread(target=_settle, args=(outcome, function), daemon=True, name="preflight-blocking-call").start()
    return await asyncio.wrap_future(outcome)


def _settle(outcome: Future[Result], function: Callable[[], Result]) -> None:
    if not outcome.set_running_or_notify_cancel():
        return
    try:
        outcome.set_result(function())
    except BaseException as error:
        outcome.set_exception(error)
