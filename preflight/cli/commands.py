"""The commands, and what all of them share. Importing this must stay cheap: it is what `--help` waits for."""

from __future__ import annotations

import click

from preflight.cli.admin import admin
from preflight.cli.changes import history, reset_values, set_values
from preflight.cli.checks import checks
from preflight.cli.db import db
from preflight.cli.doctor import doctor
from preflight.cli.reports import report, reports
from preflight.cli.run import run
from preflight.cli.system import config, demo, up


class _Commands(click.Group):
    """Commands of one word, and of two: `preflight checks NAME` shows a check, `preflight checks set` changes one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        words = " ".join(args[:2])
        return super().resolve_command(ctx, [words, *args[2:]] if words in self.commands else args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="celery-preflight", message="preflight %(version)s")
@click.option("--debug", is_flag=True, expose_value=False, help="Show a traceback when something goes wrong.")
def preflight() -> None:
    """Ask whether an operation may go ahead, and see why.

    Settings are environment variables named PREFLIGHT_*. Without any, commands use the system that `preflight up`
    has running.
    """


for _name, _change in (("set", set_values), ("reset", reset_values), ("history", history)):
    preflight.add_command(_change, f"checks {_name}")
for _command in (run, checks, reports, report, doctor, up, demo, admin, db, config):
    preflight.add_command(_command)
