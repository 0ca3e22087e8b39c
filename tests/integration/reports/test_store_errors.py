"""What the store says when its database cannot be used."""

from __future__ import annotations

import contextlib
import socket
import threading

import psycopg2
import pytest

from preflight.exceptions import StoreUnavailable
from preflight.reports.store import ReportStore

SECRET = "hunter2canary"  # a canary: no output may hold it


@contextlib.contextmanager
def listener():
    """Open a port that accepts connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield silent.getsockname()[1]


def refusal(url: str) -> str:
    """Return what a save says; one line without the password."""
    store = ReportStore(url)
    with pytest.raises(StoreUnavailable) as caught:
        store.page(limit=1)
    store.dispose()
    text = str(caught.value)
    assert "\n" not in text
    assert SECRET not in text
    assert caught.value.__cause__ is None
    return text


def test_a_port_where_nobody_listens_refuses():
    """A database that is down is named by its address."""
    with listener() as port:
        pass

    assert refusal(f"postgresql://u:{SECRET}@127.0.0.1:{port}/shop") == (
        f"The reports' database 127.0.0.1:{port}/shop refuses the connection. Start it, or correct its address."
    )


def test_a_silent_server_is_given_up():
    """A server that accepts and never answers ends in an error, not in waiting."""
    with listener() as port:
        assert "does not answer. Start it, or look for a firewall" in refusal(
            f"postgresql://u:{SECRET}@127.0.0.1:{port}/shop"
        )


def test_a_server_that_is_no_postgresql_is_told(tmp_path):
    """Something that answers in another language breaks the connection."""
    with socket.create_server(("127.0.0.1", 0)) as other:

        def hang_up():
            connection, _ = other.accept()
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        text = refusal(f"postgresql://u:{SECRET}@127.0.0.1:{other.getsockname()[1]}/shop")
        thread.join()

    assert "broke the connection" in text


def test_a_wrong_password_is_told_without_showing_it(shared_postgresql):
    """The line says which setting to correct."""
    text = refusal(f"postgresql://preflight:{SECRET}@127.0.0.1:{shared_postgresql.port}/preflight")

    assert "refuses the password. Correct the user and the password in PREFLIGHT_DATABASE_URL." in text


def test_a_wrong_database_is_told(shared_postgresql):
    """A database that is not there is named."""
    text = refusal(shared_postgresql.database_url("nowhere"))

    assert "/nowhere does not exist. Create the database or correct PREFLIGHT_DATABASE_URL." in text


def test_an_unknown_host_is_told():
    """A name that no server knows is an address to correct."""
    assert "has an address that no name server knows" in refusal(f"postgresql://u:{SECRET}@db.invalid/shop")


def test_a_missing_table_says_which_command_to_run(bare_database):
    """An empty database needs its migrations."""
    assert refusal(bare_database.url).endswith("has no table preflight_reports. Run `preflight db upgrade`.")


def test_a_table_of_another_version_says_which_command_to_run(database):
    """A column that is not there is an older schema."""
    database.sql("ALTER TABLE preflight_reports DROP COLUMN verdict")

    assert refusal(database.url).endswith("has tables of another version of PreFlight. Run `preflight db upgrade`.")


def test_a_read_only_database_is_told(database):
    """A standby or a read-only database cannot keep reports."""
    database.sql(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    store = ReportStore(database.url)

    with pytest.raises(StoreUnavailable, match=r"is read-only\. Point PREFLIGHT_DATABASE_URL at the primary server\."):
        store.purge(30)
    store.dispose()


def test_a_server_out_of_connections_is_told(database):
    """The role may have no connection left."""
    database.sql("DROP ROLE IF EXISTS guest")
    database.sql(f"CREATE ROLE guest LOGIN PASSWORD '{SECRET}' CONNECTION LIMIT 1")
    url = database.url.partition("@")[2]
    with contextlib.closing(psycopg2.connect(f"postgresql://guest:{SECRET}@{url}")):
        assert "has no connection left. Raise max_connections" in refusal(f"postgresql://guest:{SECRET}@{url}")
    database.sql("DROP ROLE guest")


def test_a_missing_right_is_told(database):
    """A role without rights on the table is told which it needs."""
    database.sql("DROP ROLE IF EXISTS visitor")
    database.sql(f"CREATE ROLE visitor LOGIN PASSWORD '{SECRET}'")
    text = refusal(f"postgresql://visitor:{SECRET}@{database.url.partition('@')[2]}")
    database.sql("DROP ROLE visitor")

    assert "refuses the right to use its tables. Grant SELECT, INSERT, UPDATE and DELETE" in text


@pytest.mark.parametrize("url", ["", "shop", f"postgresql://u:{SECRET}@h:port/d", f"mysql://u:{SECRET}@h/d"])
def test_a_url_that_is_none_is_refused_without_showing_it(url):
    """A store is not even made of it."""
    with pytest.raises(StoreUnavailable) as caught:
        ReportStore(url)

    assert SECRET not in str(caught.value)
    assert "PostgreSQL" in str(caught.value) or "postgresql://" in str(caught.value)
