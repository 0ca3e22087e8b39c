"""The whole system on this machine: servers, workers, beat, Flower; looked after, stopped in order."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from preflight.embedded import programs, state
from preflight.embedded.postgresql import Postgresql
from preflight.embedded.process import Child, stop, wait_until
from preflight.embedded.server import HOST, START_SECONDS, Server, free_port
from preflight.embedded.supervision import Supervised, SupervisedProgram, SupervisedServer
from preflight.embedded.valkey import Valkey
from preflight.exceptions import EmbeddedError
from preflight.settings import Settings

READY_SECONDS = 60.0

Ready = Callable[[str, str], bool]
Migrate = Callable[[str, Sequence[str]], object]


def workers_live(redis_url: str, namespace: str) -> bool:
    """Whether the heartbeat of a worker that asks checks is there."""
    from preflight.engine.connection import client_of
    from preflight.engine.workers import live

    return any(namespace in worker.queues for worker in live(client_of(redis_url), namespace))


def upgrade(database_url: str, packs: Sequence[str]) -> None:
    """Bring the database's schemas to the newest version."""
    from preflight import schemas

    schemas.upgrade(database_url, packs)


class EmbeddedSystem:
    """The running system, as a context manager. Use it from the main thread."""

    def __init__(
        self,
        settings: Settings,
        *,
        entries: Sequence[programs.Entry] = programs.SYSTEM,
        ready: Ready = workers_live,
        migrate: Migrate = upgrade,
    ) -> None:
        """Describe the system. Servers that the settings name are used; the others live under `settings.home`."""
        self.settings = settings
        self.home: Path = settings.home.expanduser().absolute()
        self.flower_port, self.realtime_port, self.twitch_port = free_port(), free_port(), free_port()
        self.admin_port = settings.admin_port if "admin_port" in settings.model_fields_set else free_port()
        self.flower_password = ""
        self._entries = entries
        self._extra: dict[str, str] = {}
        self._ready, self._migrate = ready, migrate
        self._servers: list[Server] = []
        self._supervised: list[Supervised] = []
        self._redis_url = settings.redis_url and settings.redis
        self._database_url = settings.database_url and settings.database
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start everything that a run needs and wait for it."""
        try:
            self._closing.enter_context(state.only_launcher(self.home))
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything."""
        self.stop()

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to use this system."""
        urls = {"PREFLIGHT_REDIS_URL": self._redis_url or "", "PREFLIGHT_DATABASE_URL": self._database_url or ""}
        named = self.settings.as_environment()
        own = {"PREFLIGHT_NAMESPACE": self.settings.namespace, "PREFLIGHT_ADMIN_PORT": str(self.admin_port)}
        return {**named, **urls, **own, **self._extra}

    def add_environment(self, values: Mapping[str, str]) -> None:
        """Give every program more variables; before the start."""
        self._extra |= values

    @property
    def flower_url(self) -> str:
        """Where Flower is."""
        return f"http://{HOST}:{self.flower_port}"

    @property
    def realtime_url(self) -> str:
        """Where the sample real-time server is."""
        return f"ws://{HOST}:{self.realtime_port}/ws"

    @property
    def twitch_url(self) -> str:
        """Where the sample Twitch is."""
        return f"http://{HOST}:{self.twitch_port}"

    def pid(self, name: str) -> int:
        """Return the process id of a server or program by its name."""
        return next(one.child.pid for one in self._supervised if one.name == name)

    def look_after(self) -> list[str]:
        """Start again what has died, when it is due; return a line for each death found. Call it every few moments."""
        return [line for one in self._supervised if (line := one.look_after())]

    def start_rest(self) -> None:
        """Start what a run does not need (beat, Flower, the worker for requests), without waiting for it."""
        for entry in self._entries:
            if not entry.needed:
                self._start_program(entry)

    def _start(self) -> None:
        self._prepare_home()
        self._start_servers()
        needed = [self._start_program(entry) for entry in self._entries if entry.needed]
        # The workers load their modules meanwhile.
        self._migrate(str(self._database_url), self.environment.get("PREFLIGHT_PACKS", "").split(","))
        self._wait_for(needed)
        state.save(self.home, self.environment, flower_url=self.flower_url, flower_password=self.flower_password)

    def _prepare_home(self) -> None:
        for name in ("logs", "beat", "flower"):
            (self.home / name).mkdir(mode=0o700, exist_ok=True)
        for log in (self.home / "logs").glob("*.log"):
            log.replace(log.with_suffix(".log.1"))

    def _start_servers(self) -> None:
        words = state.passwords(self.home, ("valkey", "postgresql", "flower"))
        self.flower_password = words["flower"]
        valkey = Valkey(self.home / "valkey", words["valkey"], log=self.home / "logs" / "valkey.log")
        postgresql = Postgresql(
            self.home / "postgresql-18", words["postgresql"], log=self.home / "logs" / "postgresql.log"
        )
        self._begin(
            [server for server, url in ((valkey, self._redis_url), (postgresql, self._database_url)) if not url]
        )
        if valkey in self._servers:
            valkey.wait_until_ready(START_SECONDS)
            self._redis_url = valkey.url
        if postgresql in self._servers:
            postgresql.wait_until_ready(START_SECONDS)
            self._database_url = postgresql.create_database()
        self._supervised += [SupervisedServer(server) for server in self._servers]

    def _begin(self, servers: Sequence[Server]) -> None:
        for server in servers:
            self._servers.append(server)
            server.begin()

    def _start_program(self, entry: programs.Entry) -> Child:
        words = {
            "concurrency": str(self.settings.concurrency),
            "namespace": self.settings.namespace,
            "home": str(self.home),
            "flower_port": str(self.flower_port),
            "flower_user": self.settings.flower_user,
            "flower_password": self.flower_password,
            "realtime_port": str(self.realtime_port),
            "twitch_port": str(self.twitch_port),
        }
        one = SupervisedProgram(programs.program(entry, words, self.home, self.environment))
        self._supervised.append(one)
        return one.child

    def _wait_for(self, needed: Sequence[Child]) -> None:
        """Wait until a worker is heard and the sample servers listen; `EmbeddedError` names who died."""
        samples = {"realtime": self.realtime_port, "twitch": self.twitch_port}
        ports = [samples[child.program.name] for child in needed if child.program.name in samples]
        heard = any(child.program.name == "checks" for child in needed)

        def settled() -> bool:
            alive = all(child.alive for child in needed)
            listening = all(map(_listens, ports))
            return not alive or (listening and (not heard or self._ready(*self._heartbeats())))

        in_time = wait_until(settled, READY_SECONDS)
        for child in needed:
            if not child.alive:
                raise EmbeddedError(f"{child.death}.")
        if not in_time:
            raise EmbeddedError(f"No worker answered within {READY_SECONDS:g} s: see {self.home / 'logs'}.")

    def _heartbeats(self) -> tuple[str, str]:
        return str(self._redis_url), self.settings.namespace

    def stop(self) -> None:
        """Stop workers, beat and Flower first and together, the servers last, and let the home go."""
        try:
            stop([one.child for one in self._supervised if isinstance(one, SupervisedProgram)])
            stop([server.child for server in self._servers if server.started])
        finally:
            self._supervised.clear()
            self._servers.clear()
            self._closing.close()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection((HOST, port), timeout=1).close()
        return True
    return False
