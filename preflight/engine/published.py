"""What operators changed, as Redis holds it for every caller and worker: one key, written as a whole, with a version.

The table has the truth. `open` compares versions, so that reading costs no round trip while nothing changes.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import redis

from preflight.changes import UNCHANGED, Changes
from preflight.engine.connection import connect, unavailable
from preflight.engine.keys import Keys
from preflight.settings import Settings

if TYPE_CHECKING:
    from preflight.engine.runs import Runs

#: One process of all compares the table with Redis within this time, in milliseconds.
LOOK_MS = 900


def published(settings: Settings) -> Changes:
    """Return what is in force; raise `BrokerUnavailable` in one clear line."""
    try:
        with contextlib.closing(connect(settings.redis)) as client:
            version, text = client.hmget(Keys(settings.namespace)["settings"], ["version", "changes"])
    except redis.RedisError as error:
        raise unavailable(error, settings.redis) from error
    return Changes.from_text(int(version), str(text)) if version else UNCHANGED


def publish(runs: Runs, changes: Changes) -> int:
    """Put changes in force unless newer ones are, and return the version that is. Doing it again is harmless."""
    off = "".join(f" {name}" for name in changes.disabled)
    return int(runs.call("settings", [runs.keys["settings"]], [changes.version, changes.to_text(), f"{off} "]))


def published_version(runs: Runs) -> int:
    """Return the version that is in force; 0 if Redis has none, or has lost it."""
    return int(runs.client.hget(runs.keys["settings"], "version") or 0)


def may_look(runs: Runs) -> bool:
    """Return whether it is this process's turn to compare the table with Redis."""
    return bool(runs.client.set(runs.keys["lease:settings"], 1, nx=True, px=LOOK_MS))
