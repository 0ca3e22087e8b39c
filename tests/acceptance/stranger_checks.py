"""A stranger's checks: workers import them through PREFLIGHT_CHECKS. What each does is in the run's metadata.

`metadata["do"][name]` names a behaviour, "passes" without one; `metadata["ledger"]` is a file in which every
execution leaves a line: what really was asked, whatever the reports say.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Awaitable, Iterable
from pathlib import Path
from typing import Any

from acceptance.stranger_behaviours import BEHAVIOURS

from preflight import CheckContext, CheckResult, PreFlightCheck

EVENT = "trial"


class _Stranger(PreFlightCheck):
    event_types = (EVENT, "launch")
    default_remediation = "Ask the stranger."

    def execute(self, context: CheckContext) -> CheckResult | Awaitable[CheckResult]:
        """Leave a line in the ledger, then do what the run says."""
        note(context, self.name)
        return self.act(context)

    def act(self, context: CheckContext) -> Any:
        return BEHAVIOURS[context.metadata.get("do", {}).get(self.name, "passes")](context)


def note(context: CheckContext, name: str) -> None:
    """Append one line; a short one is written whole, whoever else writes."""
    ledger = context.metadata.get("ledger")
    if ledger:
        with Path(ledger).open("a") as file:
            file.write(f"{name} {os.getpid()}\n")


class Alpha(_Stranger):
    """The first of four in tier 0."""

    name = "alpha"
    timeout = 30.0


class Beta(_Stranger):
    """The second."""

    name = "beta"
    timeout = 30.0


class Gamma(_Stranger):
    """The third."""

    name = "gamma"
    timeout = 30.0


class Delta(_Stranger):
    """The fourth."""

    name = "delta"
    timeout = 30.0


class Brief(_Stranger):
    """One that has little time."""

    name = "brief"
    timeout = 0.5


class Five(_Stranger):
    """Alone in tier 5."""

    name = "five"
    priority = 5


class Ten(_Stranger):
    """The last tier that light runs ask."""

    name = "ten"
    priority = 10


class Twenty(_Stranger):
    """Asked by full runs only."""

    name = "twenty"
    priority = 20


class Later(_Stranger):
    """One whose question is a coroutine function."""

    name = "later"

    async def execute(self, context: CheckContext) -> CheckResult:
        """Answer after a turn of the loop."""
        note(context, self.name)
        return await BEHAVIOURS["passes_later"](context)


class Adviser(_Stranger):
    """One whose no stops nothing."""

    name = "adviser"
    severity = "advisory"


class Demanding(_Stranger):
    """One that cannot be asked without a campaign."""

    name = "demanding"
    requires = ("campaign_id",)


class Choosy(_Stranger):
    """One that applies to some runs."""

    name = "choosy"

    def applies_to(self, context: CheckContext) -> bool | str:
        """Do what the run's metadata says."""
        wish = context.metadata.get("applies", True)
        if wish == "raises":
            raise LookupError("who knows")
        return wish  # type: ignore[no-any-return]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parametric(PreFlightCheck):
    """One with parameters."""

    name: str = "parametric"
    priority: int = 0
    event_types: Iterable[str] | None = (EVENT,)
    limit: int = 3

    def execute(self, context: CheckContext) -> CheckResult:
        """Say the limit."""
        return CheckResult.passed(f"the limit is {self.limit}")
