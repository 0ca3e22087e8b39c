"""The page keeps itself up to date, says how fresh it is, and never loses what it shows."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from browser import samples


def go(event_type="dice_roll"):
    return samples.report(datetime.now(UTC), event_type, samples.asked(light=True), mode="light", duration_ms=140)


def no_go(event_type="dice_roll"):
    return samples.report(datetime.now(UTC), event_type, samples.stopped_by_redis(light=True), mode="light")


def listed(page):
    return [row.get_attribute("id").removeprefix("r-") for row in page.locator("tr[id^='r-']").all()]


@pytest.fixture
def page(visit, site):
    page = visit(site)
    expect(page.locator("#live-word")).to_have_text("Live")
    return page


def test_a_new_report_waits_behind_a_button_and_no_row_moves(page, site):
    """The verdict above changes at once; the list changes when its reader wants it."""
    before = listed(page)
    report = no_go("redemption")
    site.store.save([report])

    newer = page.locator("#newer")
    expect(newer).to_have_text("1 newer report. Show it")
    assert listed(page) == before
    expect(page.locator(".verdict").filter(has_text="redemption")).to_contain_text("NO-GO")

    newer.click()
    assert listed(page) == [str(report.id), *before]
    expect(newer).to_be_hidden()
    assert page.evaluate("document.activeElement.getAttribute('href')") == f"/admin/reports/{report.id}"
    site.store.save([go("redemption")])


def test_an_open_ladder_and_the_focus_survive_new_content(page, site):
    """Nobody loses the place that they read."""
    page.locator("tr[id^='r-'] .chev").nth(2).click()
    expect(page.locator(".ladder-wrap")).to_be_visible()
    page.locator(".verdict").filter(has_text="dice_roll").get_by_role("link").first.focus()
    focused = page.evaluate("document.activeElement.getAttribute('href')")

    site.store.save([go()])
    expect(page.locator("#newer")).to_be_visible()

    expect(page.locator(".ladder-wrap")).to_be_visible()
    assert page.evaluate("document.activeElement.getAttribute('href')") == focused


def test_new_content_shifts_nothing(page, site):
    """The layout does not move under the reader: the cumulative layout shift stays below a thousandth."""
    page.evaluate("""() => { window.shifted = 0; new PerformanceObserver(list => {
        for (const one of list.getEntries()) window.shifted += one.value; }).observe({type: 'layout-shift'}); }""")
    with page.expect_response(re.compile("/admin/monitoring")):
        page.locator("#refresh").click()
    expect(page.locator("#main")).not_to_have_attribute("aria-busy", "true")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    assert page.evaluate("window.shifted") < 0.001


def test_no_row_moves_when_a_report_comes(page, site):
    """The button that tells of it has had its place all along."""
    listing = page.locator("#reports")
    listing.scroll_into_view_if_needed()
    places = """one => [...one.querySelectorAll('thead, tr[id]')].map(
        row => Math.round(row.getBoundingClientRect().top - one.getBoundingClientRect().top))"""
    before = listing.evaluate(places)
    site.store.save([go()])
    expect(page.locator("#newer")).to_be_visible()

    assert listing.evaluate(places) == before


def test_a_paused_page_stays_as_it_is_until_it_goes_on(page, site):
    """No stream, no refresh, and it says so."""
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#live-word")).to_have_text("Paused")
    page.requested.clear()
    site.store.save([go()])
    with site.person() as other:  # by now the page would have been told
        other.get("/admin/monitoring", headers={"Accept": "text/html"})
    assert page.requested == []

    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#newer")).to_be_visible()
    expect(page.locator("#live-word")).to_have_text("Live")


def test_a_hidden_page_asks_for_nothing_and_catches_up_when_it_is_seen(page, site):
    """A tab in the background costs the server nothing."""
    page.evaluate("""() => { window.hide = (hidden) => {
        Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});
        document.dispatchEvent(new Event('visibilitychange')); }; window.hide(true); }""")
    page.requested.clear()
    site.store.save([go()])
    with site.person() as other:
        other.get("/admin/monitoring", headers={"Accept": "text/html"})
    assert page.requested == []

    page.evaluate("window.hide(false)")
    expect(page.locator("#newer")).to_be_visible()


def test_a_failed_refresh_keeps_the_page_and_says_so_until_one_succeeds(page, site):
    """What was there stays readable; the banner names the trouble and goes by itself."""
    rows = len(listed(page))
    page.route("**/admin/monitoring*", lambda route: route.abort())
    page.locator("#refresh").click()

    trouble = page.locator("#trouble")
    expect(trouble).to_contain_text("could not be refreshed")
    expect(trouble).to_contain_text("The server does not answer.")
    expect(page.locator("#live-word")).to_have_text("Not updated")
    assert len(listed(page)) == rows
    page.locator(".foot").scroll_into_view_if_needed()
    expect(trouble).to_be_in_viewport()

    page.unroute("**/admin/monitoring*")
    page.locator("#refresh").click()
    expect(trouble).to_be_hidden()
    expect(page.locator("#live-word")).to_have_text("Live")


def test_an_error_of_the_server_keeps_the_page_too(page, site):
    """Its line is shown, not its page."""
    page.route(
        "**/admin/monitoring*",
        lambda route: route.fulfill(
            status=503, content_type="text/html", body="<p role='alert'>The reports' database is shutting down.</p>"
        ),
    )
    page.locator("#refresh").click()

    expect(page.locator("#trouble-why")).to_have_text("The reports' database is shutting down.")
    expect(page.locator(".verdict").first).to_be_visible()


def test_without_a_stream_the_page_looks_every_30_seconds(visit, site):
    """And says that it does."""
    page = visit(site, "/admin/checks")
    page.clock.install()
    page.route("**/api/v1/events", lambda route: route.abort())
    page.goto("/admin/monitoring")
    expect(page.locator("#live-word")).to_have_text("Every 30 s")

    site.store.save([go()])
    page.clock.fast_forward(31_000)
    expect(page.locator("#newer")).to_be_visible()


def test_a_page_that_hears_nothing_turns_amber(visit, site):
    """The time since the last update becomes a warning when it is too long."""
    page = visit(site, "/admin/checks")
    page.clock.install()
    page.route("**/api/v1/events", lambda route: route.abort())
    page.goto("/admin/monitoring")
    expect(page.locator("#live-word")).to_have_text("Every 30 s")
    page.route("**/admin/monitoring*", lambda _: None)  # neither answered nor refused

    page.clock.run_for(1000)
    page.clock.fast_forward(80_000)
    page.clock.run_for(1000)
    expect(page.locator("#live")).to_have_class(re.compile("is-warning|is-failed"))


def test_a_session_that_ends_leads_to_the_sign_in_page(visit, site):
    """A page that was left open shows nothing more to who may no longer see it."""
    page = visit(site)
    expect(page.locator("#live-word")).to_have_text("Live")
    for token in site.credentials.tokens():
        if token.revoked_at is None:
            site.credentials.revoke_token(token.name)

    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in", timeout=15_000)
