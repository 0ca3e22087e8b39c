"""A started run in its caller's hands: its id, its state, and its report when there is one."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Literal, Self
from uuid import UUID

from preflight.engine.caller import Caller
from preflight.engine.plan import Plan
from preflight.engine.state import CheckProgress
from preflight.engine.wait import Wait
from preflight.exceptions import BrokerUnavailable, ReportNotReady
from preflight.types import PreFlightReport

_POLL_SECONDS = 0.05


class PreFlightRun:
    """A light run's handle. Making it does no I/O; asking it does."""

    def __init__(self, caller: Callable[[], Caller], run_id: UUID) -> None:
        self.id = run_id
        self._caller = caller
        self._report: PreFlightReport | None = None

    @property
    def state(self) -> Literal["queued", "running", "finished"]:
        """Where the run is: "queued" until a worker has started a check of it. Raises `BrokerUnavailable`."""
        if self._report:
            return "finished"
        state = self._caller().state(self.id)
        if state.ended:
            return "finished"
        return "running" if any(field.startswith("w:") for field in state.fields) else "queued"

    def progress(self) -> tuple[CheckProgress, ...]:
        """Return every check as it stands now; nothing while Redis is away."""
        try:
            return self._caller().state(self.id).progress()
        except BrokerUnavailable:
            return ()

    def poll(self) -> PreFlightReport | None:
        """Return the report if there is one now."""
        if self._report is None:
            self._report = self._look()
        return self._report

    def report(self, timeout: float | None = None) -> PreFlightReport:
        """Wait for the report and return it; raise `ReportNotReady` after `timeout` seconds, if given.

        A full run always has one by its deadline, whatever dies. A light run's is asked for without that promise.
        """
        until = time.monotonic() + timeout if timeout is not None else None
        while (report := self.poll()) is None:
            left = until - time.monotonic() if until is not None else None
            if left is not None and left <= 0:
                raise ReportNotReady(f"Run {self.id} has not ended within {timeout:g} s; ask again later.")
            self._pause(left)
        return report

    def _look(self) -> PreFlightReport | None:
        state = self._caller().state(self.id)
        return state.report() if state.ended else None

    def _pause(self, left: float | None) -> None:
        time.sleep(_POLL_SECONDS if left is None else min(_POLL_SECONDS, left))


class FullRun(PreFlightRun):
    """A full run: a plan, a deadline, and by then a verdict. `keep` takes a report that nobody else would store."""

    def __init__(self, caller: Caller, run_id: UUID, plan: Plan, keep: Callable[[PreFlightReport], None]) -> None:
        super().__init__(lambda: caller, run_id)
        self._keep = keep
        self.wait = Wait(run_id, plan)

    def open(self) -> Self:
        """Open the run in Redis; when that fails it has ended with NO-GO because of `broker`."""
        inbox = self._caller().inbox
        inbox.expect(self.id, self.wait.wake)
        try:
            self.wait.follow(self._caller().open(self.id, self.wait.plan, inbox=inbox.key))
        except BrokerUnavailable as error:
            self._unopened(str(error))
        return self

    async def aopen(self) -> Self:
        """Do what `open` does without blocking the event loop."""
        inbox = self._caller().inbox
        inbox.expect(self.id, self.wait.wake)
        try:
            self.wait.follow(await self._caller().aopen(self.id, self.wait.plan, inbox=inbox.key))
        except BrokerUnavailable as error:
            self._unopened(str(error))
        return self

    def _unopened(self, message: str) -> None:
        self._caller().abort(self.id, message, self.wait.plan)
        self._end(self.wait.without_broker(message))

    def report(self, timeout: float | None = None) -> PreFlightReport:
        """Wait for the report and return it; raise `ReportNotReady` after `timeout` seconds, if given."""
        if self._report is None:
            self._pause(timeout)  # a look right after the opening would find nothing
        return super().report(timeout)

    async def areport(self) -> PreFlightReport:
        """Do what `report` does without blocking the event loop."""
        awake, loop = asyncio.Event(), asyncio.get_running_loop()

        def wake(ended: Mapping[str, str]) -> None:
            self.wait.wake(ended)
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
                loop.call_soon_threadsafe(awake.set)

        self._caller().inbox.expect(self.id, wake)
        if self._report is None and not self.wait.woken.is_set():
            await self._awake(awake)
        while self._report is None:
            if report := await self._caller().alook(self.wait):
                return self._end(report)
            await self._awake(awake)
        return self._report

    async def _awake(self, awake: asyncio.Event) -> None:
        """Wait until the run ends, or until it is time to look."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.wait.next_look()):
                await awake.wait()
            awake.clear()

    def _look(self) -> PreFlightReport | None:
        report = self._caller().look(self.wait)
        return self._end(report) if report else None

    def _end(self, report: PreFlightReport) -> PreFlightReport:
        """Fix the report. One that Redis does not have, or that no worker is left to store, is kept by this process."""
        self._report = report
        self._caller().inbox.forget(self.id)
        if self.wait.alone or any(check.name == "broker" and check.blocks for check in report.checks):
            self._keep(report)
        return report

    def _pause(self, left: float | None) -> None:
        seconds = self.wait.next_look()
        self.wait.woken.wait(seconds if left is None else min(seconds, left))
        self.wait.woken.clear()
