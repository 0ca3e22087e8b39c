"""What may be asked: each argument with its limits, and no others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from preflight.reports.store import ReportFilter
from preflight.types import Mode, Status

PERIODS = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
#: What is outside is a typing error: a month 13 that became a year.
OLDEST, NEWEST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
MOST_REPORTS = 200
#: Of a trend by the hour a month and a day; by the day a decade.
MOST_POINTS = 24 * 31

EventType = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$", description="An event type.")]
CheckName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="The name of a check.")]


def _instant(value: datetime) -> datetime:
    """Return an instant in UTC; one without a zone is taken for UTC."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    if not OLDEST <= aware <= NEWEST:
        raise ValueError(f"must be from {OLDEST:%Y} to {NEWEST:%Y}")
    return aware.astimezone(UTC)


Instant = Annotated[datetime, pydantic.AfterValidator(_instant)]


class Span(BaseModel):
    """From when until when. The end is not included."""

    model_config = ConfigDict(extra="forbid")

    since: Instant | None = Field(None, description="From this instant on, ISO 8601; UTC without a zone.")
    until: Instant | None = Field(None, description="Before this instant.")

    @pydantic.model_validator(mode="after")
    def _ends_after_its_beginning(self) -> Self:
        if self.since and self.until and self.since >= self.until:
            raise ValueError("since must be before until")
        return self


class Reports(Span):
    """Which reports, and how many."""

    success: bool | None = Field(None, description="true: GO only; false: NO-GO only.")
    event_type: EventType | None = None
    mode: Mode | None = None
    campaign_id: UUID | None = None
    check: CheckName | None = Field(None, description="Runs that planned this check.")
    check_status: Status | None = Field(None, description="Runs in which that check has this status.")
    limit: int = Field(50, ge=1, le=MOST_REPORTS, description="At most so many.")
    before: UUID | None = Field(None, description="The `next` of the page before.")

    @pydantic.model_validator(mode="after")
    def _status_is_of_a_check(self) -> Self:
        if self.check_status and not self.check:
            raise ValueError("check_status needs check: the name of the check that has it")
        return self

    @property
    def filter(self) -> ReportFilter:
        """The filter of the store."""
        names = ("success", "event_type", "mode", "campaign_id", "check", "check_status", "since", "until")
        return ReportFilter(**{name: getattr(self, name) for name in names})


class Period(Span):
    """A span, 24 hours back unless it is given."""

    period: Literal["1h", "24h", "7d", "30d"] = Field("24h", description="How far back, if `since` is not given.")

    @property
    def begin(self) -> datetime:
        """The instant from which on."""
        return self.since or (self.until or datetime.now(UTC)) - PERIODS[self.period]


class Statistics(Period):
    """Which statistics."""

    event_type: EventType | None = None
    mode: Mode | None = None


class Trend(Period):
    """Which trend, by the hour or by the day."""

    step: Literal["hour", "day"] = "hour"
    event_type: EventType | None = None

    @pydantic.model_validator(mode="after")
    def _has_not_too_many_points(self) -> Self:
        length = timedelta(hours=1) if self.step == "hour" else timedelta(days=1)
        if (self.until or datetime.now(UTC)) - self.begin > MOST_POINTS * length:
            raise ValueError(f"since must be at most {MOST_POINTS} {self.step}s before until")
        return self
