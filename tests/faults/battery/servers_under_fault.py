"""The servers of the battery: a Valkey with an append-only file, behind a proxy if wished, and a PostgreSQL."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg2
import redis
import servers
from faults.battery.proxy import Proxy
from faults.postgresql_trouble import small_disk

from preflight.embedded.postgresql import Postgresql
from preflight.embedded.valkey import Valkey
from preflight.reports import migrations

TEMPLATE = "battery_template"


class Servers(NamedTuple):
    """What every scenario uses, one after another. Their random passwords are canaries too."""

    valkey: servers.Fragile
    postgresql: Postgresql
    proxy: Proxy
    #: Whether there is a tablespace `small` on a disk of its own.
    small_disk: bool

    @property
    def proxied_url(self) -> str:
        """The Valkey's address through the proxy."""
        server = self.valkey.server
        return server.url.replace(f":{server.port}/", f":{self.proxy.port}/")

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log and no report may hold."""
        return self.valkey.server.password, self.postgresql.password

    def versions(self) -> dict[str, str]:
        """Return the servers' versions."""
        with redis.Redis.from_url(self.valkey.url, decode_responses=True) as client:
            found = client.info("server")
        with contextlib.closing(psycopg2.connect(self.postgresql.database_url("postgres"))) as connection:
            postgresql = connection.info.server_version
        valkey = str(found.get("valkey_version", found["redis_version"]))
        return {"valkey": valkey, "postgresql": f"{postgresql // 10_000}.{postgresql % 10_000}"}


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Servers]:
    """Start the servers and stop them in the end. Main thread only."""
    with contextlib.ExitStack() as closing:
        valkey = servers.Fragile(Valkey(folder / "valkey", secrets.token_hex(12)))
        closing.callback(valkey.stop)
        disk = closing.enter_context(small_disk(folder))
        # What it has committed must outlive a kill. Few connections, so that all can be taken.
        options = {**servers.THROWAWAY, "synchronous_commit": "on", "max_connections": "60"}
        postgresql = Postgresql(folder / "postgresql", secrets.token_hex(12), options=options)
        closing.callback(postgresql.stop)
        postgresql.start()
        if disk:
            _make_tablespace(postgresql, disk)
        migrations.upgrade(postgresql.create_database(TEMPLATE))
        proxy = Proxy(valkey.server.port)
        closing.callback(proxy.close)
        yield Servers(valkey, postgresql, proxy, small_disk=bool(disk))


def _make_tablespace(postgresql: Postgresql, disk: Path) -> None:
    with contextlib.closing(psycopg2.connect(postgresql.database_url("postgres"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
