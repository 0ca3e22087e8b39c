"""Systems of a test's own, to be broken: on the shared servers, or on servers that the test may kill."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import servers
from acceptance.trial import Trial

from preflight.reports import migrations


@pytest.fixture
def make_trial(tmp_path) -> Iterator[Callable[..., Trial]]:
    """Yield `make_trial(redis_url, database_url, **settings)`; nothing of what it made survives the test."""
    made: list[Trial] = []

    def make(redis_url: str, database_url: str = "", **settings) -> Trial:
        folder = tmp_path / f"trial{len(made)}"
        folder.mkdir()
        made.append(Trial(folder, redis_url, database_url, **settings))
        return made[-1]

    yield make
    for trial in made:
        trial.end()


@pytest.fixture
def trial(make_trial, shared_valkey, database_url) -> Iterator[Trial]:
    """Yield a system on the shared servers, without a worker yet."""
    made = make_trial(shared_valkey.url, database_url)
    yield made
    made.assert_no_leak()
    made.end()
    servers.forget(made.redis_url, made.namespace)


@pytest.fixture
def fragile_redis(make_trial, private_valkey, database_url) -> Trial:
    """Return a system whose Redis is the test's own."""
    return make_trial(private_valkey.url, database_url)


@pytest.fixture
def fragile_store(make_trial, shared_valkey, private_postgresql) -> Trial:
    """Return a system whose PostgreSQL, migrated, is the test's own."""
    migrations.upgrade(private_postgresql.url)
    return make_trial(shared_valkey.url, private_postgresql.url)
