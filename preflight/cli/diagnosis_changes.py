"""What operators have changed in checks, where it may surprise those who come after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from preflight.cli import environment
from preflight.cli.diagnosis import Finding
from preflight.exceptions import BrokerUnavailable

if TYPE_CHECKING:
    from preflight.changes import Changes
    from preflight.settings import Settings

_HISTORY = "`preflight checks history` says who and why; `preflight checks reset NAME` takes it back."


def changes(settings: Settings) -> Iterator[Finding]:
    """Look at what is in force. Says nothing when nothing was changed, and when Redis is away: that is told already."""
    if settings.redis_url is None:
        return
    from preflight.engine.published import published

    try:
        found = published(settings)
    except BrokerUnavailable:
        return
    changed = sorted(name for name in found.checks if found.values(name))
    if changed:
        yield Finding("changes", "ok", f"version {found.version}: operators have changed {', '.join(changed)}")
    if found.disabled:
        yield Finding("changes", "warning", f"operators have disabled {', '.join(found.disabled)}", _HISTORY)
    yield from _unfit(found)


def _unfit(found: Changes) -> Iterator[Finding]:
    from preflight.in_force import look_at

    for check in environment.registry():
        if problem := look_at(environment.registry(), check.name, found).problem:
            message = f"{check.name} is an error in every run: what an operator changed does not fit it: {problem}"
            yield Finding("changes", "problem", message, _HISTORY)
