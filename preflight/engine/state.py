"""What a run's state says: its progress while it runs, and its report when it has ended. Pure: no I/O."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from preflight.context import CheckContext
from preflight.engine.lines import answered_line, bounded, engine_check, errored, no_worker, passed, skipped_line
from preflight.engine.plan import PlannedCheck
from preflight.redaction import redact_values
from preflight.types import SELF_ANSWERED, CheckReport, PreFlightReport, Status, plan_order


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a check is; `since_ms` is Redis' clock.

    "waiting": its tier is not open. "joined": another run's execution will answer it.
    """

    where: Literal["waiting", "queued", "running", "joined", "done"]
    text: str = ""
    number: int = 0
    since_ms: int = 0
    attempt: int = 0
    worker: str = ""

    @classmethod
    def of(cls, text: str | None) -> Place:
        """Read a place as the scripts write it."""
        if not text:
            return cls("waiting")
        if text == "d":
            return cls("done", text)
        if text.startswith("j "):
            return cls("joined", text)
        kind, number, since, attempt, *worker = text.split(" ")
        where: Literal["queued", "running"] = "queued" if kind == "q" else "running"
        return cls(where, text, int(number), int(since), int(attempt), " ".join(worker))


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckProgress:
    """A check in a run that may still be going on. `status` is None until it has answered."""

    name: str
    priority: int
    status: Status | None = None
    running: bool = False
    message: str = ""
    duration_ms: float | None = None
    queue_ms: float | None = None


