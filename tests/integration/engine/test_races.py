"""Who ends a run? Two and three at once, in real threads, again and again: always exactly one.

`PREFLIGHT_RACES` is the number of races in all; `make faults` runs 10,000.
"""

from __future__ import annotations

import concurrent.futures
import os
import threading

import pytest
from integration.engine.conftest import FAILED, PASSED

from preflight.engine.lines import errored
from preflight.engine.runs import Runs
from preflight.engine.watchdog import Watchdog, expired

RACES = int(os.environ.get("PREFLIGHT_RACES", "900"))
LINE_UPS = [
    ("last_answer", "caller"),
    ("last_answer", "watchdog"),
    ("last_answer", "giving_up"),
    ("caller", "watchdog"),
    ("last_answer", "last_answer"),
    ("last_answer", "caller", "watchdog"),
    ("last_answer", "caller", "giving_up"),
    ("caller", "watchdog", "giving_up"),
]


class Finishers:
    """Everything that can end a run. Each returns True when it was the one."""

    def __init__(self, bench) -> None:
        self.bench = bench

    def last_answer(self, run_id, turn):
        """Answer, as a worker, the check that is asked; every other time with no."""
        return self.bench.runs.record(run_id, "a", PASSED if turn % 2 else FAILED, "blocking")

    def caller(self, run_id, turn):
        """Say, as the caller, that the time is over."""
        return self.bench.runs.expire(run_id, expired(self.bench.state(run_id)), over=True)

    def watchdog(self, run_id, turn):
        """Look, as the watchdog."""
        witness = Witness(self.bench.client, self.bench.keys, self.bench.runs.dispatch)
        Watchdog(witness, "watchdog").look()
        return witness.won

    def giving_up(self, run_id, turn):
        """Give up, as a caller without any worker."""
        return self.bench.runs.abort(run_id, "workers", errored("nobody"))


class Witness(Runs):
    """Remembers whether it ended the run."""

    won = False

    def expire_all(self, overdue):
        ended = super().expire_all(overdue)
        self.won = any(ended)
        return ended


@pytest.fixture
def threads():
    with concurrent.futures.ThreadPoolExecutor(3) as made:
        yield made


def race(bench, threads, line_up, turn, checks):
    """Let all of them end one run at the same moment; return the run's id and how many did it."""
    run_id = bench.open(checks, timeout=10, inbox=bench.keys[f"inbox:{turn}"])
    bench.claim(run_id, "a")
    bench.later(run_id, 10_001)
    start, finishers = threading.Barrier(len(line_up)), Finishers(bench)

    def go(who):
        start.wait(30)
        return getattr(finishers, who)(run_id, turn)

    return run_id, sum(map(bool, threads.map(go, line_up)))


def ends(bench, run_id, turn):
    """Return how often the run ended: its callers' wake-ups and its places in the outbox."""
    return bench.client.lrange(bench.keys[f"inbox:{turn}"], 0, -1), bench.outbox().count(str(run_id))


@pytest.mark.timeout(0)
@pytest.mark.parametrize("line_up", LINE_UPS, ids="-".join)
def test_one_of_all_ends_the_run(bench, threads, line_up):
    """One winner, one wake-up, one place in the outbox, and a report that stays as it is."""
    for turn in range(max(1, RACES // len(LINE_UPS))):
        run_id, winners = race(bench, threads, line_up, turn, {"a": 0})
        state = bench.state(run_id)

        assert winners == 1
        assert ends(bench, run_id, turn) == ([str(run_id)], 1)
        assert state.report().success is (state.answer("a") == PASSED)
        bench.runs.recorded([str(run_id)], 1000)


@pytest.mark.timeout(0)
def test_an_answer_that_opens_a_tier_while_the_time_ends_makes_no_go(bench, threads):
    """The next tier was opened between the caller's look and its word: unasked, it is never GO."""
    line_up = ("last_answer", "caller", "watchdog")
    for turn in range(max(1, RACES // len(LINE_UPS))):
        run_id, _ = race(bench, threads, line_up, 2 * turn + 1, {"a": 0, "b": 5})

        assert ends(bench, run_id, 2 * turn + 1) == ([str(run_id)], 1)
        assert not bench.state(run_id).report().success
        bench.runs.recorded([str(run_id)], 1000)
