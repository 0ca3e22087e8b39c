"""The table of what operators changed in checks: an audit, whose newest rows are what is in force."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.engine import Connection

from preflight.changes import Changes, CheckChanges
from preflight.reports.database import explaining, make_engine, parsed
from preflight.reports.models import check_changes as table
from preflight.reports.models import storable_values

#: Any number that nobody else uses: two operators who change something at a time wait for each other.
CHANGE_LOCK = 7_305_661_925


@dataclasses.dataclass(frozen=True, kw_only=True)
class Change:
    """One key of one check, changed or reset: from which value to which, as JSON."""

    check: str
    key: str
    action: Literal["set", "reset"]
    old_value: Any
    new_value: Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChangeEntry(Change):
    """A change as the audit keeps it: with its version, who made it, when (aware UTC) and why."""

    version: int
    changed_by: str
    changed_at: datetime
    why: str

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of this entry."""
        return vars(self) | {"changed_at": self.changed_at.isoformat().replace("+00:00", "Z")}


class ChangeStore:
    """Reads and adds changes. Every method raises `StoreUnavailable` when the database cannot be used."""

    def __init__(self, database_url: str) -> None:
        self._url = parsed(database_url)
        self._engine = make_engine(self._url, pool_size=1, max_overflow=1, pool_timeout=5)

    def version(self) -> int:
        """Return the newest version; 0 if nothing was ever changed."""
        with explaining(self._url), self._engine.connect() as connection:
            return _version(connection)

    def state(self) -> Changes:
        """Return what is changed now."""
        with explaining(self._url), self._engine.connect() as connection:
            return _state(connection)

    def change(
        self, decide: Callable[[Changes], Sequence[Change]], *, who: str, why: str, above: int
    ) -> tuple[Changes, Sequence[Change]]:
        """Add what `decide` makes of the present state, as one version higher than `above`; return both.

        Nothing is added when there is nothing to change. Whoever changes something meanwhile waits.
        """
        with explaining(self._url), self._engine.begin() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(CHANGE_LOCK)))
            before = _state(connection)
            changes = decide(before)
            if not changes:
                return before, changes
            version = max(before.version, above) + 1
            rows = [_row(change) | {"version": version, "changed_by": who, "why": why} for change in changes]
            connection.execute(sa.insert(table), rows)
            return _state(connection), changes

    def history(self, check: str | None, limit: int) -> list[ChangeEntry]:
        """Return changes, newest first; of one check if it is named."""
        query = sa.select(table).order_by(table.c.version.desc(), table.c.check_name, table.c.key).limit(limit)
        if check is not None:
            query = query.where(table.c.check_name == check)
        with explaining(self._url), self._engine.connect() as connection:
            return [_entry(dict(row)) for row in connection.execute(query).mappings()]

    def dispose(self) -> None:
        """Close the connections. The store may be used again afterwards."""
        self._engine.dispose()


def _version(connection: Connection) -> int:
    return connection.execute(sa.select(sa.func.max(table.c.version))).scalar_one() or 0


def _state(connection: Connection) -> Changes:
    """Return the newest row of every key, those that were reset left out."""
    query = sa.select(table).ext(distinct_on(table.c.check_name, table.c.key))
    ordered = query.order_by(table.c.check_name, table.c.key, table.c.version.desc())
    rows = [dict(row) for row in connection.execute(ordered).mappings()]
    version = max((row["version"] for row in rows), default=0)
    return Changes(version, {name: _of_check(name, rows) for name in sorted({row["check_name"] for row in rows})})


def _of_check(name: str, rows: Iterable[Mapping[str, Any]]) -> CheckChanges:
    own = [row for row in rows if row["check_name"] == name]
    values = {row["key"]: row["new_value"] for row in own if row["action"] == "set"}
    return CheckChanges(values, max(row["version"] for row in own))


def _row(change: Change) -> dict[str, Any]:
    values = {name: storable_values(getattr(change, name)) for name in ("old_value", "new_value")}
    return {"check_name": change.check, "key": change.key, "action": change.action, **values}


def _entry(row: Mapping[str, Any]) -> ChangeEntry:
    return ChangeEntry(check=row["check_name"], **{name: row[name] for name in row if name != "check_name"})
