"""The nouns: statuses, results and the report of a run. No I/O, no Celery, no SQLAlchemy."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from preflight.exceptions import PreFlightFailed

Mode = Literal["full", "light"]
ShortCircuit = Literal["check", "tier", "never"]
MODES: tuple[Mode, ...] = ("full", "light")
SHORT_CIRCUITS: tuple[ShortCircuit, ...] = ("check", "tier", "never")

#: Answered by the opening of a run itself. They can stop a run, but never make it a GO on their own.
SELF_ANSWERED = frozenset({"broker", "workers"})


class Status(enum.StrEnum):
    """What became of a check in a run."""

    PASSED = "passed"  #: the answer is yes
    WARNING = "warning"  #: yes, with a remark
    FAILED = "failed"  #: the answer is no
    ERROR = "error"  #: it could not be asked: exception, timeout, lost worker, garbage, missing input
    SKIPPED = "skipped"  #: not asked; the reason is given


class Severity(enum.StrEnum):
    """Whether a check's no stops the operation."""

    BLOCKING = "blocking"  #: a failure or error is NO-GO
    ADVISORY = "advisory"  #: a failure or error is shown and counted, and stops nothing


STATUSES: dict[str, Status] = {status.value: status for status in Status}
BLOCKING_STATUSES = frozenset({Status.FAILED, Status.ERROR})
ANSWERED_STATUSES = frozenset({Status.PASSED, Status.WARNING, Status.FAILED})


