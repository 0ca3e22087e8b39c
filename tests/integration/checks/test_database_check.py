"""The check `database` against a real PostgreSQL and misbehaving peers."""

from __future__ import annotations

import asyncio
import dataclasses
import threading

import psycopg2
import pytest
from integration.checks.conftest import fails_with
from pydantic import SecretStr

from preflight.checks.database import DatabaseCheck
from preflight.types import Status


def check_of(url):
    return DatabaseCheck(url=SecretStr(url), timeout=3.0)


@pytest.fixture
def role(database_url, shared_postgresql):
    """Return a function that makes a role with options; it is dropped afterwards."""
    connection = psycopg2.connect(database_url)
    connection.autocommit = True
    cursor = connection.cursor()

    def make(options):
        cursor.execute(f"CREATE ROLE limited LOGIN PASSWORD 'pw' {options}")
        return database_url.replace("//preflight:", "//limited:").replace(shared_postgresql.password, "pw")

    yield make
    cursor.execute("DROP ROLE IF EXISTS limited")
    connection.close()


def test_it_passes_when_a_query_is_answered(ask, database_url):
    """SELECT 1 that comes back is a yes, whichever way the URL's scheme is written."""
    assert ask(check_of(database_url)).status is Status.PASSED
    assert ask(check_of(database_url.replace("postgresql:", "postgresql+psycopg2:"))).status is Status.PASSED


def test_a_wrong_password_fails_and_is_not_shown(ask, database_url, shared_postgresql):
    """Neither message nor error holds a password."""
    result = ask(check_of(database_url.replace(shared_postgresql.password, "wrong-canary")))

    assert result.status is Status.FAILED
    assert "refuses the user or password" in result.message
    assert "canary" not in repr(dataclasses.asdict(result))


def test_a_missing_password_fails(ask, database_url, shared_postgresql):
    """A URL without the password that the server asks for says so."""
    assert "holds none" in ask(check_of(database_url.replace(f":{shared_postgresql.password}", ""))).message


def test_a_missing_database_fails(ask, database_url):
    """A database that is not there is told apart from a server that is not there."""
    result = ask(check_of(f"{database_url}_missing"))

    assert result.status is Status.FAILED
    assert "no such database" in result.message


def test_a_password_is_masked_wherever_the_server_repeats_it(ask, database_url, shared_postgresql):
    """A text of the server that holds the password, here as a database's name, is shown without it."""
    result = ask(check_of(database_url.rpartition("/")[0] + f"/{shared_postgresql.password}"))

    assert "no such database" in result.message
    assert "does not exist" in result.error
    assert shared_postgresql.password not in repr(dataclasses.asdict(result))


def test_a_server_without_free_connections_fails(ask, role):
    """A limit of connections that is reached is named."""
    result = ask(check_of(role("CONNECTION LIMIT 0")))

    assert result.status is Status.FAILED
    assert "no connection left" in result.message


def test_a_server_without_tls_is_told_apart(ask, database_url):
    """sslmode=require against a server without TLS is a failure of its own."""
    assert "does not speak TLS" in ask(check_of(f"{database_url}?sslmode=require")).message


@pytest.mark.parametrize(
    ("peer", "message"),
    [
        ("hanging_up_port", "cannot be reached"),
        ("resetting_port", "cannot be reached"),
        ("dripping_port", "is not a PostgreSQL"),
    ],
)
def test_a_peer_that_breaks_off_or_never_ends_fails_with_its_own_message(ask, request, peer, message):
    """Whatever the peer does, the check ends in time and says what was met and what to do."""
    result = ask(check_of(f"postgresql://u:canary@127.0.0.1:{request.getfixturevalue(peer)}/app"))

    fails_with(result, message)


@pytest.mark.parametrize("last_words", [b"SELECT 1", b"pg_catalog.version"])
def test_a_server_that_falls_silent_during_a_query_is_cut_off(ask, peers, database_url, shared_postgresql, last_words):
    """A query that is never answered ends with the check, and so does the connection under it."""
    cut = threading.Event()

    async def forward(reader, writer, until=None):
        while chunk := await reader.read(65536):
            if until and until in chunk:
                await reader.read()
                return
            writer.write(chunk)

    async def falling_silent(reader, writer):
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", shared_postgresql.port)
        back = asyncio.create_task(forward(server_reader, writer))
        await forward(reader, server_writer, until=last_words)
        back.cancel()
        server_writer.transport.abort()
        cut.set()

    port = peers(falling_silent)
    result = ask(check_of(database_url.replace(f":{shared_postgresql.port}/", f":{port}/")))

    assert result.status is Status.FAILED
    assert "did not answer in time" in result.message
    assert cut.wait(20)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:canary@127.0.0.1:port/app",
        "postgresql//u:canary@127.0.0.1/app",
        "postgresql://u:can%ary@127.0.0.1:1/app",
        "postgresql://u:canary@127.0.0.1:1/app?nonsense=canary",
        "host=127.0.0.1 password=canary",
    ],
)
def test_a_malformed_url_fails_without_its_password(ask, url):
    """psycopg2 and SQLAlchemy print what they cannot parse, password included; the check does not."""
    result = ask(check_of(url))

    assert result.status is Status.FAILED
    assert result.remediation
    assert "canary" not in repr(dataclasses.asdict(result))
    assert "can%ary" not in repr(dataclasses.asdict(result))


def test_a_postgresql_in_trouble_fails(ask, troubled_postgresql):
    """Whatever the server says, the check says what it means and what to do."""
    url, message = troubled_postgresql

    fails_with(ask(check_of(url)), message)


def test_every_documented_answer_is_given(not_given):
    """The page of the check shows no answer that these tests have not met."""
    assert not_given(DatabaseCheck) == []
