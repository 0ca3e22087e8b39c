"""Every setting, in one class. Nothing else in PreFlight reads the environment."""

from __future__ import annotations

import functools
import json
import os
import re
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pydantic
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from preflight.context import EVENT_TYPE, shown
from preflight.exceptions import InvalidSettings
from preflight.redaction import MASK, redact
from preflight.setting_admin import AdminSettings
from preflight.setting_files import from_files
from preflight.setting_types import (
    BrokerUrl,
    CheckSettings,
    DatabaseUrl,
    FernetKeys,
    RedisUrl,
    Secret,
    Words,
    checked_url,
)

PREFIX = "PREFLIGHT_"
NAMESPACE = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)
METRICS_PREFIX = re.compile(r"[a-z](?:[a-z0-9_]{0,38}[a-z0-9])?", re.ASCII)


class Settings(AdminSettings):
    """The effective settings. Each is read from `PREFLIGHT_<NAME>`; lists are separated by commas."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, env_ignore_empty=True)

    redis_url: RedisUrl = Field(
        None,
        description="Redis or Valkey that drives the runs: one of its own, with maxmemory-policy noeviction.",
    )
    broker_url: BrokerUrl = Field(
        None, description="Another broker for the checks' messages, as amqp://; the Redis above if empty."
    )
    database_url: DatabaseUrl = Field(None, description="PostgreSQL that keeps the reports.")
    namespace: str = Field(
        "preflight", description="Prefix of every key and queue, so that several applications can share one Redis."
    )
    checks: Words = Field((), description="Modules that hold checks of your own, for example shop.checks.")
    setup: str = Field(
        "",
        description="module:function called once per process before checks are imported, as django:setup.",
    )
    packs: Words = Field((), description="Packs of checks that ship with PreFlight and are off by default.")
    event_types: Words = Field((), description="Event types that are known besides those that checks name.")
    check_settings: CheckSettings = Field(
        "", description='What to change in checks, as {"disk": {"enabled": false, "path": "/var"}}.'
    )
    light_max_priority: int = Field(10, ge=0, le=1000, description="Light runs ask the checks up to this priority.")
    queue_allowance: float = Field(
        5.0, gt=0, le=600, description="Seconds that a run's deadline grants for waiting in queues."
    )
    concurrency: int = Field(8, ge=1, le=512, description="Checks that one worker asks at the same time.")
    worker_role: Literal["all", "checks", "requests"] = Field(
        "all", description="What a worker reads: checks, requests (with beat's jobs), or all of them."
    )
    slow_ms: int = Field(
        500, ge=1, le=3_600_000, description="An execution that takes longer is marked slow, in milliseconds."
    )
    retention_days: int = Field(30, ge=1, le=3650, description="Days that reports are kept.")
    statistics_days: int = Field(
        400, ge=1, le=3650, description="Days that statistics are kept, by the hour; never shorter than the reports."
    )
    outbox_mb: int = Field(
        256, ge=1, le=65536, description="MiB of Redis that reports may take while PostgreSQL is away."
    )
    sweep_seconds: int = Field(60, ge=5, le=86_400, description="Seconds between two health sweeps.")
    home: Path = Field(Path("~/.local/share/preflight"), description="Where the embedded system keeps its data.")
    metrics_prefix: str = Field("tumulte_preflight", description="What the names of all metrics begin with.")
    health_host: str = Field("127.0.0.1", description="Address on which workers and beat answer /healthz and /readyz.")
    health_port: int = Field(
        0, ge=0, le=65535, description="Port on which a worker or beat answers /healthz and /readyz; 0 for none."
    )
    log_format: Literal["console", "json"] = Field("console", description="Form of log lines: console or json.")
    sentry_dsn: Secret = Field(None, description="Sentry that is told about NO-GO runs and beat's jobs; off if empty.")
    sentry_environment: str = Field("production", description="Environment that events in Sentry carry.")
    sentry_release: str = Field("", description="Release that events in Sentry carry; PreFlight's version if empty.")
    sentry_events_per_minute: int = Field(
        30, ge=1, le=10_000, description="NO-GO runs that one process tells Sentry per minute; more are only counted."
    )
    check_redis_url: RedisUrl = Field(
        None, description="The application's Redis, asked by the check `redis`; PreFlight's own if empty."
    )
    check_database_url: DatabaseUrl = Field(
        None,
        description="The application's PostgreSQL for the check `database`; PreFlight's own (advisory) if empty.",
    )
    check_websocket_url: str = Field(
        "",
        description="Real-time server for the check `websocket`: ws://, wss://, or http(s):// for SSE.",
    )
    check_http_urls: Words = Field((), description="Addresses asked by the checks `http`, as name=url or url.")
    check_tcp_targets: Words = Field(
        (), description="Hosts and ports asked by the checks `tcp`, as name=host:port or host:port."
    )
    check_dns_names: Words = Field((), description="Names asked by the checks `dns`, as name=host:TYPE@server or host.")
    check_disk_paths: Words = Field(
        ("/",), description="File systems whose free space the check `disk` compares with its thresholds."
    )
    http_allow_private: bool = Field(False, description="Let `http` checks call loopback and private addresses.")
    campaign_source: str = Field(
        "",
        description="module:object that tells the campaign pack what it asks; its own tables if empty.",
    )
    campaign_keys: FernetKeys = Field(
        None,
        description="Fernet keys of the streamers' tokens: the first encrypts, all of them decrypt.",
    )
    campaign_event_types: Words = Field(
        ("dice_roll", "redemption", "gamification_trigger"),
        min_length=1,
        description="Event types for which the campaign pack asks `vtt_connection`, `cooldown`, `gamification_config`.",
    )
    twitch_client_id: str = Field("", description="Client id of the application that is registered at Twitch.")
    twitch_client_secret: SecretStr | None = Field(None, description="Client secret of that application.")
    twitch_auth_url: str = Field(
        "https://id.twitch.tv", description="Twitch's authorization server, as http:// or https://."
    )
    twitch_api_url: str = Field("https://api.twitch.tv", description="Twitch's API, as http:// or https://.")
    flower_user: str = Field("preflight", description="User name that the embedded Flower asks for.")

    @pydantic.field_validator("namespace")
    @classmethod
    def _namespace_is_plain(cls, value: str) -> str:
        if not NAMESPACE.fullmatch(value):
            raise ValueError("must be 1 to 32 lower-case letters, digits, '-' and '_' that start with a letter")
        return value

    @pydantic.field_validator("metrics_prefix")
    @classmethod
    def _metrics_prefix_is_plain(cls, value: str) -> str:
        if not METRICS_PREFIX.fullmatch(value):
            raise ValueError("must be 1 to 40 lower-case letters, digits and underscores that start with a letter")
        return value

    @pydantic.field_validator("event_types", "campaign_event_types")
    @classmethod
    def _event_types_are_well_formed(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for word in value:
            if not EVENT_TYPE.fullmatch(word):
                raise ValueError(f"holds {word!r}, but an event type is lower-case letters, digits and underscores")
        return value

    @pydantic.field_validator("setup", "campaign_source")
    @classmethod
    def _an_object_is_named(cls, value: str, info: pydantic.ValidationInfo) -> str:
        if value and not re.fullmatch(r"[\w.]+:[\w.]+", value):
            example = (
                "function, as in django:setup" if info.field_name == "setup" else "object, as in shop.campaigns:source"
            )
            raise ValueError(f"must be module:{example}")
        return value

    @pydantic.field_validator("checks", "packs")
    @classmethod
    def _modules_are_named(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for word in value:
            if not re.fullmatch(r"[\w.]+(?::[\w.]+)?", word):
                raise ValueError(f"holds {word!r}: name modules as in shop.checks, separated by commas")
        return value

    @pydantic.field_validator("check_websocket_url")
    @classmethod
    def _websocket_url_is_well_formed(cls, value: str) -> str:
        return checked_url(value, ("ws", "wss", "http", "https")) if value else value

    @pydantic.field_validator("twitch_auth_url", "twitch_api_url")
    @classmethod
    def _twitch_url_is_well_formed(cls, value: str) -> str:
        return checked_url(value, ("http", "https")).rstrip("/")

    @property
    def redis(self) -> str:
        """The Redis URL; `InvalidSettings` if there is none."""
        return _present(self.redis_url, "REDIS_URL", "a Redis")

    @property
    def of_checks(self) -> dict[str, dict[str, Any]]:
        """What the environment changes in checks, by check and key."""
        return json.loads(self.check_settings) if self.check_settings else {}

    @property
    def broker(self) -> str:
        """The broker's URL: the Redis that drives the runs unless another is named; `InvalidSettings` without both."""
        return self.broker_url.get_secret_value() if self.broker_url else self.redis

    @property
    def database(self) -> str:
        """The database URL for SQLAlchemy; `InvalidSettings` if there is none."""
        return _present(self.database_url, "DATABASE_URL", "a PostgreSQL")

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Show what `shown` shows: addresses in plain fields may hold passwords too."""
        yield from self.shown().items()

    def shown(self) -> dict[str, str]:
        """Return every setting by its variable's name as text, secrets masked."""
        return {f"{PREFIX}{name.upper()}": self._shown(getattr(self, name)) for name in type(self).model_fields}

    def as_environment(self) -> dict[str, str]:
        """Return what was set, not left at its default, as environment variables. Secrets are in plain text."""
        return {f"{PREFIX}{name.upper()}": _as_text(getattr(self, name)) for name in sorted(self.model_fields_set)}

    @staticmethod
    def _shown(value: object) -> str:
        if isinstance(value, SecretStr):
            text = value.get_secret_value()
            return redact(text) if "://" in text else MASK
        if isinstance(value, tuple):
            return redact(",".join(value))
        return "" if value is None else redact(str(value))


