"""Which pools a worker may have."""

from __future__ import annotations

import pytest
from acceptance.processes import PATIENCE_SECONDS
from acceptance.trial import Trial

from preflight.engine.celery_app import create_app


@pytest.fixture
def trial(shared_valkey, tmp_path):
    """Yield a system of the test's own, without a database and a worker."""
    made = Trial(tmp_path, shared_valkey.url)
    yield made
    made.end()


def test_a_worker_that_is_stopped_grants_its_longest_check_its_time(trial):
    """Celery's soft shutdown waits for the longest timeout of the registered checks, 30 s here, and 2 s more."""
    trial.worker()

    app = create_app(trial.settings)
    (settings,) = app.control.inspect(timeout=PATIENCE_SECONDS, limit=1).conf().values()

    assert settings["worker_soft_shutdown_timeout"] == 32
