"""The system that the acceptance tests share: one namespace, one prefork worker, driven by pytest-celery's nodes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
import servers
from acceptance.celery_nodes import PreFlightWorkerContainer, ProcessAsContainer, ValkeyContainer
from acceptance.trial import Trial
from pytest_celery import (
    CeleryBackendCluster,
    CeleryBrokerCluster,
    CeleryTestWorker,
    CeleryWorkerCluster,
    RedisTestBackend,
    RedisTestBroker,
)

from preflight.engine.celery_app import create_app
from preflight.reports import migrations


@pytest.fixture(scope="session")
def acceptance_database(shared_postgresql) -> Iterator[str]:
    """Yield the address of the acceptance tests' own migrated database."""
    name = f"t{secrets.token_hex(6)}"
    url = shared_postgresql.create_database(name)
    migrations.upgrade(url)
    yield url
    shared_postgresql.drop_database(name)


@pytest.fixture(scope="session")
def shared_trial(shared_valkey, acceptance_database, tmp_path_factory) -> Iterator[Trial]:
    """Yield the shared namespace, without a worker yet."""
    trial = Trial(tmp_path_factory.mktemp("trial"), shared_valkey.url, acceptance_database)
    yield trial
    trial.end()
    servers.forget(trial.redis_url, trial.namespace)


@pytest.fixture(scope="session")
def celery_broker_cluster(shared_valkey) -> CeleryBrokerCluster:
    """Return the broker's node: the shared Valkey."""
    return CeleryBrokerCluster(RedisTestBroker(ValkeyContainer(ProcessAsContainer.of_server(shared_valkey))))


@pytest.fixture(scope="session")
def celery_backend_cluster(shared_valkey) -> CeleryBackendCluster:
    """Return the result backend's node: the same Valkey."""
    return CeleryBackendCluster(RedisTestBackend(ValkeyContainer(ProcessAsContainer.of_server(shared_valkey))))


@pytest.fixture(scope="session")
def celery_setup_app(shared_trial):
    """Return PreFlight's own application with the settings of the shared namespace."""
    return create_app(shared_trial.settings)


@pytest.fixture(scope="session")
def celery_worker_cluster(shared_trial, celery_setup_app) -> CeleryWorkerCluster:
    """Start the shared worker and return its node."""
    container = PreFlightWorkerContainer(ProcessAsContainer.of_worker(shared_trial))
    node = CeleryTestWorker(container, celery_setup_app)
    assert node.ready()
    servers.SESSION_SERVERS.add(shared_trial.processes[0].child.pid)
    return CeleryWorkerCluster(node)


@pytest.fixture
def trial(shared_trial, celery_worker_cluster) -> Iterator[Trial]:
    """Yield the shared system with its worker; what a test leaves behind in it fails the test."""
    yield shared_trial
    shared_trial.assert_no_leak()


@pytest.fixture(scope="session")
def threads_trial(shared_valkey, acceptance_database, tmp_path_factory) -> Iterator[Trial]:
    """Yield a system whose worker has a pool of threads."""
    trial = Trial(tmp_path_factory.mktemp("threads"), shared_valkey.url, acceptance_database)
    servers.SESSION_SERVERS.add(trial.worker("threads").child.pid)
    yield trial
    trial.end()
    servers.forget(trial.redis_url, trial.namespace)
