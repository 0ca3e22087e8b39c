"""Clients of the Redis that drives the runs, and one clear line for each way it can be away."""

from __future__ import annotations

import functools
import os
import re
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from preflight.exceptions import BrokerUnavailable
from preflight.redaction import redact

TIMEOUT_SECONDS = 0.5
#: The first with ZADD LT and LPOP with a count, which the scripts use.
OLDEST_REDIS = (6, 2)
Client = redis.Redis


def connect(url: str, timeout: float = TIMEOUT_SECONDS, **options: object) -> Client:
    """Return a client that gives up after `timeout` seconds and never retries by itself.

    redis-py's defaults (5 s, ten times) would hold a caller for a minute while Redis is silent.
    """
    return redis.Redis.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
        **options,
    )


def client_of(url: str) -> Client:
    """Return this process's client for a URL. A forked child gets its own."""
    return _client_of(url, os.getpid())


@functools.lru_cache(maxsize=16)
def _client_of(url: str, _process: int) -> Client:
    return connect(url)


def now_ms(client: Client) -> int:
    """Return Redis' clock in ms."""
    seconds, micros = client.time()
    return int(seconds) * 1000 + int(micros) // 1000


def refuse_unfit(client: Client, url: str) -> None:
    """Raise `BrokerUnavailable` when the server is too old or a Redis Cluster. One round trip."""
    try:
        facts = client.info("server")
    except redis.exceptions.NoPermissionError:
        return  # what it does not permit besides shows soon enough
    if reason := unfit(facts):
        raise BrokerUnavailable(f"{reason} ({place_of(url)}). Name another server in PREFLIGHT_REDIS_URL.")


def unfit(facts: Mapping[str, Any]) -> str:
    """Return why a server cannot drive runs, by what it says of itself (INFO server), or nothing."""
    if "cluster" in (facts.get("redis_mode"), facts.get("server_mode")):
        return "It is a Redis Cluster, and a run's keys must be on one server: use one Redis with replicas"
    told = str(facts.get("redis_version", "0"))
    if tuple(int(number) for number in re.findall(r"\d+", told)[:2]) < OLDEST_REDIS:
        return f"Redis {told} is too old: install Redis 6.2 or newer, or Valkey"
    return ""


def place_of(url: str) -> str:
    """Return "host:port" of a Redis URL, for messages."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 6379}"


def unavailable(error: BaseException, url: str) -> BrokerUnavailable:
    """Return the exception that says in one line what is wrong with Redis and what to do."""
    return BrokerUnavailable(f"{explain(error)} ({place_of(url)}). Check PREFLIGHT_REDIS_URL and the server behind it.")


_BY_TYPE: tuple[tuple[type[BaseException], str], ...] = (
    (redis.AuthenticationError, "Redis refuses the user or password"),
    (redis.exceptions.NoPermissionError, "Redis does not permit this user what PreFlight needs"),
    (redis.ReadOnlyError, "Redis is a read-only replica"),
    (redis.exceptions.OutOfMemoryError, "Redis is out of memory"),
    (redis.BusyLoadingError, "Redis is still loading its data"),
    (redis.TimeoutError, "Redis does not answer"),
    (redis.exceptions.InvalidResponse, "The server is not a Redis"),
    (TimeoutError, "Redis does not answer"),
)
_BY_TEXT = (
    ("MISCONF", "Redis cannot write to its disk"),
    ("NOAUTH", "Redis wants a password"),
    ("WRONGPASS", "Redis refuses the user or password"),
    ("invalid password", "Redis refuses the user or password"),
    ("OOM", "Redis is out of memory"),
    ("READONLY", "Redis is a read-only replica"),
    ("Protocol", "The server is not a Redis"),
    ("refused", "Redis refuses connections"),
    ("closed", "The server closed the connection: not a Redis, or restarting"),
    ("reset", "The server closed the connection: not a Redis, or restarting"),
    ("timed out", "Redis does not answer"),
    ("Timeout", "Redis does not answer"),
)


def explain(error: BaseException) -> str:
    """Return what is wrong with Redis in a few words."""
    if isinstance(error, socket.gaierror) or isinstance(error.__cause__, socket.gaierror):
        return "The host name of Redis cannot be resolved"
    text = str(error)
    if getattr(error, "status_code", "") == "NOAUTH":  # of the same type as a wrong password
        return "Redis wants a password"
    for kind, words in _BY_TYPE:
        if isinstance(error, kind) and not (kind is redis.TimeoutError and "resolve" in text):
            return words
    if "Error -" in text:
        return "The host name of Redis cannot be resolved"
    for part, words in _BY_TEXT:
        if part in text:
            return words
    return redact(f"Redis fails: {' '.join(text.split())[:200] or type(error).__name__}")
