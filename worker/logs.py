"""Log lines of workers and beat: one line each, for people or as JSON."""

from __future__ import annotations

import json
import logging
import logging.handlers
import sys
from datetime import UTC, datetime
from typing import Any

from preflight.redaction import redact
from preflight.settings import settings

#: Libraries that tell every call at INFO or DEBUG, with addresses whose path and query may be secret.
TALKATIVE = ("alembic", "httpcore", "httpx", "websockets")


class ConsoleFormatter(logging.Formatter):
    """Time, level, logger and message. Text from outside cannot forge a line: newlines are escaped."""

    def __init__(self) -> None:
        super().__init__("[%(asctime)s: %(levelname)s/%(processName)s] %(name)s: %(message)s")

    def formatException(self, ei: Any) -> str:  # noqa: N802  # logging's name
        """Return the traceback, secrets masked."""
        return redact(super().formatException(ei)).replace("\n", "\\n")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        """Return the message, secrets masked, on one line."""
        line = super().formatMessage(record)
        return redact(line).replace("\r", "\\r").replace("\n", "\\n")


class JsonFormatter(logging.Formatter):
    """One JSON object per line; what a run's line says are fields of their own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object as text, secrets masked."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
            **{"said" if name == "message" else name: value for name, value in getattr(record, "fields", {}).items()},
        }
        if record.exc_info:
            line["exception"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, default=str)


def configure(loglevel: int | str | None = None, logfile: str | None = None, **_: Any) -> None:
    """Set the root logger up as `PREFLIGHT_LOG_FORMAT` says; Celery calls this instead of its own set-up."""
    handler = logging.handlers.WatchedFileHandler(logfile) if logfile else logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if settings().log_format == "json" else ConsoleFormatter())
    logging.basicConfig(level=loglevel or logging.INFO, handlers=[handler], force=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