@dataclasses.dataclass(frozen=True)
class CheckResult:
    """What a check answers.

    `success=True` passes, with `warnings` it is a warning; `success=False` fails. `metadata` is a JSON object.
    A whole result is at most 64 KiB of JSON. The class methods are the short forms.
    """

    success: bool = True
    message: str = ""
    error: str | None = None
    warnings: Sequence[str] = ()
    metadata: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    remediation: str | None = None
    status: Status | None = dataclasses.field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.status is None:
            good = Status.WARNING if self.warnings else Status.PASSED
            object.__setattr__(self, "status", good if self.success is True else Status.FAILED)

    @classmethod
    def passed(cls, message: str = "", **details: Any) -> Self:
        """Answer yes."""
        return cls(True, message, status=Status.PASSED, **details)

    @classmethod
    def warning(cls, message: str, **details: Any) -> Self:
        """Answer yes, with a remark."""
        details.setdefault("warnings", (message,))
        return cls(True, message, status=Status.WARNING, **details)

    @classmethod
    def failed(cls, message: str, **details: Any) -> Self:
        """Answer no. Give a `remediation`: what a person should do about it."""
        return cls(False, message, status=Status.FAILED, **details)

    @classmethod
    def errored(cls, message: str, **details: Any) -> Self:
        """Say that the question could not be asked: it blocks like a failure and is told apart from it."""
        return cls(False, message, status=Status.ERROR, **details)

    @classmethod
    def skipped(cls, reason: str, **details: Any) -> Self:
        """Say that the check does not apply, and why."""
        return cls(True, reason, status=Status.SKIPPED, **details)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckReport:
    """One check's line in a report. `duration_ms` is its execution alone, `queue_ms` the wait before it."""

    name: str
    priority: int
    status: Status
    severity: Severity = Severity.BLOCKING
    message: str = ""
    error: str | None = None
    warnings: tuple[str, ...] = ()
    remediation: str | None = None
    metadata: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    duration_ms: float | None = None
    queue_ms: float | None = None
    slow: bool = False
    cached: bool = False
    cached_age_ms: float | None = None
    skipped_because: str | None = None

    @property
    def blocks(self) -> bool:
        """True when this answer alone makes the run a NO-GO. Only the statuses that are known to be good do not."""
        return self.severity is not Severity.ADVISORY and self.status in BLOCKING_STATUSES

    @property
    def asked(self) -> bool:
        """True when a blocking check of the application really answered."""
        return (
            self.severity is not Severity.ADVISORY
            and self.status in ANSWERED_STATUSES
            and self.name not in SELF_ANSWERED
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of this line, the same in every output."""
        # Not `asdict`, which copies every value deeply: that is half the cost of storing a report.
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)} | {
            "status": self.status.value,
            "severity": self.severity.value,
            "warnings": list(self.warnings),
            "metadata": dict(self.metadata),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Build the line from its JSON object; unknown keys of a newer version are ignored."""
        known = {field.name for field in dataclasses.fields(cls)}
        values = {key: value for key, value in data.items() if key in known}
        values |= {"status": known_status(data["status"]), "severity": _severity(data.get("severity"))}
        return cls(**values | {"warnings": tuple(data.get("warnings", ()))})


@dataclasses.dataclass(frozen=True, kw_only=True)
class PreFlightReport:
    """The immutable record of one run. `checks` are sorted by priority, then name. `created_at` is aware UTC.

    `settings_version` is that of the operators' changes which the run was planned with; 0 when there were none.
    """

    id: UUID
    mode: Mode
    event_type: str
    checks: tuple[CheckReport, ...]
    created_at: datetime
    duration_ms: int
    campaign_id: UUID | None = None
    streamer_ids: tuple[str, ...] = ()
    triggered_by: UUID | None = None
    metadata: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    settings_version: int = 0

    @property
    def success(self) -> bool:
        """True when something was asked and nothing blocks: a run that asked nothing is NO-GO."""
        return any(check.asked for check in self.checks) and not any(check.blocks for check in self.checks)

    @property
    def verdict(self) -> Literal["GO", "NO-GO"]:
        """GO or NO-GO: whether the operation may go ahead."""
        return "GO" if self.success else "NO-GO"

    @property
    def blocking(self) -> tuple[CheckReport, ...]:
        """The checks that stopped the run, in plan order."""
        return tuple(check for check in self.checks if check.blocks)

    @property
    def short_circuited_by(self) -> str | None:
        """The first blocking check in plan order, if anything was skipped because of it."""
        names = {check.skipped_because for check in self.checks if check.status is Status.SKIPPED}
        return next((check.name for check in self.blocking if f"{check.name} {check.status}" in names), None)

    @property
    def reason(self) -> str:
        """One text that says why the verdict is what it is, with what to do."""
        if self.success:
            return f"GO for {self.event_type}."
        if not self.blocking:
            return f"NO-GO for {self.event_type}: no check was asked. See what was skipped and why in the report."
        lines = [f"{line.name} {line.status}: {line.message}".rstrip(": ") for line in self.blocking]
        advice = [f" To do: {line.remediation}" if line.remediation else "" for line in self.blocking]
        pairs = "; ".join(text + todo for text, todo in zip(lines, advice, strict=True))
        return f"NO-GO for {self.event_type}: {pairs}"

    def __getitem__(self, name: str) -> CheckReport:
        """Return one check's line by its name; `KeyError` if the run had no such check."""
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(name)

    def go_or_raise(self) -> Self:
        """Return the report itself when it is GO, else raise `PreFlightFailed`."""
        if not self.success:
            raise PreFlightFailed(self)
        return self

    def to_json(self) -> dict[str, Any]:
        """Return the report's JSON object: the same as task result, API, `--format json` and table."""
        return {
            "id": str(self.id),
            "mode": self.mode,
            "event_type": self.event_type,
            "campaign_id": str(self.campaign_id) if self.campaign_id else None,
            "streamer_ids": list(self.streamer_ids),
            "success": self.success,
            "verdict": self.verdict,
            "checks": [check.to_json() for check in self.checks],
            "short_circuited_by": self.short_circuited_by,
            "duration_ms": self.duration_ms,
            "triggered_by": str(self.triggered_by) if self.triggered_by else None,
            "metadata": dict(self.metadata),
            "created_at": self.created_at.isoformat().replace("+00:00", "Z"),
            "settings_version": self.settings_version,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Build the report from its JSON object. Verdict and success are derived, never trusted."""
        return cls(
            id=UUID(data["id"]),
            mode=data["mode"],
            event_type=data["event_type"],
            checks=tuple(CheckReport.from_json(check) for check in data["checks"]),
            created_at=datetime.fromisoformat(data["created_at"]),
            duration_ms=data["duration_ms"],
            campaign_id=UUID(data["campaign_id"]) if data.get("campaign_id") else None,
            streamer_ids=tuple(data.get("streamer_ids", ())),
            triggered_by=UUID(data["triggered_by"]) if data.get("triggered_by") else None,
            metadata=data.get("metadata") or {},
            settings_version=data.get("settings_version") or 0,
        )


def known_status(value: object) -> Status:
    """Return the status; one that this version does not know blocks, since it cannot be told to be good."""
    return STATUSES.get(value, Status.ERROR) if isinstance(value, str) else Status.ERROR


def _severity(value: object) -> Severity:
    return next((severity for severity in Severity if severity == value), Severity.BLOCKING)


def plan_order(check: CheckReport) -> tuple[int, str]:
    """Return the sort key of a report's lines: priority, then name."""
    return check.priority, check.name
