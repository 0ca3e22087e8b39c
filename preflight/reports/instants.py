"""Time as the reports' tables know it: the millisecond in an id, slots of rollups, days of partitions. All UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
#: The milliseconds of an id reach further than `datetime` does.
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)


def first_id(at: datetime) -> UUID:
    """Return the smallest id of an instant: every id made before it is smaller."""
    return UUID(int=(max(aware(at), _EPOCH) - _EPOCH) // _MILLISECOND << 80)


def made_at(report_id: UUID) -> datetime:
    """Return when a UUIDv7 was made, by the clock of who made it."""
    return _EPOCH + min(_MILLISECOND * (report_id.int >> 80), _LATEST - _EPOCH)


def floor(at: datetime, seconds: int) -> datetime:
    """Return the last multiple of so many seconds that is not after an instant."""
    return aware(at) - (aware(at) - _EPOCH) % timedelta(seconds=seconds)


def ceiling(at: datetime, seconds: int) -> datetime:
    """Return the first multiple of so many seconds that is not before an instant."""
    return floor(at + timedelta(seconds=seconds) - timedelta.resolution, seconds)


def aware(at: datetime) -> datetime:
    """Return an instant in UTC; one without a zone is taken for UTC."""
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
