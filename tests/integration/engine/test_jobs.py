"""Beat's jobs: one at a time, not again before they are due, and a heartbeat only when they were done."""

from __future__ import annotations

import contextlib
import threading

import pytest

from preflight.beat_jobs import TICK, Job
from preflight.engine import jobs
from preflight.engine.connection import now_ms
from preflight.engine.jobs import turn

DAILY = Job("purge", 3600, 80_000, 60)
ANY_TIME = Job("sweep", 60, 0, 60)


def last(bench, job):
    """Return when a job was done last, in ms."""
    return bench.client.hget(bench.keys["beat"], job.name)


def test_a_job_that_was_done_is_not_due_again(bench):
    """Two beats send it: the second turn is nobody's, and the heartbeat is the first one's."""
    with turn(bench.runs, DAILY) as mine:
        assert mine
    noted = last(bench, DAILY)
    with turn(bench.runs, DAILY) as mine:
        assert not mine

    assert last(bench, DAILY) == noted
    assert 0 <= now_ms(bench.client) - int(noted) < 60_000


def test_a_job_is_due_again_after_its_time(bench):
    """By Redis' clock; a heartbeat of the future, of a clock that was set back, counts as none."""
    for at in (now_ms(bench.client) - 80_001_000, now_ms(bench.client) + 10**9):
        bench.client.hset(bench.keys["beat"], DAILY.name, at)
        with turn(bench.runs, DAILY) as mine:
            assert mine


def test_one_at_a_time(bench):
    """Whoever comes while another is at it goes away."""
    with turn(bench.runs, ANY_TIME) as first, turn(bench.runs, ANY_TIME) as second:
        assert (first, second) == (True, False)
    with turn(bench.runs, ANY_TIME) as again:
        assert again


def test_of_many_at_once_one_has_the_turn(bench):
    """Eight threads begin together."""
    turns, barrier, over = [], threading.Barrier(8), threading.Event()

    def begin():
        barrier.wait()
        with turn(bench.runs, DAILY) as mine:
            turns.append(mine)
            if len(turns) == 8:
                over.set()
            over.wait(30)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(turns) == [False] * 7 + [True]


def test_a_job_that_failed_is_due_at_once_and_has_no_heartbeat(bench):
    """The next message does it."""
    with contextlib.suppress(RuntimeError), turn(bench.runs, DAILY):
        raise RuntimeError
    assert last(bench, DAILY) is None

    with turn(bench.runs, DAILY) as mine:
        assert mine


def test_who_was_killed_keeps_others_away_for_its_lease_only(bench):
    """The lease has a time to live; who comes back late takes no other's lease away."""
    late = turn(bench.runs, ANY_TIME)
    late.__enter__()
    lease = bench.keys[f"lease:job:{ANY_TIME.name}"]
    assert 0 < bench.client.pttl(lease) <= 60_000
    bench.client.delete(lease)

    with turn(bench.runs, ANY_TIME) as mine:
        assert mine
        late.__exit__(None, None, None)
        assert bench.client.exists(lease)


def test_the_tick_of_an_older_version_is_replaced(bench):
    """It was one value; now each job has a field."""
    bench.client.set(bench.keys["beat"], now_ms(bench.client))
    with turn(bench.runs, TICK) as mine:
        assert mine

    assert bench.client.hkeys(bench.keys["beat"]) == ["tick"]


@pytest.mark.parametrize("overdue", [0, 3])
def test_runs_that_nobody_ends_are_counted(bench, overdue):
    """Those that the watchdog has not looked at for ten seconds; a run that is only open is none."""
    for _ in range(overdue):
        bench.later(bench.open({"a": 0}), 60_000)
    bench.open({"a": 0})

    assert jobs.count_unfinished(bench.client, bench.keys) == overdue
