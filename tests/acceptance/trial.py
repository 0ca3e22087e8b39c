"""One system under trial: a namespace on a Redis, a database, its workers, and the caller's side in this process."""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import servers
from acceptance.processes import CeleryProcess, eventually, worker_arguments
from acceptance.stranger_checks import EVENT

from preflight import PreFlightRegistry, PreFlightReport, PreFlightRunner
from preflight.context import RunRequest
from preflight.engine.celery_app import create_app
from preflight.engine.connection import Client, connect
from preflight.engine.handle import FullRun
from preflight.engine.keys import Keys
from preflight.engine.messages import template
from preflight.engine.workers import live
from preflight.reports.store import ReportStore
from preflight.settings import Settings, load

CHECKS = "acceptance.stranger_checks"
CONCURRENCY = 4
#: A report that a waiting test gives up on; a run's own deadline is far below.
REPORT_SECONDS = 60.0


class Trial:
    """Everything that tests of one namespace need. Its workers are killed by `end`."""

    def __init__(self, folder: Path, redis_url: str, database_url: str = "", **settings: Any):
        self.folder = folder
        self.namespace = f"t{secrets.token_hex(6)}"
        self.redis_url = redis_url
        self.database_url = database_url
        self.values = {"namespace": self.namespace, "checks": CHECKS, "concurrency": CONCURRENCY, **settings}
        self.processes: list[CeleryProcess] = []

    @functools.cached_property
    def settings(self) -> Settings:
        """The caller's settings; the workers have the same in their environment."""
        return load({"redis_url": self.redis_url, "database_url": self.database_url, **self.values})

    @functools.cached_property
    def registry(self) -> PreFlightRegistry:
        """The caller's registry."""
        registry = PreFlightRegistry()
        registry.discover(self.settings)
        return registry

    @functools.cached_property
    def runner(self) -> PreFlightRunner:
        """The caller's runner."""
        return PreFlightRunner(self.settings, self.registry)

    @functools.cached_property
    def client(self) -> Client:
        """A client besides the engine's."""
        return connect(self.redis_url, timeout=5.0)

    @functools.cached_property
    def store(self) -> ReportStore:
        """The stored reports."""
        return ReportStore(self.settings.database)

    @property
    def keys(self) -> Keys:
        """The namespace's names."""
        return Keys(self.namespace)

    @property
    def environment(self) -> dict[str, str]:
        """The workers' settings."""
        addresses = {"PREFLIGHT_REDIS_URL": self.redis_url, "PREFLIGHT_DATABASE_URL": self.database_url}
        return addresses | {f"PREFLIGHT_{name.upper()}": str(value) for name, value in self.values.items()}

    def celery(self, *arguments: str, **environment: str) -> CeleryProcess:
        """Start `celery <arguments>` with the trial's environment."""
        name = f"celery-{secrets.token_hex(3)}"
        process = CeleryProcess(name, arguments, self.folder / f"{name}.log", self.environment | environment)
        self.processes.append(process)
        return process

    def worker(self, pool: str = "prefork", **environment: str) -> CeleryProcess:
        """Start a worker and wait for its heartbeat."""
        process = self.celery(*worker_arguments(f"w{secrets.token_hex(3)}@%h", pool), **environment)
        self.await_heartbeat(process)
        return process

    def await_heartbeat(self, process: CeleryProcess):
        """Wait until a worker says that it is alive."""
        sign = f"/{process.child.pid}/"
        eventually(lambda: any(sign in name for name in self.live()), "the worker is alive", lambda: process.log)

    def live(self) -> list[str]:
        """Return the names of live workers."""
        return [worker.name for worker in live(self.client, self.namespace)]

    def story(self, do: Mapping[str, str]) -> Story:
        """Return what the strangers do in one run, with a ledger and a gate of its own."""
        return Story(self.folder / secrets.token_hex(4), do)

    def details(self, story: Story, only: Iterable[str] = (), **details: Any) -> dict[str, Any]:
        """Return the arguments of a run in which the strangers do what the story says."""
        metadata = story.metadata | details.pop("metadata", {})
        return {"event_type": EVENT, "only": only or list(story.do), "metadata": metadata, **details}

    def run(self, do: Mapping[str, str], **details: Any) -> PreFlightReport:
        """Run to the end and return the report, GO or NO-GO."""
        return self.start(self.story(do), **details).report(timeout=REPORT_SECONDS)

    def start(self, story: Story, **details: Any) -> FullRun:
        """Start a full run without waiting for it."""
        return self.runner.start(RunRequest.build(mode="full", **self.details(story, **details)))

    def stored(self, run_id: UUID) -> PreFlightReport:
        """Wait until a report is stored and return it."""
        eventually(lambda: self.store.get(run_id), f"the report {run_id} is stored")
        report = self.store.get(run_id)
        assert report is not None
        return report

    def stored_ids(self) -> list[UUID]:
        """Return the ids of every stored report."""
        return [report.id for report in self.store.page(limit=1000)]

    def message(self, run_id: UUID, check: str, number: int = 1, queue: str = "") -> str:
        """Return a check's message as the scripts push it."""
        text = template(self.settings, queue or self.keys.full_queue)
        for mark, word in {"run": run_id, "name": check, "number": number, "limit": 60}.items():
            text = text.replace(f"@{mark}@", str(word))
        return text

    def expect_go(self):
        """Assert that the system still works."""
        report = self.run({"alpha": "passes", "five": "passes"})
        assert report.success, report.reason

    def send(self, task: str):
        """Send a task that beat would send."""
        with create_app(self.settings) as app:
            app.send_task(task, queue=self.keys.maintenance_queue)

    def strays(self) -> set[int]:
        """Return processes that a program of the trial started and that its living main process does not have."""
        return {pid for process in self.processes for pid in _living(process.session) if pid not in process.pids}

    def end(self):
        """Kill every process of the trial and forget its keys; fail when something else is left."""
        for process in self.processes:
            process.kill()
        if "store" in self.__dict__:
            self.store.dispose()
        eventually(lambda: not self.strays(), "no stray process stays", self.strays)

    def assert_no_leak(self):
        """Fail when a key would stay for ever or a process belongs to nobody."""
        eventually(lambda: not self.keys_left(), "no key without a time to live stays", self.keys_left)
        eventually(lambda: not self.strays(), "no stray process stays", self.strays)

    def keys_left(self) -> list[str]:
        """Return keys of the namespace that would stay for ever. Messages in a worker's hands are some for a moment."""
        return servers.keys_left(self.redis_url, self.namespace)


