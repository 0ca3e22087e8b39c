"""The two servers: whether they can be reached, and are set up so that no run is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from preflight.cli.diagnosis import Finding

if TYPE_CHECKING:
    from preflight.settings import Settings

_TIMEOUT_SECONDS = 2.0


def redis(settings: Settings) -> Iterator[Finding]:
    """Look at the Redis that drives the runs."""
    if settings.redis_url is None and settings.database_url is None:
        return  # the settings have said so
    if settings.redis_url is None:
        yield Finding(
            "redis", "problem", "PREFLIGHT_REDIS_URL is not set", "Name a Redis in it, or use `preflight up`."
        )
        return
    from preflight.engine.connection import connect, place_of, unavailable

    client = connect(settings.redis, _TIMEOUT_SECONDS)
    try:
        facts = client.info()
    except Exception as error:
        raise unavailable(error, settings.redis) from error
    finally:
        client.close()
    yield from _about_redis(facts, place_of(settings.redis))


def _about_redis(facts: Mapping[str, Any], place: str) -> Iterator[Finding]:
    yield _server(facts, place)
    if facts.get("role") == "slave":
        todo = "Point PREFLIGHT_REDIS_URL at the primary."
        yield Finding("redis", "problem", "it is a replica, which takes no writes", todo)
    yield _eviction(facts)
    yield _append_only(facts)


def _server(facts: Mapping[str, Any], place: str) -> Finding:
    from preflight.engine.connection import unfit

    if reason := unfit(facts):
        return Finding("redis", "problem", f"{reason} ({place})", "Name another server in PREFLIGHT_REDIS_URL.")
    valkey = facts.get("valkey_version")
    product = f"Valkey {valkey}" if valkey else f"Redis {facts.get('redis_version', '0')}"
    return Finding("redis", "ok", f"{product} answers at {place}")


def _eviction(facts: Mapping[str, Any]) -> Finding:
    policy = facts.get("maxmemory_policy", "unknown")
    if policy == "noeviction":
        return Finding("redis", "ok", "maxmemory-policy is noeviction")
    todo = "Set maxmemory-policy noeviction, on a Redis of its own: an evicted run is a lost run."
    return Finding("redis", "problem", f"maxmemory-policy is {policy}, not noeviction", todo)


def _append_only(facts: Mapping[str, Any]) -> Finding:
    if not facts.get("aof_enabled"):
        todo = "Set appendonly yes: a restart of Redis loses the runs that are under way."
        return Finding("redis", "warning", "the append-only file is off", todo)
    if facts.get("aof_last_write_status", "ok") != "ok":
        return Finding("redis", "problem", "its append-only file cannot be written", "Free space on its disk.")
    return Finding("redis", "ok", "the append-only file is on")


def broker(settings: Settings) -> Iterator[Finding]:
    """Look at the broker, if it is another than the Redis that drives the runs."""
    if settings.redis_url is None or settings.broker == settings.redis:
        return
    from preflight.engine.keys import Keys
    from preflight.engine.publisher import Publisher

    publisher = Publisher(settings)
    try:
        waiting = publisher.waiting(Keys(settings.namespace).full_queue)
    finally:
        publisher.close()
    place = settings.broker.rpartition("@")[2].strip("/")
    yield Finding("broker", "ok", f"{place} takes messages; {waiting} of full runs wait there")


def database(settings: Settings) -> Iterator[Finding]:
    """Look at the PostgreSQL that keeps the reports, and at its schema."""
    if settings.redis_url is None and settings.database_url is None:
        return
    if settings.database_url is None:
        todo = "Name a PostgreSQL in it, or use `preflight up`: reports are kept nowhere without."
        yield Finding("database", "problem", "PREFLIGHT_DATABASE_URL is not set", todo)
        return
    yield from _about_database(settings.database)
    from preflight import schemas
    from preflight.exceptions import StoreUnavailable

    try:
        for name, _, revision in schemas.check(settings.database, settings.packs):
            what = "schema" if name == "reports" else f"schema of {name}"
            yield Finding(what, "ok", f"at {revision}, as it must be")
    except StoreUnavailable as error:
        yield Finding("schema", "problem", str(error))


def _about_database(database_url: str) -> Iterator[Finding]:
    import sqlalchemy as sa

    from preflight.reports.database import explaining, make_engine, parsed

    url = parsed(database_url)
    engine = make_engine(url, poolclass=sa.NullPool)
    query = sa.text("SELECT current_setting('server_version'), current_setting('transaction_read_only')")
    with explaining(url), engine.connect() as connection:
        version, read_only = connection.execute(query).one()
    place = f"{url.host or 'localhost'}:{url.port or 5432}/{url.database}"
    if read_only == "on":
        todo = "Point PREFLIGHT_DATABASE_URL at the primary server."
        yield Finding("database", "problem", f"PostgreSQL {version} at {place} is read-only", todo)
    else:
        yield Finding("database", "ok", f"PostgreSQL {version} answers at {place}")
