"""Reports as a busy day leaves them: three event types, an outage of Redis an hour ago, a warning, a check off."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from preflight.types import CheckReport, PreFlightReport, Severity, Status

CAMPAIGN = UUID("018f4c1e-0000-7000-8000-000000000001")
WRITE_REFUSED = "write refused by cache-1:6379/0: OOM command not allowed when used memory > 'maxmemory'"
FREE_MEMORY = (
    "Free memory on cache-1 or raise its maxmemory, then look for keys without an expiry: redis-cli --bigkeys."
)

#: Name, tier, usual run time in ms, what it says.
CHECKS = (
    ("broker", 0, 2.0, "the broker opened the run"),
    ("database", 0, 9.0, "SELECT 1 answered; 14 of 60 connections in use"),
    ("disk", 0, 1.0, "62 % of / is free"),
    ("redis", 0, 3.0, "PING, and a key written and read back"),
    ("websocket", 0, 31.0, "handshake, ping and pong"),
    ("workers", 0, 1.0, "3 live workers"),
    ("twitch_api", 5, 120.0, "Helix answered"),
    ("tokens", 10, 112.0, "every streamer's token is valid"),
    ("vtt_connection", 15, 41.0, "the tunnel is connected"),
    ("cooldown", 20, 6.0, "the event is not on cooldown"),
    ("gamification_config", 20, 5.0, "the event is configured and enabled"),
)
_RANDOM = random.Random(7)


def id_at(at: datetime) -> UUID:
    """Return a UUIDv7 made at an instant."""
    head = int(at.timestamp() * 1000) << 80
    return UUID(int=head | 0x7 << 76 | _RANDOM.getrandbits(12) << 64 | 0b10 << 62 | _RANDOM.getrandbits(62))


def report(at: datetime, event_type: str, checks: tuple[CheckReport, ...], **details: Any) -> PreFlightReport:
    """Return a report of an instant."""
    values: dict[str, Any] = {"mode": "full", "duration_ms": 46, "campaign_id": CAMPAIGN}
    return PreFlightReport(id=id_at(at), event_type=event_type, checks=checks, created_at=at, **values | details)


def line(name: str, priority: int, status: str, message: str = "", **details: Any) -> CheckReport:
    """Return one check's line."""
    return CheckReport(name=name, priority=priority, status=Status(status), message=message, **details)


def asked(*, light: bool, **changed: CheckReport) -> tuple[CheckReport, ...]:
    """Return the lines of a run in which every check passes but those that are given."""
    found = []
    for name, priority, took, message in CHECKS:
        if light and priority > 10:
            continue
        cached = name == "twitch_api" and _RANDOM.random() < 0.8
        found.append(
            changed.get(name)
            or line(
                name,
                priority,
                "passed",
                message,
                severity=Severity.ADVISORY if name == "vtt_connection" else Severity.BLOCKING,
                duration_ms=None if cached else round(took * _RANDOM.uniform(0.6, 1.8), 1),
                queue_ms=round(_RANDOM.uniform(0.8, 9), 1),
                cached=cached,
                cached_age_ms=12_000.0 if cached else None,
            )
        )
    return tuple(found)


def stopped_by_redis(*, light: bool) -> tuple[CheckReport, ...]:
    """Return the lines of a run that a full Redis stopped in its first tier."""
    redis = line("redis", 0, "failed", WRITE_REFUSED, remediation=FREE_MEMORY, duration_ms=221.0, queue_ms=6.0)
    behind = {
        name: line(name, priority, "skipped", skipped_because="redis failed")
        for name, priority, _, _ in CHECKS
        if priority > 0 or name == "websocket"
    }
    return asked(light=light, redis=redis, **behind)


def day(now: datetime | None = None) -> Iterator[PreFlightReport]:
    """Yield the reports of a day and some of the six days before, oldest first."""
    now = now or datetime.now(UTC)
    for days in range(6, 0, -1):
        for hours in range(0, 24, 3):
            at = now - timedelta(days=days, hours=-hours, minutes=_RANDOM.randint(1, 50))
            yield report(at, "health_sweep", asked(light=True), mode="light", campaign_id=None, duration_ms=140)
    for minute in range(22 * 60, 4, -9):
        yield _busy(now - timedelta(minutes=minute, seconds=_RANDOM.randint(0, 50)), minute)
    yield from _last(now)


def _busy(at: datetime, minute: int) -> PreFlightReport:
    kind = _RANDOM.choices(("dice_roll", "health_sweep", "redemption", "poll_launch"), (5, 4, 3, 1))[0]
    light = kind != "poll_launch"
    took = _RANDOM.randint(110, 260)
    details: dict[str, Any] = {"mode": "light" if light else "full", "duration_ms": took}
    if kind == "health_sweep":
        details["campaign_id"] = None
    if 45 < minute < 90:
        return report(at, kind, stopped_by_redis(light=light), **details | {"duration_ms": 238})
    if _RANDOM.random() < 0.03:
        late = line(
            "twitch_api", 5, "error", "timed out after 3 s", remediation="See status.twitch.tv.", duration_ms=3000.0
        )
        return report(at, kind, asked(light=light, twitch_api=late), **details | {"duration_ms": 3120})
    if not light and _RANDOM.random() < 0.3:
        off = line(
            "vtt_connection", 15, "failed", "the tunnel is disconnected", severity=Severity.ADVISORY, duration_ms=40.0
        )
        return report(at, kind, asked(light=False, vtt_connection=off), **details)
    return report(at, kind, asked(light=light), **details)


def _last(now: datetime) -> Iterator[PreFlightReport]:
    yield report(now - timedelta(minutes=3, seconds=6), "poll_launch", stopped_by_redis(light=False), duration_ms=241)
    soon = line(
        "tokens", 10, "warning", "1 of 3 streamers must sign in again within 19 h: nyx_rolls",
        warnings=("nyx_rolls: 19 h",), remediation="Ask nyx_rolls to connect Twitch again before tomorrow, 09:40.",
        duration_ms=512.0, queue_ms=11.0, slow=True,
    )  # fmt: skip
    yield report(
        now - timedelta(seconds=52), "redemption", asked(light=True, tokens=soon), mode="light", duration_ms=563
    )
    yield report(
        now - timedelta(seconds=30), "health_sweep", asked(light=True), mode="light", campaign_id=None, duration_ms=139
    )
    yield report(now - timedelta(seconds=4), "dice_roll", asked(light=True), mode="light", duration_ms=146)
