"""`preflight checks`: what the registry holds, and what could not be loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from preflight.cli.arguments import debug_option, format_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from preflight.changes import Changes
    from preflight.registry import PreFlightRegistry
    from preflight.settings import Settings
    from preflight.sources import BrokenSource

_WIDE = 100


@click.command
@click.argument("name", required=False)
@click.option("--strict", is_flag=True, help="End with 2 when a source of checks is broken.")
@format_option("human", "json", "markdown")
@debug_option
def checks(name: str | None, output: str, *, strict: bool) -> int:
    """List the checks, or show the check NAME.

    Sources of checks that could not be used are shown with their error. `preflight checks set`, `reset` and `history`
    are about what operators change.
    """
    from preflight.cli import environment

    settings = environment.effective()
    registry = environment.registry()
    if name:
        registry.get(name)
    # Pages of documentation say what the code is, whatever is in force here.
    describe = _described(registry, None if output == "markdown" else _in_force(settings))
    if name:
        _show_one(describe(name), output)
    else:
        _show_all([describe(check.name) for check in registry], registry.broken, output)
    return 2 if strict and registry.broken else 0


def _described(registry: PreFlightRegistry, changes: Changes | None) -> Callable[[str], dict[str, Any]]:
    from preflight.cli.descriptions import describe
    from preflight.in_force import look_at

    if changes is None:
        return lambda name: describe(registry.declared(name), ties=registry.ties(name))
    return lambda name: describe(registry.declared(name), look_at(registry, name, changes), registry.ties(name))


def _in_force(settings: Settings) -> Changes:
    """Return what operators changed. A Redis that is away is said: what the code and the environment say is known."""
    from preflight.changes import UNCHANGED
    from preflight.exceptions import BrokerUnavailable

    if settings.redis_url is None:
        return UNCHANGED
    from preflight.engine.published import published

    try:
        return published(settings)
    except BrokerUnavailable as error:
        click.echo(f"preflight: what operators changed is not shown. {error}", err=True)
        return UNCHANGED


def _show_one(description: dict[str, Any], output: str) -> None:
    from preflight.cli import check_pages, descriptions, formats, terminal

    if output == "json":
        click.echo(formats.as_json(description))
    elif output == "markdown":
        click.echo(check_pages.page(description))
    else:
        terminal.show(terminal.stdout(), *descriptions.page(terminal.stdout(), description))


def _show_all(described: list[dict[str, Any]], broken: list[BrokenSource], output: str) -> None:
    from preflight.cli import check_pages, descriptions, formats, terminal

    if output == "json":
        unusable = [{"source": place.source, "error": place.error} for place in broken]
        click.echo(formats.as_json({"checks": described, "broken": unusable}))
    elif output == "markdown":
        pages = [check_pages.page(one, level=2) for one in described]
        click.echo("\n\n".join([descriptions.table(described, broken), *pages]))
    else:
        console = terminal.stdout()
        _list(console, described)
        _show_broken(console, broken)


def _list(console: Console, described: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from preflight.cli.descriptions import events_of, notes_of
    from preflight.cli.terminal import show_text
    from preflight.cli.text import plain

    if not described:
        show_text(console, "No check is registered. Name modules of checks in PREFLIGHT_CHECKS.")
        return
    wide = console.width >= _WIDE
    grid = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    grid.add_column("tier", justify="right")
    grid.add_column("check", style="bold", overflow="fold")
    grid.add_column("asks", overflow="fold", ratio=1)
    for title in ("asked for", "timeout", "notes") if wide else ("timeout",):
        grid.add_column(title, style="dim", overflow="fold")
    for one in described:
        rest = [events_of(one), _seconds(one), notes_of(one)] if wide else [_seconds(one)]
        # Text, so that nothing in a name or a docstring is taken for markup.
        cells = (str(one["priority"]), plain(one["name"]), plain(one["summary"], 200), *rest)
        grid.add_row(*(Text(value) for value in cells))
    console.print(grid)
    how_many = f"{len(described)} check{'s' if len(described) > 1 else ''}."
    show_text(console, f"\n{how_many} `preflight checks NAME` shows everything about one.", "dim")


def _seconds(description: dict[str, Any]) -> str:
    return f"{description['timeout']:g} s"


def _show_broken(console: Console, broken: list[BrokenSource]) -> None:
    from preflight.cli.terminal import show

    if broken:
        show(console, *_broken_lines(console, broken))


def _broken_lines(console: Console, broken: list[BrokenSource]) -> Iterator[Any]:
    from rich.text import Text

    from preflight.cli.ladder import mark
    from preflight.cli.terminal import draws, wrapped
    from preflight.cli.text import plain

    symbol, style = mark("failed", drawn=draws(console))
    one = len(broken) == 1
    yield Text("")
    yield from wrapped(console, f"{len(broken)} source{'' if one else 's'} of checks could not be used:", console.width)
    for place in broken:
        lines = wrapped(console, f"{plain(place.source)}: {plain(place.error)}", console.width - 4)
        yield Text.assemble((f"  {symbol} ", style), lines[0])
        yield from (Text.assemble("    ", line) for line in lines[1:])
