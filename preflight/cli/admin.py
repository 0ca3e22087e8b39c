"""`preflight admin`: serve the page, and say who may see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from preflight.cli.arguments import debug_option

if TYPE_CHECKING:
    from preflight.admin.credentials import Credentials

_role = click.option(
    "--role",
    type=click.Choice(["admin", "viewer"]),
    default="admin",
    show_default=True,
    help="An admin sees and acts, a viewer sees.",
)


@click.group(invoke_without_command=True)
@debug_option
@click.pass_context
def admin(context: click.Context) -> None:
    """Serve the admin page until Ctrl-C, or say who may see it."""
    if context.invoked_subcommand is not None:
        return
    from preflight.cli import environment

    settings = environment.driven()
    _ = settings.database  # raises when there is none
    _require_packages()
    from preflight.admin import server

    server.serve(settings, environment.registry(), lambda line: click.echo(line, err=True))


@admin.command
@_role
@click.option("--hours", type=click.IntRange(1, 24), default=1, show_default=True, help="How long it can be used.")
@debug_option
def link(role: str, hours: int) -> None:
    """Print a sign-in link that works once."""
    from preflight.cli import environment

    credentials = _credentials()
    from preflight.admin.credentials import Role

    secret = credentials.create_link(Role(role), hours * 3600)
    click.echo(f"{environment.connected().admin_address}/admin/sign-in/{secret}")


@admin.group
def token() -> None:
    """Make, list and revoke tokens for the page and its API."""


@token.command
@click.argument("name")
@_role
@debug_option
def create(name: str, role: str) -> None:
    """Make the token NAME and print it. It is not shown again."""
    credentials = _credentials()
    from preflight.admin.credentials import Role

    click.echo(credentials.create_token(name, Role(role)))


@token.command(name="list")
@debug_option
def list_() -> None:
    """List the tokens; their secrets are stored nowhere."""
    for one in _credentials().tokens():
        state = f"revoked {one.revoked_at:%Y-%m-%d %H:%M}" if one.revoked_at else "valid"
        click.echo(f"{one.name}  {one.role}  made {one.created_at:%Y-%m-%d %H:%M}  {state}")


@token.command
@click.argument("name")
@debug_option
def revoke(name: str) -> None:
    """End the token NAME, and every session that was opened with it."""
    _credentials().revoke_token(name)
    click.echo(f"{name} is revoked.")


def _credentials() -> Credentials:
    from preflight.cli import environment

    url = environment.connected().database
    from preflight.admin.credentials import Credentials

    return Credentials(url)


def _require_packages() -> None:
    import importlib.util

    from preflight.exceptions import InvalidSettings

    if not all(importlib.util.find_spec(name) for name in ("fastapi", "jinja2", "sse_starlette", "uvicorn")):
        raise InvalidSettings("The admin page needs more packages: pip install 'celery-preflight[admin]'.")
