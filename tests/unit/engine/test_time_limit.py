"""The first fence: a check's own time."""

from __future__ import annotations

import asyncio
import signal
import threading

import pytest

from preflight.engine.time_limit import TimedOut, call_within


def test_a_quick_answer_comes_back():
    """Sync and async."""

    async def ask():
        return "async"

    assert call_within(5, lambda: "sync") == "sync"
    assert call_within(5, ask) == "async"


def test_a_check_that_waits_is_interrupted():
    """The alarm reaches what blocks in a system call."""
    with pytest.raises(TimedOut):
        call_within(0.05, lambda: threading.Event().wait(60))


def test_a_check_that_computes_is_interrupted():
    """The alarm reaches a busy loop."""

    def spin():
        while True:
            pass

    with pytest.raises(TimedOut):
        call_within(0.05, spin)


def test_a_check_that_catches_exceptions_is_interrupted():
    """`except Exception` does not swallow the end of a check's time."""

    def stubborn():
        try:
            threading.Event().wait(60)
        except Exception:
            return "swallowed"

    with pytest.raises(TimedOut):
        call_within(0.05, stubborn)


def test_an_async_check_is_cancelled():
    """It gets its cancellation before the alarm."""
    cancelled = []

    async def ask():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    with pytest.raises(TimedOut):
        call_within(0.05, ask)
    assert cancelled


def test_an_async_check_that_never_yields_is_interrupted():
    """A busy coroutine cannot be cancelled; the alarm comes a little later."""

    async def ask():
        while True:
            pass

    with pytest.raises(TimedOut):
        call_within(0.05, ask)


def test_the_end_of_the_time_is_told_from_within_a_group_of_tasks():
    """A `TaskGroup` wraps what is raised in its tasks, our alarm too; an error of the check's own stays wrapped."""

    async def ask(question):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(question())

    async def spin():
        while True:
            pass

    async def fail():
        raise ValueError

    with pytest.raises(TimedOut):
        call_within(0.05, lambda: ask(spin))
    with pytest.raises(ExceptionGroup):
        call_within(5, lambda: ask(fail))


def test_a_checks_own_timeout_error_is_its_own():
    """Only our limit means that the time is over."""

    async def ask():
        raise TimeoutError("the peer")

    with pytest.raises(TimeoutError, match="the peer"):
        call_within(5, ask)


def test_the_alarm_is_off_afterwards():
    """Nothing rings after the answer, and the handler of before is back."""
    before = signal.getsignal(signal.SIGALRM)
    call_within(5, lambda: None)

    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_an_async_check_is_limited_in_other_threads_too():
    """The threads pool has no alarm, but cancellation works there."""
    outcome = []

    def work():
        try:
            call_within(0.05, lambda: asyncio.sleep(60))
        except TimedOut:
            outcome.append("timed out")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert outcome == ["timed out"]
