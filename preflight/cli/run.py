"""`preflight run`: one run, shown as it goes, its verdict as exit code."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import click

from preflight.cli.arguments import JsonDocument, Parameter, debug_option, format_option, params_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

    from preflight.context import RunRequest
    from preflight.engine.handle import PreFlightRun
    from preflight.engine.state import CheckProgress
    from preflight.types import PreFlightReport

_REDRAW_SECONDS = 0.1


@click.command
@click.argument("event")
@click.option("--mode", type=click.Choice(["full", "light"]), default="full", show_default=True)
@click.option("--campaign", metavar="ID", help="The campaign, a UUID.")
@click.option("--streamer", "streamers", metavar="ID", multiple=True, help="A streamer; may be given several times.")
@click.option("--metadata", type=JsonDocument(), help="The run's metadata, a JSON object, or @FILE.")
@click.option("--triggered-by", metavar="ID", help="Who asks, a UUID.")
@click.option("--param", "params", type=Parameter(), multiple=True, help="A parameter of a check for this run.")
@click.option("--timeout", type=float, metavar="SECONDS", help="The run's deadline, counted from its opening.")
@click.option("--max-age", type=float, metavar="SECONDS", help="Take no cached answer older than this; 0 takes none.")
@click.option(
    "--short-circuit",
    type=click.Choice(["check", "tier", "never"]),
    default="check",
    show_default=True,
    help="Stop at the first check that blocks, at the end of its tier, or never.",
)
@click.option("--only", metavar="CHECK", multiple=True, help="Ask only this check; may be given several times.")
@click.option("--exclude", metavar="CHECK", multiple=True, help="Leave this check out; may be given several times.")
@click.option("--strict", is_flag=True, help="End with 4 when a GO has warnings.")
@format_option("human", "json", "junit", "github")
@debug_option
def run(event: str, mode: str, output: str, *, strict: bool, **arguments: Any) -> int:
    """Ask whether the operation EVENT may go ahead now.

    Ends with 0 for GO, 3 for NO-GO, 2 for wrong arguments or settings, 1 for anything else. A light run ends with 0
    whatever its verdict, unless it could not be sent.
    """
    request = _request(event, mode, arguments)
    report = _answered(request, output)
    _show(report, output)
    return exit_code(report, strict=strict)


def exit_code(report: PreFlightReport, *, strict: bool) -> int:
    """Return a run's exit code: 0 GO, 3 NO-GO, 4 a GO with warnings when strict. Light runs stop nobody."""
    if report.mode == "light":
        return int(_never_sent(report))
    if not report.success:
        return 3
    return 4 if strict and any(_warns(check.status, blocks=check.blocks) for check in report.checks) else 0


def _warns(status: str, *, blocks: bool) -> bool:
    """Return whether a check has a remark: a warning, or an advisory check that failed."""
    return status == "warning" or (status in {"failed", "error"} and not blocks)


def _never_sent(report: PreFlightReport) -> bool:
    return any(check.name == "broker" and check.blocks for check in report.checks)


def _request(event: str, mode: str, arguments: dict[str, Any]) -> RunRequest:
    from preflight.context import RunRequest

    return RunRequest.build(
        mode=mode,
        event_type=event,
        campaign_id=arguments["campaign"],
        streamer_ids=arguments["streamers"],
        triggered_by=arguments["triggered_by"],
        metadata=arguments["metadata"],
        params=params_of(arguments["params"]),
        timeout=arguments["timeout"],
        short_circuit=arguments["short_circuit"],
        max_age=arguments["max_age"],
        only=arguments["only"],
        exclude=arguments["exclude"],
    )


def _answered(request: RunRequest, output: str) -> PreFlightReport:
    """Start the run and wait for its report. Ctrl-C leaves it: it ends without us and is stored."""
    from preflight.cli import environment, terminal

    settings = environment.driven()
    human = output == "human"
    console = terminal.stdout() if human else terminal.stderr()
    from preflight.runner import PreFlightRunner

    runner = PreFlightRunner(settings, environment.registry())
    with environment.quiet_stdout():
        started = runner.start(request)
    try:
        if human:
            _head(console, request)
        return _watched(started, console) if terminal.live(console) else started.report()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"preflight: interrupted. The run goes on without you: `preflight report {started.id}` will show it."
        ) from None


def _head(console: Console, request: RunRequest) -> None:
    from preflight.cli.human import show_header

    show_header(console, request.context)


def _watched(started: PreFlightRun, console: Console) -> PreFlightReport:
    """Wait for the report and redraw the ladder meanwhile."""
    from rich.live import Live

    from preflight.exceptions import ReportNotReady

    # No thread redraws: it would hold the screen while this one writes an error.
    with Live(console=console, auto_refresh=False, transient=True) as live:
        drawn: tuple[CheckProgress, ...] = ()
        while True:
            with contextlib.suppress(ReportNotReady):
                return started.report(timeout=_REDRAW_SECONDS)
            drawn = _redraw(live, started, drawn)


def _redraw(live: Live, started: PreFlightRun, drawn: tuple[CheckProgress, ...]) -> tuple[CheckProgress, ...]:
    """Draw what has changed and return it; while Redis is away the last picture stays."""
    from preflight.cli.ladder import Ladder, Rung

    checks = started.progress()
    if checks and checks != drawn:
        live.update(Ladder([Rung.of_progress(check) for check in checks]), refresh=True)
    return checks or drawn


def _show(report: PreFlightReport, output: str) -> None:
    from preflight.cli import terminal
    from preflight.cli.formats import report_as
    from preflight.cli.human import show_report

    if output == "human":
        show_report(terminal.stdout(), report)
    else:
        click.echo(report_as(report, output))
