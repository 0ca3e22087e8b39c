"""May it go ahead? The last verdict of each event type, worst first."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from preflight.admin import drawing, ladder
from preflight.admin.views.reports import STYLES
from preflight.reports.latest import StripEntry, VerdictEntry
from preflight.reports.store import ReportStore
from preflight.types import PreFlightReport

LAST = 44
#: Event types with a card of their own; more are listed in a line.
MOST_CARDS = 12
_WORST_FIRST = ("NO-GO", "GO with warning", "GO")

Strips = Mapping[str, Sequence[StripEntry]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """The last verdict of an event type: since when it holds, why, and whether its cause has passed since."""

    event_type: str
    mode: str
    word: str
    report_id: UUID
    at: datetime
    since: datetime
    held: str
    why: str
    cause: str
    passed_again_at: datetime | None
    strip: drawing.Strip

    @property
    def style(self) -> str:
        """The name of its colours."""
        return STYLES[self.word][0]

    @property
    def icon(self) -> str:
        """The name of its shape."""
        return STYLES[self.word][1]


def cards(store: ReportStore, strips: Strips) -> list[Card]:
    """Return a card per event type, worst first, then by name."""
    found = [_card(event, entries, store, strips) for event, entries in store.latest(LAST).items() if entries]
    return sorted(found, key=lambda card: (_WORST_FIRST.index(card.word), card.event_type))


def headline(cards: Sequence[Card]) -> str:
    """Return in one sentence what is true now."""
    if not cards:
        return "Nothing has been asked yet."
    no_go = [card for card in cards if card.word == "NO-GO"]
    if not no_go:
        warned = sum(card.word != "GO" for card in cards)
        remark = f", {warned} with a warning" if warned else ""
        return f"Every event type is GO{remark}." if len(cards) > 1 else f"{cards[0].event_type} is {cards[0].word}."
    if len(no_go) == 1 and len(cards) > 1:
        return f"1 of {len(cards)} event types is NO-GO: {no_go[0].event_type}."
    return (
        f"{len(no_go)} of {len(cards)} event types are NO-GO." if len(cards) > 1 else f"{no_go[0].event_type} is NO-GO."
    )


def _card(event_type: str, entries: Sequence[VerdictEntry], store: ReportStore, strips: Strips) -> Card:
    newest = entries[-1]
    report = store.get(newest.report_id)
    word = ladder.verdict(report) if report else ("GO" if newest.success else "NO-GO")
    same = _streak(entries)
    cause = _cause(report)
    return Card(
        event_type=event_type,
        mode=newest.mode,
        word=word,
        report_id=newest.report_id,
        at=newest.created_at,
        since=same[0].created_at,
        held="for more than" if len(same) == LAST else "for",
        why=ladder.reason(report) if report else "",
        cause=cause,
        passed_again_at=_passed_again(strips.get(cause, ()), newest.created_at) if word == "NO-GO" else None,
        strip=drawing.strip(["GO" if entry.success else "NO-GO" for entry in entries], LAST, "verdicts"),
    )


def _streak(entries: Sequence[VerdictEntry]) -> Sequence[VerdictEntry]:
    """Return the newest entries with one verdict, oldest first."""
    first = len(entries) - 1
    while first and entries[first - 1].success == entries[-1].success:
        first -= 1
    return entries[first:]


def _cause(report: PreFlightReport | None) -> str:
    """Return the one check that stopped a run; nothing if it was not one."""
    return report.blocking[0].name if report and len(report.blocking) == 1 else ""


def _passed_again(entries: Sequence[StripEntry], at: datetime) -> datetime | None:
    """Return since when a check has passed again in other runs, after it stopped one; None if it has not."""
    later = [entry for entry in entries if entry.created_at > at and entry.status != "skipped"]
    since = None
    for entry in reversed(later):
        if entry.status not in {"passed", "warning"}:
            break
        since = entry.created_at
    return since
