"""A report as the pages draw it: its tiers in order, what stopped it, and what to do."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

from preflight.admin import drawing
from preflight.admin.wording import joined, milliseconds, plural, short
from preflight.types import CheckReport, PreFlightReport, Severity, Status

#: What the tiers of the shipped checks are for.
TIER_NAMES = {
    0: "Infrastructure",
    5: "External services",
    10: "Authorisation",
    15: "Connections",
    20: "Business rules",
}
_WORST_FIRST = ("failed", "error", "warning", "passed", "skipped")
_PLURALS = {"warning": "warnings", "error": "errors"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rung:
    """One check on the ladder, with its bar of time."""

    check: CheckReport
    bar: drawing.Bar | None

    @property
    def status(self) -> str:
        """The status as a word."""
        return self.check.status.value

    @property
    def answer(self) -> str:
        """What the check said, or why it was not asked."""
        if self.check.status is Status.SKIPPED and self.check.skipped_because:
            return f"Not asked: {self.check.skipped_because}"
        return self.check.message or self.check.error or ""

    @property
    def advice(self) -> str | None:
        """What to do about it; None for an answer that is good."""
        return self.check.remediation if self.check.status not in {Status.PASSED, Status.SKIPPED} else None

    @property
    def time(self) -> str:
        """Its run time in words, or that it came from the cache."""
        if self.check.cached:
            return f"cached, {milliseconds(self.check.cached_age_ms)} old"
        return milliseconds(self.check.duration_ms) if self.check.duration_ms is not None else ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tier:
    """The checks of one priority. `because` names what kept it from being asked."""

    priority: int
    rungs: tuple[Rung, ...]
    status: str
    stops: bool
    because: str | None
    start_ms: float
    end_ms: float

    @property
    def name(self) -> str:
        """What the tier is for, if it is one of the shipped checks' tiers."""
        return TIER_NAMES.get(self.priority, "")


def tiers(report: PreFlightReport) -> tuple[Tier, ...]:
    """Return a report's tiers in the order they were asked; each begins when the one before has ended."""
    return tuple(_tiers(report))


def _tiers(report: PreFlightReport) -> Iterator[Tier]:
    start = 0.0
    first_blocking = report.short_circuited_by
    total = max(report.duration_ms, _length(report.checks))
    for priority, group in itertools.groupby(report.checks, key=lambda check: check.priority):
        checks = tuple(group)
        end = start + max(_took(check) for check in checks)
        yield Tier(
            priority=priority,
            rungs=tuple(_rung(check, start, total) for check in checks),
            status=min((check.status.value for check in checks), key=_WORST_FIRST.index),
            stops=any(check.name == first_blocking for check in checks),
            because=_because(checks),
            start_ms=start,
            end_ms=end,
        )
        start = end


def _rung(check: CheckReport, start: float, total: float) -> Rung:
    return Rung(check=check, bar=drawing.bar(start, check.queue_ms, check.duration_ms, total))


def _length(checks: Sequence[CheckReport]) -> float:
    by_tier = itertools.groupby(checks, key=lambda check: check.priority)
    return sum(max(_took(check) for check in group) for _, group in by_tier)


def _took(check: CheckReport) -> float:
    return (check.queue_ms or 0.0) + (check.duration_ms or 0.0)


def _because(checks: Sequence[CheckReport]) -> str | None:
    """Return the one reason for which nobody asked any of the checks; None if one was asked or the reasons differ."""
    reasons = {check.skipped_because for check in checks if check.status is Status.SKIPPED}
    return reasons.pop() if len(reasons) == 1 and all(check.status is Status.SKIPPED for check in checks) else None


def counts(report: PreFlightReport) -> str:
    """Return how many checks ended how, as "6 passed, 1 warning, 2 skipped"."""
    counted = Counter(check.status.value for check in report.checks)
    words = (word for word in ("passed", "warning", "failed", "error", "skipped") if counted[word])
    parts = [f"{counted[word]} {_PLURALS.get(word, word) if counted[word] > 1 else word}" for word in words]
    return ", ".join(parts) or "no checks"


def warned(report: PreFlightReport) -> tuple[CheckReport, ...]:
    """Return the checks that remark something without stopping the run: warnings, and advisory ones that fail."""
    return tuple(
        check
        for check in report.checks
        if check.status is Status.WARNING
        or (check.severity is Severity.ADVISORY and check.status in {Status.FAILED, Status.ERROR})
    )


def verdict(report: PreFlightReport) -> str:
    """Return "GO", "GO with warning" or "NO-GO"."""
    if not report.success:
        return "NO-GO"
    return "GO with warning" if warned(report) else "GO"


def reason(report: PreFlightReport, most: int = 160) -> str:
    """Return why a verdict is what it is, in one short line."""
    if report.blocking:
        parts = [_said(check) for check in report.blocking]
        return short(
            parts[0] if len(parts) == 1 else joined([_what_happened(check) for check in report.blocking]), most
        )
    if not report.success:
        return "No check of the application answered."
    if found := warned(report):
        return short(_said(found[0]), most)
    cached = sum(check.cached for check in report.checks)
    passed = sum(check.status is Status.PASSED for check in report.checks)
    return plural(passed, "check") + " passed" + (f", {cached} from the cache" if cached else "")


def _said(check: CheckReport) -> str:
    message = f": {check.message}" if check.message else ""
    return f"{_what_happened(check)}{message}" if check.blocks else f"{check.name}{message}"


def _what_happened(check: CheckReport) -> str:
    return f"{check.name} failed" if check.status is Status.FAILED else f"{check.name} could not be asked"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to do about a report: which check, what it said, what to do."""

    check: CheckReport
    advice: str


def steps(report: PreFlightReport) -> list[Step]:
    """Return what to do, what blocks first; a check without advice says where to look."""
    found = [Step(check=check, advice=check.remediation or _look_at(check)) for check in report.blocking]
    return found + [Step(check=check, advice=check.remediation) for check in warned(report) if check.remediation]


def _look_at(check: CheckReport) -> str:
    return f"The check {check.name} gives no advice. Read what it said, and the page of the check."


def changes(report: PreFlightReport, before: PreFlightReport) -> list[tuple[CheckReport, str]]:
    """Return the checks whose status is another than in the run before, each with what it was ("new" if it was not)."""
    old = {check.name: check.status.value for check in before.checks}
    return [(check, old.get(check.name, "new")) for check in report.checks if old.get(check.name) != check.status]
