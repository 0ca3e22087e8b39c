"""PreFlight: the go/no-go gate that an application calls before it launches something."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from preflight import runner, testing
    from preflight.context import CheckContext
    from preflight.declaration import PreFlightCheck
    from preflight.examples import Example
    from preflight.exceptions import InvalidRun, PreFlightError, PreFlightFailed
    from preflight.registry import PreFlightRegistry, check, default_registry
    from preflight.runner import PreFlightRun, PreFlightRunner
    from preflight.types import CheckReport, CheckResult, PreFlightReport, Severity, Status

#: Where each public name lives. They load when they are used, so that `preflight --help` stays fast.
_HOMES = {
    "CheckContext": "context",
    "CheckReport": "types",
    "CheckResult": "types",
    "Example": "examples",
    "InvalidRun": "exceptions",
    "PreFlightCheck": "declaration",
    "PreFlightError": "exceptions",
    "PreFlightFailed": "exceptions",
    "PreFlightRegistry": "registry",
    "PreFlightReport": "types",
    "PreFlightRun": "runner",
    "PreFlightRunner": "runner",
    "Severity": "types",
    "Status": "types",
    "check": "registry",
    "default_registry": "registry",
}

__all__ = [
    "CheckContext",
    "CheckReport",
    "CheckResult",
    "Example",
    "InvalidRun",
    "PreFlightCheck",
    "PreFlightError",
    "PreFlightFailed",
    "PreFlightRegistry",
    "PreFlightReport",
    "PreFlightRun",
    "PreFlightRunner",
    "Severity",
    "Status",
    "check",
    "default_registry",
    "runner",
    "testing",
]


def __getattr__(name: str) -> Any:
    if name in ("runner", "testing"):
        return importlib.import_module(f"preflight.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"preflight.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
