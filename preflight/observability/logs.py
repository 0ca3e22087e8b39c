"""Log lines of workers and beat: one line each, for people or as JSON, with the run that they belong to."""

from __future__ import annotations

import json
import logging
import logging.handlers
import sys
from datetime import UTC, datetime
from typing import Any

from preflight import asked
from preflight.redaction import redact, redact_values
from preflight.settings import settings

#: Libraries that tell every call at INFO or DEBUG, with addresses whose path and query may be secret.
TALKATIVE = ("alembic", "httpcore", "httpx", "websockets")
#: Celery's loggers that tell every message at INFO: seven lines for a run of seven checks, beside its own one.
PER_MESSAGE = ("celery.app.trace", "celery.worker.strategy")
_PLAIN = logging.Formatter()


class RunFilter(logging.Filter):
    """Gives every record `run` and `check`: what is being asked where the line is written, else empty.

    Handlers of an application's own logging configuration may use it too.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        now = asked.current()
        record.run, record.check = (now.run, now.check) if now else ("", "")
        return True


class ConsoleFormatter(logging.Formatter):
    """Time, level, logger and message. Text from outside cannot forge a line or hide one: it is escaped."""

    def __init__(self) -> None:
        super().__init__("[%(asctime)s: %(levelname)s/%(processName)s] %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the record on one line: message, run, exception; secrets masked."""
        record.message = said(record)
        record.asctime = self.formatTime(record)
        # The run after what is masked: a secret may reach to the end of its line.
        run = "".join(f" {name}={value}" for name, value in about(record).items())
        rest = "".join(f"\n{redact(text)}" for text in more(record))
        return visible(redact(self.formatMessage(record)) + run + rest)


class JsonFormatter(logging.Formatter):
    """One JSON object per line; what a run's line says are fields of their own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object as ASCII, secrets masked."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(said(record)),
            **about(record),
            **redact_values(
                {"said" if name == "message" else name: value for name, value in getattr(record, "fields", {}).items()}
            ),
        }
        if rest := more(record):
            line["exception"] = "\n".join(redact(text) for text in rest)
        return json.dumps(line, default=str)


def said(record: logging.LogRecord) -> str:
    """Return a record's message; one whose arguments do not fit it, without them: the line is not lost for that."""
    try:
        return record.getMessage()
    except Exception as error:
        return f"{record.msg} ({type(error).__name__}: its arguments do not fit)"


def about(record: logging.LogRecord) -> dict[str, str]:
    """Return run and check of a record written while a check is asked. A run's own lines have them as fields."""
    named = {name: getattr(record, name, "") for name in ("run", "check")}
    return {} if hasattr(record, "fields") else {name: value for name, value in named.items() if value}


def more(record: logging.LogRecord) -> list[str]:
    """Return what follows a record's message: its traceback and its stack."""
    texts = [_PLAIN.formatException(record.exc_info) if record.exc_info else "", record.stack_info or ""]
    return [text for text in texts if text]


def visible(text: str) -> str:
    """Return text with every character escaped that moves a cursor, ends a line or turns the writing direction."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


class _Quietly:
    """Of a handler: a line that cannot be written (the disk is full) is said once, and is nobody's exception."""

    _failed = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        """Say it the first time. Not as `logging` does: its words hold the message's arguments."""
        if self._failed:
            return
        self._failed = True
        error = sys.exc_info()[1]
        try:
            sys.stderr.write(f"preflight: log lines are lost: {redact(f'{type(error).__name__}: {error}')}\n")
        except (OSError, ValueError, AttributeError):
            """There is nobody left to tell."""


class FileHandler(_Quietly, logging.handlers.WatchedFileHandler):
    """Appends lines to a file, and follows it when it is rotated."""


class StreamHandler(_Quietly, logging.StreamHandler):  # type: ignore[type-arg]  # of what it writes to, whatever that is
    """Writes lines to standard error."""


def handler(log_format: str, logfile: str | None = None) -> logging.Handler:
    """Return the handler for a format, "console" or "json", that writes to a file or to standard error."""
    made: logging.Handler = FileHandler(logfile) if logfile else StreamHandler(sys.stderr)
    made.setFormatter(JsonFormatter() if log_format == "json" else ConsoleFormatter())
    made.addFilter(RunFilter())
    return made


def configure(loglevel: int | str | None = None, logfile: str | None = None, **_: Any) -> None:
    """Set the root logger up as `PREFLIGHT_LOG_FORMAT` says; Celery calls this instead of its own set-up."""
    made = handler(settings().log_format, logfile)
    logging.basicConfig(level=loglevel or logging.INFO, handlers=[made], force=True)
    for name in (*TALKATIVE, *PER_MESSAGE):
        logging.getLogger(name).setLevel(logging.WARNING)
