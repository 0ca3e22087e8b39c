"""Everything PreFlight raises. A class's docstring says what it means; its text says what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from preflight.types import PreFlightReport


class PreFlightError(Exception):
    """The root of every exception that PreFlight raises."""


class InvalidSettings(PreFlightError):
    """A setting has a value that PreFlight cannot use."""


class InvalidCheck(PreFlightError):
    """A check cannot be registered: its declaration is wrong."""


class InvalidRun(PreFlightError):
    """The arguments of a run are wrong: nothing was run and nothing was stored."""


class UnknownCheck(InvalidRun):
    """A run names a check that is not registered."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"No check is called {name[:64]!r}.{nearest(name, known)} `preflight checks` lists them all.")


class UnknownEventType(InvalidRun):
    """A full run names an event type that nothing declares: a typing error must not open the gate."""

    def __init__(self, event_type: str, known: Iterable[str]) -> None:
        super().__init__(
            f"Event type {event_type!r} is not known.{nearest(event_type, known)}"
            " Name it in a check's event_types or in PREFLIGHT_EVENT_TYPES."
        )


class InvalidChange(PreFlightError):
    """What somebody wants to change in a check from outside of its code is wrong: nothing was changed."""


class RunRefused(PreFlightError):
    """A run was asked for where it can never end, such as inside PreFlight's own workers."""


class PreFlightFailed(PreFlightError):
    """The verdict is NO-GO: the operation must not go ahead. `report` says why."""

    def __init__(self, report: PreFlightReport) -> None:
        self.report = report
        super().__init__(report.reason)

    def __reduce__(self) -> tuple[type[PreFlightFailed], tuple[PreFlightReport]]:
        return type(self), (self.report,)


class AddressRefused(PreFlightError):
    """A check may not call this URL, or the address behind it; the text says why and what to do."""


class BrokerUnavailable(PreFlightError):
    """Redis cannot be reached or refuses to work; the text says which and what to do."""


class StoreUnavailable(PreFlightError):
    """The reports' database cannot be reached or used; the text says which and what to do."""


class ReportRefused(StoreUnavailable):
    """The reports' database can be used and refuses what it was given: trying the same again is of no use."""


class ReportMisdated(ReportRefused):
    """A report's id is of a day that the reports' database has no partition for: it is kept until there is one."""


class ReportNotReady(PreFlightError):
    """A run has not ended within the time that its report was waited for."""


class EmbeddedError(PreFlightError):
    """The embedded system cannot start or is not running; the text says what to do."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean a or b?" for the closest known words, or nothing."""
    near = difflib.get_close_matches(word[:64], sorted(known), n=3)
    return f" Did you mean {' or '.join(near)}?" if near else ""
