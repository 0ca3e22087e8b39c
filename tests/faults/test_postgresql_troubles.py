"""A PostgreSQL that runs and takes no reports: verdicts come as ever, and every report is there once afterwards."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator

import psycopg2
import pytest
import servers
from acceptance.processes import eventually
from acceptance.trial import Trial
from conftest import partner
from faults.postgresql_trouble import Clerk, small_disk

from preflight.reports import recount


@pytest.fixture(scope="module")
def clerk(tmp_path_factory) -> Iterator[Clerk]:
    """Yield a role on a server of this module's own, with its tables on a small disk where that is possible."""
    folder = tmp_path_factory.mktemp("troubled")
    with small_disk(folder) as disk:
        server = servers.fragile_postgresql(folder)
        yield Clerk(server, disk)
        server.stop()


@pytest.fixture(scope="module")
def trial(clerk, shared_valkey, tmp_path_factory) -> Iterator[Trial]:
    """Yield one system for the whole module."""
    made = Trial(tmp_path_factory.mktemp("trial"), shared_valkey.url, clerk.url)
    made.worker()
    made.stored(made.run({"alpha": "passes"}).id)
    yield made
    made.end()
    servers.forget(made.redis_url, made.namespace)


def run_meanwhile(trial):
    """Run a few, GO and NO-GO, and return their reports."""
    # Large enough not to fit into what is left of a page: a full disk takes none of them.
    large = {"filling": secrets.token_hex(6000)}
    reports = [trial.run({"alpha": "passes", "five": answer}, metadata=large) for answer in ("passes", "fails") * 2]
    assert [report.success for report in reports] == [True, False] * 2
    return reports


def expect_all(trial, clerk, reports):
    """Each report is there once, as it was told, and counted once."""
    for report in reports:
        assert trial.stored(report.id).to_json() == report.to_json()
    eventually(lambda: not trial.client.zcard(trial.keys["outbox"]), "the outbox is empty")
    assert len(set(trial.stored_ids())) == len(trial.stored_ids())
    with trial.store._engine.begin() as connection:
        assert recount.mend(connection) == 0


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("out_of_connections", "has no connection left"),
        ("read_only", "is read-only"),
        ("disk_full", "has a full disk"),
    ],
)
def test_reports_wait_out_a_database_that_refuses(trial, clerk, trouble, words):
    """The log says what is wrong, once; no verdict waits for it."""
    if trouble == "disk_full":
        partner("the right to mount a small disk", clerk.disk)
    log = trial.processes[0]
    with getattr(clerk, trouble)():
        reports = run_meanwhile(trial)
        eventually(lambda: words in log.log, f"the log says that it {words}", lambda: log.log[-500:])
        assert trial.client.zcard(trial.keys["outbox"]) == len(reports)

    expect_all(trial, clerk, reports)
    assert log.log.count(words) == 1


def test_a_slow_database_delays_no_verdict(trial, clerk):
    """A second for every statement: the runs end in their time, the reports come later."""
    with clerk.slow():
        reports = run_meanwhile(trial)
        assert max(report.duration_ms for report in reports) < 1000
        trial.stored(reports[0].id)

    expect_all(trial, clerk, reports)


def test_a_deadlock_costs_an_attempt_and_nothing_else(trial, clerk):
    """Somebody's transaction and the recorder's wait for each other: the recorder's is given up and made again."""
    log, reports = trial.processes[0], []
    with clerk.circle(lambda: reports[0].id):
        reports += [trial.run({"alpha": "passes"})]
    eventually(lambda: "gave up on a deadlock" in log.log, "the log says so", lambda: log.log[-500:])

    expect_all(trial, clerk, reports)


def test_counts_and_reports_agree_after_all_of_it(trial, clerk):
    """The rollups, counted anew, are what they were."""
    with contextlib.closing(psycopg2.connect(clerk.url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT sum(runs)::int, (SELECT count(*) FROM preflight_reports) FROM preflight_run_hours")
        assert len(set(cursor.fetchone())) == 1
