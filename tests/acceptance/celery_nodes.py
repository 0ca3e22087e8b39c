"""pytest-celery's containers without docker: a local process behaves as the container that its nodes expect."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from acceptance.processes import worker_arguments
from acceptance.trial import Trial
from pytest_celery import CeleryWorkerContainer, RedisContainer

from preflight.embedded.process import Child
from preflight.embedded.server import Server

WORKER_NAME = "preflight"


class ProcessAsContainer:
    """What pytest-celery asks of docker's container, answered by a local process."""

    def __init__(self, identity: str, child: Callable[[], Child], log: Path, start: Callable[[], object]):
        self.id = identity
        self.name = identity
        # No networks and no ports: nothing that a container's readiness would wait for.
        self.attrs: dict[str, Any] = {"NetworkSettings": {"Networks": {}, "Ports": {}}}
        self._child = child
        self._log = log
        self._start = start

    @classmethod
    def of_server(cls, server: Server) -> ProcessAsContainer:
        """Imitate the container of an embedded server."""
        found = cls(f"{server.name}-{server.port}", lambda: server.child, server.log, server.start)
        found.attrs["url"] = server.url
        return found

    @classmethod
    def of_worker(cls, trial: Trial) -> ProcessAsContainer:
        """Start a worker and imitate its container, whose id is the host part of the worker's name."""
        identity = trial.namespace.ljust(12, "0")[:12]
        arguments = worker_arguments(f"{WORKER_NAME}@{identity}")
        process = trial.celery(*arguments, "-I", "pytest_celery.vendors.worker.tasks")
        trial.await_heartbeat(process)
        return cls(identity, lambda: process.child, process.program.log, process.start_again)

    @property
    def status(self) -> str:
        """Docker's word for the state."""
        return "running" if self._child().alive else "exited"

    def reload(self):
        """Do nothing: the state is always read afresh."""

    def kill(self, signal: str | int = "SIGKILL"):
        """Send the main process a signal, given as docker takes it."""
        self._child().signal(_number(signal))

    def restart(self, timeout: int = 10):
        """Stop and start."""
        self._child().stop(timeout)
        self._start()

    def logs(self) -> bytes:
        """Return everything that the process wrote."""
        return self._log.read_bytes()


def _number(name: str | int) -> signal.Signals:
    return signal.Signals[name] if isinstance(name, str) else signal.Signals(name)


class ValkeyContainer(RedisContainer):
    """A local Valkey as pytest-celery's Redis container."""

    @property
    def celeryconfig(self) -> dict[str, Any]:
        """The address, as broker and as result backend."""
        url = self.attrs["url"]
        parts = urlsplit(url)
        return {"url": url, "host_url": url, "hostname": parts.hostname, "port": parts.port, "vhost": "0"}

    @property
    def ready_prompt(self) -> str:
        """The line that a Valkey writes when it has loaded its data."""
        return "Ready to accept connections"


class PreFlightWorkerContainer(CeleryWorkerContainer):
    """One of PreFlight's workers as pytest-celery's worker container."""

    @classmethod
    def worker_name(cls) -> str:
        """Return the part of the name before the host."""
        return WORKER_NAME
