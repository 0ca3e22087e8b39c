"""The checks that PreFlight's worker finds: `PREFLIGHT_CHECKS=benchmarks.checks`. But for one they do nothing."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable
from typing import Self

from benchmarks.shapes import FLIGHT, SHAPES, STOPPED, WARM
from preflight import CheckContext, CheckResult, PreFlightCheck
from preflight.engine.connection import client_of
from preflight.registry import PreFlightRegistry
from preflight.settings import Settings, settings

KEPT_SECONDS = 3600.0
SLOW_SECONDS = 0.05


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoOpCheck(PreFlightCheck):
    """Answer at once, so that only the engine is measured."""

    name: str
    priority: int
    event_types: tuple[str, ...]

    def execute(self, context: CheckContext) -> CheckResult:
        """Pass."""
        return CheckResult.passed("nothing was asked")

    @classmethod
    def from_settings(cls, settings: Settings) -> Iterable[Self]:
        """Return the checks of this kind, of every shape."""
        return [check for shape in SHAPES for check in checks_of(shape) if type(check) is cls]


@dataclasses.dataclass(frozen=True, kw_only=True)
class KeptCheck(NoOpCheck):
    """Answer at once, with an answer that stays good for longer than the benchmark takes."""

    cache_ttl: float = KEPT_SECONDS
    cache_scope: str = "global"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CountedCheck(KeptCheck):
    """Take a while, and count every execution in Redis. Each `token` has an answer of its own."""

    token: str = ""

    def execute(self, context: CheckContext) -> CheckResult:
        """Count, wait, pass."""
        client_of(settings().redis).incr(executions_key(self.token))
        time.sleep(SLOW_SECONDS)
        return CheckResult.passed("this took a while")


@dataclasses.dataclass(frozen=True, kw_only=True)
class StoppingCheck(NoOpCheck):
    """Answer at once; the one in the last tier says no."""

    def execute(self, context: CheckContext) -> CheckResult:
        """Pass or fail."""
        last = self.priority == len(SHAPES[STOPPED]) - 1
        return CheckResult.failed("nothing was asked, and it says no") if last else super().execute(context)


_KINDS: dict[str, type[NoOpCheck]] = {WARM: KeptCheck, FLIGHT: CountedCheck, STOPPED: StoppingCheck}


def executions_key(token: str) -> str:
    """Return the Redis key that holds how often the check was executed with this token."""
    return f"benchmarks.executions:{token}"


def checks_of(shape: str) -> list[NoOpCheck]:
    """Return the checks of a shape; its name is the event type that asks them."""
    kind = _KINDS.get(shape, NoOpCheck)
    return [
        kind(name=name, priority=tier, event_types=(shape,))
        for tier, names in enumerate(SHAPES[shape])
        for name in names
    ]


def registry_of(shape: str) -> PreFlightRegistry:
    """Return a registry that holds the checks of one shape and nothing else."""
    registry = PreFlightRegistry()
    for check in checks_of(shape):
        registry.register(check)
    return registry
