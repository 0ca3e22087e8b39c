"""A caller's steps on the I/O thread: a queue of them is served to its end, and a step that hangs holds nobody."""

from __future__ import annotations

import asyncio
import threading

import pytest

from preflight.engine import io_thread
from preflight.engine.caller import Caller
from preflight.engine.io_thread import IoThread
from preflight.exceptions import BrokerUnavailable
from preflight.settings import load

#: A step takes this long on the test's clock, and a caller's patience is a little more than two of them.
STEP, QUIET = 0.004, 0.01


class Clock:
    """A clock that only steps move, each of them when somebody who waits has looked at it since."""

    def __init__(self):
        self._looks, self._now, self._over = 0, 0.0, False
        self._looked = threading.Condition()

    def monotonic(self):
        with self._looked:
            self._looks += 1
            self._looked.notify_all()
            return self._now

    def step(self):
        with self._looked:
            self._now += STEP
            wanted = self._looks + 2
            assert self._looked.wait_for(lambda: self._over or self._looks >= wanted, 30)

    def stop(self):
        with self._looked:
            self._over = True
            self._looked.notify_all()


@pytest.fixture
def clock(monkeypatch):
    """Return the clock that callers' patience goes by."""
    made = Clock()
    monkeypatch.setattr(io_thread, "time", made)
    yield made
    made.stop()


@pytest.fixture
def thread():
    """Return an I/O thread, ended afterwards."""
    made = IoThread("test-io")
    yield made
    made.close()


@pytest.fixture
def gate():
    """Return what a hanging step waits for, opened afterwards."""
    made = threading.Event()
    yield made
    made.set()


def test_a_callers_step_that_does_not_come_back_is_given_up(gate):
    """A dead name server holds the I/O thread and never the caller."""
    caller = Caller(load({"redis_url": "redis://127.0.0.1:1/0"}))
    try:
        with pytest.raises(BrokerUnavailable, match="does not answer"):
            caller.call(lambda: gate.wait(5), seconds=0.05)
        with pytest.raises(BrokerUnavailable, match="does not answer"):
            asyncio.run(caller.acall(lambda: gate.wait(5), seconds=0.05))
    finally:
        gate.set()
        caller.close()


def test_a_long_queue_is_served_to_its_end(clock, thread):
    """Five hundred runs that start at once wait for each other: Redis is at no fault while it answers them."""
    steps = 10

    async def crowd():
        return await asyncio.gather(*(thread.atake(clock.step, QUIET, 60) for _ in range(steps)))

    assert len(asyncio.run(crowd())) == steps
    ahead = [thread.submit(clock.step) for _ in range(steps)]
    assert thread.take(lambda: "served", QUIET, 60) == "served"
    assert all(step.done() for step in ahead)


def test_steps_that_fail_are_no_sign_of_life(clock, thread):
    """A Redis that resets every connection does not feed the patience of those who wait behind."""

    def reset():
        clock.step()
        raise ConnectionResetError

    ahead = [thread.submit(reset) for _ in range(10)]
    with pytest.raises(TimeoutError):
        thread.take(lambda: None, QUIET, 60)
    assert not ahead[-1].done()


def test_a_queue_holds_nobody_past_his_own_time(clock, thread):
    """A run's deadline is kept, served queue or not."""
    ahead = [thread.submit(clock.step) for _ in range(10)]
    with pytest.raises(TimeoutError):
        thread.take(lambda: None, 10 * QUIET, QUIET)
    assert not ahead[-1].done()


def test_a_step_that_is_given_up_is_forgotten(thread, gate):
    """Else those that nobody waits for any more would hold up the others."""
    asked = []
    thread.submit(lambda: gate.wait(60))
    with pytest.raises(TimeoutError):
        thread.take(lambda: asked.append("sync"), 0.05, 60)
    with pytest.raises(TimeoutError):
        asyncio.run(thread.atake(lambda: asked.append("async"), 0.05, 60))
    gate.set()
    thread.take(lambda: None, 60, 60)
    assert asked == []


def test_a_timeout_of_the_step_itself_is_told_as_it_is(thread):
    """And not waited out."""

    def late():
        raise TimeoutError("the step's own")

    with pytest.raises(TimeoutError, match="own"):
        thread.take(late, 60, 60)
    with pytest.raises(TimeoutError, match="own"):
        asyncio.run(thread.atake(late, 60, 60))
