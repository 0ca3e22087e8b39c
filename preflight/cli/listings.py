"""Several reports at once: lines for a person, JSON, CSV."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

from preflight.cli import terminal
from preflight.cli.formats import as_json
from preflight.cli.ladder import mark, milliseconds
from preflight.cli.terminal import draws, show, show_text, wrapped
from preflight.cli.text import plain

if TYPE_CHECKING:
    from preflight.types import PreFlightReport

Show = Callable[[Sequence["PreFlightReport"]], None]

COLUMNS = ("id", "created_at", "event_type", "mode", "verdict", "campaign_id", "duration_ms", "blocked_by", "message")
_ID = 36
_WIDE = 110


def listing(output: str, *, following: bool) -> Show:
    """Return the function that shows reports in a format; it may be called again for more."""
    if output == "csv":
        return _Csv().show
    if output == "json":
        return _show_json_lines if following else _show_json
    return _Lines(following=following).show


def _show_json(found: Sequence[PreFlightReport]) -> None:
    click.echo(as_json([report.to_json() for report in found]))


def _show_json_lines(found: Sequence[PreFlightReport]) -> None:
    for report in found:
        click.echo(json.dumps(report.to_json()))


class _Csv:
    """Comma-separated rows under one head."""

    def __init__(self) -> None:
        self.head = [COLUMNS]

    def show(self, found: Sequence[PreFlightReport]) -> None:
        text = io.StringIO()
        rows = ([_harmless(value) for value in row(report)] for report in found)
        csv.writer(text, lineterminator="\n").writerows(itertools.chain(self.head, rows))
        self.head = []
        click.echo(text.getvalue(), nl=False)


def row(report: PreFlightReport) -> tuple[str, ...]:
    """Return a report's values in the order of `COLUMNS`."""
    data = report.to_json()
    blocking = report.blocking
    names = " ".join(check.name for check in blocking)
    message = plain(blocking[0].message) if blocking else ""
    return (*("" if data[name] is None else str(data[name]) for name in COLUMNS[:-2]), names, message)


def _harmless(value: str) -> str:
    """Keep a spreadsheet from taking a text for a formula."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value


class _Lines:
    """A line for each report, or two where the terminal is too narrow for its id."""

    def __init__(self, *, following: bool) -> None:
        self.console: Console = terminal.stdout()
        self.following = following
        self.headed = False

    def show(self, found: Sequence[PreFlightReport]) -> None:
        if not found and not self.following:
            show_text(self.console, "No report matches.")
        for report in found:
            self._head()
            show(self.console, *self._lines(report))

    def _head(self) -> None:
        if not self.headed and self.console.width >= _WIDE:
            titles = f"  {'verdict':<7}  {'at (UTC)':<19}  {'event type':<20}  {'took':>7}  {'report':<{_ID}}  because"
            show(self.console, Text(titles, style="dim"))
        self.headed = True

    def _lines(self, report: PreFlightReport) -> Iterator[Text]:
        symbol, style = mark("passed" if report.success else "failed", drawn=draws(self.console))
        first = Text.assemble(
            (f"{symbol} {report.verdict:<7}  ", style),
            f"{report.created_at:%Y-%m-%d %H:%M:%S}  ",
            (f"{_event(report):<20}  ", "bold"),
            (f"{milliseconds(report.duration_ms):>7}  ", "dim"),
        )
        if self.console.width >= _WIDE:
            yield from self._beside(first, report)
        else:
            yield from self._below(first, report)

    def _beside(self, first: Text, report: PreFlightReport) -> Iterator[Text]:
        line = Text.assemble(first, f"{report.id!s:<{_ID}}  ", _because(report))
        line.truncate(self.console.width, overflow="crop")
        line.rstrip()
        yield line

    def _below(self, first: Text, report: PreFlightReport) -> Iterator[Text]:
        first.rstrip()
        yield first
        because = _because(report)
        for line in wrapped(self.console, f"{report.id}  {because}".rstrip(), self.console.width - 2, "dim"):
            yield Text.assemble("  ", line)


def _event(report: PreFlightReport) -> str:
    light = " (light)" if report.mode == "light" else ""
    return report.event_type + light


def _because(report: PreFlightReport) -> str:
    if report.success:
        return ""
    return ", ".join(f"{check.name} {check.status.value}" for check in report.blocking) or "no check was asked"
