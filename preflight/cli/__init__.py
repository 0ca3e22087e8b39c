"""The command line. One place turns an exception into one line on stderr and an exit code."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from typing import TextIO

OK, BROKEN, WRONG, NO_GO, WARNED, INTERRUPTED = 0, 1, 2, 3, 4, 130


def main() -> int:
    """Run the command that the process was started with and return its exit code."""
    code = answer(sys.argv[1:])
    with contextlib.suppress(KeyboardInterrupt):
        import signal

        # Nothing is left to tidy up: Ctrl-C from here on ends the process without a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return code


def answer(words: Sequence[str]) -> int:
    """Run one command and return its exit code: 0, or 3 for NO-GO, 2 for wrong arguments or settings, 1 otherwise.

    4 is a GO with warnings under `--strict`, 130 is Ctrl-C. A reader that closed the pipe ends the command silently
    with 1. Never raises, except with `--debug`, where the traceback is shown.
    """
    try:
        return _finished(_invoke(words))
    except KeyboardInterrupt as stop:
        return _said(str(stop) or "preflight: interrupted.", INTERRUPTED)
    except BrokenPipeError:
        return _reader_left()
    except SystemExit as left:
        # rich ends the process by itself when the reader is gone, click when it has completed a word for a shell.
        return _reader_left() if left.code else OK
    except Exception as error:
        return _failed(error, debug="--debug" in words)


def _invoke(words: Sequence[str]) -> int:
    _tolerate_any_text(sys.stdout, sys.stderr)
    import click

    from preflight.cli.commands import preflight

    if "_PREFLIGHT_COMPLETE" in os.environ:
        preflight.main(prog_name="preflight")
    try:
        with preflight.make_context("preflight", list(words)) as context:
            code = preflight.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        return _said(error.format_message(), WRONG)
    return code if isinstance(code, int) else OK


def _tolerate_any_text(*streams: TextIO | None) -> None:
    """Let a terminal or pipe that cannot show a character show its escape, instead of failing."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _finished(code: int) -> int:
    """Flush while an error can still be told: a full disk or a closed pipe must not look like success."""
    if sys.stdout is not None:
        sys.stdout.flush()
    return code


def _failed(error: Exception, *, debug: bool) -> int:
    """Say what went wrong in one line and return its exit code."""
    from preflight.cli import failures

    if debug:
        import traceback

        from preflight.redaction import redact

        return _said(redact(traceback.format_exc()).rstrip(), failures.exit_code(error))
    if isinstance(error, OSError):
        _abandon(sys.stdout)
    return _said(f"preflight: {failures.line(error)}", failures.exit_code(error))


def _said(text: str, code: int) -> int:
    """Write to stderr, if anybody still reads it, and return the code."""
    try:
        if sys.stderr is not None:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()
    except OSError:
        _abandon(sys.stderr)
    return code


def _reader_left() -> int:
    _abandon(sys.stdout)
    return BROKEN


def _abandon(stream: TextIO | None) -> None:
    """Keep the interpreter from complaining about what it cannot flush at its end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # type: ignore[union-attr]


__all__ = ["answer", "main"]
