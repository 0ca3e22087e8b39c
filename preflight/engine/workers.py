"""Which workers are alive: their heartbeats, written by each and read by everyone."""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
from collections.abc import Iterable
from typing import cast

from preflight.engine.connection import Client, now_ms
from preflight.engine.keys import Keys
from preflight.engine.runs import ALIVE_MS, Runs


@dataclasses.dataclass(frozen=True, kw_only=True)
class WorkerInfo:
    """A worker as it announces itself. `seen_ms_ago` is the age of its last heartbeat.

    `hung_threads` of its pool are in checks that do not return.
    """

    name: str
    version: str
    queues: tuple[str, ...]
    checks: tuple[str, ...]
    hung_threads: int
    seen_ms_ago: int


def identity(node: str) -> str:
    """Return the name of this incarnation of a worker: a restarted one is another."""
    return f"{node}/{os.getpid()}/{secrets.token_hex(4)}"


def describe(version: str, queues: Iterable[str], checks: Iterable[str], hung_threads: int = 0) -> str:
    """Return a worker's announcement as text."""
    said = {"version": version, "queues": list(queues), "checks": list(checks), "hung_threads": hung_threads}
    return json.dumps(said)


def beat(runs: Runs, worker: str, description: str, *, asks_checks: bool) -> None:
    """Say that a worker is alive. Only those that ask checks count for runs."""
    alive = runs.keys["alive" if asks_checks else "alive:requests"]
    runs.call("heartbeat", [alive, runs.keys["workers"]], [worker, description])


def retire(runs: Runs, worker: str) -> None:
    """Say that a worker is leaving, so that nobody waits for its heartbeat to grow old."""
    for name in ("alive", "alive:requests"):
        runs.client.zrem(runs.keys[name], worker)
    runs.client.hdel(runs.keys["workers"], worker)


def live(client: Client, namespace: str) -> list[WorkerInfo]:
    """Return the workers whose heartbeat is fresh, by name."""
    keys = Keys(namespace)
    now = now_ms(client)
    described = cast("dict[str, str]", client.hgetall(keys["workers"]))
    fresh = {
        str(name): now - int(seen)
        for alive in ("alive", "alive:requests")
        for name, seen in _scored(client.zrangebyscore(keys[alive], now - ALIVE_MS, "+inf", withscores=True))
    }
    return [_info(name, described[name], age) for name, age in sorted(fresh.items()) if name in described]


def _scored(found: object) -> list[tuple[str, float]]:
    return cast("list[tuple[str, float]]", found)


def _info(name: str, description: str, age_ms: int) -> WorkerInfo:
    said = json.loads(description)
    return WorkerInfo(
        name=name,
        version=said["version"],
        queues=tuple(said["queues"]),
        checks=tuple(said["checks"]),
        hung_threads=said.get("hung_threads", 0),  # older versions do not say it
        seen_ms_ago=max(0, age_ms),
    )


def fresh_names(client: Client, keys: Keys, at_ms: int) -> frozenset[str]:
    """Return the names of the workers that are alive at an instant of Redis' clock."""
    return frozenset(cast("list[str]", client.zrangebyscore(keys["alive"], at_ms - ALIVE_MS, "+inf")))
