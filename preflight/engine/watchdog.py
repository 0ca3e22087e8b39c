"""Repairs open runs: what was lost is sent again, what died is answered for, what is over ends.

One process of all does it at a time, by a lease; a caller does it for its own run.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence

from preflight.engine.execution import timed_out
from preflight.engine.lines import errored
from preflight.engine.plan import PlannedCheck
from preflight.engine.runs import TIMEOUT_GRACE_MS, Answer, Runs
from preflight.engine.state import Place, RunState
from preflight.engine.workers import fresh_names
from preflight.types import Severity

#: A message that was passed over for this long is taken for lost.
LOST_AFTER_MS = 1000
#: A check is asked by at most this many workers that died over it.
MOST_ATTEMPTS = 2
#: Half of what a verdict may be late: when the process that looks dies, another one has to do it in time.
LEASE_MS = 1000
#: While the broker does not say how many messages wait, one that is this old is sent again.
UNKNOWN_AFTER_MS = 2000


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What a look at runs needs to know besides their state, each read at most once per look, after them."""

    now_ms: int
    alive: frozenset[str]
    seen: Callable[[str], int]
    waiting: Callable[[str, bool], int | None]


class Watchdog:
    """Repairs the runs of one namespace. `holder` names this process in the lease."""

    def __init__(self, runs: Runs, holder: str) -> None:
        self.runs = runs
        self.holder = holder

    def look(self) -> int:
        """Look at the runs that are due, if this process has the lease; return how many there were."""
        found = self.runs.due(self.holder, LEASE_MS)
        if found is None or not found[1]:
            return 0
        now_ms, run_ids = found
        fields = self.runs.fields_of_many([str(run_id) for run_id in run_ids])
        states = [RunState(*one) for one in zip(run_ids, fields, strict=True)]
        self.mend(states, self.surroundings(now_ms))
        return len(run_ids)

    def surroundings(self, now_ms: int) -> Surroundings:
        """Read what is alive and what moves at an instant of Redis' clock."""
        client, keys = self.runs.client, self.runs.keys
        return Surroundings(
            now_ms=now_ms,
            alive=fresh_names(client, keys, now_ms),
            seen=functools.cache(lambda queue: int(client.hget(keys["numbers"], f"seen:{queue}") or 0)),
            waiting=functools.cache(self._waiting),
        )

    def _waiting(self, queue: str, pushed_by_scripts: bool) -> int | None:
        """Return how many messages wait in a queue; None if nobody knows."""
        if pushed_by_scripts:
            return int(self.runs.client.llen(queue))
        return self.runs.dispatch.waiting(queue)

    def mend(self, states: Sequence[RunState], around: Surroundings) -> None:
        """Do what is due for runs that may have moved on since. Safe at any moment and from several processes."""
        over = {state.id: expired(state) for state in states if _is_over(state, around.now_ms)}
        self.runs.expire_all(over)
        going_on = [state for state in states if state.id not in over]
        for state in going_on:
            for check in state.unanswered:
                self._mend_check(state, check, around)
        self.runs.look_again({str(state.id): next_look(state, around.now_ms) for state in going_on})

    def end(self, state: RunState) -> None:
        """End a run that is over by its caller's clock, whatever Redis' clock says."""
        self.runs.expire(state.id, expired(state), over=True)

    def _mend_check(self, state: RunState, check: PlannedCheck, around: Surroundings) -> None:
        place = state.place(check.name)
        if place.where == "queued" and self._is_lost(state, place, around):
            self.runs.requeue(state.id, check, place.text)
        elif place.where == "joined":
            self.runs.rejoin(state.id, check, place.text)
        elif place.where == "running":
            self._mend_running(state, check, place, around)

    def _is_lost(self, state: RunState, place: Place, around: Surroundings) -> bool:
        waited_ms = around.now_ms - place.since_ms
        if waited_ms < LOST_AFTER_MS or not around.alive:
            return False
        if around.seen(state.queue) > place.number:
            return True
        waiting = around.waiting(state.queue, state.pushed_by_scripts)
        return waited_ms > UNKNOWN_AFTER_MS if waiting is None else waiting == 0

    def _mend_running(self, state: RunState, check: PlannedCheck, place: Place, around: Surroundings) -> None:
        if around.now_ms - place.since_ms > check.timeout * 1000 + TIMEOUT_GRACE_MS:
            self._answer(state, check, place, timed_out(check.timeout))
        elif place.worker not in around.alive and around.alive:
            if place.attempt < MOST_ATTEMPTS:
                self.runs.requeue(state.id, check, place.text)
            else:
                self._answer(state, check, place, errored("its worker died, and a second one too"))

    def _answer(self, state: RunState, check: PlannedCheck, place: Place, answer: Answer) -> None:
        self.runs.record(state.id, check.name, answer, check.severity, place=place.text)


def _is_over(state: RunState, now_ms: int) -> bool:
    return not state.exists or state.ended or now_ms >= state.deadline_ms


def next_look(state: RunState, now_ms: int) -> int:
    """Return the next instant at which the watchdog has to answer for a check that is running now, or end the run."""
    running = [(state.place(check.name), check.timeout) for check in state.unanswered]
    limits = [place.since_ms + round(timeout * 1000) + TIMEOUT_GRACE_MS for place, timeout in running if place.since_ms]
    return min((limit for limit in limits if limit > now_ms), default=state.deadline_ms)


def expired(state: RunState) -> dict[str, tuple[Answer, str]]:
    """Return what to write for each check that has not answered when the run's time is over, with its severity.

    Checks of tiers that were never opened are errors as well, unless something blocked before them.
    """
    late: dict[str, tuple[Answer, str]] = {}
    for check in state.unanswered:
        place = state.place(check.name)
        if place.where == "waiting" and _stopped(state, late):
            break
        answer = timed_out(_run_seconds(state)) if place.where in ("running", "joined") else not_started(state)
        late[check.name] = (answer, check.severity)
    return late


def _stopped(state: RunState, late: dict[str, tuple[Answer, str]]) -> bool:
    blocked = state.fields.get("blocked") == "1" or any(severity != Severity.ADVISORY for _, severity in late.values())
    return blocked and state.fields["policy"] != "never"


def _run_seconds(state: RunState) -> float:
    return float(state.fields["timeout"])


def not_started(state: RunState) -> Answer:
    """Return the answer of a check that no worker had started when the run's time was over."""
    seconds = round(_run_seconds(state), 1)
    return errored(
        f"not started within {seconds:g} s (queue)",
        "Look at the queue's length and the workers: `preflight doctor`.",
    )
