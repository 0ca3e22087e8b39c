"""Run now: the form, and how far a run is."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from preflight.admin.ladder import TIER_NAMES
from preflight.registry import PreFlightRegistry
from preflight.settings import Settings

_WORST_FIRST = ("failed", "error", "running", "waiting", "warning", "passed", "skipped")


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunForm:
    """The form with what was filled in, and what was wrong with it."""

    event_types: list[str]
    light_max_priority: int
    event_type: str
    mode: str
    campaign_id: str
    error: str


def run_form(  # noqa: PLR0913, PLR0917  # the fields of the form
    registry: PreFlightRegistry, settings: Settings, event_type: str, mode: str, campaign_id: str = "", error: str = ""
) -> RunForm:
    """Return what the form shows; texts of others are cut to what their fields hold."""
    return RunForm(
        event_types=sorted({*registry.event_types(), *settings.event_types}),
        light_max_priority=settings.light_max_priority,
        event_type=event_type[:50],
        mode=mode,
        campaign_id=campaign_id[:36],
        error=error,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProgressLine:
    """One check of a run that may still go on; `word` is its status, or "running", or "waiting"."""

    name: str
    priority: int
    word: str
    message: str
    duration_ms: float | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProgressTier:
    """The checks of one priority."""

    priority: int
    checks: list[ProgressLine]

    @property
    def name(self) -> str:
        """What the tier is for, if it is one of the shipped checks' tiers."""
        return TIER_NAMES.get(self.priority, "")

    @property
    def status(self) -> str:
        """The word that matters most."""
        return min((check.word for check in self.checks), key=_WORST_FIRST.index)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProgressPage:
    """How far a run is that goes on."""

    id: str
    state: str
    lines: Sequence[ProgressLine]

    @property
    def told(self) -> str:
        """Where it is, in a sentence."""
        if self.state == "queued":
            return "Waiting for a worker."
        return f"{self.answered} of {len(self.lines)} checks have answered."

    @property
    def answered(self) -> int:
        """How many checks have answered."""
        return sum(line.word not in {"running", "waiting"} for line in self.lines)

    @property
    def check_count(self) -> int:
        """How many checks it has."""
        return len(self.lines)

    @property
    def tiers(self) -> list[ProgressTier]:
        """The tiers in the order in which they are asked."""
        grouped = itertools.groupby(self.lines, key=lambda line: line.priority)
        return [ProgressTier(priority=priority, checks=list(lines)) for priority, lines in grouped]


def progress_page(progress: Mapping[str, Any]) -> ProgressPage:
    """Return what the page of a run shows, from what the API says about it."""
    return ProgressPage(
        id=progress["id"],
        state=progress["state"],
        lines=[_line(check) for check in progress["checks"]],
    )


def _line(check: Mapping[str, Any]) -> ProgressLine:
    return ProgressLine(
        name=check["name"],
        priority=check["priority"],
        word=check["status"] or ("running" if check["running"] else "waiting"),
        message=check["message"],
        duration_ms=check["duration_ms"],
    )
