"""Exceptions as the command line tells them."""

from __future__ import annotations

import click
import pytest

from preflight.cli import failures
from preflight.cli.failures import exit_code
from preflight.cli.run import exit_code as exit_code_of_run
from preflight.exceptions import (
    BrokerUnavailable,
    InvalidSettings,
    PreFlightFailed,
    StoreUnavailable,
    UnknownCheck,
)


def test_each_kind_of_failure_has_its_exit_code(no_go):
    """3 is NO-GO, 2 what the person typed or set, 1 anything else."""
    assert exit_code(PreFlightFailed(no_go)) == 3
    assert exit_code(click.UsageError("x")) == exit_code(InvalidSettings("x")) == exit_code(UnknownCheck("x", [])) == 2
    assert exit_code(BrokerUnavailable("x")) == exit_code(StoreUnavailable("x")) == exit_code(ValueError("x")) == 1


@pytest.mark.parametrize(
    "error", [StoreUnavailable, InvalidSettings, ValueError, OSError, click.UsageError, click.FileError]
)
def test_a_failure_is_one_line_without_secrets_and_escapes(error):
    """Whatever the exception, its line masks passwords and holds no control character."""
    said = failures.line(error("postgresql://user:hunter2@host/x\nfailed \x1b[31m" + "y" * 5000))

    assert "hunter2" not in said
    assert said.isprintable()
    assert len(said) <= 1000


def test_what_was_not_foreseen_says_how_to_see_more():
    """A defect names its type and the way to its traceback."""
    assert failures.line(ZeroDivisionError("division by zero")) == (
        "ZeroDivisionError: division by zero. This is not expected: add --debug to see where it comes from."
    )


def test_a_runs_exit_code_is_its_verdict(go, no_go, report, line):
    """0 is GO, 3 NO-GO; 4 a GO with remarks under --strict, advisory failures included."""
    clean = report(line("redis", 0, "passed"))

    assert [exit_code_of_run(one, strict=False) for one in (clean, go, no_go)] == [0, 0, 3]
    assert [exit_code_of_run(one, strict=True) for one in (clean, go, no_go)] == [0, 4, 3]


def test_a_light_run_stops_nobody_unless_it_was_not_sent(report, line):
    """Light runs end with 0 whatever their verdict, and with 1 when the broker was away."""
    failed = report(line("redis", 0, "failed"), mode="light")
    unsent = report(line("broker", 0, "error"), mode="light")

    assert exit_code_of_run(failed, strict=True) == 0
    assert exit_code_of_run(unsent, strict=False) == 1
