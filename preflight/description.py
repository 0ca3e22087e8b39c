"""Everything that a check declares, as JSON."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from preflight.declaration import PreFlightCheck, definition_of, source_of
from preflight.handlers import Registered, Ties
from preflight.parameters import Parameter, parameters

if TYPE_CHECKING:
    from preflight.in_force import InForce
    from preflight.registry import PreFlightRegistry


_FREE = Ties()


def describe(declared: PreFlightCheck, now: InForce | None = None, ties: Ties = _FREE) -> dict[str, Any]:
    """Return a check as a JSON object. Times are in seconds; `event_types` null means all.

    `handler` is the one in whose runs alone it is asked, `required_by` those in whose runs it is asked in any case.

    With `now` its values are those in force, and `sources` says who has the say in each: "code", "environment",
    "operator".
    """
    check, sources = (now.check, {one.key: one.source for one in now.values}) if now else (declared, {})
    summary, _, rest = _documentation(check).partition("\n")
    return {
        "name": check.name,
        "enabled": check.enabled,
        "priority": check.priority,
        "summary": summary,
        "description": rest.strip(),
        "event_types": None if check.event_types is None else sorted(check.event_types),
        "handler": None if ties.brought_by is None else _handler(ties.brought_by),
        "required_by": [_handler(one) for one in ties.required_by],
        "requires": list(check.requires),
        "timeout": check.timeout,
        "severity": str(check.severity),
        "cache_ttl": check.cache_ttl,
        "cache_scope": _scope(check),
        "may_be_slow": check.may_be_slow,
        "parameters": [_parameter(one, now) for one in parameters(declared)],
        "remediation": check.default_remediation,
        "registered": _registered(check),
        "permissions": check.permissions,
        "answers": [example.shown() for example in check.examples],
        "source": source_of(check),
        "sources": sources,
        "revision": now.revision if now else 0,
        "problem": now.problem if now else "",
    }


def described(registry: PreFlightRegistry, name: str) -> dict[str, Any] | None:
    """Return a registered check as a JSON object, as the environment wants it; None if there is none of that name."""
    return describe(registry.get(name), ties=registry.ties(name)) if name in registry else None


def events_of(description: Mapping[str, Any]) -> str:
    """Return in a few words which runs a check is for: event types, handlers."""
    events, handler = description["event_types"], description["handler"]
    named = "all" if events is None else ", ".join(events) or "none"
    if handler:
        named = _called(handler) + ("" if events is None else f": {named}")
    others = [_called(one) for one in description["required_by"]]
    return named if named == "all" else ", ".join([named, *others])


def runs_of(description: Mapping[str, Any]) -> str:
    """Return in which runs a check is asked, in full."""
    events, handler = description["event_types"], description["handler"]
    named = "all event types" if events is None else ", ".join(events) or "no event type"
    if handler:
        only = "" if events is None else f", if the event type is {named}"
        named = f'the {_called(handler)}: its event type, or metadata {{"handler": "{handler["type"]}"}}{only}'
    others = [f"also the {_called(one)}, which requires it" for one in description["required_by"]]
    return "; ".join([named, *others])


def _called(handler: dict[str, str]) -> str:
    return f"{handler['kind']} {handler['type']}"


def _handler(one: Registered) -> dict[str, str]:
    return {"kind": one.kind, "type": one.type}


def _parameter(one: Parameter, now: InForce | None) -> dict[str, Any]:
    values = {value.key: {"value": value.value, "source": value.source} for value in now.values} if now else {}
    return dataclasses.asdict(one) | values.get(one.name, {})


def _documentation(check: PreFlightCheck) -> str:
    definition = definition_of(check)
    text = definition.__doc__ or ""
    # A dataclass without a docstring gets its signature for one.
    return "" if text.startswith(f"{definition.__name__}(") else inspect.cleandoc(text)


def _registered(check: PreFlightCheck) -> str:
    """Return what is registered of a check, and when, as its `from_settings` tells it."""
    inherited = type(check).from_settings.__func__ is PreFlightCheck.from_settings.__func__  # type: ignore[attr-defined]
    return "Always." if inherited else inspect.cleandoc(type(check).from_settings.__doc__ or "")


def _scope(check: PreFlightCheck) -> str | None:
    """Return whose answers are shared; a function tells it by its name."""
    scope = check.cache_scope
    if not callable(scope):
        return scope
    name = getattr(scope, "__name__", "")
    return name.replace("_", " ") if name.isidentifier() else "a function of the context"
