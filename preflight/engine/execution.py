"""Asking one check in a worker: claim it, ask within its time, record what it said. Nothing it does gets past here."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from uuid import UUID

import redis

from preflight.adjustment import with_timeout
from preflight.asked import asked
from preflight.context import CheckContext
from preflight.declaration import PreFlightCheck
from preflight.engine import answers
from preflight.engine.hung_threads import asking
from preflight.engine.lines import errored
from preflight.engine.runs import Claim, Runs
from preflight.engine.time_limit import TimedOut, call_within
from preflight.engine.workers import live
from preflight.exceptions import InvalidRun
from preflight.parameters import with_parameters
from preflight.registry import PreFlightRegistry

T = TypeVar("T")
logger = logging.getLogger("preflight")

_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 0.5


class Execution:
    """Asks the checks that messages name, for one worker process."""

    def __init__(self, runs: Runs, registry: PreFlightRegistry, worker: str, slow_ms: int) -> None:
        self.runs = runs
        self.registry = registry
        self.worker = worker
        self.slow_ms = slow_ms

    def execute(self, run_id: UUID, name: str, number: str) -> None:
        """Ask one check and hand its answer to the run. Never raises, whatever the check does."""
        with asked(run_id, name):
            self._execute(run_id, name, number)

    def _execute(self, run_id: UUID, name: str, number: str) -> None:
        claim = self._persistently(5.0, lambda: self.runs.claim(run_id, name, number, self.worker))
        if claim is None or self._left_to_another(run_id, name):
            return
        started = time.monotonic()
        answer = self._ask(run_id, name, claim)
        seconds = time.monotonic() - started
        answer["duration_ms"] = round(seconds * 1000, 3)
        answer["slow"] = seconds * 1000 > self.slow_ms and not self._may_be_slow(name)
        self._persistently(
            claim.left_ms / 1000 - seconds,
            lambda: self.runs.record(run_id, name, answer, claim.check["severity"]),
        )

    def _left_to_another(self, run_id: UUID, name: str) -> bool:
        """Give a check back that only another live worker knows: versions differ while workers are being replaced."""
        if name in self.registry:
            return False
        others = self._persistently(1.0, lambda: live(self.runs.client, self.runs.keys.namespace)) or []
        if not any(name in other.checks for other in others):
            return False
        return bool(self._persistently(1.0, lambda: self.runs.release(run_id, name, self.worker)))

    def _ask(self, run_id: UUID, name: str, claim: Claim) -> dict[str, Any]:
        timeout = min(float(claim.check["timeout"]), max(0.001, claim.left_ms / 1000))
        context = CheckContext.from_json(claim.context, run_id)
        try:
            check = self._prepared(name, claim.check)
        except InvalidRun as error:
            return unknown_here(name, str(error))
        with asking(name, timeout):
            return fenced(check, context, timeout)

    def _prepared(self, name: str, planned: Mapping[str, Any]) -> PreFlightCheck:
        check = with_parameters(name, self.registry.get(name), planned["params"])
        return with_timeout(check, float(planned["timeout"]))

    def _may_be_slow(self, name: str) -> bool:
        return name in self.registry and self.registry.get(name).may_be_slow

    def _persistently(self, seconds: float, step: Callable[[], T]) -> T | None:
        """Take a step in Redis, again while it is away, until the time is over: then the watchdog has to."""
        give_up_at, pause = time.monotonic() + max(seconds, 0.5), _FIRST_PAUSE_SECONDS
        while True:
            try:
                return step()
            except redis.RedisError as error:
                if time.monotonic() + pause > give_up_at:
                    logger.warning("a step of a run was given up: %s", error)
                    return None
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def fenced(check: PreFlightCheck, context: CheckContext, timeout: float) -> dict[str, Any]:
    """Ask a check and return its answer, whatever it does: sys.exit and MemoryError are answers too."""
    process, folder = os.getpid(), os.getcwd()  # noqa: PTH109  # a Path costs as much as a claim
    try:
        answer = answers.answer(call_within(timeout, lambda: check.execute(context)))
    except TimedOut:
        answer = timed_out(timeout)
    except BaseException as error:  # SystemExit, KeyboardInterrupt, Celery's Ignore: all are answers
        answer = answers.answer_from_exception(error)
    if os.getpid() != process:
        os._exit(0)  # the check forked: its child must not go on as a second worker
    if os.getcwd() != folder:  # noqa: PTH109  # likewise
        os.chdir(folder)
    return answer


def timed_out(timeout: float) -> dict[str, Any]:
    """Return the answer of a check that has used up its time."""
    return errored(f"timed out after {timeout:g} s")


def unknown_here(name: str, reason: str) -> dict[str, Any]:
    """Return the answer for a check that this worker cannot ask."""
    return errored(
        f"the worker does not know it: {reason}",
        f"Where workers run, name the module of {name} in PREFLIGHT_CHECKS, or set the target it asks; restart them.",
    )


def read_message(arguments: object) -> tuple[UUID, str, str] | None:
    """Return (run, check, number) of a message's arguments, or None if they are not ours: a poison message."""
    if not isinstance(arguments, list | tuple):
        return None
    try:
        run_id, name, number = arguments
        return UUID(run_id), str(name), str(int(number))
    except (AttributeError, TypeError, ValueError):
        return None
