"""Runs that are started on the page: opened at once, waited for in the background, looked at while they go."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import logging
from typing import Any
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from preflight.admin.problems import Problem
from preflight.context import RunDetails, RunRequest, shown
from preflight.engine.handle import FullRun
from preflight.engine.plan import plan
from preflight.engine.state import CheckProgress, RunState
from preflight.exceptions import BrokerUnavailable, nearest
from preflight.reports.models import storable_values
from preflight.reports.store import ReportStore
from preflight.runner import PreFlightRunner
from preflight.types import PreFlightReport

logger = logging.getLogger("preflight.admin")

#: Full runs that this process waits for at a time.
MOST_OPEN = 20
#: Started runs that are remembered, for who asks before Redis or PostgreSQL know them.
MOST_REMEMBERED = 200


class Runs:
    """Starts runs and says how far they are."""

    def __init__(self, runner: PreFlightRunner, store: ReportStore) -> None:
        self._runner = runner
        self._store = store
        self._started: collections.OrderedDict[UUID, PreFlightReport | None] = collections.OrderedDict()
        self._waiting: set[asyncio.Task[None]] = set()

    async def start(self, arguments: dict[str, Any], asked_by: str) -> UUID:
        """Start a run and return its id; `InvalidRun` for wrong arguments, before anything happens."""
        _refuse_unknown(arguments)
        details = {"metadata": {}, **arguments}
        mode, event_type = details.pop("mode", "full"), details.pop("event_type", None)
        details["metadata"] = _signed(details["metadata"], asked_by)
        request = RunRequest.build(mode=mode, event_type=event_type, **details)
        if len(self._waiting) >= MOST_OPEN:
            raise Problem(429, f"{MOST_OPEN} runs of this page are under way: wait for one.", {"Retry-After": "5"})
        run_id = await (self._full(request) if request.context.mode == "full" else self._light(request, details))
        logger.info("%s started the %s run %s", shown(asked_by), request.context.mode, run_id)
        return run_id

    async def _full(self, request: RunRequest) -> UUID:
        run = await run_in_threadpool(self._runner.start, request)
        self._remember(run.id)
        # Somebody has to wait: who waits sees to it that the run ends although no worker lives.
        task = asyncio.create_task(self._await(run))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        return run.id

    async def _light(self, request: RunRequest, details: dict[str, Any]) -> UUID:
        # A light run says nothing of what is wrong with it, so it is planned here first.
        await run_in_threadpool(plan, request, self._runner.registry, self._runner.settings)
        run = self._runner.run(mode="light", event_type=request.context.event_type, **details)
        self._remember(run.id)
        return run.id

    def _remember(self, run_id: UUID) -> None:
        self._started[run_id] = None
        if len(self._started) > MOST_REMEMBERED:
            self._started.popitem(last=False)

    async def _await(self, run: FullRun) -> None:
        report = await run.areport()
        if run.id in self._started:
            self._started[run.id] = report

    async def progress(self, run_id: UUID) -> dict[str, Any] | None:
        """Return where a run is, as JSON; None for one that nobody knows; `BrokerUnavailable` if Redis had to say."""
        return await run_in_threadpool(self._progress, run_id)

    def _progress(self, run_id: UUID) -> dict[str, Any] | None:
        if report := self._started.get(run_id):
            return _finished(report)
        try:
            state = self._runner.caller.state(run_id)
        except BrokerUnavailable:
            if report := self._store.get(run_id):
                return _finished(report)
            raise
        if state.exists:
            return _finished(state.report()) if state.ended else _going_on(state)
        if report := self._store.get(run_id):
            return _finished(report)
        return _answer(run_id, "queued") if run_id in self._started else None

    def report(self, run_id: UUID) -> PreFlightReport | None:
        """Return the report of a run that has ended, stored or not yet; None while there is none."""
        progress = self._progress(run_id)
        return PreFlightReport.from_json(progress["report"]) if progress and progress["report"] else None

    async def close(self) -> None:
        """Wait for no run any more: each ends without this process."""
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)


def _refuse_unknown(arguments: dict[str, Any]) -> None:
    known = {"mode", "event_type", *RunDetails.__annotations__}
    if unknown := arguments.keys() - known:
        name = min(unknown)
        raise Problem(422, f"A run takes no argument {shown(name)}.{nearest(name, known)}")


def _signed(metadata: Any, asked_by: str) -> Any:
    """Return the metadata with who asked for the run."""
    return {**metadata, "requested_by": asked_by} if isinstance(metadata, dict) else metadata


def _going_on(state: RunState) -> dict[str, Any]:
    started = any(field.startswith("w:") for field in state.fields)
    return _answer(state.id, "running" if started else "queued", state.progress())


def _finished(report: PreFlightReport) -> dict[str, Any]:
    answer = _answer(report.id, "finished")
    answer["checks"] = [_short(check.to_json()) for check in report.checks]
    return answer | {"report": storable_values(report.to_json())}


def _answer(run_id: UUID, state: str, checks: tuple[CheckProgress, ...] = ()) -> dict[str, Any]:
    lines = [storable_values(dataclasses.asdict(check)) for check in checks]
    return {"id": str(run_id), "state": state, "checks": lines, "report": None}


def _short(line: dict[str, Any]) -> dict[str, Any]:
    """Return a report's line as one of the progress."""
    names = [field.name for field in dataclasses.fields(CheckProgress)]
    short = {name: line.get(name) for name in names}
    return storable_values(short | {"running": False, "message": line["message"] or line["skipped_because"] or ""})  # type: ignore[no-any-return]
