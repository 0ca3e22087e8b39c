"""One scenario: a namespace and a database of its own, workers under a supervisor, callers, what they note."""

from __future__ import annotations

import contextlib
import random
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from acceptance.processes import REPOSITORY, TESTS, CeleryProcess, worker_arguments
from acceptance.trial import Trial
from faults.battery import lines
from faults.battery.caller import Orders, note_end
from faults.battery.checks import EVENT
from faults.battery.observer import Observer, sessions
from faults.battery.servers_under_fault import TEMPLATE, Servers
from faults.battery.told import IN_FLIGHT, PATIENCE_SECONDS, TICK_SECONDS, Red, Told

from preflight.embedded.process import Child, Program, wait_until
from preflight.engine.workers import live


class World:
    """Everything one scenario needs. `effort` scales how often faults are injected; 1 is the whole battery."""

    def __init__(
        self,
        servers: Servers,
        folder: Path,
        dice: random.Random,
        pool: str,
        effort: float = 1.0,
        *,
        proxied: bool = False,
    ):
        folder.mkdir(parents=True)
        self.servers, self.folder, self.dice, self.pool, self.effort = servers, folder, dice, pool, effort
        self.told = Told()
        self.canary = secrets.token_hex(12)
        self.truth, self.notes = folder / "truth", folder / "notes"
        self.database = f"b{secrets.token_hex(6)}"
        self.trial = self._trial(servers.proxied_url if proxied else servers.valkey.url)
        self.observer = Observer(servers.valkey.url, self.trial.namespace)
        self.workers: list[CeleryProcess] = []
        self.callers: list[Child] = []
        self.sessions: list[int] = []
        #: When the last blackout's cause ended, until recovery was measured.
        self.mended_at: float | None = None
        #: Whether ended workers are started again.
        self.supervised = True

    def _trial(self, url: str) -> Trial:
        database_url = self.servers.postgresql.create_database(self.database, TEMPLATE)
        return Trial(self.folder, url, database_url, checks="faults.battery.checks", concurrency=8)

    # Workers

    def start_workers(self, count: int, role: str = "checks", **settings: str) -> None:
        """Start workers that ask checks, or serve requests, and wait until all are alive."""
        for _ in range(count):
            arguments = worker_arguments(f"w{len(self.workers)}@%h", self.pool)
            worker = self.trial.celery(*arguments, PREFLIGHT_WORKER_ROLE=role, **settings)
            self.workers.append(worker)
            self.sessions.append(worker.session)
        self.until(lambda: len(self.up()) >= len(self.workers), "the workers are alive")

    def up(self) -> list[CeleryProcess]:
        """Return the workers whose heartbeat is fresh."""
        names = [found.name for found in live(self.observer.client, self.trial.namespace)]
        return [worker for worker in self.workers if any(f"/{worker.child.pid}/" in name for name in names)]

    def tick(self) -> None:
        """Do what a supervisor does: start again what has ended."""
        for worker in self.workers:
            if self.supervised and worker.ended():
                worker.start_again()
                self.sessions.append(worker.session)

    def asking(self, pids: set[int]) -> int:
        """Return how many checks these processes are asking now."""
        open_now: set[tuple[str, str]] = set()
        for line in lines.read(self.truth):
            if line["pid"] in pids:
                (open_now.add if line["said"] == "asked" else open_now.discard)((line["run"], line["check"]))
        return len(open_now)

    def said(self, check: str, said: str) -> int:
        """Return how often a check wrote down that it was asked, or answered so."""
        return sum(1 for line in lines.read(self.truth) if (line["check"], line["said"]) == (check, said))

    # Callers

    def start_callers(self, *, full: int = 28, processes: int = 2, light_pause: float = 0.06, **orders: Any) -> None:
        """Start processes that fire full runs, and one more that fires light ones."""
        for _ in range(processes):
            self.start_caller(full=full, **orders)
        if light_pause:
            self.start_caller(light_pause=light_pause, **orders)

    def start_caller(self, **orders: Any) -> Child:
        """Start one process of the application."""
        number, seed = len(self.callers), self.dice.getrandbits(32)
        places = {"notes": str(self.notes), "truth": str(self.truth)}
        text = Orders(**places, seed=seed, canary=self.canary, **orders).text()
        program = Program(
            name=f"caller{number}",
            command=(sys.executable, "-m", "faults.battery.caller", text),
            log=self.folder / f"caller{number}.log",
            environment={**self.trial.environment, "PYTHONPATH": str(TESTS)},
            directory=REPOSITORY,
        )
        self.callers.append(Child(program))
        self.sessions.append(self.callers[-1].pid)
        return self.callers[-1]

    def stop_callers(self) -> None:
        """Let the calls that run end."""
        for caller in self.callers:
            caller.signal(signal.SIGTERM)
        self.until(lambda: not any(caller.alive for caller in self.callers), "every caller has its verdict")

    def await_load(self, runs: int = IN_FLIGHT) -> None:
        """Wait until so many runs are open, and note how many there are."""
        self.until(lambda: len(self.observer.open_now()) >= runs, f"{runs} runs are in flight")
        self.told.in_flight.append(len(self.observer.open_now()))

    def noted(self, note: str) -> int:
        """Return how many notes of a kind callers have made."""
        return sum(1 for line in lines.read(self.notes) if line["note"] == note)

    def unstored_verdicts(self) -> list[str]:
        """Wait for what callers were told to be stored; return the ids of which it is not."""

        def missing() -> list[str]:
            told = [line["id"] for line in lines.read(self.notes) if line["note"] == "end"]
            return [run_id for run_id in told if self.trial.store.get(UUID(run_id)) is None]

        with contextlib.suppress(Red):
            self.until(lambda: not missing(), "verdicts are stored", 5.0)
        return missing()

    # Time

    def let(self, low: float, high: float | None = None) -> None:
        """Let everything go on for a time between `low` and `high` seconds."""
        until = time.monotonic() + (self.dice.uniform(low, high) if high else low)
        while time.monotonic() < until:
            self.tick()
            time.sleep(TICK_SECONDS)

    def until(self, condition: Callable[[], object], what: str, patience: float = PATIENCE_SECONDS) -> None:
        """Wait until a condition holds; raise `Red` when it never does."""

        def came_true() -> bool:
            self.tick()
            return bool(condition())

        if not wait_until(came_true, patience):
            raise Red(f"this did not come true within {patience:g} s: {what}")

    def rounds(self, count: int) -> range:
        """Return how often to inject a fault."""
        return range(max(1, round(count * self.effort)))

    # What happens

    def hit(self, count: int | bool = 1) -> None:
        """Note that a fault really hit something."""
        self.told.hits += int(count)

    @contextlib.contextmanager
    def blackout(self) -> Iterator[None]:
        """Note the span in which nobody can do anything: from here until a worker is alive and reaches Redis."""
        began = time.time()
        yield
        self.mended_at = time.monotonic()
        self.until(self._somebody_works, "a worker reaches Redis again")
        self.told.blackouts.append((began, time.time()))

    def _somebody_works(self) -> bool:
        with contextlib.suppress(Exception):
            return bool(self.up())
        return False

    def recover(self) -> None:
        """Measure how long after the end of a fault, now or of the last blackout, the first new run is GO."""
        began, go, threads = self.mended_at or time.monotonic(), threading.Event(), []
        self.mended_at = None
        while not go.is_set() and time.monotonic() - began < PATIENCE_SECONDS:
            threads.append(threading.Thread(target=self._probe, args=(go, secrets.token_hex(8))))
            threads[-1].start()
            until = time.monotonic() + 0.5
            while not go.wait(TICK_SECONDS) and time.monotonic() < until:
                self.tick()
        self.told.recovery_s.append(time.monotonic() - began)
        for thread in threads:
            thread.join()

    def ask_meanwhile(self, seconds: float) -> list[str]:
        """Let a time go by and call for a new run every now and then; return the calls' tokens."""
        tokens, threads, until = list[str](), list[threading.Thread](), time.monotonic() + seconds
        while time.monotonic() < until:
            tokens.append(secrets.token_hex(8))
            threads.append(threading.Thread(target=self._probe, args=(threading.Event(), tokens[-1])))
            threads[-1].start()
            self.let(0.4, 0.8)
        self.until(lambda: not any(thread.is_alive() for thread in threads), "every caller has its verdict")
        return tokens

    def _probe(self, go: threading.Event, call: str) -> None:
        runner = self.trial.runner
        metadata = {"call": call, "truth": str(self.truth), "do": {}, "ms": 1, "timeout": 5.0}
        lines.append(self.notes, note="call", token=call)
        began = time.monotonic()
        report = runner.run(event_type=EVENT, only=["alpha"], timeout=5.0, metadata=metadata, raise_on_failure=False)
        note_end(self.notes, call, report, (time.monotonic() - began) * 1000)
        if report.success:
            go.set()

    # The end

    def settle(self) -> None:
        """Wait until every run has ended and is stored."""
        self.until(self.observer.settled, "every run has ended and is stored", 30.0)

    def close(self) -> None:
        """End every process of the world."""
        self.supervised = False
        for worker in self.workers:
            worker.kill()
        for caller in self.callers:
            caller.kill()
        if "runner" in self.trial.__dict__:
            self.trial.runner.close()
        self.observer.close()
        self.trial.end()

    def strays(self) -> list[int]:
        """Return living processes of a session whose first process is gone."""
        leaders = {child.pid for child in (*(worker.child for worker in self.workers), *self.callers) if child.alive}
        return [pid for pid, session in sessions() if session in self.sessions and session not in leaders]

    def logs(self) -> dict[str, str]:
        """Return everything that workers and callers have written."""
        return {path.name: path.read_text(errors="replace") for path in self.folder.glob("*.log")}
