"""One report as its page, its ladder and its line in the list show it."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from typing import Any

from preflight.admin import ladder
from preflight.admin.flower import flower_url
from preflight.admin.wording import milliseconds, plural
from preflight.reports.search import ReportFilter
from preflight.reports.store import ReportStore
from preflight.types import CheckReport, PreFlightReport

MOST_STREAMERS = 20
MOST_CHANGES = 12
#: Longer JSON is left to the API.
MOST_JSON = 200_000

STYLES = {"GO": ("go", "passed"), "GO with warning": ("warning", "warning"), "NO-GO": ("nogo", "failed")}


class ShownReport:
    """A report with what is said about it. Times are in milliseconds."""

    def __init__(self, report: PreFlightReport, flower: str = "") -> None:
        self._report = report
        self.id = str(report.id)
        self.at = report.created_at
        self.word = ladder.verdict(report)
        self.style, self.icon = STYLES[self.word]
        self.flower = flower_url(flower, report.id)
        self.stopped_by = report.short_circuited_by

    def __getattr__(self, name: str) -> Any:
        return getattr(self._report, name)

    @property
    def campaign_id(self) -> str | None:
        """The campaign's id as text."""
        return str(self._report.campaign_id) if self._report.campaign_id else None

    @property
    def because(self) -> str:
        """Why the verdict is what it is, on one line."""
        return ladder.reason(self._report, 140)

    @property
    def reason(self) -> str:
        """The same, with more of what the check said."""
        return ladder.reason(self._report, 400)

    @property
    def counts(self) -> str:
        """How many checks ended how."""
        return ladder.counts(self._report)

    @property
    def check_count(self) -> str:
        """How many checks it has."""
        return plural(len(self._report.checks), "check")

    @property
    def headline(self) -> str:
        """The verdict and where it fell."""
        if not self._report.blocking:
            return self.word
        first = self._report.blocking[0]
        told = "failed" if first.status == "failed" else "could not be asked"
        return f"{self.word} at tier {first.priority}: {first.name} {told}"

    @property
    def tiers(self) -> tuple[ladder.Tier, ...]:
        """The tiers in the order they were asked."""
        return ladder.tiers(self._report)

    @property
    def steps(self) -> list[ladder.Step]:
        """What to do, what blocks first."""
        return ladder.steps(self._report)

    @property
    def axis(self) -> list[str]:
        """Five marks of the timeline, from 0 to its end."""
        end = max(self._report.duration_ms, *(tier.end_ms for tier in self.tiers), 1)
        return ["0", *(milliseconds(end * part / 4) for part in (1, 2, 3, 4))]

    @property
    def streamers(self) -> tuple[str, ...]:
        """The first streamers."""
        return self._report.streamer_ids[:MOST_STREAMERS]

    @property
    def more_streamers(self) -> int:
        """How many streamers there are besides."""
        return max(0, len(self._report.streamer_ids) - MOST_STREAMERS)

    @property
    def json(self) -> str:
        """The document that the API gives, laid out; nothing if it is too large for a page."""
        text = json.dumps(self._report.to_json(), indent=2, ensure_ascii=False)
        return text if len(text) <= MOST_JSON else ""

    @property
    def json_size(self) -> str:
        """How large the document is."""
        return f"{len(json.dumps(self._report.to_json())) // 1024:,} KiB"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportPage:
    """A report with the runs of its kind before and after it."""

    now: datetime
    report: ShownReport
    previous: ShownReport | None
    next: ShownReport | None
    changes: list[tuple[CheckReport, str]]
    more_changes: int
    unchanged: int


def report_page(store: ReportStore, report: PreFlightReport, now: datetime, flower: str) -> ReportPage:
    """Return what the page of a report shows."""
    before = store.page(ReportFilter(event_type=report.event_type, mode=report.mode), limit=1, before=report.id)
    after = store.following(report)
    changes = ladder.changes(report, before[0]) if before else []
    return ReportPage(
        now=now,
        report=ShownReport(report, flower),
        previous=ShownReport(before[0]) if before else None,
        next=ShownReport(after) if after else None,
        changes=changes[:MOST_CHANGES],
        more_changes=max(0, len(changes) - MOST_CHANGES),
        unchanged=len(report.checks) - len(changes) if before else 0,
    )
