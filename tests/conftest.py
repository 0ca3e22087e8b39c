"""Fixtures for every layer. Nothing of the servers is imported before a test asks for one: unit tests do not."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator

import pytest

TEMPLATE = "preflight_template"

# Shells start background jobs with SIGINT ignored, and every program that a test presses Ctrl-C on would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def partner(name: str, found: object) -> None:
    """Skip a test whose partner (a program, a server) is missing on this machine, and fail it in CI."""
    if found:
        return
    reason = f"{name} is not installed on this machine"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}: .ci/run must install it")
    pytest.skip(reason)


@pytest.fixture(name="partner")
def _partner():
    """Give tests `partner(name, found)`: it skips on a developer's machine and fails in CI."""
    return partner


@pytest.fixture(scope="session")
def shared_valkey(tmp_path_factory) -> Iterator[object]:
    """Yield a Valkey for the whole session; each test has a namespace on it."""
    import servers

    server = servers.Valkey(tmp_path_factory.mktemp("valkey"), secrets.token_hex(8))
    server.start()
    servers.SESSION_SERVERS.add(server.pid)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def shared_postgresql(tmp_path_factory) -> Iterator[object]:
    """Yield a PostgreSQL for the whole session, with a migrated template; each test has a database on it."""
    import servers

    from preflight.reports import migrations

    server = servers.Postgresql(tmp_path_factory.mktemp("postgresql"), secrets.token_hex(8), options=servers.THROWAWAY)
    server.start()
    servers.SESSION_SERVERS.add(server.pid)
    migrations.upgrade(server.create_database(TEMPLATE))
    yield server
    server.stop()


@pytest.fixture
def leaves_nothing() -> Iterator[None]:
    """Fail the test when processes, threads or files that it started outlive it."""
    import servers

    yield from servers.nothing_left()


@pytest.fixture
def namespace() -> str:
    """Return a namespace of the test's own on the shared Valkey."""
    return f"t{secrets.token_hex(6)}"


@pytest.fixture
def redis_url(shared_valkey, namespace, leaves_nothing) -> Iterator[str]:
    """Yield the shared Valkey's address; keys that the test leaves for ever in its namespace fail it."""
    import servers

    yield shared_valkey.url
    left = servers.keys_left(shared_valkey.url, namespace)
    servers.forget(shared_valkey.url, namespace)
    assert not left, f"keys without a time to live were left: {', '.join(left)}"


@pytest.fixture
def database_url(shared_postgresql) -> Iterator[str]:
    """Yield the address of a migrated database of the test's own."""
    name = f"t{secrets.token_hex(6)}"
    yield shared_postgresql.create_database(name, TEMPLATE)
    shared_postgresql.drop_database(name)


@pytest.fixture
def private_valkey(tmp_path) -> Iterator[object]:
    """Yield a Valkey of the test's own: `.url`, `.stop()`, `.kill()`, `.start()`, `.pause()`, `.resume()`."""
    import servers

    fragile = servers.fragile_valkey(tmp_path)
    yield fragile
    fragile.stop()


@pytest.fixture
def private_postgresql(tmp_path) -> Iterator[object]:
    """Yield a PostgreSQL of the test's own, without a schema: `.url`, `.stop()`, `.kill()`, `.start()`, `.pause()`."""
    import servers

    fragile = servers.fragile_postgresql(tmp_path)
    yield fragile
    fragile.stop()
