"""What the monitoring page says whatever its query is: verdicts, statistics, checks."""

from __future__ import annotations

import dataclasses
import functools
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from preflight.admin import drawing
from preflight.admin.views import checks, statistics, verdicts
from preflight.admin.views.statistics import EventBar, Failing, Figure, Period
from preflight.registry import PreFlightRegistry
from preflight.reports.latest import StripEntry
from preflight.reports.search import ReportFilter
from preflight.reports.store import ReportStore
from preflight.types import PreFlightReport

#: Reports that are read once for the strips of all checks.
RECENT = 100
#: Checks that were asked too seldom to have a full strip in those, and are asked for one by one.
MOST_FILLED = 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class Overview:
    """The page's parts that do not depend on the query."""

    now: datetime
    period: Period
    cards: list[verdicts.Card]
    figures: list[Figure]
    chart: drawing.Chart
    chart_labels: list[str]
    total_runs: int
    no_go: int
    event_bars: list[EventBar]
    failing: list[Failing]
    tiers: list[checks.TierRows]
    recent: list[PreFlightReport]

    @property
    def headline(self) -> str:
        """What is true now, in one sentence."""
        return verdicts.headline(self.cards)

    @property
    def title(self) -> str:
        """The same in a word or two, for the browser's tab."""
        no_go = sum(card.word == "NO-GO" for card in self.cards)
        return f"{no_go} NO-GO" if no_go else "All GO" if self.cards else "No runs yet"

    @functools.cached_property
    def drawings(self) -> Mapping[tuple[drawing.Stroke, ...], str]:
        """The strips of the checks, each drawing once, with its name in the page: what always passes looks alike."""
        different = dict.fromkeys(row.strip.strokes for tier in self.tiers for row in tier.rows)
        return {strokes: f"strip-{number}" for number, strokes in enumerate(different)}

    @property
    def shown_cards(self) -> list[verdicts.Card]:
        """The event types with a card of their own."""
        return self.cards[: verdicts.MOST_CARDS]

    @property
    def more_cards(self) -> list[verdicts.Card]:
        """The others."""
        return self.cards[verdicts.MOST_CARDS :]


def read(store: ReportStore, registry: PreFlightRegistry, light_max_priority: int, period: Period) -> Overview:
    """Read an overview. Raises `StoreUnavailable`."""
    now = datetime.now(UTC)
    recent = store.page(ReportFilter(), limit=RECENT)
    since = now - period.length
    figures, before = store.statistics(since), store.statistics(since - period.length, since)
    by_check = store.check_statistics(since)
    names = dict.fromkeys([check.name for check in registry] + [one.check_name for one in by_check])
    strips = _strips(store, names, recent)
    chart = statistics.chart(store, period, now)
    return Overview(
        now=now,
        period=period,
        cards=verdicts.cards(store, strips),
        figures=statistics.figures(figures, before, period.label),
        chart=chart,
        chart_labels=statistics.axis(chart, period),
        total_runs=figures.total_runs,
        no_go=figures.total_runs - figures.go_runs,
        event_bars=statistics.event_bars(figures),
        failing=statistics.failing(store, by_check, period, now),
        tiers=checks.tiers(registry, strips, by_check, light_max_priority, now),
        recent=recent,
    )


def _strips(
    store: ReportStore, names: Iterable[str], recent: Sequence[PreFlightReport]
) -> Mapping[str, Sequence[StripEntry]]:
    """Return every check's last runs, newest last.

    One reading of the newest reports serves all; a check that is seldom asked has a reading of its own.
    """
    found: dict[str, list[StripEntry]] = {}
    for report in reversed(recent):
        for line in report.checks:
            found.setdefault(line.name, []).append(
                StripEntry(
                    report_id=report.id,
                    created_at=report.created_at,
                    status=line.status,
                    duration_ms=line.duration_ms,
                    cached=line.cached,
                )
            )
    if len(recent) == RECENT:
        seldom = [name for name in names if len(found.get(name, ())) < checks.LAST]
        found |= {name: store.strip(name, checks.LAST) for name in seldom[:MOST_FILLED]}
    return {name: entries[-checks.LAST :] for name, entries in found.items()}


class Overviews:
    """Overviews by period. Safe to use from several threads.

    Who asks while one is read waits, and all who wait share the next: however many pages look at once, there are two
    readings, and nobody gets what was read before they asked.
    """

    def __init__(self, make: Callable[[Period], Overview], clock: Callable[[], float] = time.monotonic) -> None:
        self._make, self._clock = make, clock
        self._found: dict[str, tuple[float, Overview]] = {}
        self._locks = {period.key: threading.Lock() for period in statistics.PERIODS}

    def get(self, period: Period) -> Overview:
        """Return the overview of a period, read after this call began. Raises `StoreUnavailable`."""
        asked_at = self._clock()
        with self._locks[period.key]:
            began_at, overview = self._found.get(period.key, (float("-inf"), None))
            if overview is None or began_at < asked_at:
                began_at = self._clock()
                overview = self._make(period)
                self._found[period.key] = (began_at, overview)
            return overview
