"""One check: its history, what it declares, and what it said when it failed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from preflight.admin import drawing
from preflight.admin.views.checks import LAST, facts, streak
from preflight.admin.views.statistics import Figure
from preflight.admin.wording import instant, milliseconds, percent
from preflight.reports.latest import StripEntry
from preflight.reports.search import ReportFilter
from preflight.reports.statistics import CheckStatistics
from preflight.reports.store import ReportStore
from preflight.types import CheckReport, PreFlightReport, Status

FIGURES_OF = timedelta(days=7)
MOST_FAILURES = 50
SHOWN_FAILURES = 10


@dataclasses.dataclass(frozen=True, kw_only=True)
class HistoryBar:
    """One run of a check's strip, to be stepped to."""

    report_id: UUID
    x: int
    text: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Failure:
    """A failure, and how many older ones right after it said the same."""

    report_id: UUID
    at: datetime
    event_type: str
    mode: str
    check: CheckReport
    times: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckPage:
    """What the page of a check shows; `about` is None for one that is no longer registered."""

    now: datetime
    name: str
    about: dict[str, Any] | None
    facts: list[tuple[str, str]]
    strip: drawing.Strip
    bars: list[HistoryBar]
    figures: list[Figure]
    state: str | None
    since: datetime | None
    failures: list[Failure]

    @property
    def paragraphs(self) -> list[str]:
        """The documentation's paragraphs."""
        return str(self.about["description"]).split("\n\n") if self.about else []


def check_page(store: ReportStore, name: str, about: dict[str, Any] | None) -> CheckPage:
    """Return what the page of a check shows. Raises `StoreUnavailable`."""
    now = datetime.now(UTC)
    entries = store.strip(name, LAST)
    statistics = next((one for one in store.check_statistics(now - FIGURES_OF) if one.check_name == name), None)
    return CheckPage(
        now=now,
        name=name,
        about=about,
        facts=facts(about) if about else [],
        strip=drawing.strip([entry.status.value for entry in entries], LAST),
        bars=_bars(entries),
        figures=_figures(statistics),
        state=entries[-1].status.value if entries else None,
        since=streak(entries)[0],
        failures=_failures(store, name),
    )


def _bars(entries: Sequence[StripEntry]) -> list[HistoryBar]:
    first = LAST - len(entries)
    return [
        HistoryBar(report_id=entry.report_id, x=(first + number) * drawing.STEP - 1, text=_told(entry))
        for number, entry in enumerate(entries)
    ]


def _told(entry: StripEntry) -> str:
    took = "cached" if entry.cached else milliseconds(entry.duration_ms) if entry.duration_ms is not None else "no time"
    return f"{entry.status.value}, {instant(entry.created_at)}, {took}"


def _figures(one: CheckStatistics | None) -> list[Figure]:
    if one is None:
        return [Figure(label="Asked", value="0", change="in 7 d")]
    answers = one.asked + one.cached
    return [
        Figure(label="Asked", value=f"{one.asked:,}", change="in 7 d"),
        Figure(label="Failure rate", value=percent(one.failure_rate, 2), unit="%", change=f"{one.failures:,} in 7 d"),
        Figure(label="p50", value=milliseconds(one.duration_p50_ms), change=f"p95 {milliseconds(one.duration_p95_ms)}"),
        Figure(
            label="From the cache",
            value=percent(one.cached / answers if answers else None, 0),
            unit="%" if answers else "",
            change=f"{one.cached:,} in 7 d",
        ),
    ]


def _failures(store: ReportStore, name: str) -> list[Failure]:
    """Return the newest failures and errors, neighbours that said the same taken together."""
    found: list[PreFlightReport] = []
    for status in (Status.FAILED, Status.ERROR):
        found += store.page(ReportFilter(check=name, check_status=status), limit=MOST_FAILURES)
    return list(_together(sorted(found, key=lambda report: report.id, reverse=True), name))[:SHOWN_FAILURES]


def _together(reports: Iterable[PreFlightReport], name: str) -> Iterable[Failure]:
    last: Failure | None = None
    for report in reports:
        check = report[name]
        if last and (last.check.status, last.check.message) == (check.status, check.message):
            last = dataclasses.replace(last, times=last.times + 1)
            continue
        if last:
            yield last
        last = Failure(
            report_id=report.id,
            at=report.created_at,
            event_type=report.event_type,
            mode=report.mode,
            check=check,
            times=1,
        )
    if last:
        yield last
