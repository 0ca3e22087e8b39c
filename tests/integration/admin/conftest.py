"""One running admin page for all tests that ask for it, on a database and a namespace of its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
import servers
import sites

from preflight import PreFlightRegistry


@pytest.fixture(scope="session")
def site(shared_valkey, shared_postgresql) -> Iterator[sites.Site]:
    """Yield the page. Its registry holds the shipped checks."""
    name = f"t{secrets.token_hex(6)}"
    database = shared_postgresql.create_database(name, "preflight_template")
    settings = sites.settings_for(shared_valkey.url, database, name, flower_url="http://flower.example:5555")
    with sites.running(settings) as site:
        yield site
    servers.forget(shared_valkey.url, name)
    shared_postgresql.drop_database(name)


@pytest.fixture(scope="session")
def caller(site):
    """Yield a client of the API with the role admin."""
    with site.caller() as client:
        yield client


@pytest.fixture
def stranger(site):
    """Yield a client that nobody knows."""
    with site.stranger() as client:
        yield client


@pytest.fixture
def person(site):
    """Yield a browser that has signed in as admin."""
    with site.person() as client:
        yield client


@pytest.fixture(params=["viewer with a token", "viewer with a session"])
def viewer(site, request):
    """Yield a client with the role viewer, by both doors."""
    make = site.caller if "token" in request.param else site.person
    with make("viewer") as client:
        yield client


@pytest.fixture
def empty_registry():
    """Return a registry without checks."""
    return PreFlightRegistry()
