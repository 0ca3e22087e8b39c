"""What operators change in checks while the system runs: listed, changed, taken back, with a history.

A change is written to the table, which is the truth and the audit, and then published to Redis in one step that may be
repeated. `open` compares versions, so the next run that is opened anywhere has it. A worker publishes what somebody
could not, or what Redis has lost.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import redis

from preflight.adjustment import refuse_secret, value_of
from preflight.changes import Changes
from preflight.context import shown
from preflight.engine.connection import connect, explain, place_of
from preflight.engine.dispatch import ByWinner
from preflight.engine.keys import Keys
from preflight.engine.published import may_look, publish, published, published_version
from preflight.engine.runs import Runs
from preflight.exceptions import InvalidChange, StoreUnavailable, UnknownCheck, nearest
from preflight.in_force import InForce, in_force, look_at
from preflight.redaction import storable
from preflight.registry import PreFlightRegistry
from preflight.reports.changes import Change, ChangeEntry, ChangeStore
from preflight.settings import Settings

logger = logging.getLogger("preflight")

MAX_VALUE_BYTES = 4096
MAX_TEXT = 500
MAX_HISTORY = 1000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a change. `pending` says why it is saved and not in force yet; empty: it is in force."""

    version: int
    changes: tuple[Change, ...]
    pending: str = ""


class LiveSettings:
    """Operators' changes of one system.

    Raises `InvalidSettings` when its Redis, or for changes its database, is not set.
    """

    def __init__(self, settings: Settings, registry: PreFlightRegistry) -> None:
        self.settings = settings
        self.registry = registry

    @functools.cached_property
    def _runs(self) -> Runs:
        return Runs(connect(self.settings.redis), Keys(self.settings.namespace), ByWinner(self.settings))

    @functools.cached_property
    def _store(self) -> ChangeStore:
        return ChangeStore(self.settings.database)

    def in_force(self) -> Changes:
        """Return what is changed as runs see it; raise `BrokerUnavailable` when Redis cannot be asked."""
        return published(self.settings)

    def list(self) -> tuple[InForce, ...]:
        """Return every check as it is in force, by priority, then name; raise `BrokerUnavailable`."""
        changes = self.in_force()
        return tuple(look_at(self.registry, check.name, changes) for check in self.registry)

    def set(self, name: str, values: Mapping[str, Any], *, who: str, why: str) -> Outcome:
        """Change values of a check, each JSON.

        Raises `UnknownCheck`, `InvalidChange` in one line that says what is wrong, and `StoreUnavailable`; then
        nothing was changed.
        """
        self.registry.get(name)
        if not values:
            raise InvalidChange(f"Say what to change in {name}, as timeout=3.")
        for key, value in values.items():
            _refuse_unfit(f"{name}.{key}", value)
        return self._change(functools.partial(self._set, name, values), who, why)

    def reset(self, name: str, keys: Collection[str] = (), *, who: str, why: str) -> Outcome:
        """Take changes of a check back, all of them without `keys`; raises what `set` raises."""
        return self._change(functools.partial(self._reset, name, keys), who, why)

    def history(self, name: str | None = None, limit: int = 100) -> Sequence[ChangeEntry]:
        """Return the audit, newest first; of one check if it is named. Raises `UnknownCheck`, `StoreUnavailable`."""
        found = self._store.history(name and storable(name), min(max(limit, 1), MAX_HISTORY))
        if name is not None and not found:
            self.registry.get(name)
        return found

    def close(self) -> None:
        """Close the connections."""
        if "_runs" in self.__dict__:
            self._runs.client.close()
        if "_store" in self.__dict__:
            self._store.dispose()

    def _set(self, name: str, values: Mapping[str, Any], present: Changes) -> Sequence[Change]:
        held = present.values(name)
        in_force(self.registry, name, {**held, **values})  # a wrong value is refused here, before anything happens
        before = look_at(self.registry, name, present).check
        for key, value in values.items():
            refuse_secret(before, key, value)
        return [
            Change(check=name, key=key, action="set", old_value=value_of(before, key), new_value=value)
            for key, value in values.items()
            if key not in held or held[key] != value
        ]

    def _reset(self, name: str, keys: Collection[str], present: Changes) -> Sequence[Change]:
        held = present.values(name)
        if name not in self.registry and not held:
            raise UnknownCheck(name, {check.name for check in self.registry} | present.checks.keys())
        for key in keys:
            if key not in held:
                changed = f" Changed: {', '.join(sorted(held))}." if held else " Nothing of it is changed."
                raise InvalidChange(f"No operator has changed {name}.{shown(key)}.{nearest(str(key), held)}{changed}")
        if not held:
            raise InvalidChange(f"Nothing of {name!r} is changed by an operator.")
        return [
            Change(check=name, key=key, action="reset", old_value=held[key], new_value=self._without(name, key))
            for key in dict.fromkeys(keys or held)
        ]

    def _without(self, name: str, key: str) -> Any:
        """Return the value that holds when no operator has a say, None for what this version does not have."""
        if name not in self.registry:
            return None
        values = {one.key: one.value for one in look_at(self.registry, name, Changes()).values}
        return values.get(key)

    def _change(self, decide: Callable[[Changes], Sequence[Change]], who: str, why: str) -> Outcome:
        who, why = _text("who", who), _text("why", why)
        above, pending = self._version_in_force()
        changes, made = self._store.change(decide, who=who, why=why, above=above)
        if not pending:
            # Also when there was nothing to change: somebody may have written it and died before this.
            pending = self._publish(changes)
        return Outcome(version=changes.version, changes=tuple(made), pending=pending)

    def _version_in_force(self) -> tuple[int, str]:
        try:
            return published_version(self._runs), ""
        except redis.RedisError as error:
            return 0, self._away(error)

    def _publish(self, changes: Changes) -> str:
        try:
            publish(self._runs, changes)
        except redis.RedisError as error:
            return self._away(error)
        return ""

    def _away(self, error: redis.RedisError) -> str:
        return f"{explain(error)} ({place_of(self.settings.redis)})"


def _refuse_unfit(what: str, value: Any) -> None:
    try:
        size = len(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        raise InvalidChange(f"{what}={shown(value)} is wrong: it must be JSON.") from None
    if size > MAX_VALUE_BYTES:
        raise InvalidChange(f"{what} is {size} bytes of JSON; at most {MAX_VALUE_BYTES} are allowed.")


def _text(name: str, value: object) -> str:
    """Return who or why, on one line; raise `InvalidChange` for nothing and for novels."""
    text = " ".join(storable(value).split()) if isinstance(value, str) else ""
    if not text:
        raise InvalidChange(f"Say {name}: the history keeps it for those who come after you.")
    if len(text) > MAX_TEXT:
        raise InvalidChange(f"{name} has {len(text)} characters; at most {MAX_TEXT} are allowed.")
    return text


class Republisher:
    """Publishes what somebody wrote to the table and could not publish, and what Redis has lost.

    One process of all looks, about once a second.
    """

    def __init__(self, runs: Runs, settings: Settings) -> None:
        self.runs = runs
        self._store = ChangeStore(settings.database)

    def look(self) -> int:
        """Compare the table with Redis if it is this process's turn; return 1 if something was published."""
        if not may_look(self.runs):
            return 0
        try:
            return self._look()
        except StoreUnavailable:  # the recorder says so; nobody can change anything meanwhile
            return 0

    def _look(self) -> int:
        if self._store.version() <= published_version(self.runs):
            return 0
        changes = self._store.state()
        publish(self.runs, changes)
        logger.warning("what operators changed in checks was published again, as version %d", changes.version)
        return 1
