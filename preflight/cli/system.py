"""`preflight up`, `preflight demo` and `preflight config`."""

from __future__ import annotations

import click

from preflight.cli.arguments import debug_option, format_option


@click.command
@debug_option
def up() -> None:
    """Start the whole system here, until Ctrl-C.

    Nothing but this Python is needed: Valkey, PostgreSQL, workers, beat and Flower start on loopback addresses.
    """
    from preflight import embedded

    embedded.up(click.echo)


@click.command
@click.option("--once", is_flag=True, help="End after the run, with its exit code.")
@debug_option
def demo(*, once: bool) -> int:
    """Start it with sample data and run once.

    One full preflight of a sample campaign runs through real workers and is shown; then the system stays until
    Ctrl-C.
    """
    from preflight import embedded

    return embedded.demo(once=once, announce=click.echo)


@click.command
@format_option("human", "json")
@debug_option
def config(output: str) -> None:
    """Show the effective settings, secrets masked. What the environment sets stands out."""
    from preflight.cli import environment, terminal
    from preflight.cli.formats import as_json
    from preflight.cli.text import plain

    settings = environment.effective()
    shown = settings.shown()
    if output == "json":
        click.echo(as_json(shown))
        return
    from rich.text import Text

    console = terminal.stdout()
    given = {f"PREFLIGHT_{name.upper()}" for name in settings.model_fields_set}
    for name, value in shown.items():
        terminal.show(console, Text(f"{name}={plain(value)}", style="bold" if name in given else "dim"))
