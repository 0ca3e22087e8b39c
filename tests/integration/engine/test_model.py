"""A run's life as a model: whatever comes in whatever order, every run has one end, one report, one status per check.

`PREFLIGHT_MODEL` is a number of random lives, new ones every time; without it they are few and always the same.
"""

from __future__ import annotations

import contextlib
import os
import secrets

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from integration.engine.check_kinds import kinds
from integration.engine.world import Killed, World

from preflight.engine import workers
from preflight.engine.caller import new_run_id
from preflight.engine.connection import now_ms
from preflight.engine.dead_child import Obituary, obituaries, report_deaths
from preflight.engine.lines import errored
from preflight.engine.state import RunState
from preflight.engine.watchdog import Watchdog

LIVES = int(os.environ.get("PREFLIGHT_MODEL", "0"))
MOST_RUNS = 6

any_of = st.integers(0, 999)
often = st.sampled_from((True, True, True, False))
steps = st.integers(1, 4)
said = st.sampled_from(("passed", "passed", "passed", "failed", "error", "skipped"))
worker = st.sampled_from(("w1", "w2"))
runs = st.fixed_dictionaries(
    {
        "kinds": kinds,
        "mode": st.sampled_from(("full", "full", "light")),
        "policy": st.sampled_from(("check", "tier", "never")),
        "fresh": st.booleans(),
    }
)


