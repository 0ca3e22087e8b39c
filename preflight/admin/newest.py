"""The newest reports without their checks, which is what the live page asks for again and again."""

from __future__ import annotations

import dataclasses
import time
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from preflight.reports.database import explaining, make_engine, parsed
from preflight.reports.models import reports

#: A report is stored when its run has ended, under the id of its beginning: this far back new ones may turn up.
LATE_SECONDS = 900
MOST = 200

_COLUMNS = (
    reports.c.id,
    reports.c.event_type,
    reports.c.mode,
    reports.c.campaign_id,
    reports.c.success,
    reports.c.short_circuited_by,
    reports.c.duration_ms,
    reports.c.created_at,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Headline:
    """A report without its checks."""

    id: UUID
    event_type: str
    mode: str
    campaign_id: UUID | None
    success: bool
    short_circuited_by: str | None
    duration_ms: int
    created_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return it with the names and forms that the whole report has."""
        return dataclasses.asdict(self) | {
            "id": str(self.id),
            "campaign_id": str(self.campaign_id) if self.campaign_id else None,
            "verdict": "GO" if self.success else "NO-GO",
            "created_at": self.created_at.isoformat().replace("+00:00", "Z"),
        }


class Newest:
    """Reads headlines over one connection of its own."""

    def __init__(self, database_url: str) -> None:
        self._url = parsed(database_url)
        self._engine = make_engine(self._url, pool_size=1, max_overflow=0, pool_timeout=5)

    def headlines(self) -> list[Headline]:
        """Return the newest headlines, newest first; raise `StoreUnavailable` when the database cannot be used.

        Bounded by the primary key on both sides, so that it costs the same however many reports are stored.
        """
        floor = UUID(int=(int(time.time() - LATE_SECONDS) * 1000) << 80)
        query = sa.select(*_COLUMNS).where(reports.c.id > floor).order_by(reports.c.id.desc()).limit(MOST)
        with explaining(self._url), self._engine.connect() as connection:
            return [Headline(**row) for row in connection.execute(query).mappings()]

    def dispose(self) -> None:
        """Close the connection."""
        self._engine.dispose()
