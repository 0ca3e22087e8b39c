"""The reference report: what the shipped checks say in a light run, and what keeping it takes."""

from __future__ import annotations

import contextlib
import uuid
from datetime import UTC, datetime

import psycopg2
import uuid_utils.compat

from preflight.embedded.postgresql import Postgresql
from preflight.reports import migrations
from preflight.reports.store import ReportStore
from preflight.types import CheckReport, PreFlightReport, Status

REPORTS = 20_000


def bytes_per_report(server: Postgresql) -> float:
    """Save the reference report many times, as the recorder does, and weigh the tables."""
    url = server.create_database("reference")
    migrations.upgrade(url)
    store = ReportStore(url)
    for _ in range(REPORTS // 200):
        store.save([_reference() for _ in range(200)])
    store.dispose()
    size = (
        "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
        " WHERE relkind = 'r' AND relname LIKE 'preflight!_%' ESCAPE '!'"
    )
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(size)
        return float(cursor.fetchone()[0]) / REPORTS


def _reference() -> PreFlightReport:
    """Return a light report as the shipped checks give it."""
    said = {
        "redis": (0, "Redis answers and a key can be written, read and expired"),
        "websocket": (0, "the real-time server answers a ping in 3 ms"),
        "twitch_api": (5, "Twitch gives an access token and answers"),
        "tokens": (10, "the tokens of all 4 streamers are valid"),
    }
    checks = tuple(
        CheckReport(
            name=name,
            priority=priority,
            status=Status.PASSED,
            message=message,
            metadata={"latency_ms": 12.4},
            duration_ms=12.431,
            queue_ms=3.218,
        )
        for name, (priority, message) in said.items()
    )
    return PreFlightReport(
        id=uuid_utils.compat.uuid7(),
        mode="light",
        event_type="dice_roll",
        checks=checks,
        created_at=datetime.now(UTC),
        duration_ms=48,
        campaign_id=uuid.uuid4(),
        streamer_ids=("141981764", "12826", "23161357", "402890635"),
        triggered_by=uuid.uuid4(),
        metadata={"gamification_event_id": "018f4c1e-0000-7000-8000-000000000007"},
    )
