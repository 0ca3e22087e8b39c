"""Which values of a check are in force, and who has the say in each. Pure: no I/O.

Precedence: a run's own parameters > an operator > the environment > the code.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from preflight.adjustment import adjusted, keys_of, value_of
from preflight.changes import Changes
from preflight.declaration import PreFlightCheck
from preflight.exceptions import InvalidChange
from preflight.registry import PreFlightRegistry

Source = Literal["code", "environment", "operator"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Value:
    """One value of a check that is in force, as JSON, where it comes from, and what the code says. Secrets masked."""

    key: str
    value: Any
    source: Source
    in_code: Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class InForce:
    """A check as runs ask it now. `problem` says why what operators changed does not fit it; such a check is an error.

    `revision` is the version in which operators last changed it; 0: never.
    """

    check: PreFlightCheck
    values: tuple[Value, ...]
    revision: int
    problem: str = ""


def in_force(registry: PreFlightRegistry, name: str, values: Mapping[str, Any]) -> PreFlightCheck:
    """Return a check with what operators changed in it; raise `InvalidChange` when that does not fit it."""
    if not values:
        return registry.get(name)
    return adjusted(registry.declared(name), {**registry.environment(name), **values})


def look_at(registry: PreFlightRegistry, name: str, changes: Changes) -> InForce:
    """Return everything about a check that is in force; raise `UnknownCheck` with the nearest names."""
    check, problem = registry.get(name), ""
    try:
        check = in_force(registry, name, changes.values(name))
    except InvalidChange as error:
        problem = str(error)
    declared = registry.declared(name)
    values = tuple(
        Value(
            key=key,
            value=value_of(check, key),
            source=_source(registry, name, key, {} if problem else changes.values(name)),
            in_code=value_of(declared, key),
        )
        for key in keys_of(declared)
    )
    return InForce(check=check, values=values, revision=changes.revision(name), problem=problem)


def _source(registry: PreFlightRegistry, name: str, key: str, changed: Mapping[str, Any]) -> Source:
    if key in changed:
        return "operator"
    return "environment" if key in registry.environment(name) else "code"
