"""What a check is: a small class whose fields are its configuration and whose one method is its question."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, ClassVar, Self

from preflight.context import CheckContext
from preflight.examples import Example
from preflight.settings import Settings
from preflight.types import CheckResult, Severity

#: What every check declares; a dataclass check's other fields are its parameters.
DECLARATION = frozenset(
    {
        "name",
        "priority",
        "enabled",
        "timeout",
        "event_types",
        "requires",
        "severity",
        "cache_ttl",
        "cache_scope",
        "may_be_slow",
    }
)

Question = Callable[[CheckContext], CheckResult | Awaitable[CheckResult]]


class PreFlightCheck:
    """The base of a check. Set `name` and `priority`, and write `execute`.

    One that is not `enabled` is skipped in every run. `timeout` is in seconds and counts the execution only.
    `event_types` limits the runs that ask it (default: all).
    `requires` names context fields or metadata keys without which it cannot be asked. `severity` "advisory" never
    blocks. `cache_ttl` is in seconds, its `cache_scope` is "global", "campaign" or a function of the context.
    A dataclass's other fields are parameters, which a run, the environment or an operator may set.
    """

    name: str = ""
    priority: int = 0
    enabled: bool = True
    timeout: float = 5.0
    event_types: Iterable[str] | None = None
    requires: tuple[str, ...] = ()
    severity: Severity | str = Severity.BLOCKING
    cache_ttl: float | None = None
    cache_scope: str | Callable[[CheckContext], str] | None = None
    may_be_slow: bool = False

    #: What to say when the engine, not the check, has to speak for it (a timeout, a lost worker).
    default_remediation: ClassVar[str | None] = None
    #: One of every kind of answer that it gives, for its documentation.
    examples: ClassVar[tuple[Example, ...]] = ()
    #: What the account that it uses must be allowed, as its server writes that: an ACL rule, a GRANT.
    permissions: ClassVar[str | None] = None

    def execute(self, context: CheckContext) -> CheckResult | Awaitable[CheckResult]:
        """Ask the question. May be `async def`. An exception is `error` for this check alone."""
        raise TypeError(f"{type(self).__name__} does not define execute(self, context).")

    def applies_to(self, context: CheckContext) -> bool | str:
        """Return False, or a reason as text, when the check does not apply to a run. Pure: no I/O."""
        return True

    def warm_up(self) -> None:
        """Load what the first question would load: a worker calls it before its pool starts. No I/O."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Iterable[Self]:
        """Return the instances that discovery registers: none when the settings name no target."""
        return [cls()]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class FunctionCheck(PreFlightCheck):
    """A check made of one function, as `@check(...)` builds it. Calling it calls the function."""

    name: str
    priority: int
    function: Question
    enabled: bool = True
    timeout: float = 5.0
    event_types: Iterable[str] | None = None
    requires: tuple[str, ...] = ()
    severity: Severity | str = Severity.BLOCKING
    cache_ttl: float | None = None
    cache_scope: str | Callable[[CheckContext], str] | None = None
    may_be_slow: bool = False

    def execute(self, context: CheckContext) -> CheckResult | Awaitable[CheckResult]:
        """Ask the wrapped function."""
        return self.function(context)

    __call__ = execute


def definition_of(check: object) -> Any:
    """Return the class or function that defines a check: where its docstring and its source are."""
    return check.function if isinstance(check, FunctionCheck) else type(check)


def source_of(check: object) -> str:
    """Return "file:line" of a check's definition, for messages that must name the place."""
    target = definition_of(check)
    try:
        return f"{inspect.getsourcefile(target)}:{inspect.getsourcelines(target)[1]}"
    except Exception:  # Python 3.11's parser also raises SystemError, when several threads parse
        return f"{getattr(target, '__module__', '?')}.{getattr(target, '__qualname__', '?')}"
