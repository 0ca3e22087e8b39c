"""`preflight db`: the reports' schema and its retention, by hand."""

from __future__ import annotations

import click

from preflight.cli.arguments import debug_option


@click.group
def db() -> None:
    """Migrate, purge or check the reports' database."""


@db.command
@debug_option
def upgrade() -> None:
    """Bring the schema to the version that this PreFlight needs. Harmless when it is there."""
    url = _database()
    from preflight import schemas
    from preflight.settings import settings

    for name, before, after in schemas.upgrade(url, settings().packs):
        what = _called(name)
        same = f"{what} is at {after}."
        click.echo(same if before == after else f"{what} went from {before or 'nothing'} to {after}.")


@db.command
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@debug_option
def purge(*, dry_run: bool) -> None:
    """Drop the days of reports that are older than PREFLIGHT_RETENTION_DAYS, and statistics of their own age."""
    url = _database()
    from preflight.reports.store import ReportStore
    from preflight.settings import settings

    days, kept_days = settings().retention_days, settings().statistics_days
    purged = ReportStore(url).purge(days, statistics_days=kept_days, dry_run=dry_run)
    for name in purged.partitions:
        click.echo(name)
    done = "would be deleted" if dry_run else "deleted"
    click.echo(f"{_counted(purged.reports, 'report')} older than {days} days {done}.")
    click.echo(f"{_counted(purged.hours, 'row')} of statistics older than {max(days, kept_days)} days {done}.")


@db.command
@debug_option
def partitions() -> None:
    """Make the partitions that are missing for today and the 14 days ahead, as beat does every hour."""
    url = _database()
    from preflight.reports.store import ReportStore

    made = ReportStore(url).make_partitions()
    click.echo("\n".join(made) or "There are partitions for all of the next 14 days.")


@db.command
@debug_option
def recount() -> None:
    """Count anew what older workers stored without counting it, after an upgrade of the schema."""
    url = _database()
    from preflight.reports.store import ReportStore

    count = ReportStore(url).recount()
    click.echo(f"{count} span{'' if count == 1 else 's'} of five minutes counted anew.")


@db.command
@debug_option
def check() -> int:
    """Say whether the schema is the one that this PreFlight needs. Ends with 3 if it is not."""
    url = _database()
    from preflight import schemas
    from preflight.exceptions import StoreUnavailable
    from preflight.settings import settings

    try:
        found = schemas.check(url, settings().packs)
    except StoreUnavailable as error:
        click.echo(f"preflight: {error}", err=True)
        return 3
    for name, _, revision in found:
        click.echo(f"{_called(name)} is at {revision}, as it must be.")
    return 0


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _called(schema: str) -> str:
    return "The schema" if schema == "reports" else f"The schema of the pack {schema}"


def _database() -> str:
    from preflight.cli import environment

    return environment.connected().database
