"""docker-compose.yml as tests see it, and its services on this machine without containers.

Commands and environment are the file's own. What a container would map is mapped here: secrets, the beat's volume,
the names of the two servers, ports.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from servers import THROWAWAY

from preflight.embedded.postgresql import Postgresql
from preflight.embedded.process import Child, Program
from preflight.embedded.server import HOST, free_port
from preflight.embedded.valkey import Valkey, locate

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docker-compose.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
#: Services that run our own image.
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("celery-preflight")]

_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?::?-(?P<default>[^}]*))?\})")


def interpolated(text: str, values: Mapping[str, str]) -> str:
    """Return a text of the file as compose reads it."""
    return _VARIABLE.sub(lambda found: _value(found, values), text)


def _value(found: re.Match[str], values: Mapping[str, str]) -> str:
    return "$" if found["name"] is None else values.get(found["name"], found["default"] or "")


class Machine:
    """The composed services as processes. `values` are the variables that an operator sets."""

    def __init__(self, folder: Path, **values: str):
        self.folder = folder
        self.values = values
        #: What only this machine has: settings that no service of the file has in production.
        self.elsewhere: dict[str, str] = {}
        self.secrets, self.state, self.programs = folder / "secrets", folder / "state", folder / "bin"
        self.state.mkdir()
        self.programs.mkdir()
        (self.programs / "redis-server").symlink_to(locate())
        subprocess.run([ROOT / "deploy" / "secrets.sh", self.secrets], check=True)
        self.redis = Redis(self)
        self.postgres = Postgres(self)
        self._places = {"/run/secrets": str(self.secrets), "/var/lib/preflight": str(self.state)}

    def secret(self, name: str) -> str:
        return (self.secrets / name).read_text().strip()

    def point_at_servers(self):
        """Let the addresses in the secrets name this machine instead of the containers."""
        for name, host, port in (("redis_url", "redis:6379", self.redis.port), ("database_url", "postgres:5432", 0)):
            path = self.secrets / name
            path.chmod(0o644)
            path.write_text(path.read_text().replace(host, f"{HOST}:{port or self.postgres.port}"))

    def environment(self, service: str, **ports: str) -> dict[str, str]:
        """Return a service's environment, with ports of our own."""
        given = SERVICES[service].get("environment") or {}
        return {name: self._mapped(str(value)) for name, value in given.items()} | ports | self.elsewhere | self._paths

    def command(self, service: str) -> tuple[str, ...]:
        """Return a service's own command."""
        return tuple(self._mapped(word) for word in SERVICES[service]["command"])

    def probe(self, service: str) -> list[str]:
        """Return the command with which a service is asked how it is."""
        kind, *words = SERVICES[service]["healthcheck"]["test"]
        words = [self._mapped(word) for word in words]
        return ["sh", "-c", *words] if kind == "CMD-SHELL" else words

    @functools.cached_property
    def _paths(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}:{self.programs}:/usr/bin:/bin"
        return {"PATH": path, "HOME": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}

    def _mapped(self, text: str) -> str:
        text = interpolated(text, self.values)
        for inside, outside in self._places.items():
            text = text.replace(inside, outside)
        return text

    def program(self, service: str, **ports: str) -> Program:
        """Return a service ready to start, in the directory that the image has it in."""
        return Program(
            name=service,
            command=self.command(service),
            log=self.folder / f"{service}.log",
            environment=self.environment(service, **ports),
            directory=ROOT if service in OURS else self.state,
        )

    def start(self, service: str, **ports: str) -> Child:
        return Child(self.program(service, **ports))

    def run(self, service: str, *command: str, **ports: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end as a container of a service would."""
        environment, place = self.environment(service, **ports), ROOT if service in OURS else self.state
        return subprocess.run(
            command, env=environment, cwd=place, capture_output=True, text=True, check=False, timeout=60
        )


class Redis(Valkey):
    """The composed Redis: the same program under its other name."""

    def __init__(self, machine: Machine):
        super().__init__(machine.folder / "redis", machine.secret("redis_password"))
        self._machine = machine

    def program(self) -> Program:
        made = self._machine.program("redis", REDIS_PORT=str(self.port))
        return dataclasses.replace(made, log=self.log, directory=self.directory)


class Postgres(Postgresql):
    """The composed PostgreSQL. What its image does at the first start is done here: a superuser, and the script."""

    def __init__(self, machine: Machine):
        folder, words = machine.folder / "postgres", machine.secret("postgres_password")
        super().__init__(folder, words, options=THROWAWAY)
        self._machine = machine

    def program(self) -> Program:
        made = super().program()
        binary, *options = self._machine.command("postgres")
        environment = {"LC_ALL": "C", "PGDATA": str(self.data), "PGPORT": str(self.port)}
        return dataclasses.replace(made, command=(self._binary(binary), *options), environment=environment)

    def first_start(self):
        """Give the superuser the name that it has there, and run what is mounted for the first start."""
        given = self._machine.environment("postgres")
        superuser, psql = given["POSTGRES_USER"], Path(self._binary("psql"))
        self._sql(f"CREATE ROLE {superuser} SUPERUSER LOGIN PASSWORD %s", self.password)
        here = {"PGHOST": HOST, "PGPORT": str(self.port), "PGPASSWORD": self.password}
        environment = {**given, **here, "PATH": f"{psql.parent}:{given['PATH']}"}
        rename = "ALTER ROLE preflight RENAME TO embedded"
        subprocess.run([psql, "--quiet", "-U", superuser, "-d", "postgres", "-c", rename], env=environment, check=True)
        for script in sorted((ROOT / "deploy" / "postgres").iterdir()):
            subprocess.run([script], env=environment, check=True)


def ports() -> dict[str, str]:
    """Return a free port for what a service's probe asks."""
    return {"PREFLIGHT_HEALTH_PORT": str(free_port()), "FLOWER_PORT": str(free_port())}
