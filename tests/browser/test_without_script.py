"""Everything works before any script has loaded, and when none ever does."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser import samples


@pytest.fixture
def page(visit, site):
    return visit(site, java_script_enabled=False)


def test_a_report_opens_to_its_ladder(page):
    """The button belongs to a form: the page comes back with the ladder open."""
    line = page.locator("tr[id^='r-']").filter(has_text="poll_launch").filter(has_text="redis failed").first
    line.get_by_role("button").click()

    expect(page.locator(".ladder-wrap")).to_contain_text(samples.FREE_MEMORY)
    expect(page.locator(".chev[aria-expanded='true']")).to_have_count(1)


def test_queries_periods_and_pages_are_links_and_forms(page):
    """They keep each other."""
    page.get_by_role("link", name="7 d").click()
    page.get_by_role("searchbox").fill("verdict:nogo")
    page.get_by_role("button", name="Filter").click()

    expect(page.get_by_role("link", name="7 d")).to_have_attribute("aria-current", "true")
    expect(page.locator("tr[id^='r-']").filter(has_text="NO-GO")).to_have_count(page.locator("tr[id^='r-']").count())
    expect(page.get_by_role("link", name="Refresh")).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_be_hidden()


def test_a_report_a_check_and_signing_out(page):
    """No page needs a script."""
    page.locator("#matrix").get_by_role("link", name="redis", exact=True).click()
    page.locator(".todo").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("must not go ahead")

    page.locator(".who summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
