"""The caller's side of a run: open it, wait for its end, and have a verdict in time whatever dies meanwhile."""

from __future__ import annotations

import contextlib
import functools
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar
from uuid import UUID

import redis
import uuid_utils.compat

from preflight.changes import UNCHANGED, Changes
from preflight.engine.connection import connect, refuse_unfit, unavailable
from preflight.engine.dispatch import Dispatch, process_dispatch
from preflight.engine.inbox import Inbox
from preflight.engine.io_thread import IoThread
from preflight.engine.keys import Keys
from preflight.engine.lines import errored, no_worker
from preflight.engine.opening import Opening
from preflight.engine.plan import Plan
from preflight.engine.runs import Runs
from preflight.engine.state import RunState
from preflight.engine.wait import NO_WORKER_SECONDS, OPEN_SECONDS, OVERRUN_SECONDS, Wait
from preflight.engine.watchdog import Watchdog
from preflight.exceptions import BrokerUnavailable
from preflight.settings import Settings
from preflight.types import PreFlightReport

T = TypeVar("T")

#: A run is planned again when operators change something meanwhile, and not for ever.
MOST_PLANS = 4


class Caller:
    """Opens runs for one process and waits for them."""

    def __init__(self, settings: Settings, dispatch: Dispatch | None = None) -> None:
        self.settings = settings
        self._dispatch = dispatch
        self.keys = Keys(settings.namespace)
        self.io = IoThread("preflight-io")
        self.inbox = Inbox(settings.redis, settings.namespace)
        self._runs: tuple[int, Runs] | None = None
        self._fit = False
        #: What operators changed, as far as this process knows: `open` says when it is more.
        self.changes: Changes = UNCHANGED

    @property
    def runs(self) -> Runs:
        """The runs, seen by the I/O thread's one connection. A forked process has its own."""
        process = os.getpid()
        if self._runs is None or self._runs[0] != process:
            client = connect(self.settings.redis, single_connection_client=True)
            self._runs = process, Runs(client, self.keys, self.dispatch)
        return self._runs[1]

    @property
    def dispatch(self) -> Dispatch:
        """How this process's runs reach their queues: as given, or this process's."""
        return self._dispatch or process_dispatch(self.settings)

    def close(self) -> None:
        """Close the connection and end the I/O thread."""
        if self._runs:
            self.io.submit(self.runs.client.close)
            self.io.submit(self.runs.dispatch.close)
        self.inbox.close()
        self.io.close()

    def call(self, step: Callable[[], T], seconds: float = math.inf) -> T:
        """Take a step in Redis on the I/O thread; raise `BrokerUnavailable` when it fails or takes too long.

        That is `seconds` in all, or `OPEN_SECONDS` in which Redis answered nothing: many steps that are queued wait
        for each other, and no Redis is at fault.
        """
        with self._told():
            return self.io.take(functools.partial(_again_if_stale, step), OPEN_SECONDS, seconds)

    async def acall(self, step: Callable[[], T], seconds: float = math.inf) -> T:
        """Do what `call` does without blocking the event loop, and without a thread that waits."""
        with self._told():
            return await self.io.atake(functools.partial(_again_if_stale, step), OPEN_SECONDS, seconds)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what a step raises into `BrokerUnavailable`."""
        try:
            yield
        except TimeoutError:
            raise unavailable(TimeoutError("timed out"), self.settings.redis) from None
        except redis.RedisError as error:
            raise unavailable(error, self.settings.redis) from error

    def open(self, run_id: UUID, plan: Plan, *, inbox: str = "", task_id: str = "") -> Plan:
        """Open a run and return the plan that it has; raise `BrokerUnavailable` in one clear line.

        It is planned again when operators have changed something that this process did not know yet. A first tier
        that cannot be published raises if somebody waits for the run; else the watchdog publishes it.
        """
        step = self._opening(run_id, plan, inbox=inbox, task_id=task_id)
        return _sent(self.call(step, plan.timeout + OVERRUN_SECONDS), inbox)

    async def aopen(self, run_id: UUID, plan: Plan, *, inbox: str) -> Plan:
        """Do what `open` does without blocking the event loop."""
        step = self._opening(run_id, plan, inbox=inbox)
        return _sent(await self.acall(step, plan.timeout + OVERRUN_SECONDS), inbox)

    def _opening(
        self, run_id: UUID, plan: Plan, *, inbox: str, task_id: str = ""
    ) -> Callable[[], tuple[Opening, Plan]]:
        queue = self.keys.full_queue if plan.context.mode == "full" else self.keys.light_queue
        text = self.dispatch.template(queue)

        def step() -> tuple[Opening, Plan]:
            made, runs = plan, self._fit_runs()
            for _ in range(MOST_PLANS):
                opening = runs.open(run_id, made, text, inbox=inbox, task_id=task_id)
                if opening.changes is None:
                    return opening, made
                made = made.again(self._learn(opening.changes))
            raise BrokerUnavailable(_RESTLESS)

        return step

    def open_all(self, runs: Sequence[tuple[UUID, Plan]]) -> list[Exception | None]:
        """Open light runs in one round trip; return for each why it could not be opened, or None."""
        text = self.dispatch.template(self.keys.light_queue)
        try:
            return self.call(lambda: self._open_all(runs, text, MOST_PLANS))
        except BrokerUnavailable as error:
            return [error] * len(runs)

    def _open_all(self, runs: Sequence[tuple[UUID, Plan]], text: str, plans: int) -> list[Exception | None]:
        """Open light runs; those that were planned without what operators have changed meanwhile once more."""
        found = self._fit_runs().open_all(runs, text)
        url = self.settings.redis
        failures: list[Exception | None] = [
            unavailable(one, url) if isinstance(one, Exception) else None for one in found
        ]
        stale = {index: one.changes for index, one in enumerate(found) if isinstance(one, Opening) and one.changes}
        if not stale:
            return failures
        if plans == 1:
            return [BrokerUnavailable(_RESTLESS) if index in stale else one for index, one in enumerate(failures)]
        changes = self._learn(stale[max(stale)])
        again = self._open_all([(runs[index][0], runs[index][1].again(changes)) for index in stale], text, plans - 1)
        for index, failure in zip(stale, again, strict=True):
            failures[index] = failure
        return failures

    def _learn(self, changes: Changes) -> Changes:
        self.changes = changes
        return changes

    def _fit_runs(self) -> Runs:
        """Return the runs; at the first time raise `BrokerUnavailable` if the server cannot drive any."""
        if not self._fit:
            refuse_unfit(self.runs.client, self.settings.redis)
            self._fit = True
        return self.runs

    def state(self, run_id: UUID) -> RunState:
        """Return a run's state as it is now."""
        return RunState(run_id, self.call(lambda: self.runs.fields(run_id)))

    def look(self, wait: Wait) -> PreFlightReport | None:
        """Return the report if the run has one; else do for it what nobody else may be alive to do."""
        try:
            return wait.woken_report() or self.call(lambda: self._look(wait), wait.patience())
        except BrokerUnavailable as error:
            return wait.given_up(str(error))

    async def alook(self, wait: Wait) -> PreFlightReport | None:
        """Do what `look` does without blocking the event loop."""
        try:
            return wait.woken_report() or await self.acall(lambda: self._look(wait), wait.patience())
        except BrokerUnavailable as error:
            return wait.given_up(str(error))

    def _look(self, wait: Wait) -> PreFlightReport | None:
        """Look at a run, on the I/O thread."""
        state = self._state(wait)
        if state.ended:
            return state.report()
        if not state.exists:
            return wait.lost()
        if time.monotonic() >= wait.deadline_at:
            self._worker_alive(wait)
            Watchdog(self.runs, "caller").end(state)
        elif time.monotonic() >= wait.worker_wanted_by and not self._worker_alive(wait):
            self.runs.abort(wait.run_id, "workers", no_worker())
        else:
            return None
        state = self._state(wait)
        return state.report() if state.ended else None

    def _state(self, wait: Wait) -> RunState:
        return wait.state(self.runs.fields(wait.run_id))

    def _worker_alive(self, wait: Wait) -> bool:
        alive = self.runs.alive() > 0
        wait.alone = not alive
        if alive:
            wait.worker_wanted_by = time.monotonic() + NO_WORKER_SECONDS
        return alive

    def abort(self, run_id: UUID, message: str, plan: Plan) -> None:
        """Tell Redis, if it can be told, that a run's caller was told NO-GO. Waits for nothing."""
        self.io.submit(lambda: self.runs.abort(run_id, "broker", errored(message), plan))


_RESTLESS = "Checks' settings are changed faster than a run can be planned: try again."


def _sent(opened: tuple[Opening, Plan], inbox: str) -> Plan:
    opening, plan = opened
    if opening.unsent and inbox:
        raise BrokerUnavailable(opening.unsent)
    return plan


def _again_if_stale(step: Callable[[], T]) -> T:
    """Take a step, again if the connection turns out to be dead: Redis was restarted, or has closed what was idle.

    A caller's steps are harmless when they are taken twice.
    """
    try:
        return step()
    except redis.ConnectionError:
        return step()


def new_run_id() -> UUID:
    """Return a new UUIDv7: ids sort by time."""
    made: UUID = uuid_utils.compat.uuid7()
    return made
