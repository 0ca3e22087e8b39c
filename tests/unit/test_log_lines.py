"""What workers write to their logs."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import pytest

from worker.logs import ConsoleFormatter, JsonFormatter

SECRET = "redis://user:hunter2secret@host"


def record(message, **extra):
    made = logging.LogRecord("preflight.reports", logging.WARNING, __file__, 1, "%s", (message,), None)
    made.__dict__.update(extra)
    return made


@pytest.fixture(params=[ConsoleFormatter, JsonFormatter], ids=["console", "json"])
def formatter(request):
    return request.param()


def test_a_line_cannot_be_forged(formatter):
    """Text from outside stays on its line."""
    line = formatter.format(record("harmless\n[2026-01-01: ERROR] forged\r\nsecond"))

    assert "\n" not in line
    assert "\r" not in line
    assert "forged" in line


def test_a_line_holds_no_secret(formatter):
    """Passwords in URLs are masked."""
    line = formatter.format(record(f"cannot reach {SECRET}"))

    assert "hunter2secret" not in line
    assert "host" in line


def test_a_traceback_holds_no_secret(formatter):
    """Nor are they in what an exception says."""
    try:
        raise ValueError(SECRET)
    except ValueError:
        made = record("failed")
        made.exc_info = sys.exc_info()

    assert "hunter2secret" not in formatter.format(made)


def test_json_lines_carry_their_fields():
    """A run's line can be searched by run id without parsing text."""
    fields = {"run": "r1", "check": "redis", "message": "away"}
    line = json.loads(JsonFormatter().format(record("text", fields=fields)))

    assert (line["run"], line["check"], line["said"], line["level"]) == ("r1", "redis", "away", "warning")


def test_this_file_is_not_in_a_line():
    """Console lines show time, level, logger and message, not source paths."""
    assert Path(__file__).name not in ConsoleFormatter().format(record("text"))
