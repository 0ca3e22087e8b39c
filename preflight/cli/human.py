"""A run and its report as a person reads them: what was asked, the ladder, the verdict, what to do."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from preflight.cli.ladder import Ladder, Rung, mark, milliseconds
from preflight.cli.terminal import draws, hanging, show, wrapped
from preflight.cli.text import plain

if TYPE_CHECKING:
    from preflight.context import CheckContext
    from preflight.types import CheckReport, PreFlightReport

_SHOWN_STREAMERS = 5
_KINDS = ("passed", "warning", "failed", "error", "advisory failed", "advisory error", "skipped")


def show_header(console: Console, context: CheckContext | PreFlightReport) -> None:
    """Print what is asked, and for whom."""
    dot = "·" if draws(console) else "-"
    parts = [f"{context.mode} run", *_about(context)]
    text = f"PreFlight {context.event_type} {dot} " + f" {dot} ".join(parts)
    lines = wrapped(console, text, console.width)
    lines[0].stylize("bold", 0, len(f"PreFlight {context.event_type}"))
    show(console, *lines, Text(""))


def _about(context: CheckContext | PreFlightReport) -> Iterator[str]:
    if context.campaign_id:
        yield f"campaign {context.campaign_id}"
    if context.streamer_ids:
        more = len(context.streamer_ids) - _SHOWN_STREAMERS
        names = ", ".join(context.streamer_ids[:_SHOWN_STREAMERS]) + (f" and {more} more" if more > 0 else "")
        yield f"streamers {plain(names)}"
    if context.triggered_by:
        yield f"triggered by {context.triggered_by}"


def show_report(console: Console, report: PreFlightReport) -> None:
    """Print a report's ladder and its verdict."""
    show(console, *Ladder([Rung.of_report(check) for check in report.checks]).lines(console))
    show(console, Text(""), *_verdict(console, report))


def _verdict(console: Console, report: PreFlightReport) -> Iterator[Text]:
    symbol, style = mark("passed" if report.success else "failed", drawn=draws(console))
    word = f"{symbol} {report.verdict}"
    lines = hanging(console, f"{word}  {sentence(report)}", 0, 2)
    lines[0].stylize("bold green" if report.success else style, 0, len(word))
    yield from lines
    for todo in to_do(report):
        yield from hanging(console, todo, 2, 2)
    took = milliseconds(report.duration_ms)
    yield from wrapped(console, f"Report {report.id}, took {took}.", console.width, "dim")


def sentence(report: PreFlightReport) -> str:
    """Return the verdict in one sentence: what it means, because of what."""
    if report.success:
        return f"{report.event_type} may go ahead: {_counts(report)}."
    if not report.blocking:
        return f"{report.event_type} must not go ahead: no check was asked. {_counts(report).capitalize()}."
    because = _joined([_because(check) for check in report.blocking])
    return f"{report.event_type} must not go ahead: {because}."


def to_do(report: PreFlightReport) -> list[str]:
    """Return what a person should do about a NO-GO, a line for each check that has advice."""
    if report.success:
        return []
    if not report.blocking:
        return ["To do: see above why every check was skipped; `preflight checks` tells what each one needs."]
    return [
        f"To do for {plain(check.name)}: {plain(check.remediation)}" for check in report.blocking if check.remediation
    ]


def _because(check: CheckReport) -> str:
    return f"{plain(check.name)} failed" if check.status == "failed" else f"{plain(check.name)} is in error"


def _joined(parts: list[str], most: int = 5) -> str:
    if len(parts) > most:
        parts = [*parts[: most - 1], f"{len(parts) - most + 1} more"]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _counts(report: PreFlightReport) -> str:
    """Return how many checks ended how, as "6 passed, 1 warning, 2 skipped"."""
    counted = collections.Counter(_kind(check) for check in report.checks)
    found = [(kind, counted[kind]) for kind in _KINDS if counted[kind]]
    return ", ".join(f"{count} {_plural(kind, count)}" for kind, count in found) or "0 checks"


def _kind(check: CheckReport) -> str:
    return (
        f"advisory {check.status}" if check.status in {"failed", "error"} and not check.blocks else check.status.value
    )


def _plural(word: str, count: int) -> str:
    return f"{word}s" if word.endswith(("warning", "error")) and count > 1 else word
