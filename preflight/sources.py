"""Where checks are found: the modules that the settings name, and what in a module is or makes a check."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, TypeGuard

from preflight.declaration import PreFlightCheck
from preflight.settings import Settings


@dataclasses.dataclass(frozen=True)
class BrokenSource:
    """A place that should hold checks and could not be used: its name and the error in one line."""

    source: str
    error: str


def sources(settings: Settings) -> Iterator[str]:
    """Yield the modules to look into: one per shipped check, pack and `PREFLIGHT_CHECKS` entry."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent / "checks")], "preflight.checks."):
        yield module.name
    for pack in settings.packs:
        yield f"preflight.{pack}.checks"
    yield from settings.checks


def imported(source: str) -> Any:
    """Import "module" or "module:attribute"."""
    module, _, attribute = source.partition(":")
    found = importlib.import_module(module)
    return getattr(found, attribute) if attribute else found


def makers_in(module: ModuleType, settings: Settings) -> Iterator[tuple[str, Callable[[], Iterable[PreFlightCheck]]]]:
    """Yield what makes the checks that a module defines, with the name it has there."""
    for name, value in list(vars(module).items()):
        if isinstance(value, PreFlightCheck):
            yield name, functools.partial(list, (value,))
        elif _is_check_class(value) and value.__module__ == module.__name__:
            yield name, functools.partial(value.from_settings, settings)


def _is_check_class(value: object) -> TypeGuard[type[PreFlightCheck]]:
    return (
        inspect.isclass(value)
        and issubclass(value, PreFlightCheck)
        and not value.__name__.startswith("_")
        and not inspect.isabstract(value)
    )
