"""What a stranger's check may do instead of answering, by name. It runs in worker processes."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import math
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from celery.exceptions import Ignore, Reject

from preflight import CheckContext, CheckResult
from preflight.embedded.process import wait_until

LONG_SECONDS = 60.0


def passes(context: CheckContext) -> CheckResult:
    return CheckResult.passed("all is well")


def warns(context: CheckContext) -> CheckResult:
    return CheckResult.warning("all is nearly well")


def fails(context: CheckContext) -> CheckResult:
    return CheckResult.failed("the tank is empty", remediation="Fill the tank.")


def waits(context: CheckContext) -> CheckResult:
    """Answer when the test opens its gate."""
    if not wait_until(Path(context.metadata["gate"]).exists, LONG_SECONDS):
        return CheckResult.failed("nobody opened the gate")
    return CheckResult.passed("the gate is open")


async def passes_later(context: CheckContext) -> CheckResult:
    await asyncio.sleep(0)
    return CheckResult.passed("all is well, later")


def sleeps(context: CheckContext) -> None:
    time.sleep(LONG_SECONDS)


async def sleeps_later(context: CheckContext) -> None:
    await asyncio.sleep(LONG_SECONDS)


async def ignores_cancellation(context: CheckContext) -> None:
    until = time.monotonic() + LONG_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(LONG_SECONDS)


def computes(context: CheckContext) -> None:
    while True:
        pass


def blocks_in_c(context: CheckContext) -> None:
    """Backtrack for longer than the universe lasts, with the interpreter's lock held."""
    re.match(r"(a+)+$", "a" * 64 + "b")


def swallows_everything(context: CheckContext) -> None:
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(LONG_SECONDS)


def raises(context: CheckContext) -> None:
    raise ValueError("no such harbour: postgresql://captain:hunter2@sea/ships")


def returns_coroutine(context: CheckContext) -> Any:
    async def outer() -> Any:
        return passes_later(context)

    return outer()


def returns_huge(context: CheckContext) -> CheckResult:
    return CheckResult.passed("x" * 50_000_000)


def returns_nan(context: CheckContext) -> CheckResult:
    return CheckResult.passed("measured", metadata={"load": math.nan})


def returns_bytes_inside(context: CheckContext) -> CheckResult:
    return CheckResult.passed("read", metadata={"raw": b"\xff"})


def returns_surrogates(context: CheckContext) -> CheckResult:
    return CheckResult.passed("half a \ud800 pair and a \x00")


def interrupts(context: CheckContext) -> None:
    raise KeyboardInterrupt


def ignores(context: CheckContext) -> None:
    raise Ignore


def rejects(context: CheckContext) -> None:
    raise Reject("not me", requeue=True)


def kills_itself(context: CheckContext) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(LONG_SECONDS)


def forks(context: CheckContext) -> CheckResult:
    """Answer twice: in this process and in a child that believes to be it."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
    return CheckResult.passed("forked", metadata={"child": child == 0})


def changes_directory(context: CheckContext) -> CheckResult:
    os.chdir(context.metadata["elsewhere"])
    return CheckResult.passed("moved")


def tells_directory(context: CheckContext) -> CheckResult:
    return CheckResult.passed(str(Path.cwd()))


def closes_stdout(context: CheckContext) -> CheckResult:
    sys.stdout.close()
    os.close(1)
    return CheckResult.passed("closed")


def runs_preflight(context: CheckContext) -> CheckResult:
    from preflight import runner

    return CheckResult.passed(runner.run(event_type="trial").verdict)


BEHAVIOURS: dict[str, Callable[[CheckContext], Any]] = {
    found.__name__: found
    for found in (
        passes, warns, fails, waits, passes_later, sleeps, sleeps_later, ignores_cancellation, computes, blocks_in_c,
        swallows_everything, raises, returns_coroutine, returns_huge, returns_nan, returns_bytes_inside,
        returns_surrogates, interrupts, ignores, rejects, kills_itself, forks, changes_directory, tells_directory,
        closes_stdout, runs_preflight,
    )
} | {
    "returns_none": lambda _: None,
    "returns_true": lambda _: True,
    "returns_dict": lambda _: {"success": True},
    "returns_bytes": lambda _: b"yes",
    "exits": lambda _: sys.exit("good bye"),
    "dies": lambda _: os._exit(3),
    "crashes": lambda _: ctypes.string_at(0),
}  # fmt: skip
