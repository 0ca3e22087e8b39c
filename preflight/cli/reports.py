"""`preflight reports` and `preflight report`: what was stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from preflight.cli.arguments import Instant, Words, debug_option, format_option
from preflight.types import MODES, STATUSES

if TYPE_CHECKING:
    from preflight.reports.store import ReportFilter, ReportStore
    from preflight.types import PreFlightReport

_POLL_SECONDS = 1.0
#: Late reports may turn up between newer ones: a page this long is looked at each time, and more if all of it is new.
_FOLLOWED = 200


@click.command
@click.option("--failed", is_flag=True, help="Only NO-GO.")
@click.option("--passed", is_flag=True, help="Only GO.")
@click.option("--event", metavar="EVENT", type=Words(), help="Only this event type.")
@click.option("--mode", type=click.Choice(MODES), help="Only runs of this mode.")
@click.option("--campaign", metavar="ID", type=click.UUID, help="Only this campaign.")
@click.option("--check", metavar="CHECK", type=Words(), help="Only runs that planned this check.")
@click.option("--status", type=click.Choice(list(STATUSES)), help="Only runs in which --check has this status.")
@click.option("--since", metavar="TIME", type=Instant(), help="Only from this time on: 90m, 24h, 7d, or a date.")
@click.option("--until", metavar="TIME", type=Instant(), help="Only from before this time.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many.")
@click.option("--follow", is_flag=True, help="Stay and show new ones as they come, oldest first, until Ctrl-C.")
@format_option("human", "json", "csv")
@debug_option
def reports(limit: int, output: str, *, follow: bool, **words: Any) -> None:
    """List stored reports, newest first.

    JSON is one array of whole reports; with --follow it is one report per line.
    """
    wanted, store = _wanted(**words), _store()
    from preflight.cli.listings import listing

    show = listing(output, following=follow)
    if not follow:
        show(store.page(wanted, limit=limit))
        return
    # One question for what is shown and what is known: nothing that is stored between two of them is missed.
    found = store.page(wanted, limit=max(limit, _FOLLOWED))
    show(found[:limit][::-1])
    for new in _followed(store, wanted, {report.id for report in found}):
        show([new])


def _wanted(
    *, failed: bool, passed: bool, event: str | None, campaign: UUID | None, status: str | None, **same: Any
) -> ReportFilter:
    """Return the filter that the options mean; they are refused where they contradict each other."""
    if failed and passed:
        raise click.UsageError("--failed and --passed leave nothing: name one of them.")
    if status and same["check"] is None:
        raise click.UsageError("--status is about one check: name it with --check.")
    if same["since"] and same["until"] and same["since"] >= same["until"]:
        raise click.UsageError("--since must be before --until.")
    from preflight.reports.store import ReportFilter

    success = passed if failed or passed else None
    known = STATUSES[status] if status else None
    return ReportFilter(
        success=success,
        event_type=event,
        campaign_id=campaign,
        check_status=known,
        **same,
    )


@click.command
@click.argument("report_id", metavar="ID", type=click.UUID)
@format_option("human", "json", "junit", "markdown", "github")
@debug_option
def report(report_id: UUID, output: str) -> int:
    """Show the stored report ID.

    Looks as `preflight run` showed it. Ends with 0 whatever the verdict was.
    """
    found = _store().get(report_id)
    if found is None:
        click.echo(f"preflight: {_unknown(report_id)}", err=True)
        return 1
    _show(found, output)
    return 0


def _unknown(report_id: UUID) -> str:
    from preflight.settings import settings

    days = settings().retention_days
    return (
        f"There is no report {report_id}. It may still be running, or be older than the {days} days that reports are"
        " kept; `preflight reports` lists what there is."
    )


def _show(found: PreFlightReport, output: str) -> None:
    from preflight.cli import terminal
    from preflight.cli.formats import report_as
    from preflight.cli.human import show_header, show_report

    if output != "human":
        click.echo(report_as(found, output))
        return
    console = terminal.stdout()
    show_header(console, found)
    show_report(console, found)


def _store() -> ReportStore:
    from preflight.cli import environment

    settings = environment.connected()
    from preflight.reports.store import ReportStore

    return ReportStore(settings.database)


def _followed(store: ReportStore, wanted: ReportFilter, seen: set[UUID]) -> Iterator[PreFlightReport]:
    """Yield reports that were not seen, for ever. A database that is away is said once and waited for."""
    import time

    away = False
    while True:
        time.sleep(_POLL_SECONDS)
        found, away = _newest(store, wanted, seen, away=away)
        yield from (report for report in reversed(found) if report.id not in seen)
        seen = {report.id for report in found} or seen


def _newest(
    store: ReportStore, wanted: ReportFilter, seen: set[UUID], *, away: bool
) -> tuple[list[PreFlightReport], bool]:
    from preflight.exceptions import StoreUnavailable

    try:
        return list(_back_to(store, wanted, seen)), False
    except StoreUnavailable as error:
        if not away:
            click.echo(f"preflight: {error} Trying again.", err=True)
        return [], True


def _back_to(store: ReportStore, wanted: ReportFilter, seen: set[UUID]) -> Iterator[PreFlightReport]:
    """Yield the newest reports, back to a page that holds one that was seen: thousands may come after an outage."""
    before = None
    while page := store.page(wanted, limit=_FOLLOWED, before=before):
        yield from page
        if len(page) < _FOLLOWED or any(report.id in seen for report in page):
            return
        before = page[-1].id
