"""Real processes of PreFlight for tests: workers and beat, started as people start them, ended as a group."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import pytest

from preflight.embedded.process import Child, Program, wait_until

REPOSITORY = Path(__file__).parents[2]
TESTS = REPOSITORY / "tests"
#: How long a condition may take to come true. Generous: a busy machine is no failure.
PATIENCE_SECONDS = 40.0


def eventually(condition: Callable[[], object], what: str, seen: Callable[[], object] | None = None) -> None:
    """Wait until a condition holds; fail the test when it never does, with its name and what is seen instead."""
    if not wait_until(lambda: bool(condition()), PATIENCE_SECONDS):
        instead = f", but {seen()}" if seen else ""
        pytest.fail(f"this did not come true within {PATIENCE_SECONDS:g} s: {what}{instead}")


class CeleryProcess:
    """`celery -A <app> <command>` in a process group of its own. `name` is unique per test session."""

    def __init__(self, name: str, arguments: tuple[str, ...], log: Path, environment: Mapping[str, str]):
        self.name = name
        paths = [str(TESTS), os.environ.get("PYTHONPATH", "")]
        self.program = Program(
            name=name,
            command=(sys.executable, "-m", "celery", *arguments),
            log=log,
            environment={**environment, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
            directory=REPOSITORY,
        )
        self.child = Child(self.program)

    @property
    def session(self) -> int:
        """The session that all its processes belong to."""
        return self.child.pid

    @property
    def log(self) -> str:
        """Everything it has written."""
        return self.program.log.read_text(errors="replace")

    @property
    def pids(self) -> set[int]:
        """The main process and its pool's."""
        try:
            main = psutil.Process(self.child.pid)
            return {main.pid, *(process.pid for process in main.children(recursive=True))}
        except psutil.NoSuchProcess:
            return set()

    def signal(self, number: signal.Signals):
        """Send the main process a signal."""
        self.child.signal(number)

    def kill(self):
        """End the main process and its pool at once, as a lost machine would."""
        self.child.kill()

    def start_again(self):
        """Start a new incarnation."""
        self.child = Child(self.program)

    def ended(self) -> bool:
        """Whether the main process is gone."""
        return not self.child.alive


def worker_arguments(node: str, pool: str = "prefork") -> tuple[str, ...]:
    """Return what follows `celery` for one of PreFlight's workers."""
    arguments = ("-A", "worker", "worker", "--without-mingle", "--without-gossip", "--loglevel", "INFO")
    return (*arguments, "--pool", pool, "-n", node)
