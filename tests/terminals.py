"""Terminals as readers of the documentation have them: bash, a directory, and no settings but those given."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from preflight.embedded.process import wait_until

#: How long something started may take to be ready, or to end. Generous: a busy machine is no failure.
PATIENCE_SECONDS = 60.0
BASH = ("bash", "-euo", "pipefail", "-c")
#: The last line that `preflight up` and `preflight demo` say before they stay.
STAYS = "Ctrl-C stops it."
_KEPT = ("LANG", "LC_ALL", "TMPDIR", "USER", "LOGNAME")


class Terminal:
    """Runs commands in a folder. PreFlight's commands are on its path; the embedded system's home is its own."""

    def __init__(self, folder: Path, **environment: str):
        self.folder = folder
        self.home = folder / "home"
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        own = {"PATH": path, "HOME": str(folder), "PREFLIGHT_HOME": str(self.home), "PYTHONDONTWRITEBYTECODE": "1"}
        self.environment: Mapping[str, str] = {**kept, **own, **environment}

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a script to its end; the first command that fails ends it."""
        return subprocess.run(
            [*BASH, script],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )

    @contextlib.contextmanager
    def running(self, command: str, ready: Callable[[str], object], **environment: str) -> Iterator[Running]:
        """Start a command that stays, wait until what it said is `ready`, and press Ctrl-C at the end."""
        log = self.folder / f"{len(list(self.folder.glob('*.log')))}.log"
        running = Running(command, self.folder, log, {**self.environment, **environment})
        try:
            running.await_ready(ready)
            yield running
            running.interrupt()
        finally:
            running.kill()


class Running:
    """A command that stays, in a process group of its own, as the foreground of a terminal."""

    def __init__(self, command: str, folder: Path, log: Path, environment: Mapping[str, str]):
        self.command, self.log = command, log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*BASH, command],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._family: list[psutil.Process] = []

    @property
    def said(self) -> str:
        """What it has said so far."""
        return self.log.read_text(errors="replace")

    def await_ready(self, ready: Callable[[str], object]):
        """Wait until `ready` finds in what was said what it looks for; fail with it when the command ends before."""
        wait_until(lambda: self.process.poll() is not None or bool(ready(self.said)), PATIENCE_SECONDS)
        if self.process.poll() is not None or not ready(self.said):
            pytest.fail(f"{self.command} is not ready (exit code {self.process.poll()}): {self.said[-2000:]}")

    def interrupt(self):
        """Press Ctrl-C, and fail when the command or anything that it started stays."""
        if self.process.poll() is not None:
            pytest.fail(f"{self.command} has ended by itself ({self.process.returncode}): {self.said[-2000:]}")
        self._remember()
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(PATIENCE_SECONDS)
        left = [process for process in self._family if process.is_running()]
        if not wait_until(lambda: not any(process.is_running() for process in left), PATIENCE_SECONDS):
            pytest.fail(f"{self.command} left behind: {left}")

    def kill(self):
        """End whatever is left of it."""
        self._remember()
        for process in self._family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()

    def _remember(self):
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.process.pid)
            self._family += [process, *process.children(recursive=True)]


def stays(said: str) -> bool:
    """Return whether `preflight up` or `preflight demo` has announced its addresses."""
    return STAYS in said
