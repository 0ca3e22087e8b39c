"""What a test has the checks answer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from preflight import runner
from preflight.engine.answers import answer
from preflight.engine.plan import PlannedCheck
from preflight.exceptions import UnknownCheck
from preflight.registry import PreFlightRegistry, default_registry
from preflight.testing.stand_in import StandIn
from preflight.types import SELF_ANSWERED, CheckResult, PreFlightReport

_BY_DEFAULT = "answered by preflight.testing"


class Answers:
    """The answers of checks in a test, by name; a check of which nothing was said passes.

    Every method raises `UnknownCheck`, with the nearest names, for a check that no run could ask. A later call for the
    same check replaces an earlier one.
    """

    def __init__(self, registry: PreFlightRegistry | None = None) -> None:
        self.registry = default_registry() if registry is None else registry
        #: The reports of the runs so far, light ones too, the oldest first.
        self.reports: list[PreFlightReport] = []
        self._said: dict[str, dict[str, Any]] = {}

    def passes(self, check: str, message: str = _BY_DEFAULT, **details: Any) -> None:
        """Have a check answer yes. `details` are the other fields of a `CheckResult`, here and below."""
        self.says(check, CheckResult.passed(message, **details))

    def warns(self, check: str, message: str = _BY_DEFAULT, **details: Any) -> None:
        """Have a check answer yes, with a remark."""
        self.says(check, CheckResult.warning(message, **details))

    def fails(self, check: str, message: str = _BY_DEFAULT, **details: Any) -> None:
        """Have a check answer no."""
        self.says(check, CheckResult.failed(message, **details))

    def errors(self, check: str, message: str = _BY_DEFAULT, **details: Any) -> None:
        """Have a check be in error: it could not be asked.

        In error, `broker` is a Redis that is away and `workers` that no worker lives; nothing else is asked then.
        """
        self.says(check, CheckResult.errored(message, **details))

    def is_slow(self, check: str, seconds: float = 5.0) -> None:
        """Have a check pass after so many seconds. The report says so; nobody waits for them."""
        self.says(check, CheckResult.passed(_BY_DEFAULT))
        self._said[check] |= {"duration_ms": seconds * 1000, "slow": True}

    def says(self, check: str, result: CheckResult) -> None:
        """Have a check answer any result, as the engine would take it: bounded, redacted, no JSON is an error."""
        if check not in self.registry and check not in SELF_ANSWERED:
            raise UnknownCheck(check, {known.name for known in self.registry} | SELF_ANSWERED)
        self._said[check] = answer(result)

    def of(self, check: PlannedCheck) -> dict[str, Any]:
        """Return what a planned check answers."""
        return self._said.get(check.name) or answer(CheckResult.passed(_BY_DEFAULT))

    def stopping(self) -> dict[str, dict[str, Any]]:
        """Return what was said of `broker` and `workers`, which are no checks that somebody asks."""
        return {name: said for name, said in self._said.items() if name in SELF_ANSWERED}


@contextlib.contextmanager
def answers(registry: PreFlightRegistry | None = None) -> Iterator[Answers]:
    """Have every run of this process answered by the yielded `Answers` until the block ends.

    `run`, `arun` and light runs plan, stop early and report as they always do, and touch neither Redis nor PostgreSQL.
    A light run has ended when its call returns. `registry` is that of a runner that was made with one.
    """
    given = Answers(registry)
    with runner.answered_by(StandIn(given.of, given.stopping, given.reports.append)):
        yield given
