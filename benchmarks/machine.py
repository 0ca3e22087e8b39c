"""Everything that is measured, on this machine: one Valkey, one PostgreSQL, one worker per arm."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks import echo, native
from preflight.embedded import programs
from preflight.embedded.postgresql import start_postgresql
from preflight.embedded.process import Child, Program, wait_until
from preflight.embedded.system import workers_live
from preflight.embedded.valkey import Valkey, start_valkey
from preflight.exceptions import EmbeddedError
from preflight.reports import migrations
from preflight.settings import Settings, load

NAMESPACE = "bench"
#: The namespace of a second worker of PreFlight, whose pool is of threads.
THREADS = "bench_threads"
#: What every worker runs with: PreFlight's default. The pool is prefork for all.
CONCURRENCY = Settings.model_fields["concurrency"].default
READY_SECONDS = 180.0
STOP_SECONDS = 10.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Machine:
    """Where the running servers are. `silent` is a second Valkey that a measurement may pause.

    `workers` are process ids by name: a namespace for PreFlight's workers, a queue for native ones.
    """

    valkey: Valkey
    silent: Valkey
    database_url: str
    workers: Mapping[str, int]

    @property
    def redis_url(self) -> str:
        """The address of the Valkey that all arms share."""
        return self.valkey.url

    @property
    def settings(self) -> Settings:
        """The settings of PreFlight's own worker and its callers, as `preflight up` makes them."""
        return load(self.words(NAMESPACE))

    def words(self, namespace: str) -> dict[str, str]:
        """Return the settings of a worker's callers by name."""
        return {"redis_url": self.redis_url, "database_url": self.database_url, "namespace": namespace}


@contextlib.contextmanager
def running(home: Path) -> Iterator[Machine]:
    """Start the servers and one worker per arm in `home`, and stop them in the end. Main thread only."""
    with contextlib.ExitStack() as closing:
        valkey = start_valkey(home / "valkey", secrets.token_hex(8))
        closing.callback(valkey.stop)
        silent = start_valkey(home / "silent", secrets.token_hex(8))
        closing.callback(silent.stop)
        postgresql = start_postgresql(home / "postgresql", secrets.token_hex(8))
        closing.callback(postgresql.stop)
        migrations.upgrade(postgresql.url)
        children = [Child(program) for program in _programs(valkey.url, postgresql.url, home)]
        closing.callback(stop, children)
        workers = {child.program.name: child.pid for child in children}
        machine = Machine(valkey=valkey, silent=silent, database_url=postgresql.url, workers=workers)
        wait_for(children, machine, (NAMESPACE, THREADS))
        yield machine


def _programs(redis_url: str, database_url: str, home: Path) -> Iterator[Program]:
    """Yield PreFlight's own worker exactly as installed and one with threads, the native ones, and the echo."""
    addresses = {"PREFLIGHT_REDIS_URL": redis_url, "PREFLIGHT_DATABASE_URL": database_url}
    yield preflight(NAMESPACE, home, addresses)
    yield preflight(THREADS, home, addresses, pool="threads")
    for acknowledge in (False, True):
        queue = native.queue_of(acknowledge=acknowledge)
        own = {native.REDIS: redis_url, native.ACKNOWLEDGE: "yes" if acknowledge else "no"}
        arguments = ("-m", "celery", "-A", "benchmarks.native", "worker", "-n", f"{queue}@%h", *_SAME_POOL)
        yield python(queue, arguments, home, own)
    yield python("echo", ("-m", "benchmarks.echo"), home, {echo.REDIS: redis_url})


def preflight(
    namespace: str, home: Path, environment: Mapping[str, str], *, pool: str = "prefork", loglevel: str = "WARNING"
) -> Program:
    """Return PreFlight's own worker of a namespace as installed; `environment` has at least the servers' addresses."""
    other = {"prefork": pool, "checks@%h": f"{namespace}@%h", "WARNING": loglevel}
    arguments = tuple(other.get(argument, argument) for argument in programs.CHECKS.arguments)
    own = {"PREFLIGHT_NAMESPACE": namespace, "PREFLIGHT_CHECKS": "benchmarks.checks"}
    entry = dataclasses.replace(programs.CHECKS, name=namespace, arguments=arguments)
    words = {"concurrency": str(CONCURRENCY), "namespace": namespace}
    return programs.program(entry, words, home, {**environment, **own})


_SAME_POOL = ("--pool", "prefork", "--concurrency", str(CONCURRENCY), *programs.QUIET, "--without-heartbeat")


def python(name: str, arguments: tuple[str, ...], home: Path, environment: Mapping[str, str]) -> Program:
    """Return a program of this Python, from the repository."""
    return Program(
        name=name,
        command=(sys.executable, *arguments),
        log=home / "logs" / f"{name}.log",
        environment=environment,
        directory=programs.repository(),
    )


def wait_for(children: Sequence[Child], machine: Machine, namespaces: Sequence[str]) -> None:
    """Wait for PreFlight's workers; the others' first runs wait for them."""

    def settled() -> bool:
        ready = (workers_live(machine.redis_url, namespace) for namespace in namespaces)
        return not all(child.alive for child in children) or all(ready)

    in_time = wait_until(settled, READY_SECONDS)
    for child in children:
        if not child.alive:
            raise EmbeddedError(f"{child.death}.")
    if not in_time:
        raise EmbeddedError(f"No worker answered within {READY_SECONDS:g} s.")


def stop(children: Sequence[Child]) -> None:
    """Ask all to end, and kill what does not."""
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.ended_within(STOP_SECONDS)
        child.kill()


@contextlib.contextmanager
def paused(server: Valkey) -> Iterator[None]:
    """Silence a server: connections stay open, nothing answers."""
    server.child.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.child.signal(signal.SIGCONT)
