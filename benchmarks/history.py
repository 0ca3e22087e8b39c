"""A month of reports, made by SQL: as many as wanted, of the same kinds, in the same partitions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from preflight.reports import partitions, recount
from preflight.reports.database import make_engine, parsed
from preflight.reports.instants import DAY_SECONDS, floor

DAYS = 30
EVENTS = ("poll_launch", "dice_roll", "redemption", "gamification_trigger", "health_sweep")
CHECKS = ("redis", "websocket", "twitch_api", "tokens")
CAMPAIGNS = 200

#: One in fifty reports is NO-GO: `twitch_api` failed, and `tokens` was not asked.
_FILL = """
INSERT INTO preflight_reports (id, mode, event_type, campaign_id, success, checks, duration_ms, created_at, verdict,
  streamer_ids, metadata, short_circuited_by)
SELECT (lpad(to_hex(ms), 12, '0') || '7' || substr(hash, 1, 3) || '8' || substr(hash, 4, 15))::uuid,
  CASE WHEN n % 10 < 8 THEN 'light' ELSE 'full' END, (:events)[1 + n % 5],
  ('018f4c1e-0000-7000-8000-' || lpad(to_hex(n % :campaigns), 12, '0'))::uuid,
  n % 50 <> 0,
  jsonb_build_array(
    jsonb_build_object('name', 'redis', 'priority', 0, 'status', 'passed', 'message', 'answers and can be written',
      'duration_ms', 1.0 + n % 7, 'queue_ms', 2.5),
    jsonb_build_object('name', 'websocket', 'priority', 0, 'status', 'passed', 'message', 'answers',
      'duration_ms', 3.0 + n % 11, 'queue_ms', 2.5),
    jsonb_build_object('name', 'twitch_api', 'priority', 5,
      'status', CASE WHEN n % 50 = 0 THEN 'failed' ELSE 'passed' END,
      'message', 'answers', 'duration_ms', 80.0 + n % 170, 'queue_ms', 3.5),
    CASE WHEN n % 50 = 0 THEN jsonb_build_object('name', 'tokens', 'priority', 10, 'status', 'skipped',
      'skipped_because', 'twitch_api failed')
    ELSE jsonb_build_object('name', 'tokens', 'priority', 10, 'status', 'passed', 'message', 'all tokens are valid',
      'duration_ms', 120.0 + n % 310, 'queue_ms', 4.5) END),
  (200 + n % 500)::int, to_timestamp(ms / 1000.0), CASE WHEN n % 50 = 0 THEN 'NO-GO' ELSE 'GO' END, '[]', '{}',
  CASE WHEN n % 50 = 0 THEN 'twitch_api' END
FROM (SELECT n, :begin + (n * :step)::bigint AS ms, md5(n::text) AS hash FROM generate_series(0, :last) n) made
"""


def fill(database_url: str, count: int) -> None:
    """Fill a migrated database with so many reports of the last 30 days, each day in a partition of its own."""
    engine = make_engine(parsed(database_url), statement_timeout_ms=0)
    today = floor(datetime.now(UTC), DAY_SECONDS)
    begin, end = today - timedelta(days=DAYS), today
    with engine.begin() as connection:
        _partition(connection, begin)
        values = {"events": list(EVENTS), "campaigns": CAMPAIGNS, "begin": _ms(begin), "last": count - 1}
        connection.execute(sa.text(_FILL), values | {"step": (_ms(end) - _ms(begin)) / count})
    with engine.begin() as connection:
        recount.count_all(connection)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))
        connection.execute(sa.text("CHECKPOINT"))
    engine.dispose()


def _partition(connection: sa.Connection, begin: datetime) -> None:
    for partition in partitions.existing(connection):
        connection.execute(sa.text(f"DROP TABLE {', '.join(partition.tables)}"))
    for table in partitions.TABLES:
        oldest = f"{table}_{begin - timedelta(days=1):%Y%m%d}"
        connection.execute(sa.text(f"CREATE TABLE {oldest} (LIKE {table} INCLUDING ALL)"))
        partitions.attach(connection, table, oldest, None, begin)
    partitions.make_ahead(connection)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
