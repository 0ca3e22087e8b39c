"""One caller's wait for one run: when it looks, for how long, and what it says when nobody can be asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from preflight.engine.lines import answered_line, engine_check, errored, skipped_line
from preflight.engine.plan import Plan
from preflight.engine.state import RunState
from preflight.redaction import redact_values
from preflight.types import CheckReport, PreFlightReport, plan_order

#: A caller whose broker is away is told so within this time; dead name servers included.
OPEN_SECONDS = 1.5
#: Between two looks at a run that sends no wake-up.
LOOK_SECONDS = 1.0
#: Between two looks at a run that is overdue: on Redis' clock its time may be over a little later.
OVERDUE_LOOK_SECONDS = 0.25
#: A run without any live worker is given up after this time.
NO_WORKER_SECONDS = 4.0
#: A caller that cannot reach Redis fixes its verdict this long after the deadline; 2 s are promised.
OVERRUN_SECONDS = 1.0


class Wait:
    """One caller's wait for one run. Times are of `time.monotonic`."""

    def __init__(self, run_id: UUID, plan: Plan) -> None:
        self._began_at = time.monotonic()
        self.run_id = run_id
        self.started_at = datetime.now(UTC)
        self.worker_wanted_by = self._began_at + NO_WORKER_SECONDS
        self.follow(plan)
        self.woken = threading.Event()
        #: The state that the wake-up brought.
        self.ended: Mapping[str, str] = {}
        #: No worker is left that would store the report.
        self.alone = False

    def follow(self, plan: Plan) -> None:
        """Wait as long as a plan says: the first one, or the one that the run was opened with in the end."""
        self.plan = plan
        self.deadline_at = self._began_at + plan.timeout
        self.give_up_at = self.deadline_at + OVERRUN_SECONDS

    def wake(self, ended: Mapping[str, str]) -> None:
        """Take the state of the run that has ended."""
        self.ended = ended
        self.woken.set()

    def state(self, fields: Mapping[str, str]) -> RunState:
        """Return the run's state that was read from Redis."""
        return RunState(self.run_id, fields, self.plan.checks if fields else ())

    def woken_report(self) -> PreFlightReport | None:
        """Return the report that the wake-up brought, if there was one."""
        return self.state(self.ended).report() if self.ended else None

    def given_up(self, message: str) -> PreFlightReport | None:
        """Return the report of a run that cannot be looked at: a blip is waited out until after the deadline."""
        return self.without_broker(message) if time.monotonic() >= self.give_up_at else None

    def without_broker(self, message: str) -> PreFlightReport:
        """Return the NO-GO of a run whose broker could not be asked: `broker` in error, all else skipped."""
        advice = "Start the server that the message names, or correct its setting; `preflight doctor` says which."
        return self._stopped(errored(message, advice))

    def lost(self) -> PreFlightReport:
        """Return the NO-GO of a run whose state vanished while its caller waited."""
        advice = "Redis lost data (FLUSHALL, a restart without append-only file, eviction): run it again."
        return self._stopped(errored("the run's state was lost", advice))

    def next_look(self) -> float:
        """Return the seconds until the caller looks by itself, wake-up or not."""
        now = time.monotonic()
        if now >= self.deadline_at:
            return OVERDUE_LOOK_SECONDS
        moments = [at for at in (self.deadline_at, self.worker_wanted_by, self.give_up_at) if at > now]
        return max(0.02, min([LOOK_SECONDS, *(at - now for at in moments)]))

    def patience(self) -> float:
        """Return the seconds that one look may take: none holds a caller past the moment it gives up."""
        return max(0.02, self.give_up_at - time.monotonic())

    def _stopped(self, broker: dict[str, Any]) -> PreFlightReport:
        others = [check for check in self.plan.checks if check.name != "broker"]
        lines: list[CheckReport] = [skipped_line(check, "broker error") for check in others]
        lines.append(answered_line(engine_check("broker"), broker))
        context = self.plan.context
        return PreFlightReport(
            id=self.run_id,
            mode=context.mode,
            event_type=context.event_type,
            checks=tuple(sorted(lines, key=plan_order)),
            created_at=self.started_at,
            duration_ms=max(0, round((datetime.now(UTC) - self.started_at).total_seconds() * 1000)),
            campaign_id=context.campaign_id,
            streamer_ids=context.streamer_ids,
            triggered_by=context.triggered_by,
            metadata=redact_values(context.metadata),
            settings_version=self.plan.version,
        )
