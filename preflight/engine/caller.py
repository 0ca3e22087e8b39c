"""The caller's side of a run: open it, wait for its end, and have a verdict in time whatever dies meanwhile."""

from __future__ import annotations

import concurrent.futures
import functools
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import redis
import uuid_utils.compat

from preflight.engine.connection import connect, now_ms, refuse_unfit, unavailable
from preflight.engine.dispatch import Dispatch, process_dispatch
from preflight.engine.inbox import Inbox
from preflight.engine.io_thread import IoThread
from preflight.engine.keys import Keys
from preflight.engine.lines import answered_line, engine_check, errored, no_worker, skipped_line
from preflight.engine.plan import Plan
from preflight.engine.runs import Opening, Runs
from preflight.engine.state import RunState
from preflight.engine.watchdog import Watchdog
from preflight.exceptions import BrokerUnavailable
from preflight.redaction import redact_values
from preflight.settings import Settings
from preflight.types import CheckReport, PreFlightReport, plan_order

T = TypeVar("T")

#: A caller whose broker is away is told so within this time; dead name servers included.
OPEN_SECONDS = 1.5
#: Between two looks at a run that sends no wake-up.
LOOK_SECONDS = 1.0
#: Between two looks at a run that is overdue: on Redis' clock its time may be over a little later.
OVERDUE_LOOK_SECONDS = 0.25
#: A run without any live worker is given up after this time.
NO_WORKER_SECONDS = 4.0
#: A caller that cannot reach Redis fixes its verdict this long after the deadline; 2 s are promised.
OVERRUN_SECONDS = 1.0


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

    def call(self, step: Callable[[], T], seconds: float = OPEN_SECONDS) -> T:
        """Take a step in Redis on the I/O thread; raise `BrokerUnavailable` when it fails or takes too long."""
        future = self.io.submit(functools.partial(_again_if_stale, step))
        try:
            return future.result(seconds)
        except concurrent.futures.TimeoutError:
            future.cancel()  # else steps that nobody waits for any more would hold up the others
            raise unavailable(TimeoutError("timed out"), self.settings.redis) from None
        except redis.RedisError as error:
            raise unavailable(error, self.settings.redis) from error

    def open(self, run_id: UUID, plan: Plan, *, inbox: str = "", task_id: str = "") -> Opening:
        """Open a run; raise `BrokerUnavailable` in one clear line.

        A first tier that cannot be published raises if somebody waits for the run; else the watchdog publishes it.
        """
        queue = self.keys.full_queue if plan.context.mode == "full" else self.keys.light_queue
        text = self.dispatch.template(queue)
        opening = self.call(lambda: self._fit_runs().open(run_id, plan, text, inbox=inbox, task_id=task_id))
        if opening.unsent and inbox:
            raise BrokerUnavailable(opening.unsent)
        return opening

    def open_all(self, runs: Sequence[tuple[UUID, Plan]]) -> list[Exception | None]:
        """Open light runs in one round trip; return for each why it could not be opened, or None."""
        text = self.dispatch.template(self.keys.light_queue)
        try:
            found = self.call(lambda: self._fit_runs().open_all(runs, text))
        except BrokerUnavailable as error:
            return [error] * len(runs)
        url = self.settings.redis
        return [unavailable(one, url) if isinstance(one, Exception) else None for one in found]

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
            return self._look(wait)
        except BrokerUnavailable as error:
            # Once a run is open, a blip is waited out until the deadline.
            return self._given_up(wait, error) if time.monotonic() >= wait.give_up_at else None

    def _look(self, wait: Wait) -> PreFlightReport | None:
        state = wait.state(wait.ended) if wait.ended else self._state(wait)
        if state.ended:
            return state.report()
        if not state.exists:
            return lost_report(wait.run_id, wait.plan, wait.started_at)
        if time.monotonic() >= wait.deadline_at:
            self._worker_alive(wait)
            self.call(lambda: self._mend(wait.run_id), wait.patience())
        elif time.monotonic() >= wait.worker_wanted_by and not self._worker_alive(wait):
            self.call(lambda: self.runs.abort(wait.run_id, "workers", no_worker()), wait.patience())
        else:
            return None
        state = self._state(wait)
        return state.report() if state.ended else None

    def _state(self, wait: Wait) -> RunState:
        return wait.state(self.call(lambda: self.runs.fields(wait.run_id), wait.patience()))

    def _mend(self, run_id: UUID) -> None:
        watchdog = Watchdog(self.runs, "caller")
        watchdog.mend(run_id, watchdog.surroundings(now_ms(self.runs.client)))

    def _worker_alive(self, wait: Wait) -> bool:
        alive = self.call(self.runs.alive, wait.patience()) > 0
        wait.alone = not alive
        if alive:
            wait.worker_wanted_by = time.monotonic() + NO_WORKER_SECONDS
        return alive

    def _given_up(self, wait: Wait, error: BrokerUnavailable) -> PreFlightReport:
        return broker_report(wait.run_id, wait.plan, wait.started_at, str(error))

    def abort(self, run_id: UUID, message: str) -> None:
        """Tell Redis, if it can be told, that a run's caller was told NO-GO. Waits for nothing."""
        self.io.submit(lambda: self.runs.abort(run_id, "broker", errored(message)))


