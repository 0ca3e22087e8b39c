"""What a scenario says about itself while it runs, and the bounds that hold for all of them."""

from __future__ import annotations

import dataclasses

TICK_SECONDS = 0.02
#: A condition that does not come true within this time is red. The promises are far below.
PATIENCE_SECONDS = 60.0
#: Runs that must be open when a fault hits.
IN_FLIGHT = 50


class Red(Exception):
    """A scenario could not go on: something that must happen did not."""


@dataclasses.dataclass(kw_only=True)
class Told:
    """What a scenario says about itself while it runs."""

    hits: int = 0
    in_flight: list[int] = dataclasses.field(default_factory=list)
    recovery_s: list[float] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)
    #: Spans of wall time in which no caller and no worker could reach Redis, or no worker lived.
    blackouts: list[tuple[float, float]] = dataclasses.field(default_factory=list)
    #: When Redis' data were deleted: what it alone had is lost, as is said openly.
    flushed_at: list[float] = dataclasses.field(default_factory=list)
    #: Both stores were away: a report that is one JSON line in a log is not lost.
    logged_is_enough: bool = False
    #: Every message was doubled: no check may have been asked twice.
    asked_once: bool = False
