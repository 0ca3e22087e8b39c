"""The registry of checks, and how checks are found."""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
import inspect
import pkgutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

from preflight.adjustment import adjusted
from preflight.context import CheckContext, shown
from preflight.declaration import DECLARATION, FunctionCheck, PreFlightCheck, Question, source_of
from preflight.exceptions import InvalidCheck, PreFlightError, UnknownCheck, nearest
from preflight.handlers import HandlerRegistry, Registered, Ties, actions, triggers
from preflight.parameters import validate_parameters
from preflight.redaction import redact
from preflight.settings import Settings, settings
from preflight.sources import BrokenSource, imported, makers_in, sources
from preflight.validation import validate

ENTRY_POINTS = "preflight.checks"
MAX_CHECKS = 500
CHECK_SETTINGS = "PREFLIGHT_CHECK_SETTINGS"


class PreFlightRegistry:
    """The checks that runs may ask, by name. Safe to use from several threads."""

    def __init__(self) -> None:
        self._checks: dict[str, PreFlightCheck] = {}
        self._wanted: Mapping[str, Mapping[str, Any]] = {}
        self._adjusted: dict[str, tuple[PreFlightCheck, Mapping[str, Any]]] = {}
        self._lock = threading.RLock()
        self._handlers: list[Registered] = []
        self._owners: dict[str, Registered] = {}
        self._event_types: set[str] = set()
        self.broken: list[BrokenSource] = []
        self.discovered = False

    def register(self, check: Any) -> Any:
        """Add a check: an instance, or a class that needs no arguments. Return what was given.

        Raises `InvalidCheck`, naming file and reason, for a wrong declaration or a name that is taken.
        """
        instance = _instance(check)
        validate(instance)
        validate_parameters(instance)
        with self._lock:
            present = self._checks.get(instance.name)
            if present is not None and not _same(present, instance):
                places = f"{source_of(present)} and {source_of(instance)}"
                raise InvalidCheck(f"Two checks are called {instance.name!r}: {places}. Rename one.")
            if present is None and len(self._checks) >= MAX_CHECKS:
                raise InvalidCheck(f"The registry holds {MAX_CHECKS} checks, which is the most it takes.")
            self._checks.setdefault(instance.name, instance)
        if instance.name in self._wanted:
            self._attempt(CHECK_SETTINGS, lambda: self._adjust(instance.name))
        return check

    def __iter__(self) -> Iterator[PreFlightCheck]:
        """Yield the checks by priority, then name."""
        with self._lock:
            checks = [self._as_wanted(check) for check in self._checks.values()]
        return iter(sorted(checks, key=lambda check: (check.priority, check.name)))

    def __len__(self) -> int:
        return len(self._checks)

    def __contains__(self, name: object) -> bool:
        return name in self._checks

    def get(self, name: str) -> PreFlightCheck:
        """Return a check by its name, as the environment wants it; raise `UnknownCheck` with the nearest names."""
        return self._as_wanted(self.declared(name))

    def declared(self, name: str) -> PreFlightCheck:
        """Return a check as its code declares it; raise `UnknownCheck` with the nearest names."""
        try:
            return self._checks[name]
        except KeyError:
            raise UnknownCheck(name, self._checks) from None

    def environment(self, name: str) -> Mapping[str, Any]:
        """Return what the environment changes in a check, by key."""
        return self._adjusted[name][1] if name in self._adjusted else {}

    def _as_wanted(self, check: PreFlightCheck) -> PreFlightCheck:
        return self._adjusted[check.name][0] if check.name in self._adjusted else check

    def _adjust(self, name: str) -> None:
        values = self._wanted[name]
        self._adjusted[name] = adjusted(self.declared(name), values), values

    def event_types(self) -> frozenset[str]:
        """Return the event types that checks, packs and handlers name."""
        named = {event for check in self for event in check.event_types or ()}
        return frozenset(named | self._event_types | {handler.type for handler in self._handlers})

    def for_run(self, context: CheckContext) -> Iterator[PreFlightCheck]:
        """Yield the checks that are for a run, by priority, then name.

        A check is for the runs of its event types; one that a handler brought along, only for those of that handler;
        and one that a run's handler requires, in any case.
        """
        required = self.required_for(context)
        for check in self:
            owner = self._owners.get(check.name)
            named = check.event_types is None or context.event_type in check.event_types
            if check.name in required or (named and (owner is None or owner.concerns(context))):
                yield check

    def required_for(self, context: CheckContext) -> frozenset[str]:
        """Return the names of the checks that the handlers of a run require, registered or not."""
        return frozenset(name for handler in self._handlers if handler.concerns(context) for name in handler.requires)

    def ties(self, name: str) -> Ties:
        """Return the handlers in whose runs alone a check is asked, or in whose runs it is asked in any case."""
        requiring = tuple(handler for handler in self._handlers if name in handler.requires)
        return Ties(brought_by=self._owners.get(name), required_by=requiring)

    def collect(self, *handlers: HandlerRegistry) -> None:
        """Register the checks of handlers. What one of them lacks is kept in `broken`; the others load."""
        found = [handler for registry in handlers for handler in registry.all()]
        self._handlers += found
        for handler in found:
            self._attempt(handler.place, functools.partial(self._register_own, handler))
        for handler in found:
            self._attempt(handler.place, functools.partial(self._refuse_unknown, handler))

    def _register_own(self, handler: Registered) -> None:
        own = handler.check()
        if own is not None:
            self.register(own)
            self._owners[own.name] = handler

    def _refuse_unknown(self, handler: Registered) -> None:
        for name in handler.requires:
            if name not in self:
                raise InvalidCheck(
                    f"It requires the check {name!r}, which is not registered.{nearest(name, self._checks)}"
                    " Its runs are refused until that is mended."
                )

    def discover(self, settings: Settings, handlers: Iterable[HandlerRegistry] = (triggers, actions)) -> None:
        """Find and register every check that the settings, the installed packages and the handlers name.

        A source that fails is kept in `broken` with its error; the others load.
        """
        self.discovered = True
        if settings.setup:
            self._attempt(settings.setup, lambda: imported(settings.setup)())  # noqa: PLW0108  # import inside the attempt
        for source in sources(settings):
            self._attempt(source, functools.partial(self._load, source, settings))
        for entry in importlib.metadata.entry_points(group=ENTRY_POINTS):
            self._attempt(f"entry point {entry.name}", functools.partial(self._add, entry.load, settings))
        self.collect(*handlers)
        self._wanted = settings.of_checks
        for name in self._wanted:
            self._attempt(CHECK_SETTINGS, functools.partial(self._adjust, name))

    def _attempt(self, source: str, load: Callable[[], Any]) -> None:
        try:
            load()
        except (Exception, SystemExit) as error:
            self.broken.append(BrokenSource(source, _line(error)))

    def _load(self, source: str, settings: Settings) -> None:
        self._add(lambda: imported(source), settings)

    def _add(self, load: Callable[[], Any], settings: Settings) -> None:
        found = load()
        if not isinstance(found, ModuleType):
            self.register(found)
            return
        if found.__name__.startswith("preflight."):
            self._event_types |= set(getattr(found, "EVENT_TYPES", ()))  # what a pack knows besides its checks' own
        # Each module and each check by itself: a broken one leaves its neighbours alone.
        for inner in pkgutil.iter_modules(getattr(found, "__path__", ()), f"{found.__name__}."):
            self._attempt(inner.name, functools.partial(self._load, inner.name, settings))
        for name, make in makers_in(found, settings):
            self._attempt(f"{found.__name__}.{name}", functools.partial(self._register_all, make))

    def _register_all(self, make: Callable[[], Iterable[PreFlightCheck]]) -> None:
        for check in make():
            self.register(check)


