"""An exception as the command line tells it: one line, and the exit code that belongs to it."""

from __future__ import annotations

import errno

import click

from preflight.cli.text import plain
from preflight.exceptions import (
    InvalidChange,
    InvalidCheck,
    InvalidRun,
    InvalidSettings,
    PreFlightError,
    PreFlightFailed,
)
from preflight.redaction import redact

_MAX_LINE = 1000


def exit_code(error: Exception) -> int:
    """Return 3 for NO-GO, 2 for wrong arguments or settings, 1 for anything else."""
    if isinstance(error, PreFlightFailed):
        return 3
    if isinstance(error, click.UsageError | InvalidRun | InvalidSettings | InvalidCheck | InvalidChange):
        return 2
    return 1


def line(error: Exception) -> str:
    """Return what is wrong and what to do: one line, no secret, nothing that a terminal would obey."""
    return plain(redact(_text(error)), _MAX_LINE)


def _text(error: Exception) -> str:
    if isinstance(error, click.UsageError):
        return _usage(error)
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, PreFlightError):
        return str(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "The output could not be written: no space left on the device."
    return f"{type(error).__name__}: {error}. This is not expected: add --debug to see where it comes from."


def _usage(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "preflight"
    return f"{error.format_message()} See `{path} --help`."
