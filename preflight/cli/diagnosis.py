"""What runs need, looked at once: each finding says what is so, and what to do when it is not as it should be."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from preflight.cli import environment
from preflight.exceptions import PreFlightError
from preflight.redaction import redact

if TYPE_CHECKING:
    from preflight.settings import Settings

State = Literal["ok", "warning", "problem"]


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of the diagnosis. A "problem" is something broken, a "warning" something that runs can live with."""

    about: str
    state: State
    message: str
    todo: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the finding as a JSON object."""
        return dataclasses.asdict(self)


def diagnose() -> Iterator[Finding]:
    """Look at every part and yield what was found. Reads only; a part that is away costs a few seconds at most."""
    try:
        settings = environment.effective()
    except PreFlightError as error:
        yield Finding("settings", "problem", str(error))
        return
    for about, part in _parts().items():
        yield from _guarded(about, part, settings)


def _parts() -> dict[str, Callable[[Settings], Iterator[Finding]]]:
    from preflight.cli import (
        diagnosis_changes,
        diagnosis_reports,
        diagnosis_sentry,
        diagnosis_servers,
        diagnosis_workers,
    )

    return {
        "settings": _settings,
        "redis": diagnosis_servers.redis,
        "broker": diagnosis_servers.broker,
        "database": diagnosis_servers.database,
        "reports": diagnosis_reports.reports,
        "checks": _checks,
        "changes": diagnosis_changes.changes,
        "workers": diagnosis_workers.workers,
        "sentry": diagnosis_sentry.sentry,
    }


def _guarded(about: str, part: Callable[[Settings], Iterator[Finding]], settings: Settings) -> Iterator[Finding]:
    """Yield a part's findings; whatever goes wrong in looking is a finding too."""
    try:
        yield from part(settings)
    except PreFlightError as error:
        yield Finding(about, "problem", str(error))
    except Exception as error:
        message = redact(f"could not be looked at: {type(error).__name__}: {error}")
        yield Finding(about, "problem", message, "Add --debug, or see the server's log.")


def _settings(settings: Settings) -> Iterator[Finding]:
    if settings.redis_url is None and settings.database_url is None:
        yield Finding("settings", "problem", environment.NOTHING_TO_TALK_TO)
    else:
        given = len(settings.model_fields_set)
        yield Finding("settings", "ok", f"{given} set, namespace {settings.namespace}, source: {environment.source()}")
    for name, advice in environment.unknown_variables().items():
        yield Finding("settings", "warning", f"{name} is set, but no setting has this name.{advice}")


def _checks(_: Settings) -> Iterator[Finding]:
    registry = environment.registry()
    if len(registry):
        yield Finding("checks", "ok", f"{len(registry)} registered")
    else:
        todo = "Name modules of checks in PREFLIGHT_CHECKS."
        yield Finding("checks", "problem", "none is registered: every run would be NO-GO", todo)
    for broken in registry.broken:
        todo = "Correct the module, or take it out of the settings."
        yield Finding("checks", "problem", f"{broken.source} could not be used: {broken.error}", todo)
