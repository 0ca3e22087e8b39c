"""What workers write to their logs."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import pytest

from preflight.asked import asked
from preflight.observability import logs
from preflight.observability.logs import ConsoleFormatter, JsonFormatter

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


#: Characters with which text could leave its line, hide what stands before it, or turn the direction of writing.
HOSTILE = "\x00\x07\x08\x1b[2J\x7f\x85\u2028\u2029\u202e\u2066\u200f\ufeff"


def test_a_line_holds_no_character_that_a_reader_would_obey(formatter):
    """Control characters and bidirectional marks are shown as escapes; other letters stay readable."""
    line = formatter.format(record(f"before{HOSTILE}after grün 🚀"))

    assert line.isprintable()
    assert "before" in line
    assert "after" in line


def test_a_line_whose_arguments_do_not_fit_is_not_lost(formatter):
    """Code of a check may log whatever it likes: its line comes without the arguments."""
    made = record("x")
    made.msg, made.args = "%d of %s", ("three",)

    assert "%d of %s (" in formatter.format(made)


def test_a_line_whose_argument_cannot_be_shown_is_not_lost(formatter):
    """Nor does an argument that raises end anything."""

    class Unreadable:
        def __str__(self):
            raise RuntimeError(SECRET)

    made = record("x")
    made.msg, made.args = "said %s", (Unreadable(),)

    assert "RuntimeError" in formatter.format(made)
    assert "hunter2secret" not in formatter.format(made)


def test_fields_of_a_json_line_hold_no_secret():
    """What a blocking check said is a field of its own, and masked like the rest."""
    line = JsonFormatter().format(record("text", fields={"message": SECRET, "token": "hunter2secret"}))

    assert "hunter2secret" not in line


def logged(log_format, tmp_path):
    """Log through PreFlight's handler while a check is asked and when none is; return the lines."""
    path = tmp_path / "log"
    handler = logs.handler(log_format, str(path))
    with asked("r1", "stock"):
        handler.handle(record("inside"))
    handler.handle(record("outside"))
    handler.close()
    return path.read_text().splitlines()


def test_a_line_that_a_check_logs_says_which_run_it_belongs_to(tmp_path):
    """Run and check stand at its end, or are fields; other lines have neither."""
    inside, outside = logged("console", tmp_path)
    assert inside.endswith("inside run=r1 check=stock")
    assert outside.endswith("outside")


def test_a_json_line_that_a_check_logs_has_run_and_check(tmp_path):
    """The same fields as the line about its run, so that one search finds both."""
    inside, outside = (json.loads(line) for line in logged("json", tmp_path))
    assert (inside["run"], inside["check"]) == ("r1", "stock")
    assert not {"run", "check"} & outside.keys()


def test_a_full_disk_is_said_once(capsys):
    """Lines that cannot be written are nobody's exception, and do not become a line each somewhere else."""
    partner = Path("/dev/full")
    handler = logs.handler("console", str(partner))
    for _ in range(3):
        handler.handle(record(SECRET))
    with pytest.raises(OSError, match="No space left"):
        handler.stream.close()  # what is left in its buffer
    handler.stream = None
    handler.close()

    said = capsys.readouterr().err
    assert said.count("log lines are lost: OSError") == 1
    assert "hunter2secret" not in said


def test_json_lines_carry_their_fields():
    """A run's line can be searched by run id without parsing text."""
    fields = {"run": "r1", "check": "redis", "message": "away"}
    line = json.loads(JsonFormatter().format(record("text", fields=fields)))

    assert (line["run"], line["check"], line["said"], line["level"]) == ("r1", "redis", "away", "warning")


def test_this_file_is_not_in_a_line():
    """Console lines show time, level, logger and message, not source paths."""
    assert Path(__file__).name not in ConsoleFormatter().format(record("text"))
