"""Which check? Every check by tier, with what became of it in its last runs."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from preflight.admin import drawing
from preflight.admin.ladder import TIER_NAMES
from preflight.admin.wording import NONE, clock, plural
from preflight.declaration import PreFlightCheck
from preflight.description import describe, events_of, runs_of
from preflight.registry import PreFlightRegistry
from preflight.reports.latest import StripEntry
from preflight.reports.statistics import CheckStatistics
from preflight.sources import BrokenSource

LAST = 50

#: What a strip's bars mean: style, text, and the path of one bar.
LEGEND = (
    ("passed", "passed", "M0 15.5h4"),
    ("warning", "warning", "M0 15.5h4"),
    ("failed", "failed", "M0 10h4"),
    ("error", "error: could not be asked", "M.7 .7h2.6v18.6h-2.6z"),
    ("skipped", "skipped", "M0 19h4"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One check. `since` is when the run began in which it first had the state it has had since."""

    name: str
    advisory: bool
    gone: bool
    strip: drawing.Strip
    p50: float | None
    p95: float | None
    cached: float | None
    trend: str | None
    state: str | None
    since: datetime | None
    since_text: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class TierRows:
    """The checks of one priority."""

    priority: int | str
    name: str
    note: str
    rows: list[Row]


def tiers(
    registry: PreFlightRegistry,
    strips: Mapping[str, Sequence[StripEntry]],
    statistics: Sequence[CheckStatistics],
    light_max_priority: int,
    now: datetime,
) -> list[TierRows]:
    """Return every registered check by tier, then those that only the reports know."""
    by_name = {one.check_name: one for one in statistics}
    found = [
        TierRows(
            priority=priority,
            name=TIER_NAMES.get(priority, ""),
            note=note(priority, light_max_priority),
            rows=[row(check.name, strips.get(check.name, ()), by_name.get(check.name), now, check) for check in checks],
        )
        for priority, checks in by_tier(registry)
    ]
    gone = sorted(name for name in by_name if name not in registry)
    rows = [row(name, strips.get(name, ()), by_name[name], now, None) for name in gone]
    if rows:
        found.append(TierRows(priority=NONE, name="Not registered here", note="known from reports", rows=rows))
    return found


def by_tier(registry: PreFlightRegistry) -> Iterator[tuple[int, list[PreFlightCheck]]]:
    """Yield each priority with its checks, lowest first."""
    for priority, checks in itertools.groupby(registry, key=lambda check: check.priority):
        yield priority, list(checks)


def note(priority: int, light_max_priority: int) -> str:
    """Return in which runs a tier is asked."""
    return "full runs only" if priority > light_max_priority else "light and full runs"


def row(
    name: str,
    entries: Sequence[StripEntry],
    statistics: CheckStatistics | None,
    now: datetime,
    check: PreFlightCheck | None,
) -> Row:
    """Return a check's row."""
    statuses = [entry.status.value for entry in entries]
    since, whole = streak(entries)
    answers = statistics.asked + statistics.cached if statistics else 0
    return Row(
        name=name,
        advisory=check is not None and check.severity == "advisory",
        gone=check is None,
        strip=drawing.strip(statuses, LAST),
        p50=statistics.duration_p50_ms if statistics else None,
        p95=statistics.duration_p95_ms if statistics else None,
        cached=statistics.cached / answers if statistics and statistics.cached else None,
        trend=trend(statuses),
        state=statuses[-1] if statuses else None,
        since=since,
        since_text=f"{'since before' if whole else 'since'} {clock(since, now)}" if since else "",
    )


def trend(statuses: Sequence[str]) -> str | None:
    """Return how a check's failures change over its last runs: "rising", "falling", "steady"; None if too few."""
    asked = [status in {"failed", "error"} for status in statuses if status != "skipped"]
    return drawing.trend_word(asked) if len(asked) >= 10 else None


def streak(entries: Sequence[StripEntry]) -> tuple[datetime | None, bool]:
    """Return since when the newest status holds, and whether that is as far back as the strip goes."""
    since, whole = None, bool(entries)
    for entry in reversed(entries):
        if entry.status != entries[-1].status:
            whole = False
            break
        since = entry.created_at
    return since, whole and len(entries) >= LAST


def facts(description: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what a check declares, in words. Times are in seconds."""
    ttl, scope = description["cache_ttl"], description["cache_scope"]
    blocking = description["severity"] == "blocking"
    return [
        ("Tier", str(description["priority"])),
        ("Asked for", runs_of(description)),
        ("Requires", ", ".join(description["requires"]) or "nothing"),
        ("Timeout", f"{description['timeout']:g} s" + (", may be slow" if description["may_be_slow"] else "")),
        ("Severity", "blocking: a failure is NO-GO" if blocking else "advisory: a failure is shown and stops nothing"),
        ("Cache", f"{ttl:g} s" + (f", {scope}" if scope else "") if ttl else "none: asked in every run"),
        ("What to do", description["remediation"] or "said by each answer"),
    ]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListedCheck:
    """One registered check in the list of all."""

    name: str
    severity: str
    cache_ttl: str
    summary: str
    events: str
    timeout: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListedTier:
    """The registered checks of one priority."""

    priority: int
    name: str
    note: str
    checks: list[ListedCheck]


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckList:
    """Every registered check, and what could not be loaded."""

    count: str
    tiers: list[ListedTier]
    broken: Sequence[BrokenSource]


def check_list(registry: PreFlightRegistry, light_max_priority: int) -> CheckList:
    """Return what the page of all checks shows."""
    found = [
        ListedTier(
            priority=priority,
            name=TIER_NAMES.get(priority, ""),
            note=note(priority, light_max_priority),
            checks=[_listed(describe(check, ties=registry.ties(check.name))) for check in checks],
        )
        for priority, checks in by_tier(registry)
    ]
    return CheckList(count=plural(len(registry), "check"), tiers=found, broken=registry.broken)


def _listed(description: Mapping[str, Any]) -> ListedCheck:
    ttl = description["cache_ttl"]
    return ListedCheck(
        name=description["name"],
        severity=description["severity"],
        cache_ttl=f"{ttl:g}" if ttl else "",
        summary=description["summary"],
        events=events_of(description),
        timeout=f"{description['timeout']:g}",
    )
