"""Run now, with a real worker: its progress live, and its report at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import servers
import sites
from acceptance.stranger_checks import EVENT
from acceptance.trial import Trial
from playwright.sync_api import expect

from browser.test_accessibility import violations
from preflight.embedded.server import free_port


@pytest.fixture(scope="module")
def trial(shared_valkey, shared_postgresql, tmp_path_factory) -> Iterator[Trial]:
    """Yield a system with one worker."""
    database = shared_postgresql.create_database("t_run_now", "preflight_template")
    trial = Trial(tmp_path_factory.mktemp("run-now"), shared_valkey.url, database, admin_port=free_port())
    trial.worker("prefork")
    yield trial
    trial.end()
    trial.runner.close()
    trial.client.close()
    servers.forget(trial.redis_url, trial.namespace)
    shared_postgresql.drop_database("t_run_now")


@pytest.fixture(scope="module")
def site(trial) -> Iterator[sites.Site]:
    """Yield its page."""
    with sites.running(trial.settings, trial.registry) as site:
        yield site


def going_on(site, trial, story):
    """Start a run by the API and return what that says, once alpha is being asked."""
    with site.person() as person:
        headers = {"X-CSRF-Token": site.csrf(person)}
        started = person.post("/api/v1/runs", json=trial.details(story), headers=headers).json()
    story.await_asked("alpha")
    return started


def test_a_run_that_is_started_on_the_page_ends_at_its_report(visit, site):
    """The form, the progress, the report: stored or not yet."""
    page = visit(site, "/admin/runs")
    page.get_by_label("Event type").fill(EVENT)
    page.get_by_label("Light: tiers up to").check()
    page.get_by_role("button", name="Run", exact=True).click()

    page.wait_for_url("**/admin/reports/*")
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"{EVENT} may go ahead")
    expect(page.locator(".pairs").first).to_contain_text("requested_by")


def test_progress_is_seen_check_by_check(visit, site, trial):
    """What waits, what runs, what has answered; then the report."""
    story = trial.story({"alpha": "waits", "five": "passes"})
    started = going_on(site, trial, story)

    page = visit(site, f"/admin/runs/{started['id']}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Running")
    expect(page.locator(".asked > li").filter(has_text="alpha")).to_contain_text("running")
    expect(page.locator(".asked > li").filter(has_text="five")).to_contain_text("waiting")

    story.open_gate()
    page.wait_for_url(f"**/admin/reports/{started['id']}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("GO")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_while_a_run_goes_on(visit, site, trial, scheme):
    """The page of a run with what waits, what runs and what has answered."""
    story = trial.story({"alpha": "waits", "five": "passes"})
    started = going_on(site, trial, story)

    page = visit(site, f"/admin/runs/{started['id']}", color_scheme=scheme)
    expect(page.locator(".asked > li").filter(has_text="alpha")).to_contain_text("running")
    assert violations(page) == []
    story.open_gate()
    page.wait_for_url(f"**/admin/reports/{started['id']}")


def test_progress_works_without_script(visit, site, trial):
    """The page asks to be read again every second until there is a report to go to."""
    story = trial.story({"alpha": "waits"})
    started = going_on(site, trial, story)

    page = visit(site, f"/admin/runs/{started['id']}", java_script_enabled=False)
    expect(page.locator(".asked > li").filter(has_text="alpha")).to_contain_text("running")
    story.open_gate()
    page.wait_for_url(f"**/admin/reports/{started['id']}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("GO")


def test_a_verdict_is_asked_again_from_its_card(visit, site, trial):
    """A NO-GO offers to run again; its kind of run is kept."""
    report = trial.run({"alpha": "fails"})
    trial.stored(report.id)
    page = visit(site)
    page.locator(".verdict").filter(has_text=EVENT).get_by_role("button", name="Run again").click()

    page.wait_for_url("**/admin/reports/*")
    expect(page.get_by_role("heading", level=1)).to_contain_text("GO")
    assert not page.url.endswith(str(report.id))
