"""Ask whether the application's PostgreSQL answers a query."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Self

import sqlalchemy
from pydantic import SecretStr
from sqlalchemy.engine import Connection

from preflight import postgresql_peer
from preflight.context import CheckContext
from preflight.declaration import PreFlightCheck
from preflight.examples import passed
from preflight.settings import Settings
from preflight.types import CheckResult, Severity

CORRECT_IT = "Correct PREFLIGHT_CHECK_DATABASE_URL (or PREFLIGHT_DATABASE_URL)."


@dataclasses.dataclass(frozen=True, kw_only=True)
class DatabaseCheck(PreFlightCheck):
    """Ask PostgreSQL to select 1, on a connection of its own.

    A connection that is silent at the end of the time is cut, so that nothing is left waiting; `connect_timeout`,
    `tcp_user_timeout` and `statement_timeout` are 80 % of the check's. PreFlight's own database is asked when the
    application names none; then the check is advisory.
    """

    name: str = "database"
    priority: int = 0
    timeout: float = 5.0
    severity: Severity | str = Severity.BLOCKING
    url: SecretStr = dataclasses.field(
        default=SecretStr("postgresql://localhost/postgres"), metadata={"parameter": False}
    )

    default_remediation = postgresql_peer.SEE_ACTIVITY
    permissions = "GRANT CONNECT ON DATABASE <database> TO <user>"
    examples = (passed("PostgreSQL at <db:5432> answers"), *postgresql_peer.examples(CORRECT_IT))

    @classmethod
    def from_settings(cls, settings: Settings) -> Iterable[Self]:
        """Ask the database of `PREFLIGHT_CHECK_DATABASE_URL`, else, advisory, that of `PREFLIGHT_DATABASE_URL`."""
        if settings.check_database_url:
            return [cls(url=settings.check_database_url)]
        return [cls(url=settings.database_url, severity=Severity.ADVISORY)] if settings.database_url else []

    async def execute(self, context: CheckContext) -> CheckResult:
        """Answer within 90 % of the timeout; a connection that is silent then is cut."""
        return await postgresql_peer.ask(self.url, self.timeout, _select_one, CORRECT_IT)


def _select_one(connection: Connection, where: str) -> CheckResult:
    connection.execute(sqlalchemy.text("SELECT 1")).scalar_one()
    return CheckResult.passed(f"{where} answers")
