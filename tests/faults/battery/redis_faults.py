"""Faults of Redis and of the way to it: scenarios 8 to 11. Each function lives one scenario through."""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import Callable, Iterator

import psutil
from faults.battery import lines
from faults.battery.world import World

from preflight.engine.connection import connect


def begin(world: World, **orders: object) -> None:
    """Start two workers and the load."""
    world.start_workers(2)
    world.start_callers(**orders)


@contextlib.contextmanager
def hitting(world: World) -> Iterator[None]:
    """Wait for the load, count the hit, and note the span as one in which nobody reaches Redis."""
    world.await_load()
    world.let(0.1, 0.7)
    world.hit(len(world.observer.open_now()) > 0)
    with world.blackout():
        yield


def redis_restarted(world: World) -> None:
    """Stop Redis in the middle of runs and start it again, with its append-only file."""
    begin(world)
    for _ in world.rounds(5):
        with hitting(world):
            world.servers.valkey.stop()
            world.let(0.0, 1.5)
            world.servers.valkey.start()
        world.recover()


def redis_restarted_often(world: World) -> None:
    """Restart Redis every two seconds, for twenty."""
    begin(world)
    with hitting(world):
        until = time.monotonic() + 20 * world.effort
        while time.monotonic() < until:
            world.servers.valkey.stop()
            world.servers.valkey.start()
            world.hit()
            world.let(2.0)
    world.recover()


def redis_paused(world: World) -> None:
    """Make Redis silent for five seconds: connections are accepted and nothing answers."""
    begin(world)
    for _ in world.rounds(3):
        with hitting(world):
            world.servers.valkey.pause()
            world.let(5.0)
            world.servers.valkey.resume()
        world.recover()


def packets_dropped(world: World) -> None:
    """Swallow every packet between everybody and Redis for ten seconds."""
    begin(world)
    for _ in world.rounds(2):
        with hitting(world):
            world.servers.proxy.set("drop")
            world.let(10.0)
            world.servers.proxy.set("pass")
        world.recover()


def connections_reset(world: World) -> None:
    """Reset every connection to Redis again and again."""
    begin(world)
    with hitting(world):
        for _ in world.rounds(24):
            world.let(0.1, 0.9)
            world.servers.proxy.reset()
            world.hit()
    world.recover()


def half_open(world: World) -> None:
    """Let requests reach Redis and swallow its answers."""
    begin(world)
    for _ in world.rounds(3):
        with hitting(world):
            world.servers.proxy.set("half_open")
            world.let(3.0, 5.0)
            world.servers.proxy.set("pass")
        world.recover()


def refusing(break_it: Callable[[World], None], mend_it: Callable[[World], None], words: str) -> Callable[..., None]:
    """Return a scenario in which Redis refuses for six seconds; runs that open meanwhile must say `words` at once."""

    def scenario(world: World) -> None:
        begin(world)
        for _ in world.rounds(2):
            with hitting(world):
                break_it(world)
                fresh = world.ask_meanwhile(6.0)
                mend_it(world)
            world.recover()
            world.hit(len(fresh))
            told = [line for line in lines.read(world.notes) if line["note"] == "end" and line["token"] in fresh]
            expect_words(world, told, words)

    return scenario


def expect_words(world: World, told: list[dict[str, object]], words: str) -> None:
    """Note a problem unless every caller was told, in under two seconds, what is wrong with Redis."""
    reasons = {str(line["broker"]).partition(" (")[0] for line in told}
    if reasons != {words}:
        world.told.problems.append(f"callers were not all told {words!r} but {sorted(reasons)}")
    slow = sorted(int(str(line["waited_ms"])) for line in told if int(str(line["waited_ms"])) > 2000)
    if slow:
        world.told.problems.append(f"{len(slow)} callers of a refusing Redis waited longer than 2 s: {slow[-3:]}")


def configure(world: World, **values: str) -> None:
    """Change the server's settings."""
    with contextlib.closing(connect(world.servers.valkey.url, timeout=5)) as client:
        for name, value in values.items():
            client.config_set(name.replace("_", "-"), value)


def _fill(world: World) -> None:
    configure(world, maxmemory="1mb")


def _empty(world: World) -> None:
    configure(world, maxmemory="0")


def _follow(world: World) -> None:
    with contextlib.closing(connect(world.servers.valkey.url, timeout=5)) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")


def _lead(world: World) -> None:
    with contextlib.closing(connect(world.servers.valkey.url, timeout=5)) as client:
        client.execute_command("REPLICAOF", "NO", "ONE")


def _fill_disk(world: World) -> None:
    # Python ignores SIGXFSZ and the server, which Python started, too: a write past the limit fails as on a full disk.
    psutil.Process(world.servers.valkey.server.pid).rlimit(psutil.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))


def _free_disk(world: World) -> None:
    psutil.Process(world.servers.valkey.server.pid).rlimit(
        psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    )


def _change_password(world: World) -> None:
    with contextlib.closing(connect(world.servers.valkey.url, timeout=5)) as client:
        client.config_set("requirepass", "another")
        client.client_kill_filter(_type="normal", skipme=True)
        client.client_kill_filter(_type="pubsub", skipme=True)


def _restore_password(world: World) -> None:
    url = world.servers.valkey.url.replace(world.servers.valkey.server.password, "another")
    with contextlib.closing(connect(url, timeout=5)) as client:
        client.config_set("requirepass", world.servers.valkey.server.password)


def _speak_http(world: World) -> None:
    world.servers.proxy.set("http")


def _speak_redis(world: World) -> None:
    world.servers.proxy.set("pass")


out_of_memory = refusing(_fill, _empty, "Redis is out of memory")
read_only = refusing(_follow, _lead, "Redis is a read-only replica")
disk_full = refusing(_fill_disk, _free_disk, "Redis cannot write to its disk")
wrong_password = refusing(_change_password, _restore_password, "Redis refuses the user or password")
not_a_redis = refusing(_speak_http, _speak_redis, "The server is not a Redis")


def redis_flushed(world: World) -> None:
    """Delete all data of Redis in the middle of runs."""
    begin(world)
    for _ in world.rounds(4):
        world.await_load()
        world.let(0.1, 0.7)
        world.hit(len(world.observer.open_now()) > 0)
        with world.blackout():
            world.told.flushed_at.append(time.time())
            world.observer.client.flushall()
        world.recover()
