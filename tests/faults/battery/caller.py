"""A process of an application: fires full and light runs, and notes what it asked for and what it was told.

`python -m faults.battery.caller '<JSON of Orders>'`; SIGTERM lets the calls that run end.
Notes, one line each: `call` before a full call, `end` with its verdict, `gone` for one that was cancelled or
interrupted, `put` for a light call, `sent` when Redis holds it.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from faults.battery import lines
from faults.battery.checks import EVENT, FULL, LIGHT

from preflight import PreFlightReport, PreFlightRunner, keeping
from preflight.engine.light import LightCall


@dataclasses.dataclass(frozen=True, kw_only=True)
class Orders:
    """What a caller does. `timeout` is its full runs' in seconds, `light_pause` the seconds between two light calls.

    Of its runs, the share `odd` has the check `victim` behave in one of the ways `oddities`. `cancel` and
    `interrupt` are styles: asyncio tasks that are cancelled, a main thread that a signal interrupts.
    """

    notes: str
    truth: str
    seed: int
    canary: str
    full: int = 0
    light_pause: float = 0.0
    timeout: float = 8.0
    ms: tuple[float, float] = (20.0, 120.0)
    odd: float = 0.0
    victim: str = "brief"
    oddities: tuple[str, ...] = ()
    style: str = "threads"
    once: bool = False

    def text(self) -> str:
        """Return the orders as the caller's argument."""
        return json.dumps(dataclasses.asdict(self))


class Interrupted(Exception):
    """The caller's thread was interrupted while it waited."""


class NotingRunner(PreFlightRunner):
    """Notes each light run that Redis has taken."""

    def __init__(self, notes: str) -> None:
        super().__init__()
        self.notes = notes

    def _open_all(self, calls: Sequence[LightCall]) -> list[Exception | None]:
        outcomes = super()._open_all(calls)
        for call, failure in zip(calls, outcomes, strict=True):
            if failure is None:
                lines.append(self.notes, note="sent", id=str(call.run_id))
        return outcomes


class Caller:
    """Fires runs until it is told to stop."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.dice = random.Random(orders.seed)
        self.runner = NotingRunner(orders.notes)
        assert len(self.runner.registry)  # imported before the first call: a deadline counts from the opening
        self.stopping = threading.Event()
        self._numbers = itertools.count()

    def details(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Return a run's arguments; most of them ask for a GO."""
        orders, dice, do = self.orders, self.dice, {}
        chance = dice.random()
        if chance < orders.odd:
            names = tuple(dict.fromkeys((*names, orders.victim)))
            do[orders.victim] = dice.choice(orders.oddities)
        elif chance > 0.88:
            do[dice.choice(names)] = "fails"
        metadata = {
            "call": f"{os.getpid()}-{next(self._numbers)}",
            "truth": orders.truth,
            "do": do,
            "ms": round(dice.uniform(*orders.ms), 1),
            "timeout": orders.timeout,
            "elsewhere": "/",
            "api_key": orders.canary,
        }
        details = {"event_type": EVENT, "only": names, "timeout": orders.timeout, "metadata": metadata}
        return details | {"short_circuit": dice.choice(("check", "check", "tier", "never"))}

    @contextlib.contextmanager
    def noted(self, details: dict[str, Any]) -> Iterator[list[PreFlightReport]]:
        """Note a full call; the block adds the report that it was given."""
        token, told = details["metadata"]["call"], list[PreFlightReport]()
        lines.append(self.orders.notes, note="call", token=token)
        began = time.monotonic()
        try:
            yield told
        except (Interrupted, asyncio.CancelledError):
            lines.append(self.orders.notes, note="gone", token=token)
        for report in told:
            waited_ms = (time.monotonic() - began) * 1000
            note_end(self.orders.notes, token, report, waited_ms)

    def full(self) -> None:
        """Call for one full run after another."""
        while not self.stopping.is_set():
            details = self.details(FULL)
            with self.noted(details) as told:
                told.append(self.runner.run(**details, raise_on_failure=False))
            if self.orders.once:
                return

    def light(self) -> None:
        """Call for one light run after another."""
        while not self.stopping.wait(self.orders.light_pause):
            details = self.details(LIGHT)
            began = time.perf_counter()
            run = self.runner.run(mode="light", **details)
            ms = (time.perf_counter() - began) * 1000
            lines.append(self.orders.notes, note="put", id=str(run.id), ms=round(ms, 4))

    async def cancelling(self) -> None:
        """Call for full runs in tasks that are cancelled while they wait."""
        while not self.stopping.is_set():
            details = self.details(FULL)
            with self.noted(details) as told, contextlib.suppress(TimeoutError):
                seconds = self.dice.choice((0.05, 0.3, 1.0, 30.0))
                async with asyncio.timeout(seconds):
                    told.append(await self.runner.arun(**details, raise_on_failure=False))

    async def cancel(self) -> None:
        """Run several such tasks."""
        await asyncio.gather(*(self.cancelling() for _ in range(self.orders.full)))

    def interrupt(self) -> None:
        """Call for full runs in the main thread, which an alarm interrupts while it waits."""
        signal.signal(signal.SIGALRM, _interrupt)
        while not self.stopping.is_set():
            details = self.details(FULL)
            with self.noted(details) as told:
                signal.setitimer(signal.ITIMER_REAL, self.dice.choice((0.05, 0.3, 1.0)))
                try:
                    told.append(self.runner.run(**details, raise_on_failure=False))
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)

    def work(self) -> None:
        """Do what the orders say until SIGTERM."""
        signal.signal(signal.SIGTERM, lambda *_: self.stopping.set())
        style = self.orders.style
        threads = [threading.Thread(target=self.full) for _ in range(self.orders.full if style == "threads" else 0)]
        if self.orders.light_pause:
            threads.append(threading.Thread(target=self.light))
        for thread in threads:
            thread.start()
        if style == "cancel":
            asyncio.run(self.cancel())
        elif style == "interrupt":
            self.interrupt()
        for thread in threads:
            thread.join()
        self.runner.flush(20)
        keeping.flush(20)


def note_end(notes: str | Path, token: str, report: PreFlightReport, waited_ms: float) -> None:
    """Note what a full run's caller was told."""
    broker = next((check.message for check in report.checks if check.name == "broker" and check.blocks), "")
    line = {"token": token, "id": str(report.id), "go": report.success, "broker": broker}
    lines.append(notes, note="end", **line, waited_ms=round(waited_ms), at=time.time(), ms=report.duration_ms)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise Interrupted


if __name__ == "__main__":
    Caller(Orders(**json.loads(sys.argv[1]))).work()
