"""Ask whether an operation may go ahead: plan the checks, start the run, wait for its report, raise on NO-GO.

from preflight import runner
runner.run(mode="full", event_type="poll_launch", campaign_id=campaign.id)
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Unpack, overload

from preflight import keeping
from preflight.context import RunDetails, RunRequest
from preflight.engine.caller import Caller, new_run_id
from preflight.engine.handle import FullRun, PreFlightRun
from preflight.engine.light import LightCall, LightSender
from preflight.engine.plan import Plan, plan
from preflight.exceptions import RunRefused
from preflight.registry import PreFlightRegistry, default_registry
from preflight.settings import Settings, settings
from preflight.threads import in_daemon_thread
from preflight.types import Mode, PreFlightReport


class PreFlightRunner:
    """The gate. One per process is enough; it is safe to use from several threads and after a fork."""

    def __init__(self, settings: Settings | None = None, registry: PreFlightRegistry | None = None) -> None:
        self._settings = settings
        self._registry = registry
        self._light = LightSender(self._open_all)

    @functools.cached_property
    def settings(self) -> Settings:
        """The settings given, or this process's."""
        return self._settings or settings()

    @functools.cached_property
    def registry(self) -> PreFlightRegistry:
        """The registry given, or this process's."""
        return self._registry if self._registry is not None else default_registry()

    @property
    def caller(self) -> Caller:
        """The caller's side of the engine, or what `preflight.testing` puts in its place."""
        return _stand_ins[-1] if _stand_ins else self._caller

    @functools.cached_property
    def _caller(self) -> Caller:
        return Caller(self.settings)

    @overload
    def run(
        self,
        *,
        mode: Literal["full"] = "full",
        event_type: str,
        raise_on_failure: bool = True,
        **details: Unpack[RunDetails],
    ) -> PreFlightReport: ...
    @overload
    def run(
        self, *, mode: Literal["light"], event_type: str, raise_on_failure: bool = True, **details: Unpack[RunDetails]
    ) -> PreFlightRun: ...
    def run(
        self, *, mode: Mode = "full", event_type: str, raise_on_failure: bool = True, **details: Unpack[RunDetails]
    ) -> PreFlightReport | PreFlightRun:
        """Run the checks for an operation.

        "full" waits and returns the report, or raises `PreFlightFailed` when the operation must not go ahead;
        `InvalidRun` for wrong arguments, before anything happens. "light" returns a handle at once and never raises.
        """
        if mode == "light":
            return self._run_light(event_type=event_type, **details)
        report = self.start(RunRequest.build(mode=mode, event_type=event_type, **details)).report()
        return report.go_or_raise() if raise_on_failure else report

    async def arun(
        self, *, mode: Mode = "full", event_type: str, raise_on_failure: bool = True, **details: Unpack[RunDetails]
    ) -> PreFlightReport | PreFlightRun:
        """Do what `run` does without ever blocking the event loop."""
        if mode == "light":
            return self._run_light(event_type=event_type, **details)
        request = RunRequest.build(mode=mode, event_type=event_type, **details)
        run = await in_daemon_thread(lambda: self._planned(request))  # the first plan of a process imports the checks
        report = await (await run.aopen()).areport()
        return report.go_or_raise() if raise_on_failure else report

    def start(self, request: RunRequest) -> FullRun:
        """Open a full run without waiting for it. A broker that is away gives a run that has ended with NO-GO."""
        return self._planned(request).open()

    def _planned(self, request: RunRequest) -> FullRun:
        if _refusal:
            raise RunRefused(_refusal[0])
        planned = plan(request, self.registry, self.settings, self.caller.changes)
        return FullRun(self.caller, new_run_id(), planned, self._keep)

    def flush(self, seconds: float) -> bool:
        """Wait at most `seconds` until every light run was sent; return whether that is so."""
        return self._light.flush(seconds)

    def close(self) -> None:
        """Send queued light runs, then end this runner's threads and connections. For applications that make many."""
        self._light.close()
        if "_caller" in self.__dict__:
            self._caller.close()

    @property
    def light_counts(self) -> dict[str, int]:
        """How many light runs were attempted, sent, dropped (queue full), could not be sent ("unsent"), or invalid."""
        return self._light.counts

    def _run_light(self, **arguments: Any) -> PreFlightRun:
        run_id = new_run_id()
        if _stand_ins:
            stand_in = _stand_ins[-1]
            self._light.send(run_id, arguments)
            return PreFlightRun(lambda: stand_in, run_id)
        self._light.put(run_id, arguments)
        return PreFlightRun(lambda: self.caller, run_id)

    def _keep(self, report: PreFlightReport) -> None:
        if not _stand_ins:
            keeping.keep(report, self.settings)

    def _open_all(self, calls: Sequence[LightCall]) -> list[Exception | None]:
        planned = [self._light_plan(call) for call in calls]
        good = [(call.run_id, one) for call, one in zip(calls, planned, strict=True) if isinstance(one, Plan)]
        opened = iter(self.caller.open_all(good) if good else ())
        return [next(opened) if isinstance(one, Plan) else one for one in planned]

    def _light_plan(self, call: LightCall) -> Plan | Exception:
        try:
            request = RunRequest.build(mode="light", **call.arguments)
            return plan(request, self.registry, self.settings, self.caller.changes)
        except Exception as error:  # one call's arguments are no reason to lose the others
            return error


_refusal: list[str] = []


def refuse_runs(reason: str) -> None:
    """Refuse full runs in this process: PreFlight's own workers would wait for themselves."""
    _refusal[:] = [reason]


_stand_ins: list[Caller] = []


@contextlib.contextmanager
def answered_by(stand_in: Caller) -> Iterator[None]:
    """Have every runner of this process use a stand-in for the engine until the block ends: for tests."""
    _stand_ins.append(stand_in)
    try:
        yield
    finally:
        _stand_ins.remove(stand_in)


__all__ = ["PreFlightRun", "PreFlightRunner", "answered_by", "arun", "default", "refuse_runs", "run"]

#: This process's runner, behind the module's own `run` and `arun`.
default = PreFlightRunner()
run = default.run
arun = default.arun
