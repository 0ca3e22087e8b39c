"""Which system a command speaks to: the one that the settings name, else the embedded one that is running."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from preflight.exceptions import InvalidSettings, nearest

if TYPE_CHECKING:
    from preflight.registry import PreFlightRegistry
    from preflight.settings import Settings

NOTHING_TO_TALK_TO = (
    "PREFLIGHT_REDIS_URL is not set and no embedded system is running."
    " Start one with `preflight up`, or name your own in PREFLIGHT_REDIS_URL and PREFLIGHT_DATABASE_URL."
)


def effective() -> Settings:
    """Return the settings, those of the running embedded system where none are given; `InvalidSettings` if wrong.

    The embedded system is used as a whole or not at all: a Redis of one's own never meets an embedded database.
    """
    from preflight.settings import load, settings

    found = load()
    if found.redis_url is None and found.database_url is None:
        _adopt_embedded(found)
    return settings()


def connected() -> Settings:
    """Return the effective settings of a command that needs a system; `InvalidSettings` names both ways out."""
    settings = effective()
    if settings.redis_url is None and settings.database_url is None:
        raise InvalidSettings(NOTHING_TO_TALK_TO)
    return settings


def driven() -> Settings:
    """Return the effective settings of a command that starts runs, which takes a Redis."""
    settings = connected()
    _ = settings.redis  # raises when there is none
    return settings


def registry() -> PreFlightRegistry:
    """Return the registry of this process. What the modules of checks print while they load goes to stderr."""
    from preflight.registry import default_registry

    with quiet_stdout():
        return default_registry()


def quiet_stdout() -> contextlib.AbstractContextManager[object]:
    """Send what other people's code prints to stderr: stdout holds what was asked for and nothing else."""
    return contextlib.redirect_stdout(sys.stderr)


def source() -> str:
    """Return where the settings come from, in words."""
    return "the embedded system of `preflight up`" if _adopted else "the environment"


def unknown_variables() -> dict[str, str]:
    """Return variables that look like settings and are none, with the nearest names as advice."""
    from preflight.setting_files import SUFFIX
    from preflight.settings import PREFIX, SECRETS, Settings

    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    known |= {f"{variable}{SUFFIX}" for variable in SECRETS.values()}
    given = {name for name in os.environ if name.upper().startswith(PREFIX)}
    return {name: nearest(name.upper(), known) for name in sorted(given) if name.upper() not in known}


_adopted: dict[str, str] = {}


def _adopt_embedded(found: Settings) -> None:
    """Take over what the embedded system says of itself. What the environment says explicitly wins."""
    from preflight import embedded

    for name, value in (embedded.running(found.home) or {}).items():
        if not os.environ.get(name):
            os.environ[name] = _adopted[name] = value