class Story:
    """What the strangers do in one run. The ledger says what was really asked, the gate holds those that wait."""

    def __init__(self, place: Path, do: Mapping[str, str]):
        self.do = dict(do)
        self._ledger = place.with_suffix(".ledger")
        self._gate = place.with_suffix(".gate")

    @property
    def metadata(self) -> dict[str, Any]:
        """What the run carries to the checks."""
        return {"do": self.do, "ledger": str(self._ledger), "gate": str(self._gate)}

    @property
    def ledger(self) -> list[tuple[str, int]]:
        """Every execution so far, in order, as (check, process)."""
        if not self._ledger.exists():
            return []
        lines = (line.split(" ") for line in self._ledger.read_text().splitlines())
        return [(name, int(pid)) for name, pid in lines]

    @property
    def asked(self) -> list[str]:
        """The names of the checks that were asked so far, in order."""
        return [name for name, _ in self.ledger]

    def await_asked(self, *names: str):
        """Wait until all these checks are being asked."""
        eventually(lambda: set(names) <= set(self.asked), f"{', '.join(names)} are being asked", lambda: self.asked)

    def open_gate(self):
        """Let the waiting checks answer."""
        self._gate.touch()


def _living(session: int) -> Iterator[int]:
    """Yield the processes of a program's session that are not zombies, orphans included."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                yield process.pid
