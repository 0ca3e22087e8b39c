"""The monitoring page: an overview, and the reports that a query asks for."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from preflight.admin.query import MAX_LENGTH, WORDS, InvalidQuery, Query, parse
from preflight.admin.views.overview import Overview
from preflight.admin.views.reports import ShownReport
from preflight.admin.views.statistics import PERIODS, Period
from preflight.reports.search import ReportFilter
from preflight.reports.store import ReportStore
from preflight.types import PreFlightReport

PAGE = 50
ADDRESS = "/admin/monitoring"
EXAMPLES = ("check:redis status:failed", "verdict:nogo since:24h")
_NOTHING = Query(words=(), conditions={})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """What the page's address asks for."""

    period: Period
    text: str
    query: Query
    error: InvalidQuery | None = None
    before: UUID | None = None
    opened: UUID | None = None

    def link(self, *, period: str | None = None, query: str | None = None, before: str | None = None) -> str:
        """Return the address of this page with another period, query or place in the list."""
        text = self.text if query is None else query
        key = period or self.period.key
        words = {
            "period": "" if key == PERIODS[0].key else key,
            "query": text,
            "before": before or "",
        }
        asked = urlencode({name: value for name, value in words.items() if value}, errors="replace", safe=":")
        return f"{ADDRESS}?{asked}" if asked else ADDRESS


def asked(period: Period, text: str, now: datetime, before: UUID | None, opened: UUID | None) -> Asked:
    """Read the query; one that cannot be read is kept with its error."""
    try:
        query, error = parse(text, now), None
    except InvalidQuery as problem:
        query, error = _NOTHING, problem
    return Asked(period=period, text=text.strip()[:MAX_LENGTH], query=query, error=error, before=before, opened=opened)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportRow:
    """One line of the list; `opened` is the report itself when its ladder is shown."""

    report: ShownReport
    opened: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportList:
    """The reports that were asked for, newest first; `older` leads to the next page."""

    rows: list[ReportRow]
    older: str | None
    near_names: list[str]
    verdict_links: list[tuple[str, str, bool]]

    words = WORDS
    examples = EXAMPLES


def report_list(
    store: ReportStore, asked: Asked, overview: Overview, names: Iterable[str], flower_url: str
) -> ReportList:
    """Return the list. What is there already is not read again. Raises `StoreUnavailable`."""
    found = [] if asked.error else _found(store, asked, overview)
    shown, more = found[:PAGE], len(found) > PAGE
    rows = [ReportRow(report=ShownReport(one, flower_url), opened=one.id == asked.opened) for one in shown]
    return ReportList(
        rows=rows,
        older=str(shown[-1].id) if more else None,
        near_names=[] if shown else _near(asked.query.value("check"), names),
        verdict_links=_verdict_links(asked.query),
    )


def _found(store: ReportStore, asked: Asked, overview: Overview) -> list[PreFlightReport]:
    if not asked.query.conditions and asked.before is None:
        return overview.recent[: PAGE + 1]
    return store.page(ReportFilter(**asked.query.conditions), limit=PAGE + 1, before=asked.before)


def _near(name: str | None, names: Iterable[str]) -> list[str]:
    known = list(names)
    return difflib.get_close_matches(name, known, n=3) if name and name not in known else []


def _verdict_links(query: Query) -> list[tuple[str, str, bool]]:
    """Return the links that choose a verdict: text, query, whether it is the one chosen."""
    chosen = query.conditions.get("success")
    return [
        ("All", query.replaced("verdict", None), chosen is None),
        ("GO", query.replaced("verdict", "go"), chosen is True),
        ("NO-GO", query.replaced("verdict", "nogo"), chosen is False),
    ]