def _as_text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(value) if isinstance(value, tuple) else str("" if value is None else value)


def _present(value: SecretStr | None, name: str, what: str) -> str:
    if value is None:
        raise InvalidSettings(
            f"{PREFIX}{name} is not set. Name {what} in it, or start the embedded system with `preflight up`."
        )
    return value.get_secret_value()


def load(values: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings from the environment, `values` (by field name) winning; raise `InvalidSettings` in one line.

    A secret may stand in a file that `PREFLIGHT_<NAME>_FILE` names; `PREFLIGHT_<NAME>` itself wins over it.
    """
    values = from_files(os.environ, SECRETS) | dict(values or {})
    try:
        return Settings(**values)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        name = f"{PREFIX}{field.upper()}"
        given = values.get(field, os.environ.get(name, first.get("input")))
        reason = _reason(field, first["msg"])
        accepted = Settings.model_fields[field].description
        raise InvalidSettings(f"{name}={_given(field, given)}: {reason}. {accepted}") from None


def _reason(field: str, message: str) -> str:
    """Return what is accepted: of a number its whole range, which pydantic tells by one end only."""
    kind = {int: "a whole number", float: "a number"}.get(Settings.model_fields[field].annotation)  # type: ignore[arg-type]
    if not kind:
        return message.removeprefix("Value error, ").rstrip(".")
    limits = Settings.model_fields[field].metadata
    low = next(limit for limit in limits if hasattr(limit, "ge") or hasattr(limit, "gt"))
    high = next(limit.le for limit in limits if hasattr(limit, "le"))
    return f"must be {kind} {f'from {low.ge}' if hasattr(low, 'ge') else f'above {low.gt}'} to {high}"


def _given(field: str, value: Any) -> str:
    """Return a wrong value as it may be shown: of a URL that may hold a password, only what is surely none."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if SecretStr not in _types(field) or not isinstance(text, str):
        return redact(shown(text))
    scheme, separator, rest = text.strip().partition("://")
    head = f"{scheme}://" if separator and re.fullmatch(r"[a-z0-9+]{1,20}", scheme) else ""
    users, at, address = rest.rpartition("@")
    plain = head and "@" not in users and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{1,7})?(?:/[\w-]*)?", address)
    return f"{head}{MASK + '@' if at else ''}{address}" if plain else f"{head}{MASK}"


def _types(field: str) -> tuple[Any, ...]:
    """Return the types that a setting may have."""
    return typing.get_args(Settings.model_fields[field].annotation)


#: The variables of secrets, by field name: each may be given as a file.
SECRETS: Mapping[str, str] = {
    name: f"{PREFIX}{name.upper()}" for name in Settings.model_fields if SecretStr in _types(name)
}


@functools.cache
def settings() -> Settings:
    """Return this process's settings, read once."""
    return load()
