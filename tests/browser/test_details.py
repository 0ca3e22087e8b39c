"""A report's page and a check's: what to do, what was asked, what went before."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from browser import samples


@pytest.fixture
def page(visit, site):
    return visit(site)


@pytest.fixture
def no_go(page):
    """Return the page of the newest NO-GO."""
    lines = page.locator("tr[id^='r-']").filter(has=page.get_by_text("NO-GO", exact=True))
    lines.filter(has_text="poll_launch").first.get_by_role("link", name=re.compile("ago")).click()
    return page


def test_the_page_of_a_report_begins_with_what_to_do(no_go):
    """The verdict in a sentence, then the advice, then the timeline and all results."""
    expect(no_go.get_by_role("heading", level=1)).to_have_text("NO-GO poll_launch must not go ahead")
    expect(no_go.locator(".todo li").first.get_by_role("heading")).to_have_text(samples.FREE_MEMORY)
    expect(no_go.locator(".gantt-row")).to_have_count(len(samples.CHECKS))
    expect(no_go.locator("table.results tbody tr")).to_have_count(len(samples.CHECKS))
    report_id = no_go.locator("#report-id").text_content()
    link = no_go.get_by_role("link", name="Tasks of this run in Flower")
    expect(link).to_have_attribute("href", f"http://127.0.0.1:5555/tasks?name=preflight.check%20{report_id}")


def test_a_report_leads_to_the_runs_before_and_after_it(no_go):
    """Back and forth between runs of one kind; the newest has nothing after it."""
    report_id = no_go.locator("#report-id").text_content()
    expect(no_go.get_by_role("link", name="Next run")).to_have_count(0)

    no_go.get_by_role("link", name="Previous run: GO").click()
    expect(no_go.locator("#report-id")).not_to_have_text(report_id)
    no_go.get_by_role("link", name="Next run: NO-GO").click()
    expect(no_go.locator("#report-id")).to_have_text(report_id)


def test_a_report_is_copied_as_the_json_that_the_api_gives(no_go):
    """One click, and the clipboard holds the document."""
    no_go.context.grant_permissions(["clipboard-read", "clipboard-write"])
    no_go.locator(".headline").get_by_role("button", name="Copy as JSON").click()
    expect(no_go.locator(".headline").get_by_role("button", name="Copied")).to_be_visible()

    copied = json.loads(no_go.evaluate("navigator.clipboard.readText()"))
    assert copied["id"] == no_go.locator("#report-id").text_content()
    assert copied["verdict"] == "NO-GO"


def test_the_page_of_a_check_tells_its_past_and_what_it_is(page):
    """Its strip is stepped through with the arrow keys; failures that said the same are one."""
    page.locator("#matrix").get_by_role("link", name="redis", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("redis")
    page.wait_for_load_state()

    newest = page.locator(".steps a").last
    newest.focus()
    told = page.locator("#step-text").text_content()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#step-text").text_content() != told
    assert page.locator(".steps a[tabindex='0']").count() == 1

    expect(page.locator(".todo li")).to_have_count(1)
    expect(page.locator(".todo li")).to_contain_text("times with this answer")
    expect(page.locator(".pairs").first).to_contain_text("blocking: a failure is NO-GO")
