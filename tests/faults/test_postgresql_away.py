"""PostgreSQL is a watcher: its absence changes no verdict, and every report is there once when it is back."""

from __future__ import annotations

import pytest
from acceptance.processes import eventually

from preflight.reports import migrations


@pytest.mark.parametrize("end", ["stop", "kill", "pause"])
def test_reports_wait_for_a_database_that_is_away(fragile_store, private_postgresql, end):
    """Stopped, killed or silent while runs end: verdicts come as ever, and afterwards each report is there once."""
    fragile_store.worker()
    before = fragile_store.run({"alpha": "passes"})
    fragile_store.stored(before.id)
    getattr(private_postgresql, end)()

    reports = [fragile_store.run({"alpha": "passes", "five": answer}) for answer in ("passes", "fails") * 3]
    back = private_postgresql.resume if end == "pause" else private_postgresql.start
    back()

    assert [report.success for report in reports] == [True, False] * 3
    for report in reports:
        assert fragile_store.stored(report.id).to_json() == report.to_json()
    assert sorted(fragile_store.stored_ids()) == sorted(report.id for report in (before, *reports))
    eventually(lambda: not fragile_store.client.zcard(fragile_store.keys["outbox"]), "the outbox is empty")


def test_a_missing_table_is_said_and_waited_for(make_trial, shared_valkey, shared_postgresql):
    """The worker's log says what to do; the report arrives after it was done."""
    database = "without_table"
    url = shared_postgresql.create_database(database)
    trial = make_trial(shared_valkey.url, url)
    worker = trial.worker()

    report = trial.run({"alpha": "passes"})

    assert report.success
    eventually(lambda: "Run `preflight db upgrade`" in worker.log, "the log says what to do")
    assert worker.log.count("Run `preflight db upgrade`") == 1
    migrations.upgrade(url)
    assert trial.stored(report.id).to_json() == report.to_json()
    eventually(lambda: "reports are stored again" in worker.log, "the log says that it is over")
    trial.end()
    shared_postgresql.drop_database(database)


def test_a_report_survives_the_death_of_its_recorder(trial):
    """Finished, not stored yet, and the worker is killed: the next worker stores it."""
    nowhere = "postgresql://preflight:wrong@127.0.0.1:1/preflight"
    first = trial.worker(PREFLIGHT_DATABASE_URL=nowhere)
    report = trial.run({"alpha": "passes"})
    eventually(lambda: "reports wait in Redis" in first.log, "the first worker cannot store")
    first.kill()
    assert trial.stored_ids() == []

    trial.worker()

    assert trial.stored(report.id).to_json() == report.to_json()