class RunState:
    """A run's state, read once from Redis."""

    def __init__(
        self, run_id: UUID, fields: Mapping[str, str], planned: tuple[PlannedCheck, ...] | None = None
    ) -> None:
        """Read the state; who has planned the run needs not read the plan back."""
        self.id = run_id
        self.fields = fields
        if planned is None:
            planned = tuple(PlannedCheck.from_json(check) for check in json.loads(fields.get("plan", "[]")))
        self.checks = planned

    @property
    def exists(self) -> bool:
        """True when the run was opened and its state is still there."""
        return "v" in self.fields

    @property
    def ended(self) -> bool:
        """True when the run has its verdict."""
        return self.exists and "end" in self.fields

    @property
    def deadline_ms(self) -> int:
        """The instant on Redis' clock at which the run is over."""
        return int(self.fields["deadline"])

    @property
    def queue(self) -> str:
        """The queue that the run's checks are sent to."""
        return self.fields["queue"]

    @property
    def pushed_by_scripts(self) -> bool:
        """True when scripts push the run's messages, False when who calls them publishes."""
        return bool(self.fields.get("template"))

    @property
    def task_id(self) -> str:
        """The id of the foreign task whose result the report is, or nothing."""
        return self.fields.get("task", "")

    def place(self, name: str) -> Place:
        """Return where a check is."""
        return Place.of(self.fields.get(f"s:{name}"))

    def answer(self, name: str) -> dict[str, Any] | None:
        """Return a check's answer, or None while it has none."""
        text = self.fields.get(f"a:{name}")
        return json.loads(text) if text else None

    @property
    def sent(self) -> tuple[PlannedCheck, ...]:
        """The checks that workers are asked."""
        return tuple(check for check in self.checks if check.answer is None and check.name not in SELF_ANSWERED)

    @property
    def unanswered(self) -> tuple[PlannedCheck, ...]:
        """The checks that workers have not answered yet, in plan order."""
        return tuple(check for check in self.sent if f"a:{check.name}" not in self.fields)

    def progress(self) -> tuple[CheckProgress, ...]:
        """Return every check as it stands now, by priority, then name."""
        if self.ended:
            return tuple(_as_progress(check) for check in self.report().checks)
        return tuple(self._progress(check) for check in self.checks)

    def _progress(self, check: PlannedCheck) -> CheckProgress:
        self_answered = self._self_answered(check)
        if self_answered is not None:
            return _as_progress(self_answered)
        if self.answer(check.name) is not None:
            return _as_progress(self._answered(check))
        place = self.place(check.name)
        return CheckProgress(
            name=check.name,
            priority=check.priority,
            running=place.where == "running",
            queue_ms=self._queue_ms(check.name),
        )

    def report(self) -> PreFlightReport:
        """Build the report of a run that has ended. The same state always gives the same report."""
        context = CheckContext.from_json(json.loads(self.fields["context"]), self.id)
        opened, ended = int(self.fields["opened"]), int(self.fields["end"])
        return PreFlightReport(
            id=self.id,
            mode=context.mode,
            event_type=context.event_type,
            checks=tuple(bounded(list(self._lines()))),
            created_at=datetime.fromtimestamp(opened / 1000, UTC),
            duration_ms=max(0, ended - opened),
            campaign_id=context.campaign_id,
            streamer_ids=context.streamer_ids,
            triggered_by=context.triggered_by,
            metadata=redact_values(context.metadata),
            settings_version=int(self.fields.get("settings", 0)),
        )

    def _lines(self) -> Iterator[CheckReport]:
        """Yield a line for every check; those nobody asked are skipped because of what had blocked before them.

        Without anything that blocked they are errors: a check that was due and never asked must not be GO.
        """
        answered = {line.name: line for check in self.checks if (line := self._line(check))}
        answered |= {line.name: line for line in self._extra_lines()}
        blocking = sorted((line for line in answered.values() if line.blocks), key=plan_order)
        for check in self.checks:
            if check.name not in answered:
                answered[check.name] = _unasked(check, blocking[0] if blocking else None)
        yield from sorted(answered.values(), key=plan_order)

    def _line(self, check: PlannedCheck) -> CheckReport | None:
        """Return the line of a check that has an answer which counts; None for one that was not reached."""
        self_answered = self._self_answered(check)
        if self_answered is not None:
            return self_answered
        if self.answer(check.name) is None or (check.blocks and not self._reached(check)):
            return None
        return self._answered(check)

    def _reached(self, check: PlannedCheck) -> bool:
        open_until = self.fields.get(f"t:{self.fields.get('tier', '0')}", "")
        names = {token.partition("|")[0] for token in open_until.split(" ")}
        last = max((other.priority for other in self.checks if other.name in names), default=-1)
        return check.priority <= last

    def _answered(self, check: PlannedCheck) -> CheckReport:
        answer = self.answer(check.name) or {}
        line = answered_line(check, answer, queue_ms=self._queue_ms(check.name))
        kept = self.fields.get(f"h:{check.name}")
        if kept is None:
            return line
        return dataclasses.replace(
            line, cached=True, cached_age_ms=float(kept.split(" ")[0]), duration_ms=None, slow=False
        )

    def _queue_ms(self, name: str) -> float | None:
        wait = self.fields.get(f"w:{name}")
        return float(wait) if wait is not None else None

    def _self_answered(self, check: PlannedCheck) -> CheckReport | None:
        """Return the line of `broker` and `workers`: the state itself is their answer."""
        if check.name not in SELF_ANSWERED:
            return None
        if (answer := self.answer(check.name)) is not None:
            return answered_line(check, answer)
        if check.name == "broker":
            return answered_line(check, passed("the broker opened the run"))
        alive = int(self.fields.get("alive", 0))
        if alive:
            return answered_line(check, passed(f"{alive} live worker{'s' if alive > 1 else ''}"))
        if any(field.startswith("w:") for field in self.fields):
            return answered_line(check, passed("a worker came while the run waited"))
        return answered_line(check, no_worker()) if self.ended else None

    def _extra_lines(self) -> Iterator[CheckReport]:
        """Yield lines of `broker` and `workers` when they ended a run that had not planned them."""
        planned = {check.name for check in self.checks}
        for name in sorted(SELF_ANSWERED - planned):
            answer = self.answer(name)
            if answer is not None:
                yield answered_line(engine_check(name), answer)


def _unasked(check: PlannedCheck, first_blocking: CheckReport | None) -> CheckReport:
    if first_blocking:
        return skipped_line(check, f"{first_blocking.name} {first_blocking.status}")
    return answered_line(check, errored("the run ended before it was asked"))


def _as_progress(line: CheckReport) -> CheckProgress:
    return CheckProgress(
        name=line.name,
        priority=line.priority,
        status=line.status,
        message=line.message or line.skipped_because or "",
        duration_ms=line.duration_ms,
        queue_ms=line.queue_ms,
    )
