"""The admin page beside real workers: a run is started, watched and seen by everybody."""

from __future__ import annotations

import time

import pytest
import sites
from acceptance.processes import eventually


@pytest.fixture
def page(trial):
    """Yield a page of the shared system."""
    settings = trial.settings.model_copy(update={"admin_port": sites.free_port()})
    with sites.running(settings, trial.registry) as page, page.caller() as page.client:
        yield page


def test_a_run_is_watched_check_by_check(trial, page):
    """One check has answered and the other is being asked: the page says so, and then the verdict."""
    story = trial.story({"alpha": "passes", "five": "waits"})
    details = trial.details(story)
    address = page.client.post("/api/v1/runs", json=details).json()["address"]
    story.await_asked("alpha", "five")
    seen = page.client.get(address).json()
    lines = {line["name"]: line for line in seen["checks"]}
    assert seen["state"] == "running"
    assert (lines["alpha"]["status"], lines["five"]["status"]) == ("passed", None)
    assert lines["five"]["running"]

    story.open_gate()
    eventually(lambda: page.client.get(address).json()["state"] == "finished", "the run ends")
    assert page.client.get(address).json()["report"]["verdict"] == "GO"
    trial.stored(address.rpartition("/")[2])


def test_a_run_that_ends_is_told_to_open_pages(trial, page):
    """Whoever started it: what is stored comes by itself."""
    with page.client.stream("GET", "/api/v1/events") as stream:
        lines = stream.iter_lines()
        report = trial.run({"alpha": "passes"})
        ended_at = time.monotonic()
        assert any(str(report.id) in line for line in lines)
        print(f"told after {time.monotonic() - ended_at:.2f} s")  # noqa: T201  # seconds are measured, not judged
    trial.stored(report.id)
