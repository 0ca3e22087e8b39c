"""What the embedded servers share: a free port on loopback, a directory used by one server at a time, readiness."""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from preflight.embedded.process import Child, Program, stop, wait_until
from preflight.exceptions import EmbeddedError

HOST = "127.0.0.1"
PORT_ATTEMPTS = 8
START_SECONDS = 30.0
#: How long a server may still use its directory after its launcher was killed.
PREDECESSOR_SECONDS = 15.0


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Server(abc.ABC):
    """A server on 127.0.0.1 that keeps its data in a directory of its own and dies with this process."""

    name: ClassVar[str]

    def __init__(
        self,
        directory: Path,
        password: str,
        *,
        port: int | None = None,
        ports: Iterator[int] | None = None,
        log: Path | None = None,
    ) -> None:
        """Keep data in `directory`. Without a `port`, free ones (or the next of `ports`) are tried."""
        self.directory = directory
        self.password = password
        self.log = log or directory / "log"
        self._ports = ports or iter(free_port, -1)
        self._chosen = port
        self.port = port or 0
        self._child: Child | None = None

    @property
    @abc.abstractmethod
    def url(self) -> str:
        """The address with user and password."""

    @abc.abstractmethod
    def program(self) -> Program:
        """Return what to start for the current port."""

    @abc.abstractmethod
    def answers(self) -> bool:
        """Whether this very server accepts our password now."""

    def prepare(self) -> None:  # noqa: B027  # a server without preparation needs none
        """Make what the program needs in its directory, which nobody else uses now."""

    @property
    def child(self) -> Child:
        """The running program; `EmbeddedError` before the first start."""
        if self._child is None:
            raise EmbeddedError(f"{self.name} was never started: call begin() first.")
        return self._child

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self.child.pid

    @property
    def started(self) -> bool:
        """Whether the server was started at least once."""
        return self._child is not None

    @property
    def alive(self) -> bool:
        """Whether the server's process runs."""
        return self.started and self.child.alive

    def begin(self) -> None:
        """Start the server without waiting for it, on the port it had before if there was one."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.port = self._chosen or next(self._ports)
        with _only_user(self.directory) as lock:
            self.prepare()
            self._child = Child(dataclasses.replace(self.program(), inherited=(lock,)))

    def wait_until_ready(self, seconds: float = START_SECONDS) -> None:
        """Wait until it answers, on another port if ours was taken; `EmbeddedError` if it ends or stays silent."""
        for _ in range(PORT_ATTEMPTS):
            if not wait_until(lambda: not self.alive or self.answers(), seconds):
                raise EmbeddedError(f"{self.name} did not answer within {seconds:g} s: see {self.log}.")
            if self.alive:
                self._chosen = self.port
                return
            if self._chosen or "Address already in use" not in self.child.output:
                break
            self.begin()
        raise EmbeddedError(f"{self.child.death}.")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self.begin()
        try:
            self.wait_until_ready()
        except BaseException:
            self.child.kill()
            raise

    def stop(self) -> None:
        """Stop the server in order, keeping its data; nothing happens if it does not run."""
        if self.started:
            stop([self.child])


@contextlib.contextmanager
def _only_user(directory: Path) -> Iterator[int]:
    """Hold the directory's lock; who inherits the descriptor goes on holding it until its last process ends."""
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not wait_until(lambda: try_lock(lock), PREDECESSOR_SECONDS):
            raise EmbeddedError(
                f"Another server still uses {directory}: stop it, or set PREFLIGHT_HOME to another place."
            )
        yield lock
    finally:
        os.close(lock)


def try_lock(descriptor: int) -> bool:
    """Lock an open file for this process alone and say whether nobody else has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
