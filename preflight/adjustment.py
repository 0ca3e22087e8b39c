"""Checks as they are adjusted from outside of their code: by the environment, and by operators while the system runs.

Who is asked for a value wins in this order: a run's own parameters, an operator, the environment, the code.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any, TypeVar

from preflight.context import shown
from preflight.declaration import PreFlightCheck
from preflight.exceptions import InvalidChange, InvalidRun, nearest
from preflight.parameters import is_secret, parameter_types, plain_value, with_parameters
from preflight.redaction import redact
from preflight.types import SELF_ANSWERED
from preflight.validation import ADJUSTABLE

Check = TypeVar("Check", bound=PreFlightCheck)


def keys_of(check: PreFlightCheck) -> tuple[str, ...]:
    """Return what can be adjusted: what every check declares, then the parameters of this one."""
    return (*ADJUSTABLE, *parameter_types(check))


def parameters_in(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the values that are parameters."""
    return {key: value for key, value in values.items() if key not in ADJUSTABLE}


def value_of(check: PreFlightCheck, key: str) -> Any:
    """Return a value as JSON holds it, masked if it is a secret."""
    value = plain_value(check, key) if key not in ADJUSTABLE else getattr(check, key)
    return str(value) if key == "severity" else value


def adjusted(check: Check, values: Mapping[str, Any]) -> Check:
    """Return the check, as its code declares it, with other values; raise `InvalidChange` for the first wrong one."""
    if not values:
        return check
    for key in values:
        _refuse_unknown(check, key)
    try:
        made = copy.copy(with_parameters(check.name, check, parameters_in(values)))
    except InvalidRun as error:
        raise InvalidChange(str(error)) from None
    for key in values.keys() & ADJUSTABLE.keys():
        _adjust(made, key, values[key])
    return made


def with_timeout(check: Check, seconds: float) -> Check:
    """Return the check with the timeout that a run planned: a check that watches its own must see the same."""
    if check.timeout == seconds:
        return check
    made = copy.copy(check)
    object.__setattr__(made, "timeout", seconds)
    return made


def _refuse_unknown(check: PreFlightCheck, key: str) -> None:
    if check.name in SELF_ANSWERED:
        raise InvalidChange(f"{check.name} is answered by the opening of a run itself: it has nothing to change.")
    if key not in keys_of(check):
        known = keys_of(check)
        raise InvalidChange(
            f"Check {check.name!r} has no {shown(key)} to change.{nearest(str(key), known)} It has {', '.join(known)}."
        )
    if key == "cache_ttl" and check.cache_ttl is None:
        # Its author has said nothing of a scope: one campaign's answer would be taken for another's.
        raise InvalidChange(f"Check {check.name!r} keeps no answers: its code declares no cache_ttl that could change.")


def _adjust(made: PreFlightCheck, key: str, value: Any) -> None:
    """Set one declared value on a check of our own, which may be frozen."""
    try:
        object.__setattr__(made, key, value)
        if key != "cache_ttl" or value is not None:  # null: its answers are not kept, whatever their scope
            ADJUSTABLE[key](made)
    except ValueError as error:
        raise InvalidChange(f"{made.name}.{key}={shown(value)} is wrong: {error}.") from None
    except AttributeError:
        raise InvalidChange(f"{made.name}.{key} is computed by the check's code and cannot be changed.") from None


def refuse_secret(check: PreFlightCheck, key: str, value: Any) -> None:
    """Raise `InvalidChange` for what must not stand in a table that others read."""
    text = json.dumps(value)
    if (key not in ADJUSTABLE and is_secret(check, key)) or redact(text) != text:
        raise InvalidChange(
            f"{check.name}.{key} is or holds a secret, which an audit must not show:"
            " set it in PREFLIGHT_CHECK_SETTINGS where workers run."
        )
