"""Partition the reports by the range of their ids, and count them in rollups.

Who reads and writes reports meanwhile waits for the moment in which the tables change places, and for the counting of
what came since it was counted first. While somebody else's transaction holds that moment up, they go on.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.engine import Connection

from preflight.exceptions import StoreUnavailable
from preflight.reports import partitions, patience, recount
from preflight.reports.durations import COLUMNS
from preflight.reports.instants import DAY_SECONDS, first_id, floor, made_at
from preflight.reports.models import TROUBLED

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

#: The table as it was becomes the oldest partition, until some days from now.
_DAYS = 3
_INDEXES = ("event_type", "campaign", "failed", "troubled")
_ROLLUPS = ("preflight_run_slots", "preflight_check_slots", "preflight_run_hours", "preflight_check_hours")
_INSTANT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Make the table of reports the first partition of one of its name."""
    connection = op.get_bind()
    bound = first_id(_end(connection))
    with op.get_context().autocommit_block():
        # Validated without a lock, so that nothing is to be looked at when the table becomes a partition.
        op.execute("ALTER TABLE preflight_reports DROP CONSTRAINT IF EXISTS preflight_reports_before")
        op.execute(
            f"ALTER TABLE preflight_reports ADD CONSTRAINT preflight_reports_before CHECK (id < '{bound}') NOT VALID"
        )
        op.execute("ALTER TABLE preflight_reports VALIDATE CONSTRAINT preflight_reports_before")
        # These two wait for others' transactions and hold up nobody meanwhile.
        op.execute("SET lock_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS preflight_reports_troubled")
        op.execute(f"CREATE INDEX CONCURRENTLY preflight_reports_troubled ON preflight_reports (id) WHERE {TROUBLED}")
        op.execute(patience.SHORT)
    _make_rollups(made_at(bound))
    connection = op.get_bind()
    recount.count_all(connection)
    patience.lock(connection, "preflight_reports")
    recount.mend(connection)
    _take_place(bound)
    _grant("preflight_reports_before", "preflight_reports", *_ROLLUPS)
    partitions.make_ahead(connection)


def _end(connection: Connection) -> datetime:
    """Return the day with which the first day's own partition begins: after every id that there is."""
    today: datetime = floor(connection.execute(sa.text("SELECT now()")).scalar_one(), DAY_SECONDS)
    newest = connection.execute(sa.text("SELECT id FROM preflight_reports ORDER BY id DESC LIMIT 1")).scalar()
    last = floor(made_at(newest), DAY_SECONDS) if newest else today
    if last > today + timedelta(days=partitions.AHEAD_DAYS):
        raise StoreUnavailable(
            f"The reports cannot be partitioned by day: the id {newest} is of {last:%Y-%m-%d}. Delete the reports"
            " with ids of the future, or correct the database's clock, and run `preflight db upgrade` again."
        )
    return max(today + timedelta(days=_DAYS), last + timedelta(days=1))


def _make_rollups(bound: datetime) -> None:
    for name, options in _by_day("run").items():
        op.create_table(f"preflight_{name}", *_keys(), *_counts("runs", "go", "duration_ms"), **options)
    counts = ("passed", "warning", "failed", "error", "skipped", "cached", "failures")
    for name, options in _by_day("check").items():
        check, last = sa.Column("check_name", sa.String(64), primary_key=True), sa.Column("last_failure_at", _INSTANT)
        at, *kind = _keys()
        op.create_table(f"preflight_{name}", at, check, *kind, *_counts(*counts), last, **options)
    op.create_index("preflight_check_slots_name", "preflight_check_slots", ["check_name", "at"])
    for table in partitions.TABLES[1:]:
        op.execute(f"CREATE TABLE {table}_before (LIKE {table} INCLUDING ALL)")
        partitions.attach(op.get_bind(), table, f"{table}_before", None, bound)


def _by_day(kind: str) -> dict[str, dict[str, Any]]:
    """Return the names of two tables with their options: rows of five minutes are partitioned, those of an hour not."""
    return {f"{kind}_slots": {"postgresql_partition_by": "RANGE (at)"}, f"{kind}_hours": {}}


