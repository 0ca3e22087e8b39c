"""Ask whether the application's PostgreSQL answers a query."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import os
import socket
from collections.abc import Iterable
from typing import Any, Self

import psycopg2
import sqlalchemy
from pydantic import SecretStr
from sqlalchemy.engine import URL

from preflight.context import CheckContext
from preflight.declaration import PreFlightCheck
from preflight.redaction import MASK, redact
from preflight.settings import Settings
from preflight.threads import in_daemon_thread
from preflight.types import CheckResult, Severity

CORRECT_IT = "Correct PREFLIGHT_CHECK_DATABASE_URL (or PREFLIGHT_DATABASE_URL)."

#: A part of PostgreSQL's text, what it means, what to do. The first that is found speaks.
TROUBLES = (
    ("password authentication failed", "refuses the user or password", CORRECT_IT),
    ("no password supplied", "asks for a password and the URL holds none", CORRECT_IT),
    ("no pg_hba.conf entry", "does not let this user in from here", "Allow it in the server's pg_hba.conf."),
    ("too many", "has no connection left", "Close idle connections, or raise max_connections."),
    ("remaining connection slots", "has no connection left", "Close idle connections, or raise max_connections."),
    ("starting up", "is still starting", "Wait until it has started, then try again."),
    ("shutting down", "is shutting down", "Start it again."),
    ("does not exist", "has no such database or role", "Create it, or correct the URL."),
    ("could not translate host name", "has a host name without an address", CORRECT_IT),
    ("received invalid response", "is not a PostgreSQL", "Correct host and port in the URL."),
    ("SSL", "does not speak TLS as expected", "Correct sslmode in the URL, or the server's certificate."),
    ("statement timeout", "did not answer in time", "See what it is busy with: SELECT * FROM pg_stat_activity."),
    ("timeout expired", "did not answer in time", "See whether it hangs or a firewall drops the connection."),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DatabaseCheck(PreFlightCheck):
    """Ask PostgreSQL to select 1, on a connection of its own.

    PreFlight's own database is asked when the application names none; then the check is advisory.
    """

    name: str = "database"
    priority: int = 0
    timeout: float = 5.0
    severity: Severity | str = Severity.BLOCKING
    url: SecretStr = dataclasses.field(
        default=SecretStr("postgresql://localhost/postgres"), metadata={"parameter": False}
    )

    default_remediation = "See what the server is busy with: SELECT * FROM pg_stat_activity."

    @classmethod
    def from_settings(cls, settings: Settings) -> Iterable[Self]:
        """Ask the application's database, or PreFlight's own, without which runs still get their verdict."""
        if settings.check_database_url:
            return [cls(url=settings.check_database_url)]
        return [cls(url=settings.database_url, severity=Severity.ADVISORY)] if settings.database_url else []

    async def execute(self, context: CheckContext) -> CheckResult:
        """Answer within 90 % of the timeout; a connection that is silent then is cut."""
        try:
            url = sqlalchemy.make_url(self.url.get_secret_value()).set(drivername="postgresql+psycopg2")
        except Exception as error:
            # The parser's text may quote the URL with its password.
            return CheckResult.failed("The URL is malformed", error=type(error).__name__, remediation=CORRECT_IT)
        where = f"PostgreSQL at {url.host or 'the local socket'}:{url.port or 5432}"
        opened: list[Any] = []
        try:
            async with asyncio.timeout(0.9 * self.timeout):
                await in_daemon_thread(lambda: self._select_one(url, opened))
        except TimeoutError:
            _cut(opened)
            return CheckResult.failed(f"{where} did not answer in time", remediation=self.default_remediation)
        except Exception as error:
            return _failure(error, where, url)
        return CheckResult.passed(f"{where} answers")

    def _select_one(self, url: URL, opened: list[Any]) -> None:
        budget_ms = int(800 * self.timeout)
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
            connection.execute(sqlalchemy.text("SELECT 1")).scalar_one()


def _connect(opened: list[Any], _dialect: Any, _record: Any, arguments: list[Any], details: dict[str, Any]) -> Any:
    """Connect in SQLAlchemy's place, so that the connection is known before anything is asked on it."""
    opened.append(psycopg2.connect(*arguments, **details))
    return opened[-1]


def _cut(opened: list[Any]) -> None:
    """End the connection under a query that waits, so that its thread ends too."""
    for connection in opened:
        with contextlib.suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as link:
            link.shutdown(socket.SHUT_RDWR)


def _failure(error: Exception, where: str, url: URL) -> CheckResult:
    text = " ".join(str(getattr(error, "orig", None) or error).split())
    detail = f"{type(error).__name__}: {_without_password(text, url)}"
    for part, meaning, remediation in TROUBLES:
        if part in text:
            return CheckResult.failed(f"{where} {meaning}", error=detail, remediation=remediation)
    return CheckResult.failed(
        f"{where} cannot be reached", error=detail, remediation="Start it, or correct host and port in the URL."
    )


def _without_password(text: str, url: URL) -> str:
    # The server's text may hold it anywhere, for example as the name of a database.
    return redact(text.replace(str(url.password), MASK) if url.password else text)[:300]
