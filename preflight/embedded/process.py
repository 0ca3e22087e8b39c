"""A program that this process started, that logs to a file and never outlives it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from preflight.exceptions import EmbeddedError
from preflight.redaction import redact

TETHER = Path(__file__).with_name("tether.py")
POLL_SECONDS = 0.02
TAIL_BYTES = 4096
#: A worker's warm shutdown waits for the checks that run.
STOP_SECONDS = 10.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Program:
    """What to start and how it ends.

    `stop_signal` asks it to end within `stop_seconds`, `death_signal` is what the kernel sends it when its launcher
    died. `inherited` are open file descriptors that it keeps. `prefix` runs before the tether; `user` ("UID:GID") is
    the account it takes.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    directory: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = STOP_SECONDS
    death_signal: signal.Signals = signal.SIGKILL
    inherited: tuple[int, ...] = ()
    prefix: tuple[str, ...] = ()
    user: str = "-"


class Child:
    """One running program."""

    def __init__(self, program: Program) -> None:
        """Start the program; its output goes to the end of its log. Main thread only."""
        # The kernel takes the end of the thread that started a program for the launcher's death.
        if threading.current_thread() is not threading.main_thread():
            raise EmbeddedError(f"{program.name} can only be started from the main thread: call this from there.")
        self.program = program
        self.log_start = program.log.stat().st_size if program.log.exists() else 0
        with open_private(program.log) as log:
            self._process = subprocess.Popen(
                [*program.prefix, *self._tether(), *program.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=program.directory,
                env=environment_with(program.environment),
                pass_fds=program.inherited,
                # Ctrl-C on the terminal is for the launcher, which stops its children in order.
                start_new_session=True,
            )

    def _tether(self) -> list[str]:
        program = self.program
        return [
            sys.executable,
            "-I",
            "-S",
            str(TETHER),
            str(int(program.death_signal)),
            str(os.getpid()),
            program.user,
        ]

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the program still runs."""
        return self._process.poll() is None

    @property
    def output(self) -> str:
        """The end of what the program wrote since it was started, secrets masked."""
        with contextlib.suppress(OSError), self.program.log.open("rb") as log:
            log.seek(max(self.log_start, log.seek(0, os.SEEK_END) - TAIL_BYTES))
            return redact(log.read().decode(errors="replace")).strip()
        return ""

    @property
    def death(self) -> str:
        """One line on how the program ended: its last words and where the rest is."""
        last = (self.output.splitlines() or ["it wrote nothing"])[-1].strip()
        return f"{self.program.name} ended with status {self._process.poll()}: {last} (see {self.program.log})"

    def signal(self, number: signal.Signals) -> None:
        """Send the program a signal; nothing happens if it has ended."""
        self._process.send_signal(number)

    def ask_to_stop(self) -> None:
        """Ask the program to end, without waiting."""
        self.signal(self.program.stop_signal)

    def ended_within(self, seconds: float) -> bool:
        """Wait up to so many seconds for the end and say whether it came."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(seconds, 0))
        return not self.alive

    def kill(self) -> None:
        """End the program and whatever it started in its session, at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()


def stop(children: Sequence[Child]) -> None:
    """Ask all to end, wait for them together, kill what is left; at an interruption kill at once."""
    try:
        for child in children:
            child.ask_to_stop()
        asked_at = time.monotonic()
        for child in children:
            child.ended_within(asked_at + child.program.stop_seconds - time.monotonic())
    finally:
        for child in children:
            child.kill()


def environment_with(values: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment, which its children inherit, with values added."""
    return {**os.environ, **values}


def open_private(path: Path) -> BinaryIO:
    """Open a file to append to, readable by its owner only; its directories are made."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask the condition until it holds, at most so many seconds, and say whether it came to hold."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
