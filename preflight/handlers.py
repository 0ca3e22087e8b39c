"""Handlers of gamification: what starts an operation (a trigger) and what it does (an action), and their checks.

@actions.register
class ChangeStatistic:
    action_type = "change_statistic"
    requires = ("twitch_api",)                       # checks that a run for this handler asks too
    def preflight_check(self) -> PreFlightCheck: ...   # a check that only such runs ask
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Iterable
from typing import Any, Literal, TypeVar

from preflight.context import EVENT_TYPE, CheckContext, shown
from preflight.declaration import PreFlightCheck, source_of
from preflight.exceptions import InvalidCheck

Kind = Literal["trigger", "action"]
Handler = TypeVar("Handler")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Registered:
    """A handler as it was registered: the object, its kind, its type, and the checks that its runs ask too."""

    handler: Any
    kind: Kind
    type: str
    requires: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """What messages call it: its kind, its type, and where it is defined."""
        return f"{self.kind} {self.type} ({source_of(self.handler)})"

    def concerns(self, context: CheckContext) -> bool:
        """Return whether a run is for this handler: its event type or its `metadata["handler"]` is the type."""
        return self.type in (context.event_type, context.metadata.get("handler"))

    def check(self) -> PreFlightCheck | None:
        """Return the handler's own check, named after the handler unless it names itself; None if it has none."""
        make = getattr(self.handler, "preflight_check", None)
        made: Any = make() if make else None
        made = made() if inspect.isclass(made) else made
        if made is None or not isinstance(made, PreFlightCheck) or made.name:
            return made  # type: ignore[no-any-return]  # what is no check is refused where it is registered
        named = copy.copy(made)
        object.__setattr__(named, "name", f"handler_{self.kind}_{self.type}")  # it may be a frozen dataclass
        return named


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ties:
    """The handlers that a check has to do with: the one that brought it, and those that require it."""

    brought_by: Registered | None = None
    required_by: tuple[Registered, ...] = ()


class HandlerRegistry:
    """The handlers of one kind, by type."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._handlers: dict[str, Registered] = {}

    def register(self, handler: Handler) -> Handler:
        """Add a handler: an instance, or a class that needs no arguments, so it may be a decorator. Return it.

        Raises `InvalidCheck`, naming file and reason, for a wrong type or one that is taken.
        """
        made = handler() if inspect.isclass(handler) else handler
        entry = Registered(handler=made, kind=self.kind, type=self._type_of(made), requires=_required_by(made))
        present = self._handlers.setdefault(entry.type, entry)
        if source_of(present.handler) != source_of(made):
            raise InvalidCheck(f"Two handlers are one: {present.place} and {entry.place}. Rename the type of one.")
        return handler

    def all(self) -> tuple[Registered, ...]:
        """Return the handlers by type."""
        return tuple(self._handlers[name] for name in sorted(self._handlers))

    def _type_of(self, handler: object) -> str:
        name = f"{self.kind}_type"
        value = getattr(handler, name, None)
        if isinstance(value, str) and EVENT_TYPE.fullmatch(value):
            return value
        raise InvalidCheck(
            f"The {self.kind} at {source_of(handler)} needs as its {name} 1 to 50 lower-case letters, digits and"
            f" underscores, starting with a letter, not {shown(value)}."
        )


def _required_by(handler: object) -> tuple[str, ...]:
    requires: Iterable[object] = getattr(handler, "requires", ())
    if isinstance(requires, tuple | list) and all(isinstance(name, str) for name in requires):
        return tuple(str(name) for name in requires)
    raise InvalidCheck(
        f"The handler at {source_of(handler)} must require a tuple of checks' names, not {shown(requires)}."
    )


#: This process's handlers, collected when its checks are discovered.
triggers = HandlerRegistry("trigger")
actions = HandlerRegistry("action")