class Wait:
    """One caller's wait for one run. Times are of `time.monotonic`."""

    def __init__(self, run_id: UUID, plan: Plan) -> None:
        now = time.monotonic()
        self.run_id = run_id
        self.plan = plan
        self.started_at = datetime.now(UTC)
        self.deadline_at = now + plan.timeout
        self.give_up_at = self.deadline_at + OVERRUN_SECONDS
        self.worker_wanted_by = now + NO_WORKER_SECONDS
        self.woken = threading.Event()
        #: The state that the wake-up brought.
        self.ended: Mapping[str, str] = {}
        #: No worker is left that would store the report.
        self.alone = False

    def wake(self, ended: Mapping[str, str]) -> None:
        """Take the state of the run that has ended."""
        self.ended = ended
        self.woken.set()

    def state(self, fields: Mapping[str, str]) -> RunState:
        """Return the run's state that was read from Redis."""
        return RunState(self.run_id, fields, self.plan.checks if fields else ())

    def next_look(self) -> float:
        """Return the seconds until the caller looks by itself, wake-up or not."""
        now = time.monotonic()
        if now >= self.deadline_at:
            return OVERDUE_LOOK_SECONDS
        moments = [at for at in (self.deadline_at, self.worker_wanted_by, self.give_up_at) if at > now]
        return max(0.02, min([LOOK_SECONDS, *(at - now for at in moments)]))

    def patience(self) -> float:
        """Return the seconds that one step in Redis may take: none holds a caller past the moment it gives up."""
        return min(OPEN_SECONDS, max(0.02, self.give_up_at - time.monotonic()))


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


def broker_report(run_id: UUID, plan: Plan, started_at: datetime, message: str) -> PreFlightReport:
    """Return the NO-GO of a run whose broker could not be asked: `broker` in error, all else skipped because of it."""
    advice = "Start the server that the message names, or correct its setting; `preflight doctor` says which."
    return _stopped_report(run_id, plan, started_at, "broker", errored(message, advice))


def lost_report(run_id: UUID, plan: Plan, started_at: datetime) -> PreFlightReport:
    """Return the NO-GO of a run whose state vanished while its caller waited."""
    advice = "Redis lost data (FLUSHALL, a restart without append-only file, eviction): run it again."
    return _stopped_report(run_id, plan, started_at, "broker", errored("the run's state was lost", advice))


def _stopped_report(
    run_id: UUID, plan: Plan, started_at: datetime, name: str, answer: dict[str, Any]
) -> PreFlightReport:
    because = f"{name} error"
    lines: list[CheckReport] = [skipped_line(check, because) for check in plan.checks if check.name != name]
    lines.append(answered_line(engine_check(name), answer))
    context = plan.context
    return PreFlightReport(
        id=run_id,
        mode=context.mode,
        event_type=context.event_type,
        checks=tuple(sorted(lines, key=plan_order)),
        created_at=started_at,
        duration_ms=max(0, round((datetime.now(UTC) - started_at).total_seconds() * 1000)),
        campaign_id=context.campaign_id,
        streamer_ids=context.streamer_ids,
        triggered_by=context.triggered_by,
        metadata=redact_values(context.metadata),
    )
