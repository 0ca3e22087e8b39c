"""Whether a check's declaration can be registered: each rule says what is wrong and what is allowed."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

from preflight.context import EVENT_TYPE, shown
from preflight.declaration import FunctionCheck, PreFlightCheck, source_of
from preflight.exceptions import InvalidCheck
from preflight.types import Severity

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
MAX_PRIORITY = 1000
MAX_TIMEOUT_SECONDS = 600.0
MAX_CACHE_SECONDS = 86_400.0
CACHE_SCOPES = ("global", "campaign")


def validate(check: Any) -> None:
    """Raise `InvalidCheck` with the check's source and the first rule that its declaration breaks."""
    try:
        _validate_kind(check)
        _validate_name(check)
        _validate_priority(check)
        _validate_enabled(check)
        _validate_timeout(check)
        _validate_execute(check)
        _validate_conditions(check)
        _validate_applies_to(check)
        _validate_severity(check)
        _validate_cache(check)
    except ValueError as error:
        raise InvalidCheck(f"The check at {source_of(check)} cannot be registered: {error}.") from None


def _validate_kind(check: Any) -> None:
    if not isinstance(check, PreFlightCheck):
        raise ValueError(f"it is a {type(check).__name__}, not a PreFlightCheck: inherit from preflight.PreFlightCheck")


def _validate_name(check: Any) -> None:
    name = getattr(check, "name", None)
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        raise ValueError(
            f"its name must be 1 to 64 lower-case letters, digits and underscores, starting with a letter, not"
            f" {shown(name)}"
        )


def _validate_priority(check: Any) -> None:
    priority = getattr(check, "priority", None)
    if isinstance(priority, bool) or not isinstance(priority, int) or not 0 <= priority <= MAX_PRIORITY:
        raise ValueError(f"its priority must be a whole number from 0 to {MAX_PRIORITY}, not {shown(priority)}")


def _validate_enabled(check: Any) -> None:
    enabled: Any = getattr(check, "enabled", True)
    if not isinstance(enabled, bool):
        raise ValueError(f"its enabled must be true or false, not {shown(enabled)}")


def _validate_timeout(check: Any) -> None:
    timeout: Any = getattr(check, "timeout", None)
    numeric = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if not (numeric and 0 < timeout <= MAX_TIMEOUT_SECONDS):
        raise ValueError(
            f"its timeout must be seconds, more than 0 and at most {MAX_TIMEOUT_SECONDS:g}, not {shown(timeout)}"
        )


def _validate_execute(check: Any) -> None:
    function = check.function if isinstance(check, FunctionCheck) else getattr(check, "execute", None)
    if not callable(function) or type(check).execute is PreFlightCheck.execute:
        raise ValueError("it needs a method execute(self, context)")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise ValueError("its execute must return a CheckResult, but it is a generator: replace yield by return")
    try:
        inspect.signature(function).bind(object())
    except TypeError as error:
        raise ValueError(f"its execute must take one argument, the context: {error}") from None


def _validate_conditions(check: Any) -> None:
    event_types = getattr(check, "event_types", None)
    if event_types is not None:
        # An iterator would be empty when it is read again, and an empty list would mean "never asked" in silence.
        if not isinstance(event_types, tuple | list | set | frozenset) or not event_types:
            raise ValueError(f"its event_types must be a list of event types or None for all, not {shown(event_types)}")
        for event_type in event_types:
            if not (isinstance(event_type, str) and EVENT_TYPE.fullmatch(event_type)):
                raise ValueError(
                    f"its event type {shown(event_type)} is not 1 to 50 lower-case letters, digits and underscores"
                )
    requires = getattr(check, "requires", ())
    if not isinstance(requires, tuple | list) or not all(isinstance(name, str) and name for name in requires):
        raise ValueError(f"its requires must be a tuple of input names, not {shown(requires)}")


def _validate_applies_to(check: Any) -> None:
    applies_to = getattr(check, "applies_to", None)
    if not callable(applies_to) or inspect.iscoroutinefunction(applies_to):
        # A coroutine is true whatever it would answer.
        raise ValueError("its applies_to must be an ordinary method applies_to(self, context), not async")


def _validate_severity(check: Any) -> None:
    severity = getattr(check, "severity", Severity.BLOCKING)
    if severity not in tuple(Severity):
        raise ValueError(f"its severity must be 'blocking' or 'advisory', not {shown(severity)}")


def _validate_cache(check: Any) -> None:
    ttl, scope = getattr(check, "cache_ttl", None), getattr(check, "cache_scope", None)
    if ttl is None and scope is not None:
        raise ValueError("it has a cache_scope and no cache_ttl: give both or neither")
    if ttl is None:
        return
    if isinstance(ttl, bool) or not isinstance(ttl, int | float) or not 0 < ttl <= MAX_CACHE_SECONDS:
        raise ValueError(
            f"its cache_ttl must be seconds, more than 0 and at most {MAX_CACHE_SECONDS:g}, not {shown(ttl)}"
        )
    if scope is not None and not callable(scope) and scope not in CACHE_SCOPES:
        raise ValueError(
            f"its cache_scope must be 'global', 'campaign' or a function of the context, not {shown(scope)}"
        )


#: What may be changed from outside of a check's code, besides its parameters, and the rule for each.
ADJUSTABLE: dict[str, Callable[[Any], None]] = {
    "enabled": _validate_enabled,
    "severity": _validate_severity,
    "timeout": _validate_timeout,
    "cache_ttl": _validate_cache,
}