class RunLife(RuleBasedStateMachine):
    """Several runs at once, their messages, workers, watchdogs, callers and recorders, step by step in any order."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.url, f"m{secrets.token_hex(6)}")
        self.dreams: list[tuple[object, dict[str, str]]] = []

    def teardown(self) -> None:
        try:
            self.world.drain()
        finally:
            self.world.close()

    # Callers

    @initialize(opened=st.lists(runs, min_size=1, max_size=3))
    def begin(self, opened):
        """Open the first runs."""
        for run in opened:
            self._open(run)

    @precondition(lambda self: len(self.world.seen) < MOST_RUNS)
    @rule(run=runs, aborted=st.sampled_from((False, False, False, True)))
    def open(self, run, aborted):
        """Open a run; or give it up first, and open it all the same."""
        self._open(run, aborted=aborted)

    @rule(which=any_of, does=st.sampled_from(("opens again", "opens again", "opens again", "gives up")))
    def caller_does(self, which, does):
        """Ask again for an opening whose reply was lost; or tell a caller NO-GO."""
        run_id = self._run(which)
        if does == "opens again":
            assert self.world.open(run_id, self.world.seen[run_id].plan)
            return
        ended = self.world.state(run_id).ended
        assert self.world.runs.abort(run_id, "workers", errored("given up")) is not ended

    @rule(which=any_of, enabled=st.booleans())
    def operator_changes(self, which, enabled):
        """Disable a check of a run that may be under way, or enable it again."""
        checks = self.world.seen[self._run(which)].plan.checks
        self.world.operate(checks[which % len(checks)].name, enabled=enabled)

    # Messages and workers

    @precondition(lambda self: self.world.messages())
    @rule(which=any_of, by=worker, twice=st.booleans())
    def deliver(self, which, by, twice):
        """Deliver a message out of order and perhaps twice; the second claim finds nothing."""
        message = self._take(which)
        self.world.deliver(message, by)
        if twice:
            assert not self.world.deliver(message, "w2")

    @precondition(lambda self: self.world.messages())
    @rule(which=any_of, by=worker, says=said, live=steps)
    def work(self, which, by, says, live):
        """Deliver a message and answer at once."""
        if self.world.deliver(self._take(which), by):
            self.world.record(self.world.executions.pop(), says, live)

    @precondition(lambda self: self.world.messages())
    @rule(which=any_of, lost=st.booleans())
    def mislay(self, which, lost):
        """Lose a message, or have it there twice."""
        messages = self.world.messages()
        queue, message = messages[which % len(messages)]
        if lost:
            self.world.lose(queue, message)
        else:
            self.world.client.lpush(queue, message)

    @precondition(lambda self: self.world.executions)
    @rule(which=any_of, says=said, live=steps, again=st.booleans())
    def answer(self, which, says, live, again):
        """Answer as a worker does, in time or late; it may be killed before it wakes others, or answer again."""
        execution = self.world.executions[which % len(self.world.executions)]
        if not again:
            self.world.executions.remove(execution)
        self.world.record(execution, says, live)

    @precondition(lambda self: self.world.executions)
    @rule(which=any_of, timeout=st.booleans(), live=steps)
    def process_dies(self, which, timeout, live):
        """Report, as the pool does, the death of a process that ran, or runs, a check."""
        execution = self.world.executions[which % len(self.world.executions)]
        obituaries.put(Obituary(execution.run_id, execution.name, timeout=timeout))
        with contextlib.suppress(Killed):
            report_deaths(self.world.mortal(live))

    # Time and watchdogs

    @rule(what=st.sampled_from(("w1 lives", "w2 lives", "w1 dies", "w2 dies", "leases end", "kept answers go")))
    def turn(self, what):
        """Begin or stop a heartbeat; forget a holder that was silent too long, or answers that are too old."""
        if what.endswith("lives"):
            self.world.bench.worker_lives(what[:2])
        elif what.endswith("dies"):
            workers.retire(self.world.runs, what[:2])
        else:
            self.world.delete("lease" if what == "leases end" else "cache")

    @precondition(lambda self: self.world.open_runs())
    @rule(which=any_of, ms=st.sampled_from((0, 200, 1500, 6000, 60_000)), live=steps)
    def time_passes(self, which, ms, live):
        """Let more time have gone by for one run, and its caller find it over, who may be killed over it."""
        run_id = self._open_run(which)
        self.world.bench.later(run_id, ms)
        runs = self.world.mortal(live)
        with contextlib.suppress(Killed):
            Watchdog(runs, "caller").end(RunState(run_id, runs.fields(run_id)))

    @rule(which=any_of, ms=st.sampled_from((0, 1500, 6000)), holder=st.sampled_from(("first", "second")), live=steps)
    def watchdog_looks(self, which, ms, holder, live):
        """Let one of two watchdogs look after a while, if it has the lease; it may be killed over it."""
        run_id = self._run(which)
        if self.world.seen[run_id].end is None:
            self.world.bench.later(run_id, ms)
        with contextlib.suppress(Killed):
            Watchdog(self.world.mortal(live), holder).look()

    @precondition(lambda self: self.world.open_runs())
    @rule(which=any_of, over=often, wakes=often, says=said)
    def sleep(self, which, over, wakes, says):
        """Read a run as a watchdog does whose process then stops, and goes on when others have done their part."""
        run_id = self._open_run(which)
        if over:
            self.world.bench.later(run_id, 60_000)
        self.dreams.append((run_id, self.world.runs.fields(run_id)))
        self.world.work_off(says)
        if wakes:
            self._wake(-1)

    @precondition(lambda self: self.dreams)
    @rule(which=any_of)
    def wake(self, which):
        """Go on with what was read long ago."""
        self._wake(which)

    # Recorders

    @rule(holder=st.sampled_from(("first", "second")), killed=st.booleans())
    def recorder_flushes(self, holder, killed):
        """Let one of two recorders store what has ended; it may be killed before it forgets."""
        self.world.flush(holder, killed=killed)

    @invariant()
    def everything_holds(self):
        """See `World.look`."""
        self.world.look()

    # How

    def _open(self, run, *, aborted=False):
        run_id = new_run_id()
        if aborted:
            assert self.world.runs.abort(run_id, "broker", errored("too late"))
        assert self.world.open(run_id, self.world.planned(**run)) is not aborted

    def _run(self, which):
        return list(self.world.seen)[which % len(self.world.seen)]

    def _open_run(self, which):
        return self.world.open_runs()[which % len(self.world.open_runs())]

    def _take(self, which):
        messages = self.world.messages()
        queue, message = messages[which % len(messages)]
        self.world.lose(queue, message)
        return message

    def _around(self):
        dog = Watchdog(self.world.runs, "reader")
        return dog.surroundings(now_ms(self.world.client))

    def _wake(self, which):
        run_id, dream = self.dreams.pop(which % len(self.dreams))
        Watchdog(self.world.runs, "asleep").mend([RunState(run_id, dream)], self._around())


@pytest.mark.timeout(0)
def test_whatever_comes_every_run_has_one_end_one_report_and_one_status_per_check(redis_url):
    """Lost, late, doubled and reordered messages, dying workers, watchdogs and recorders, callers who give up."""
    life = type("Life", (RunLife,), {"url": redis_url})
    chosen = settings(
        max_examples=LIVES or 120,
        stateful_step_count=40,
        derandomize=not LIVES,
        deadline=None,
        database=None,
        print_blob=True,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(life, settings=chosen)
