"""Everything that a check declares, as JSON."""

from __future__ import annotations

import inspect
from typing import Any

from preflight.declaration import PreFlightCheck, definition_of, source_of
from preflight.parameters import parameters


def describe(check: PreFlightCheck) -> dict[str, Any]:
    """Return a check's declaration as a JSON object. Times are in seconds; `event_types` null means all."""
    summary, _, rest = _documentation(check).partition("\n")
    return {
        "name": check.name,
        "priority": check.priority,
        "summary": summary,
        "description": rest.strip(),
        "event_types": None if check.event_types is None else sorted(check.event_types),
        "requires": list(check.requires),
        "timeout": check.timeout,
        "severity": str(check.severity),
        "cache_ttl": check.cache_ttl,
        "cache_scope": _scope(check),
        "may_be_slow": check.may_be_slow,
        "parameters": [{"name": one.name, "type": one.type, "default": one.default} for one in parameters(check)],
        "remediation": check.default_remediation,
        "source": source_of(check),
    }


def _documentation(check: PreFlightCheck) -> str:
    definition = definition_of(check)
    text = definition.__doc__ or ""
    # A dataclass without a docstring gets its signature for one.
    return "" if text.startswith(f"{definition.__name__}(") else inspect.cleandoc(text)


def _scope(check: PreFlightCheck) -> str | None:
    scope = check.cache_scope
    return "a function of the context" if callable(scope) else scope
