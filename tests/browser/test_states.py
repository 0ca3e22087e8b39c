"""What is not as it should be: paused, looking by itself, stale, not refreshed, without a database. All can read it."""

from __future__ import annotations

import pytest
import servers
import sites
from playwright.sync_api import expect

from browser import samples
from browser.conftest import registered
from browser.test_accessibility import violations
from preflight.reports import migrations


def paused(page):
    """Press the button."""
    expect(page.locator("#live-word")).to_have_text("Live")
    page.get_by_role("button", name="Pause").click()


def looking(page):
    """Let no stream be open."""
    page.route("**/api/v1/events", lambda route: route.abort())
    page.reload()


def stale(page):
    """Let neither the stream nor a refresh be answered, and more than a minute pass."""
    page.clock.install()
    looking(page)
    expect(page.locator("#live-word")).to_have_text("Every 30 s")
    page.evaluate("AbortSignal.timeout = () => new AbortController().signal")
    page.route("**/admin/monitoring*", lambda _: None)
    page.clock.run_for(1000)
    page.clock.fast_forward(80_000)
    page.clock.run_for(1000)


def not_refreshed(page):
    """Refuse a refresh."""
    page.route("**/admin/monitoring*", lambda route: route.abort())
    page.locator("#refresh").click()


STATES = {"Paused": paused, "Every 30 s": looking, "Stale": stale, "Not updated": not_refreshed}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("word", STATES)
def test_axe_finds_nothing_in_any_state(visit, site, word, scheme):
    """Names, contrast, roles, structure, whatever the page says of itself."""
    page = visit(site, color_scheme=scheme)
    STATES[word](page)
    expect(page.locator("#live-word")).to_have_text(word)

    assert page.get_by_role("heading", level=1).count() == 1
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_while_the_database_is_away(visit, private_postgresql, shared_valkey, namespace, scheme):
    """The page that is open keeps what it shows and says why; every other one is a page that says it too."""
    migrations.upgrade(private_postgresql.url)
    settings = sites.settings_for(shared_valkey.url, private_postgresql.url, namespace)
    with sites.running(settings, registered()) as site:
        site.store.save(list(samples.day()))
        page = visit(site, color_scheme=scheme)
        expect(page.locator("#live-word")).to_have_text("Live")
        private_postgresql.kill()
        expect(page.locator("#live-word")).to_have_text("Not updated")
        expect(page.locator("#trouble-why")).to_contain_text("database")
        expect(page.locator(".verdict").first).to_be_visible()
        kept = violations(page)

        assert page.goto("/admin/checks").status == 503
        expect(page.get_by_role("heading", level=1)).to_have_text("Not now")
        assert (kept, violations(page)) == ([], [])
    servers.forget(shared_valkey.url, namespace)


def test_a_skipped_check_leaves_no_gap_on_a_phone(visit, site):
    """It has no times: where their bar would be there is nothing, and no empty line either."""
    page = visit(site, "/admin/monitoring?query=event:poll_launch+verdict:nogo", viewport={"width": 390, "height": 844})
    page.locator(".chev").first.click()
    skipped = page.locator(".asked > li.is-skipped").first
    expect(skipped).to_contain_text("Not asked: redis failed")

    name, answer = (skipped.locator(part).bounding_box() for part in (".a-name", ".said"))
    assert skipped.bounding_box()["height"] < name["height"] + answer["height"] + 24
