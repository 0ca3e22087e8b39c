"""The table of scenarios, and how one is lived through and judged."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from faults.battery import (
    beat_faults,
    caller_faults,
    postgresql_faults,
    redis_faults,
    watcher_faults,
    worker_faults,
)
from faults.battery.oracle import Judgement, Oracle
from faults.battery.servers_under_fault import Servers
from faults.battery.told import Red, Told
from faults.battery.world import World

BOTH = ("prefork", "threads")
PREFORK = ("prefork",)


class Scenario(NamedTuple):
    """One row of the table: its number there, its name, what it does, on which pools, behind the proxy or not."""

    number: int
    name: str
    live: Callable[[World], None]
    pools: tuple[str, ...] = PREFORK
    proxied: bool = False


SCENARIOS = (
    Scenario(1, "a worker's main process killed", worker_faults.workers_killed, BOTH),
    Scenario(2, "every worker killed, restarted after 3 s", worker_faults.all_workers_killed, BOTH),
    Scenario(2, "every worker killed, none restarted", worker_faults.all_workers_gone, BOTH),
    Scenario(3, "a pool's process dies", worker_faults.children_killed),
    Scenario(4, "a worker frozen for 10 s", worker_faults.worker_frozen),
    Scenario(5, "every message doubled", worker_faults.messages_doubled, BOTH),
    Scenario(6, "checks hang", worker_faults.checks_hang),
    Scenario(7, "checks answer garbage", worker_faults.checks_misbehave),
    Scenario(8, "Redis restarted", redis_faults.redis_restarted, BOTH),
    Scenario(8, "Redis restarted every 2 s", redis_faults.redis_restarted_often, BOTH),
    Scenario(9, "Redis silent for 5 s", redis_faults.redis_paused, BOTH),
    Scenario(9, "packets to Redis dropped for 10 s", redis_faults.packets_dropped, BOTH, proxied=True),
    Scenario(9, "connections to Redis reset", redis_faults.connections_reset, BOTH, proxied=True),
    Scenario(9, "connections to Redis half open", redis_faults.half_open, BOTH, proxied=True),
    Scenario(10, "Redis out of memory", redis_faults.out_of_memory),
    Scenario(10, "Redis a read-only replica", redis_faults.read_only),
    Scenario(10, "Redis' disk full", redis_faults.disk_full),
    Scenario(10, "Redis' password changed", redis_faults.wrong_password),
    Scenario(10, "not a Redis", redis_faults.not_a_redis, proxied=True),
    Scenario(11, "Redis flushed", redis_faults.redis_flushed),
    Scenario(12, "PostgreSQL down for a minute", postgresql_faults.down),
    Scenario(12, "PostgreSQL killed", postgresql_faults.killed),
    Scenario(12, "PostgreSQL out of connections", postgresql_faults.out_of_connections),
    Scenario(12, "PostgreSQL read-only", postgresql_faults.read_only),
    Scenario(12, "PostgreSQL's disk full", postgresql_faults.disk_full),
    Scenario(12, "PostgreSQL in a deadlock", postgresql_faults.deadlock),
    Scenario(12, "PostgreSQL slow", postgresql_faults.slow),
    Scenario(13, "PostgreSQL and Redis down", postgresql_faults.both_down),
    Scenario(14, "Sentry silent, strict, gone", watcher_faults.sentry_troubled, BOTH),
    Scenario(14, "the disk for metrics full", watcher_faults.metrics_disk_full),
    Scenario(14, "the disk for logs full", watcher_faults.log_disk_full),
    Scenario(15, "two beats, killed in turn", beat_faults.two_beats),
    Scenario(15, "beat away for a day", beat_faults.beat_away),
    Scenario(18, "callers killed, interrupted, cancelled", caller_faults.callers_killed),
    Scenario(20, "500 callers at once on one worker", caller_faults.five_hundred),
    Scenario(21, "poison messages", caller_faults.poisoned),
)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one scenario on one pool came to."""

    scenario: Scenario
    pool: str
    told: Told
    found: Judgement
    seconds: float

    @property
    def red(self) -> bool:
        """Whether anything was not as promised."""
        return bool(self.found.problems)


def live_through(
    servers: Servers,
    folder: Path,
    scenario: Scenario,
    pool: str,
    *,
    seed: int,
    effort: float,
    oracle: Callable[[World], Oracle] = Oracle,
) -> Outcome:
    """Live a scenario through on a pool, and judge it. The same seed gives the same faults at the same moments."""
    began = time.monotonic()
    dice = random.Random(f"{seed} {scenario.name} {pool}")
    world = World(servers, folder, dice, pool, effort, proxied=scenario.proxied)
    try:
        _live(world, scenario)
        found = oracle(world).judge()
    finally:
        world.close()
        servers.postgresql.drop_database(world.database)
    return Outcome(scenario, pool, world.told, found, time.monotonic() - began)


def _live(world: World, scenario: Scenario) -> None:
    try:
        scenario.live(world)
        world.stop_callers()
        world.settle()
    except Red as red:
        world.told.problems.append(str(red))
