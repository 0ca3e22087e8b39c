"""The fence round a check: nothing gets past it, and nobody waits for ever."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from preflight import CheckResult
from preflight.context import CheckContext
from preflight.declaration import FunctionCheck
from preflight.engine.execution import fenced


def asked(function, timeout=5.0):
    """Return the answer of a check made of a function, behind the fence."""
    check = FunctionCheck(name="a", priority=0, function=function)
    return fenced(check, CheckContext(mode="full", event_type="test_event"), timeout)


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, MemoryError, GeneratorExit, ValueError])
def test_whatever_a_check_raises_is_its_answer(kind):
    """sys.exit would leave the run waiting for an answer that never comes."""

    def leave(_):
        raise kind("enough")

    assert asked(leave)["message"] == f"{kind.__name__}: enough"


def test_a_check_that_changed_directory_is_brought_back(tmp_path):
    """The next check of the process is where the process was."""
    before = Path.cwd()

    def move(_):
        import os

        os.chdir(tmp_path)
        return CheckResult.passed()

    assert asked(move)["status"] == "passed"
    assert Path.cwd() == before


def test_a_check_that_outlives_its_time_has_timed_out():
    """In words that a person reads, even when the check catches every exception."""

    def stubborn(_):
        try:
            threading.Event().wait(5)
        except Exception:
            return CheckResult.failed("caught")
        return CheckResult.passed()

    assert asked(stubborn, timeout=0.05)["message"] == "timed out after 0.05 s"
