"""`preflight doctor`: is everything there that runs need? One answer, and what to do about each trouble."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from preflight.cli.arguments import debug_option, format_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.text import Text

    from preflight.cli.diagnosis import Finding

_MARKS = {"ok": "passed", "warning": "warning", "problem": "failed"}


@click.command
@format_option("human", "json")
@debug_option
def doctor(output: str) -> int:
    """Say what is broken and what to do.

    Looks at settings, Redis, PostgreSQL, schema, checks, workers, beat, Sentry. Ends with 3 when something is broken.
    """
    from preflight.cli.diagnosis import diagnose

    found = list(diagnose())
    healthy = not any(finding.state == "problem" for finding in found)
    if output == "json":
        from preflight.cli.formats import as_json

        click.echo(as_json({"healthy": healthy, "findings": [finding.to_json() for finding in found]}))
    else:
        _show(found)
    return 0 if healthy else 3


def _show(found: list[Finding]) -> None:
    from preflight.cli import terminal

    console = terminal.stdout()
    for finding in found:
        terminal.show(console, *_lines(console, finding))
    terminal.show_text(console, f"\n{_summary(found)}", "bold")


def _lines(console: Console, finding: Finding) -> Iterator[Text]:
    from rich.text import Text

    from preflight.cli.ladder import mark
    from preflight.cli.terminal import draws, wrapped
    from preflight.cli.text import plain

    drawn = draws(console)
    symbol, style = mark(_MARKS[finding.state], drawn=drawn)
    lead = Text.assemble((f"{symbol} {finding.state:<7}  ", style), (f"{finding.about:<9}  ", "bold"))
    indent, arrow = lead.cell_len, "→" if drawn else "->"
    first, *more = wrapped(console, plain(finding.message), console.width - indent)
    yield Text.assemble(lead, first)
    if finding.todo:
        more += wrapped(console, f"{arrow} {plain(finding.todo)}", console.width - indent, "bold")
    yield from (Text.assemble(" " * indent, line) for line in more)


def _summary(found: list[Finding]) -> str:
    problems = sum(finding.state == "problem" for finding in found)
    warnings = sum(finding.state == "warning" for finding in found)
    parts = [
        f"{count} {word}{'s' if count > 1 else ''}"
        for count, word in ((problems, "problem"), (warnings, "warning"))
        if count
    ]
    return f"{' and '.join(parts)}." if parts else "Everything is in order."
