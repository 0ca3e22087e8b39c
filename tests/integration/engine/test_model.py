"""A run's life as a model: whatever comes in whatever order, every run has one end, one report, one status per check.

`PREFLIGHT_MODEL` is the number of random lives (each is new every time then); without it they are the same ones.
"""

from __future__ import annotations

import contextlib
import os
import secrets

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from integration.engine.world import Execution, Killed, World, kinds

from preflight.engine import workers
from preflight.engine.caller import new_run_id
from preflight.engine.dead_child import Obituary, obituaries, report_deaths
from preflight.engine.lines import errored
from preflight.engine.runs import Runs
from preflight.engine.watchdog import Watchdog

LIVES = int(os.environ.get("PREFLIGHT_MODEL", "0"))
MOST_RUNS = 6
WORKERS = ("w1", "w2")

any_of = st.integers(0, 999)
steps = st.integers(1, 4)
said = st.sampled_from(("passed", "passed", "passed", "failed", "error", "skipped"))
worker = st.sampled_from(WORKERS)


class RunLife(RuleBasedStateMachine):
    """Several runs at once, their messages, workers, watchdogs, callers and recorders, step by step in any order."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.url, f"m{secrets.token_hex(6)}")
        self.dreams: list[tuple[object, dict[str, str]]] = []

    def teardown(self) -> None:
        try:
            self._drain()
        finally:
            self.world.close()

    # Callers

    @precondition(lambda self: len(self.world.seen) < MOST_RUNS)
    @rule(
        kinds=kinds,
        mode=st.sampled_from(("full", "full", "light")),
        policy=st.sampled_from(("check", "tier", "never")),
        fresh=st.booleans(),
        aborted=st.sampled_from((False, False, False, True)),
    )
    def open(self, kinds, mode, policy, fresh, aborted):
        """Open a run; or give it up first, and open it all the same."""
        run_id = new_run_id()
        if aborted:
            assert self.world.runs.abort(run_id, "broker", errored("too late"))
        made = self.world.planned(kinds, mode=mode, policy=policy, fresh=fresh)
        assert self.world.open(run_id, made) is not aborted

    @precondition(lambda self: self.world.seen)
    @rule(which=any_of)
    def open_again(self, which):
        """The reply of an opening was lost."""
        run_id = self._run(which)
        assert self.world.open(run_id, self.world.seen[run_id].plan)

    @precondition(lambda self: self.world.seen)
    @rule(which=any_of, name=st.sampled_from(("broker", "workers")))
    def abort(self, which, name):
        """A caller was told NO-GO."""
        run_id = self._run(which)
        ended = self.world.state(run_id).ended
        assert self.world.runs.abort(run_id, name, errored("given up")) is not ended

    @precondition(lambda self: self.world.seen)
    @rule(which=any_of, live=steps)
    def caller_looks(self, which, live):
        """A caller mends its own run, and may be killed over it."""
        self._watch("caller", live, lambda dog: dog.mend(self._run(which), self._around()))

    # Messages and workers

    @precondition(lambda self: self.world.messages())
    @rule(which=any_of, by=worker, twice=st.booleans())
    def deliver(self, which, by, twice):
        """A message arrives, out of order and perhaps twice; the second claim finds nothing."""
        messages = self.world.messages()
        queue, message = messages[which % len(messages)]
        self.world.lose(queue, message)
        self.world.deliver(message, by)
        if twice:
            assert not self.world.deliver(message, "w2")

    @precondition(lambda self: self.world.messages())
    @rule(which=any_of)
    def lose(self, which):
        """A message is lost."""
        messages = self.world.messages()
        self.world.lose(*messages[which % len(messages)])

    @precondition(lambda self: self.world.messages())
    @rule(which=any_of)
    def duplicate(self, which):
        """A message is there twice."""
        messages = self.world.messages()
        self.world.client.lpush(*messages[which % len(messages)])

    @precondition(lambda self: self.world.executions)
    @rule(which=any_of, says=said, live=steps, again=st.booleans())
    def record(self, which, says, live, again):
        """A worker answers, in time or late; it may be killed before it wakes others, or answer a second time."""
        execution = self.world.executions[which % len(self.world.executions)]
        if not again:
            self.world.executions.remove(execution)
        self._record(self.world.mortal(live), execution, self.world.answer(says))

    @rule(name=worker, lives=st.booleans())
    def worker_comes_or_dies(self, name, lives):
        """A heartbeat begins or stops."""
        if lives:
            self.world.bench.worker_lives(name)
        else:
            workers.retire(self.world.runs, name)

    @precondition(lambda self: self.world.executions)
    @rule(which=any_of, timeout=st.booleans(), live=steps)
    def process_dies(self, which, timeout, live):
        """The pool reports the death of a process that ran, or runs, a check."""
        execution = self.world.executions[which % len(self.world.executions)]
        obituaries.put(Obituary(execution.run_id, execution.name, timeout=timeout))
        with contextlib.suppress(Killed):
            report_deaths(self.world.mortal(live))

    # Time and watchdogs

    @precondition(lambda self: self.world.open_runs())
    @rule(which=any_of, ms=st.sampled_from((200, 1500, 6000, 6000, 60_000)))
    def time_passes(self, which, ms):
        """For one run more time has gone by."""
        runs = self.world.open_runs()
        self.world.bench.later(runs[which % len(runs)], ms)

    @rule(holder=st.sampled_from(("first", "second")), live=steps)
    def watchdog_looks(self, holder, live):
        """One of two watchdogs looks, if it has the lease, and may be killed over it."""
        self._watch(holder, live, Watchdog.look)

    @rule(lease=st.sampled_from(("lease:watchdog", "lease:recorder")))
    def lease_ends(self, lease):
        """A holder was silent for too long."""
        self.world.client.delete(self.world.keys[lease])

    @precondition(lambda self: self.world.seen)
    @rule(which=any_of)
    def watchdog_falls_asleep(self, which):
        """A watchdog or a caller has read a run's state, and its process stops."""
        run_id = self._run(which)
        self.dreams.append((run_id, self.world.runs.fields(run_id)))

    @precondition(lambda self: self.dreams)
    @rule(which=any_of, live=steps)
    def watchdog_wakes(self, which, live):
        """It goes on with what it had read."""
        run_id, dream = self.dreams.pop(which % len(self.dreams))
        Watchdog(self.world.asleep(dream), "asleep").mend(run_id, self._around())

    @rule()
    def kept_answers_grow_old(self):
        """What was kept has lived its time."""
        for key in self.world.client.keys(f"{self.world.keys['cache']}:*"):
            self.world.client.delete(key)

    # Recorders

    @rule(holder=st.sampled_from(("first", "second")), killed=st.booleans())
    def recorder_flushes(self, holder, killed):
        """One of two recorders stores what has ended, and may be killed before it forgets."""
        self._flush(holder, killed=killed)

    @invariant()
    def everything_holds(self):
        """See `World.look`."""
        self.world.look()

    # How

    def _run(self, which):
        return list(self.world.seen)[which % len(self.world.seen)]

    def _around(self):
        dog = Watchdog(self.world.runs, "reader")
        seconds, micros = self.world.client.time()
        return dog.surroundings(seconds * 1000 + micros // 1000)

    def _watch(self, holder, live, act):
        with contextlib.suppress(Killed):
            act(Watchdog(self.world.mortal(live), holder))

    def _record(self, runs: Runs, execution: Execution, answer):
        with contextlib.suppress(Killed):
            runs.record(execution.run_id, execution.name, answer, execution.severity)

    def _flush(self, holder, *, killed):
        world = self.world
        found = world.runs.outbox(holder, 2000)
        for state in map(world.bench.state, found):
            world.stored.setdefault(state.id, state.report().to_json())
        if found and not killed:
            world.runs.recorded(found, 60_000)
            world.forgotten |= {state.id for state in map(world.bench.state, found)}

    def _drain(self):
        """Let everything go well from here: deliver, answer, look; then let time run out; then store."""
        world = self.world
        world.bench.worker_lives("w1")
        for _ in range(MOST_RUNS):
            for queue, message in world.messages():
                world.lose(queue, message)
                world.deliver(message, "w1")
            while world.executions:
                self._record(world.runs, world.executions.pop(), world.answer("passed"))
            self._look_after(1500)
        for _ in range(2):
            self._look_after(120_000)
        world.client.delete(world.keys["lease:recorder"])
        while world.runs.outbox("last", 2000):
            self._flush("last", killed=False)
        world.look()
        world.assert_all_recorded()

    def _look_after(self, ms):
        self.world.client.delete(self.world.keys["lease:watchdog"])
        for run_id in self.world.open_runs():
            self.world.bench.later(run_id, ms)
        Watchdog(self.world.runs, "last").look()
        self.world.look()


@pytest.mark.timeout(0)
def test_whatever_comes_every_run_has_one_end_one_report_and_one_status_per_check(redis_url):
    """Lost, late, doubled and reordered messages, dying workers, watchdogs and recorders, callers who give up."""
    life = type("Life", (RunLife,), {"url": redis_url})
    chosen = settings(
        max_examples=LIVES or 60,
        stateful_step_count=40,
        derandomize=not LIVES,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(life, settings=chosen)
