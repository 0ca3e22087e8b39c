"""Keep programs and servers running: who dies is started again, later each time."""

from __future__ import annotations

import abc
import time

from preflight.embedded.process import Child, Program
from preflight.embedded.server import Server
from preflight.exceptions import EmbeddedError

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0
#: Who ran this long has recovered: the next restart is a first one again.
RECOVERED_SECONDS = 60.0


class Supervised(abc.ABC):
    """Something that is started again after its death."""

    name: str

    def __init__(self) -> None:
        """Count no restart yet."""
        self.restarts = 0
        self._delay = FIRST_DELAY_SECONDS
        self._started_at = time.monotonic()
        self._due_at: float | None = None

    @property
    @abc.abstractmethod
    def child(self) -> Child:
        """The running program."""

    @abc.abstractmethod
    def begin(self) -> None:
        """Start it, without waiting until it is ready."""

    def look_after(self) -> str | None:
        """Start it again when it is dead and its delay is over; return one line the moment it is found dead."""
        if self.child.alive:
            return None
        if self._due_at is None:
            return self._bury()
        if time.monotonic() >= self._due_at:
            self._due_at = None
            self._started_at = time.monotonic()
            self.restarts += 1
            return self._begin_again()
        return None

    def _begin_again(self) -> str | None:
        """Start it; what hinders that today may be over at the next attempt."""
        try:
            self.begin()
        except (EmbeddedError, OSError) as error:
            return f"{self.name} could not be started again: {error}"
        return None

    def _bury(self) -> str:
        """Plan the restart."""
        if time.monotonic() - self._started_at > RECOVERED_SECONDS:
            self._delay = FIRST_DELAY_SECONDS
        delay, self._delay = self._delay, min(self._delay * 2, LONGEST_DELAY_SECONDS)
        self._due_at = time.monotonic() + delay
        return f"{self.child.death}; it is started again in {delay:g} s."


class SupervisedProgram(Supervised):
    """A worker, beat, Flower: a program without state of its own."""

    def __init__(self, program: Program) -> None:
        """Start the program."""
        super().__init__()
        self.name = program.name
        self.program = program
        self._child = Child(program)

    @property
    def child(self) -> Child:
        """The running program."""
        return self._child

    def begin(self) -> None:
        """Start it again; what its predecessor left running is ended first."""
        self._child.kill()
        self._child = Child(self.program)


class SupervisedServer(Supervised):
    """An embedded server that was started already; it keeps its port and its data."""

    def __init__(self, server: Server) -> None:
        """Look after a server."""
        super().__init__()
        self.name = server.name
        self.server = server

    @property
    def child(self) -> Child:
        """The running server."""
        return self.server.child

    def begin(self) -> None:
        """Start it again on the same port."""
        self.server.begin()