def _instance(check: Any) -> Any:
    if not inspect.isclass(check):
        return check
    try:
        return check()
    except Exception as error:
        raise InvalidCheck(
            f"The check class {check.__qualname__} cannot be made without arguments ({_line(error)}):"
            " register an instance of it."
        ) from None


def _line(error: BaseException) -> str:
    """Return an error of the user's code in one redacted line."""
    try:
        text = str(error) if isinstance(error, PreFlightError) else f"{type(error).__name__}: {error}"
    except Exception:
        text = type(error).__name__
    return redact(" ".join(text[:4000].split()))[:500]


def _same(present: PreFlightCheck, other: PreFlightCheck) -> bool:
    """Return whether two checks are one that was found twice: the same definition with the same values."""
    try:
        return present is other or (source_of(present) == source_of(other) and _values(present) == _values(other))
    except Exception:  # comparing runs code of the values
        return False


def _values(check: PreFlightCheck) -> dict[str, Any]:
    names = [field.name for field in dataclasses.fields(check)] if dataclasses.is_dataclass(check) else vars(check)
    return {name: getattr(check, name) for name in names if name != "function"}


def check(
    *, name: str, priority: int, registry: PreFlightRegistry | None = None, **declaration: Any
) -> Callable[[Question], FunctionCheck]:
    """Make a check of a function: `@check(name="stock", priority=20)`. Registers it at once."""

    def decorate(function: Question) -> FunctionCheck:
        unknown = declaration.keys() - DECLARATION
        if unknown:
            key = min(unknown)
            raise InvalidCheck(f"@check(name={shown(name)}) takes no {key!r}.{nearest(key, DECLARATION)}")
        made = FunctionCheck(name=name, priority=priority, function=function, **declaration)
        (_default if registry is None else registry).register(made)
        return made

    return decorate


_default = PreFlightRegistry()
_discovery = threading.RLock()


@functools.cache
def default_registry() -> PreFlightRegistry:
    """Return this process's registry; the first call discovers the checks."""
    with _discovery:
        if not _default.discovered:
            _default.discover(settings())
    return _default
