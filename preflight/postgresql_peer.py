"""A PostgreSQL as a check sees it: one connection, one question, and every error says what to do about it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import socket
from collections.abc import Callable
from typing import Any

import psycopg2
import sqlalchemy
from pydantic import SecretStr
from sqlalchemy.engine import URL, Connection

from preflight.examples import Example, failed
from preflight.redaction import redact, without_secrets_of
from preflight.threads import in_daemon_thread
from preflight.types import CheckResult

#: What to do when the URL itself is wrong: the caller says which setting holds it.
_CORRECT_IT = ""
SEE_ACTIVITY = "See what it is busy with: SELECT * FROM pg_stat_activity."
GRANT_IT = "Grant its user what the check needs: `preflight checks NAME` shows it."
FREE_CONNECTIONS = "Close idle connections, or raise max_connections."

#: A part of PostgreSQL's text, what it means, what to do. The first that is found speaks.
TROUBLES = (
    ("password authentication failed", "refuses the user or password", _CORRECT_IT),
    ("no password supplied", "asks for a password and the URL holds none", _CORRECT_IT),
    ("no pg_hba.conf entry", "does not let this user in from here", "Allow it in the server's pg_hba.conf."),
    ("permission denied for database", "does not let this user in", GRANT_IT),
    ("permission denied", "does not let this user read it", GRANT_IT),
    ("too many", "has no connection left", FREE_CONNECTIONS),
    ("remaining connection slots", "has no connection left", FREE_CONNECTIONS),
    ("starting up", "is still starting", "Wait until it has started, then try again."),
    ("shutting down", "is shutting down", "Start it again."),
    ("does not exist", "has no such database or role", "Create it, or correct the URL."),
    ("could not translate host name", "has a host name without an address", _CORRECT_IT),
    ("received invalid response", "is not a PostgreSQL", "Correct host and port in the URL."),
    ("SSL", "does not speak TLS as expected", "Correct sslmode in the URL, or the server's certificate."),
    ("statement timeout", "did not answer in time", SEE_ACTIVITY),
    ("timeout expired", "did not answer in time", "See whether it hangs or a firewall drops the connection."),
)

START_IT = "Start it, or correct host and port in the URL."

#: Asks one thing on a connection and judges it; its second argument names the server for messages.
Question = Callable[[Connection, str], CheckResult]


async def ask(url: SecretStr, timeout: float, question: Question, correct_it: str) -> CheckResult:  # noqa: ASYNC109
    """Return a question's answer, or a failure that says what to do, within 90 % of `timeout` seconds.

    The connection is the question's own; one that is silent when the time is over is cut. `correct_it` says which
    setting holds the URL.
    """
    try:
        parsed = sqlalchemy.make_url(url.get_secret_value()).set(drivername="postgresql+psycopg2")
    except Exception as error:
        # The parser's text may quote the URL with its password.
        return CheckResult.failed("The URL is malformed", error=type(error).__name__, remediation=correct_it)
    where = f"PostgreSQL at {parsed.host or 'the local socket'}:{parsed.port or 5432}"
    opened: list[Any] = []
    try:
        async with asyncio.timeout(0.9 * timeout):
            return await in_daemon_thread(lambda: _ask(parsed, int(800 * timeout), opened, question, where))
    except TimeoutError:
        _cut(opened)
        return CheckResult.failed(f"{where} did not answer in time", remediation=SEE_ACTIVITY)
    except Exception as error:
        return _failure(error, where, parsed, correct_it)


def _ask(url: URL, budget_ms: int, opened: list[Any], question: Question, where: str) -> CheckResult:
    engine = sqlalchemy.create_engine(
        url,
        poolclass=sqlalchemy.NullPool,
        # libpq counts whole seconds, two at least.
        connect_args={"connect_timeout": max(2, budget_ms // 1000), "tcp_user_timeout": budget_ms},
    )
    sqlalchemy.event.listen(engine, "do_connect", functools.partial(_connect, opened))
    with engine.connect() as connection:
        # Set in the transaction and not when connecting, which connection poolers refuse.
        connection.execute(sqlalchemy.text(f"SET LOCAL statement_timeout = {budget_ms}"))
        return question(connection, where)


def _connect(opened: list[Any], _dialect: Any, _record: Any, arguments: list[Any], details: dict[str, Any]) -> Any:
    """Connect in SQLAlchemy's place, so that the connection is known before anything is asked on it."""
    opened.append(psycopg2.connect(*arguments, **details))
    return opened[-1]


def _cut(opened: list[Any]) -> None:
    """End the connection under a query that waits, so that its thread ends too."""
    for connection in opened:
        with contextlib.suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as link:
            link.shutdown(socket.SHUT_RDWR)


def _failure(error: Exception, where: str, url: URL, correct_it: str) -> CheckResult:
    text = " ".join(str(getattr(error, "orig", None) or error).split())
    # The server's text may hold a secret anywhere, for example as the name of a database.
    told = redact(without_secrets_of(url.render_as_string(hide_password=False), text))[:300]
    detail = f"{type(error).__name__}: {told}"
    for part, meaning, remediation in TROUBLES:
        if part in text:
            return CheckResult.failed(f"{where} {meaning}", error=detail, remediation=remediation or correct_it)
    return CheckResult.failed(f"{where} cannot be reached", error=detail, remediation=START_IT)


def examples(correct_it: str) -> tuple[Example, ...]:
    """Return the answers about a server in trouble, for the documentation of a check that asks one."""
    told = dict.fromkeys((meaning, remediation or correct_it) for _, meaning, remediation in TROUBLES)
    return (
        *(failed(f"PostgreSQL at <db:5432> {meaning}", remediation) for meaning, remediation in told),
        failed("PostgreSQL at <db:5432> cannot be reached", START_IT),
        failed("The URL is malformed", correct_it),
    )
