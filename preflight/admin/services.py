"""What the routes work with: one of each per process."""

from __future__ import annotations

import contextlib
from typing import Annotated
from uuid import UUID

from fastapi import Depends
from starlette.requests import Request

from preflight.admin.access import Access
from preflight.admin.credentials import Credentials
from preflight.admin.live import Live
from preflight.admin.newest import Newest
from preflight.admin.runs import Runs
from preflight.admin.views.overview import Overview, Overviews, read
from preflight.admin.views.statistics import Period
from preflight.registry import PreFlightRegistry
from preflight.reports.store import ReportStore
from preflight.runner import PreFlightRunner
from preflight.settings import Settings
from preflight.types import PreFlightReport


class Services:
    """The stores, the runner and the live page of one process. Making them does no I/O."""

    def __init__(self, settings: Settings, registry: PreFlightRegistry | None = None) -> None:
        self.settings = settings
        self.store = ReportStore(settings.database)
        self.credentials = Credentials(settings.database)
        self.access = Access(settings, self.credentials)
        self.runner = PreFlightRunner(settings, registry)
        self.runs = Runs(self.runner, self.store)
        self.overviews = Overviews(self._overview)
        self._newest = Newest(settings.database)
        self.live = Live(self._newest.headlines, self.access.lasting)

    @property
    def registry(self) -> PreFlightRegistry:
        """The checks; the first use imports them."""
        return self.runner.registry

    def report(self, report_id: UUID) -> PreFlightReport | None:
        """Return a report, stored or of a run that has just ended; None while there is none."""
        return self.store.get(report_id) or self.runs.report(report_id)

    def _overview(self, period: Period) -> Overview:
        return read(self.store, self.registry, self.settings.light_max_priority, period)

    async def close(self) -> None:
        """End the streams, the threads and the connections."""
        await self.live.close()
        await self.runs.close()
        self.runner.close()
        for store in (self.store, self.credentials, self._newest):
            with contextlib.suppress(Exception):
                store.dispose()


def services(request: Request) -> Services:
    """Return the services of the application that a request came to."""
    found: Services = request.app.state.services
    return found


Work = Annotated[Services, Depends(services)]
