"""`preflight checks set`, `reset` and `history`: what operators change in checks while the system runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from preflight.cli.arguments import Assignment, debug_option, format_option

if TYPE_CHECKING:
    from preflight.live_settings import LiveSettings, Outcome
    from preflight.reports.changes import ChangeEntry

_why = click.option("--why", metavar="TEXT", required=True, help="The reason; the history keeps it.")
_by = click.option("--by", metavar="WHO", help="Who changes it.  [default: this user at this host]")


@click.command("set")
@click.argument("name")
@click.argument("assignments", metavar="KEY=VALUE...", type=Assignment(), nargs=-1, required=True)
@_why
@_by
@debug_option
def set_values(name: str, assignments: Iterable[tuple[str, Any]], why: str, by: str | None) -> int:
    """Change values of the check NAME everywhere.

    KEY is enabled, severity, timeout, cache_ttl or a parameter of the check; VALUE is JSON or text. The next run that
    is opened anywhere has it.
    """
    with _live_settings() as live:
        outcome = live.set(name, dict(assignments), who=by or _me(), why=why)
    return _tell(outcome)


@click.command("reset")
@click.argument("name")
@click.argument("keys", metavar="[KEY]...", nargs=-1)
@_why
@_by
@debug_option
def reset_values(name: str, keys: tuple[str, ...], why: str, by: str | None) -> int:
    """Take changes of the check NAME back.

    Without KEY all of them: what the environment says holds again, or else the code.
    """
    with _live_settings() as live:
        outcome = live.reset(name, keys, who=by or _me(), why=why)
    return _tell(outcome)


@click.command
@click.argument("name", required=False)
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="At most so many.")
@format_option("human", "json")
@debug_option
def history(name: str | None, limit: int, output: str) -> None:
    """List what operators changed, newest first; in one check if NAME is given."""
    from preflight.cli.formats import as_json

    with _live_settings() as live:
        entries = live.history(name, limit)
    if output == "json":
        click.echo(as_json([entry.to_json() for entry in entries]))
    else:
        _list(entries)


def _list(entries: Iterable[ChangeEntry]) -> None:
    from preflight.cli import terminal
    from preflight.cli.text import plain

    console = terminal.stdout()
    lines = [_line(entry) for entry in entries] or ["No operator has changed anything."]
    for line in lines:
        terminal.show(console, *terminal.hanging(console, plain(line), 0, 2))


def _line(entry: ChangeEntry) -> str:
    step = _step(entry.old_value, entry.new_value)
    back = " (reset)" if entry.action == "reset" else ""
    at = f"{entry.changed_at:%Y-%m-%d %H:%M:%S}"
    return f"{entry.version}: {at} {entry.check}.{entry.key} {step}{back} by {entry.changed_by}: {entry.why}"


def _step(old: Any, new: Any) -> str:
    import json

    from preflight.redaction import redact

    return f"{redact(json.dumps(old))} -> {redact(json.dumps(new))}"


def _tell(outcome: Outcome) -> int:
    """Say what was changed. Ends with 1 when it is not in force yet."""
    from preflight.cli.text import plain

    for change in outcome.changes:
        click.echo(plain(f"{change.check}.{change.key}: {_step(change.old_value, change.new_value)}"))
    if outcome.pending:
        click.echo(
            f"preflight: saved as version {outcome.version} and not in force yet: {plain(outcome.pending)}."
            " A worker publishes it when Redis is back.",
            err=True,
        )
        return 1
    said = "In force" if outcome.changes else "Nothing to change: in force"
    click.echo(f"{said} as version {outcome.version}.")
    return 0


@contextlib.contextmanager
def _live_settings() -> Iterator[LiveSettings]:
    from preflight.cli import environment

    settings = environment.connected()
    _ = settings.redis, settings.database  # each raises when it is not set
    from preflight.live_settings import LiveSettings

    live = LiveSettings(settings, environment.registry())
    try:
        yield live
    finally:
        live.close()


def _me() -> str:
    """Return this user at this host."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in many containers
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
