"""The engine's part of a run, in the caller's own process: no Redis, no worker, no waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from preflight.changes import UNCHANGED
from preflight.engine import answers
from preflight.engine.caller import Caller
from preflight.engine.inbox import Inbox, Woken
from preflight.engine.keys import Keys
from preflight.engine.opening import opening_fields
from preflight.engine.plan import Plan, PlannedCheck
from preflight.engine.state import RunState
from preflight.engine.wait import Wait
from preflight.types import BLOCKING_STATUSES, PreFlightReport, Severity

Answer = dict[str, Any]


class StandIn(Caller):
    """A caller whose runs end at their opening, with the answers that a test gives.

    `of` answers a planned check; `stopping` says what is wrong with broker and workers, if anything; `keep` is given
    every report. In which order the checks of a tier answer, which is chance in a real run, is here the plan's order.
    """

    def __init__(
        self,
        of: Callable[[PlannedCheck], Answer],
        stopping: Callable[[], Mapping[str, Answer]],
        keep: Callable[[PreFlightReport], None],
    ) -> None:
        self.of, self.stopping, self.keep = of, stopping, keep
        self.inbox: _Inbox = _Inbox()
        self.changes = UNCHANGED
        self._states: dict[UUID, dict[str, str]] = {}

    def open(self, run_id: UUID, plan: Plan, *, inbox: str = "", task_id: str = "") -> Plan:
        """Run a plan to its end, and wake who waits for it."""
        fields = _Ending(plan, self.of, self.stopping()).fields
        self._states[run_id] = fields
        self.keep(RunState(run_id, fields).report())
        self.inbox.wake(run_id, fields)
        return plan

    async def aopen(self, run_id: UUID, plan: Plan, *, inbox: str) -> Plan:
        """Do what `open` does: there is nothing to wait for."""
        return self.open(run_id, plan)

    def open_all(self, runs: Sequence[tuple[UUID, Plan]]) -> list[Exception | None]:
        """Run light runs' plans to their ends."""
        for run_id, plan in runs:
            self.open(run_id, plan)
        return [None] * len(runs)

    def state(self, run_id: UUID) -> RunState:
        """Return a run's state, which is its last; one without fields for a run that was refused."""
        return RunState(run_id, self._states.get(run_id, {}))

    def look(self, wait: Wait) -> PreFlightReport | None:
        """Return the run's report."""
        return self.state(wait.run_id).report()

    async def alook(self, wait: Wait) -> PreFlightReport | None:
        """Return the run's report."""
        return self.look(wait)

    def close(self) -> None:
        """Close nothing: there are no connections and no threads."""


class _Inbox(Inbox):
    """Wakes at once, in the caller's thread."""

    def __init__(self) -> None:
        self.key = ""
        self._expected: dict[UUID, Woken] = {}

    def expect(self, run_id: UUID, woken: Woken) -> None:
        self._expected[run_id] = woken

    def forget(self, run_id: UUID) -> None:
        self._expected.pop(run_id, None)

    def wake(self, run_id: UUID, fields: Mapping[str, str]) -> None:
        if run_id in self._expected:
            self._expected[run_id](fields)


class _Ending:
    """Takes a plan to its end as the engine's scripts do, and leaves the run's state in `fields`."""

    def __init__(self, plan: Plan, of: Callable[[PlannedCheck], Answer], stopping: Mapping[str, Answer]) -> None:
        flat = opening_fields(plan, "", Keys("preflight"))
        self.fields = {str(name): str(value) for name, value in zip(flat[::2], flat[1::2], strict=True)}
        self.policy = plan.request.short_circuit
        self.blocked = False
        self.took_ms = 0.0
        if stopping:
            self.fields |= {f"a:{name}": answers.encode(said) for name, said in stopping.items()}
        if not any(said["status"] in BLOCKING_STATUSES for said in stopping.values()):
            self._ask(plan, of)
        opened = int(time.time() * 1000)
        self.fields |= {"opened": str(opened), "end": str(opened + round(self.took_ms)), "alive": "1"}

    def _ask(self, plan: Plan, of: Callable[[PlannedCheck], Answer]) -> None:
        for number, tier in enumerate(plan.tiers):
            self.fields["tier"] = str(number)
            self.blocked |= any(check.blocks for check in tier)
            for check in tier:
                if self.blocked and self.policy == "check":
                    return
                if check.answer is None:
                    self._take(check, of(check))
            if self.blocked and self.policy != "never":
                return

    def _take(self, check: PlannedCheck, said: Answer) -> None:
        answer = {"duration_ms": 0.1, "slow": False, **said}
        self.fields |= {f"a:{check.name}": answers.encode(answer), f"w:{check.name}": "0"}
        self.took_ms += answer["duration_ms"]
        advisory = check.severity is Severity.ADVISORY
        self.blocked |= said["status"] in BLOCKING_STATUSES and not advisory
