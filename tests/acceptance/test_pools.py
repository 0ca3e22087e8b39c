"""Which pools a worker may have."""

from __future__ import annotations

import pytest
from acceptance.processes import PATIENCE_SECONDS, eventually, worker_arguments
from acceptance.trial import Trial

from preflight.engine.celery_app import create_app


@pytest.fixture
def trial(shared_valkey, tmp_path):
    """Yield a system of the test's own, without a database and a worker."""
    made = Trial(tmp_path, shared_valkey.url)
    yield made
    made.end()


# Celery imports gevent itself for `--pool gevent`, but not for `-Pgevent`: the tests do not have it.
@pytest.mark.parametrize(("pool", "role"), [("-Psolo", "checks"), ("-Psolo", "requests"), ("-Pgevent", "all")])
def test_a_pool_for_development_is_refused(trial, pool, role):
    """The worker ends at its start: one line that says what to do, no traceback, a status that is not 0."""
    arguments = worker_arguments("refused@%h")[:-4]
    worker = trial.celery(*arguments, pool, PREFLIGHT_WORKER_ROLE=role)

    eventually(worker.ended, "the worker has ended", lambda: worker.log)

    assert "ended with status 1:" in worker.child.death
    assert worker.log.splitlines()[-1] == (
        f"PreFlight's workers do not run with the pool {pool[2:]} outside development: one check that hangs would stop"
        " all others. Start this one with --pool prefork (the default) or --pool threads."
    )
    assert "Traceback" not in worker.log


def test_a_developer_may_use_solo(trial):
    """Without a role, which is for development, the worker starts and asks checks."""
    trial.worker("solo")

    trial.expect_go()


def test_a_worker_that_is_stopped_grants_its_longest_check_its_time(trial):
    """Celery's soft shutdown waits for the longest timeout of the registered checks, 30 s here, and 2 s more."""
    trial.worker()

    app = create_app(trial.settings)
    (settings,) = app.control.inspect(timeout=PATIENCE_SECONDS, limit=1).conf().values()

    assert settings["worker_soft_shutdown_timeout"] == 32
