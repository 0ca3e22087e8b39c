"""What is wrong with the reports' database, in one line that says what to do and holds no secret."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from preflight.redaction import redact, storable, without_secrets_of

_UPGRADE = "Run `preflight db upgrade`."
_CREDENTIALS = "Correct the user and the password in PREFLIGHT_DATABASE_URL."

#: By PostgreSQL's error code, once connected.
_BY_CODE = {
    "23502": ("has tables of another version of PreFlight", _UPGRADE),
    "25006": ("is read-only", "Point PREFLIGHT_DATABASE_URL at the primary server."),
    "28000": ("refuses the user", _CREDENTIALS),
    "28P01": ("refuses the password", _CREDENTIALS),
    "3D000": ("does not exist", "Create the database or correct PREFLIGHT_DATABASE_URL."),
    "40P01": ("gave up on a deadlock", "It is tried again; look for long transactions if it stays."),
    "42501": ("refuses the right to use its tables", "Grant SELECT, INSERT, UPDATE and DELETE on them to the user."),
    "42703": ("has tables of another version of PreFlight", _UPGRADE),
    "42P01": ("has no table preflight_reports", _UPGRADE),
    "53100": ("has a full disk", "Free space on the server's disk, or shorten PREFLIGHT_RETENTION_DAYS."),
    "53300": ("has no connection left", "Raise max_connections or end connections that idle."),
    "55P03": ("has a table that another session keeps locked", "Look for long transactions and try again."),
    "57014": ("took too long to answer", "Look at its load and for sessions that hold locks."),
    "57P01": ("is shutting down", "Start it again."),
    "57P03": ("is starting up or shutting down", "Try again in a moment."),
}

#: Classes of PostgreSQL's error codes that are about what was written: data exceptions, broken constraints, check
#: options of views, limits of a row, and what a trigger raises.
_REFUSING = ("22", "23", "44", "54", "P0")

#: By the text of an error while connecting: libpq gives no code for those.
_BY_TEXT = (
    (r"password authentication failed|no password supplied", _BY_CODE["28P01"]),
    (r'role ".*" does not exist|no pg_hba\.conf entry|is not permitted to log in', _BY_CODE["28000"]),
    (r'database ".*" does not exist', _BY_CODE["3D000"]),
    (r"too many clients|remaining connection slots|too many connections", _BY_CODE["53300"]),
    (r"starting up|shutting down|recovery mode", _BY_CODE["57P03"]),
    (r"connection refused|no such file or directory", ("refuses the connection", "Start it, or correct its address.")),
    (r"could not translate host name", ("has an address that no name server knows", "Correct its host.")),
    (r"timeout expired|timed out", ("does not answer", "Start it, or look for a firewall between it and here.")),
    (r"closed the connection|connection.* closed|reset by peer|eof detected|could not (?:send|receive)|no route to",
     ("broke the connection", "See its log; it is tried again.")),
)  # fmt: skip


def is_refusal(error: Exception) -> bool:
    """Return whether the database works and refuses what it was given: another report may well be taken."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, StatementError)  # a value that cannot even be sent
    code = getattr(error.orig, "pgcode", None) or ""
    return code.startswith(_REFUSING) and code not in _BY_CODE


def is_misdated(error: Exception) -> bool:
    """Return whether there is no partition for a report's id. A broken constraint has the same code, and a name."""
    original: Any = error.orig if isinstance(error, DBAPIError) else None
    if getattr(original, "pgcode", None) != "23514":
        return False
    return original.diag.constraint_name is None and original.diag.table_name == "preflight_reports"


def explained(url: URL, error: Exception) -> str:
    """Return the line for an error of SQLAlchemy or psycopg2."""
    fault, advice = fault_of(url, error)
    return f"The reports' database {address_of(url)} {fault}. {advice}"


def address_of(url: URL) -> str:
    """Return "host:port/database", which is all of a URL that a message may show."""
    port = f":{url.port}" if url.port else ""
    return redact(storable(f"{url.host or 'on this machine'}{port}/{url.database or ''}"))


def fault_of(url: URL, error: Exception) -> tuple[str, str]:
    """Return the end of the sentence that starts with the database, and what to do."""
    if isinstance(error, PoolTimeout):
        return "has no connection left for this process", "Run fewer readers at a time."
    original: Any = error.orig if isinstance(error, DBAPIError) else error
    text = str(original)
    if is_misdated(error):
        return (
            "has no partition for the day of a report's id",
            "Correct the clock of the machine that started the run; `preflight db partitions` makes what is missing.",
        )
    by_code = _BY_CODE.get(getattr(original, "pgcode", None) or "")
    by_text = (found for pattern, found in _BY_TEXT if re.search(pattern, text, re.IGNORECASE))
    return by_code or next(by_text, None) or _unknown(url, original, text)


def _unknown(url: URL, original: Any, text: str) -> tuple[str, str]:
    # A server, or what stands in its place, may repeat the password that it was sent.
    told = without_secrets_of(url.render_as_string(hide_password=False), text)
    first = redact(storable(told)).strip().partition("\n")[0][:200]
    return f"failed ({type(original).__name__}: {first})", "See its log."