def _keys() -> list[sa.Column[Any]]:
    return [
        sa.Column("at", _INSTANT, primary_key=True),
        sa.Column("event_type", sa.String(50), primary_key=True),
        sa.Column("mode", sa.String(10), primary_key=True),
    ]


def _counts(*names: str) -> list[sa.Column[Any]]:
    counts: list[sa.Column[Any]] = [sa.Column(name, sa.BigInteger, nullable=False) for name in names]
    return [*counts, *(sa.Column(name, sa.Integer, nullable=False) for name in COLUMNS)]


def _take_place(bound: UUID) -> None:
    """Put a partitioned table in the place of the old one, which becomes its first partition."""
    op.execute("DROP INDEX preflight_reports_created_at")
    op.execute("ALTER TABLE preflight_reports RENAME TO preflight_reports_before")
    for name in ("pkey", *_INDEXES):
        op.execute(f"ALTER INDEX preflight_reports_{name} RENAME TO preflight_reports_before_{name}")
    op.execute("CREATE TABLE preflight_reports (LIKE preflight_reports_before) PARTITION BY RANGE (id)")
    op.execute("ALTER TABLE preflight_reports ADD CONSTRAINT preflight_reports_pkey PRIMARY KEY (id)")
    _make_indexes("preflight_reports")
    partitions.attach(op.get_bind(), "preflight_reports", "preflight_reports_before", None, made_at(bound))
    op.execute("ALTER TABLE preflight_reports_before DROP CONSTRAINT preflight_reports_before")


def _make_indexes(table: str) -> None:
    op.execute(f"CREATE INDEX {table}_event_type ON {table} (event_type, id)")
    op.execute(f"CREATE INDEX {table}_campaign ON {table} (campaign_id, id) WHERE campaign_id IS NOT NULL")
    op.execute(f"CREATE INDEX {table}_failed ON {table} (id) WHERE NOT success")
    if table == "preflight_reports":
        op.execute(f"CREATE INDEX {table}_troubled ON {table} (id) WHERE {TROUBLED}")


def _grant(old: str, *new: str) -> None:
    """Give whoever could use the old table the same rights on the new ones."""
    query = (
        "SELECT grantee::regrole::text, privilege_type FROM pg_class, aclexplode(relacl)"
        " WHERE oid = to_regclass(:old) AND grantee <> relowner AND grantee <> 0"
    )
    for grantee, right in op.get_bind().execute(sa.text(query), {"old": old}).all():
        op.execute(f"GRANT {right} ON {', '.join(new)} TO {grantee}")


def downgrade() -> None:
    """Copy every report into one plain table, most of them before anybody has to wait, and drop the rollups."""
    op.execute("CREATE TABLE preflight_reports_plain (LIKE preflight_reports)")
    op.execute("ALTER TABLE preflight_reports_plain ADD PRIMARY KEY (id)")
    op.execute("INSERT INTO preflight_reports_plain SELECT * FROM preflight_reports")
    _make_indexes("preflight_reports_plain")
    op.execute("CREATE INDEX preflight_reports_plain_created_at ON preflight_reports_plain (created_at)")
    patience.lock(op.get_bind(), "preflight_reports")
    op.execute(
        "DELETE FROM preflight_reports_plain p USING preflight_reports r WHERE p.id = r.id AND p.success <> r.success"
    )
    op.execute("INSERT INTO preflight_reports_plain SELECT * FROM preflight_reports ON CONFLICT (id) DO NOTHING")
    _grant("preflight_reports", "preflight_reports_plain")
    op.execute(f"DROP TABLE preflight_reports, {', '.join(_ROLLUPS)}")
    op.execute("ALTER TABLE preflight_reports_plain RENAME TO preflight_reports")
    for name in ("pkey", "created_at", *_INDEXES[:3]):
        op.execute(f"ALTER INDEX preflight_reports_plain_{name} RENAME TO preflight_reports_{name}")
