"""Run now: opened at once, watched while it goes, ended by somebody although no worker lives."""

from __future__ import annotations

import sqlalchemy as sa

from preflight.embedded.process import wait_until

SECONDS = 30.0


def test_a_run_without_a_worker_ends_and_is_stored(site, caller):
    """Who starts a run on the page waits for it: NO-GO because of `workers`, and the report says who asked."""
    started = caller.post("/api/v1/runs", json={"event_type": "health_sweep", "only": ["disk"], "metadata": {"a": 1}})
    assert started.status_code == 202
    address = started.json()["address"]
    assert started.headers["location"] == address == f"/api/v1/runs/{started.json()['id']}"
    going = caller.get(address).json()
    assert going["state"] in {"queued", "finished"}

    assert wait_until(lambda: caller.get(address).json()["state"] == "finished", SECONDS)
    ended = caller.get(address).json()
    report = ended["report"]
    assert report["verdict"] == "NO-GO"
    assert "workers" in [line["name"] for line in ended["checks"] if line["status"] == "error"]
    assert report["metadata"]["a"] == 1
    assert report["metadata"]["requested_by"].startswith("admin-")
    assert wait_until(lambda: site.store.get(started.json()["id"]) is not None, SECONDS)


def test_a_report_can_be_read_before_it_is_stored(site, caller):
    """The API gives what the page of the run shows, while the database takes no report."""
    with sa.create_engine(site.settings.database, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql("LOCK TABLE preflight_reports IN EXCLUSIVE MODE")
        started = caller.post("/api/v1/runs", json={"event_type": "health_sweep", "only": ["disk"]}).json()
        assert wait_until(lambda: caller.get(started["address"]).json()["state"] == "finished", SECONDS)

        assert site.store.get(started["id"]) is None
        report = caller.get(f"/api/v1/reports/{started['id']}").json()
        assert report["id"] == started["id"]
    assert wait_until(lambda: site.store.get(started["id"]) is not None, SECONDS)


def test_a_light_run_is_sent_and_its_progress_is_there(caller):
    """202 with an id at once; the run is queued until a worker comes."""
    started = caller.post("/api/v1/runs", json={"event_type": "health_sweep", "mode": "light", "only": ["disk"]})
    assert started.status_code == 202
    address = started.json()["address"]

    assert caller.get(address).json()["state"] == "queued"
    assert wait_until(lambda: caller.get(address).json()["checks"], SECONDS)
    assert caller.get(address).json()["checks"][0]["name"] == "disk"


def test_only_so_many_runs_at_a_time(site, caller, monkeypatch):
    """A page whose button is held down is told to wait."""
    from preflight.admin import runs

    monkeypatch.setattr(runs, "MOST_OPEN", 0)
    answer = caller.post("/api/v1/runs", json={"event_type": "health_sweep", "only": ["disk"]})

    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "5"
