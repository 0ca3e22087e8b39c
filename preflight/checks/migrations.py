"""Ask whether the schema of PreFlight's reports is the one that this PreFlight needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Self

from pydantic import SecretStr
from sqlalchemy.engine import Connection

from preflight import postgresql_peer
from preflight.context import CheckContext
from preflight.declaration import PreFlightCheck
from preflight.examples import failed, passed
from preflight.settings import Settings
from preflight.types import CheckResult, Severity

CORRECT_IT = "Correct PREFLIGHT_DATABASE_URL."
UPGRADE = "Run `preflight db upgrade`."
INSTALL = "Install the newer PreFlight here too."


@dataclasses.dataclass(frozen=True, kw_only=True)
class MigrationsCheck(PreFlightCheck):
    """Compare the schema of the reports' database with the newest that this PreFlight knows.

    Advisory: a run has its verdict without the database, and its report waits until it can be stored. A connection
    that is silent at the end of the time is cut.
    """

    name: str = "migrations"
    priority: int = 5
    timeout: float = 5.0
    severity: Severity | str = Severity.ADVISORY
    cache_ttl: float | None = 30.0
    cache_scope: str | None = "global"
    url: SecretStr = dataclasses.field(
        default=SecretStr("postgresql://localhost/postgres"), metadata={"parameter": False}
    )

    default_remediation = postgresql_peer.SEE_ACTIVITY
    permissions = "GRANT CONNECT ON DATABASE <database> TO <user>; GRANT SELECT ON preflight_schema_version TO <user>"
    examples = (
        passed("the reports' schema is at <0001>, as it must be"),
        failed("the reports' database has no schema", UPGRADE),
        failed("the reports' schema <0001> is older than this PreFlight, which needs <0002>", UPGRADE),
        failed("the reports' schema <0009> is newer than this PreFlight, which knows <0002>", INSTALL),
        *postgresql_peer.examples(CORRECT_IT),
    )

    @classmethod
    def from_settings(cls, settings: Settings) -> Iterable[Self]:
        """Look into the database of `PREFLIGHT_DATABASE_URL`, if it is set."""
        return [cls(url=settings.database_url)] if settings.database_url else []

    async def execute(self, context: CheckContext) -> CheckResult:
        """Answer within 90 % of the timeout; a connection that is silent then is cut."""
        return await postgresql_peer.ask(self.url, self.timeout, _compare, CORRECT_IT)


def _compare(connection: Connection, _where: str) -> CheckResult:
    from preflight.reports import migrations  # Alembic is slow to import, and callers only plan this check

    revision, head = migrations.revision_on(connection), migrations.head()
    match migrations.standing(revision):
        case "missing":
            return CheckResult.failed("the reports' database has no schema", remediation=UPGRADE)
        case "older":
            message = f"the reports' schema {revision} is older than this PreFlight, which needs {head}"
            return CheckResult.failed(message, remediation=UPGRADE)
        case "newer":
            message = f"the reports' schema {str(revision)[:32]} is newer than this PreFlight, which knows {head}"
            return CheckResult.failed(message, remediation=INSTALL)
    return CheckResult.passed(f"the reports' schema is at {revision}, as it must be")
