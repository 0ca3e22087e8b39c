"""The no-op checks as PreFlight's worker finds them: `PREFLIGHT_CHECKS=benchmarks.checks`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Self

from benchmarks.shapes import SHAPES
from preflight import CheckContext, CheckResult, PreFlightCheck
from preflight.registry import PreFlightRegistry
from preflight.settings import Settings


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
        """Return the checks of every shape."""
        return [check for shape in SHAPES for check in cls.of(shape)]

    @classmethod
    def of(cls, shape: str) -> list[Self]:
        """Return the checks of a shape; its name is the event type that asks them."""
        return [
            cls(name=name, priority=tier, event_types=(shape,))
            for tier, names in enumerate(SHAPES[shape])
            for name in names
        ]


def registry_of(shape: str) -> PreFlightRegistry:
    """Return a registry that holds the checks of one shape and nothing else."""
    registry = PreFlightRegistry()
    for check in NoOpCheck.of(shape):
        registry.register(check)
    return registry
