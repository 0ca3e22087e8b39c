"""The strips of past runs: stepped through by keyboard, told below the pointer."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect


@pytest.fixture
def page(visit, site):
    return visit(site)


def _strip_of_redis(page):
    row = page.locator("#matrix tr").filter(has=page.get_by_role("link", name="redis", exact=True))
    return row.locator(".stepped")


def test_the_strips_of_the_page_are_stepped_through_by_keyboard(page):
    """One tab stop for all of them: left and right between runs, up and down between checks, Enter to a report."""
    redis, told = _strip_of_redis(page), page.locator("#strip-told")
    redis.focus()
    expect(told).to_contain_text("passed, ")
    newest = told.text_content()
    page.keyboard.press("ArrowLeft")
    expect(told).not_to_have_text(newest)
    for _ in range(60):
        page.keyboard.press("ArrowRight")
    expect(told).to_have_text(newest)
    assert page.locator(".stepped[tabindex='0']").count() == 1

    page.keyboard.press("ArrowDown")
    expect(page.locator("#matrix tr").filter(has_text="websocket").locator(".stepped")).to_be_focused()
    expect(page.locator(".step-mark")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/reports/*")


def test_steps_made_before_the_runs_are_read_count(page):
    """On a slow line the strip stands where the keys left it."""
    redis, told = _strip_of_redis(page), page.locator("#strip-told")
    redis.focus()
    expect(told).to_contain_text("passed, ")
    newest = told.text_content()
    page.get_by_role("searchbox").focus()
    held = []
    page.route("**/api/v1/checks/redis", lambda route: held.append(route))  # noqa: PLW0108  # a built-in has no signature
    redis.focus()
    page.keyboard.press("ArrowLeft")
    expect(told).to_be_hidden()
    held.pop().continue_()

    expect(told).to_be_visible()
    expect(told).not_to_have_text(newest)


def test_a_strip_tells_of_the_run_below_the_pointer(page):
    """And a click leads to its report; elsewhere it tells nothing."""
    strip = page.locator("#matrix .stepped").first
    strip.hover(position={"x": 290, "y": 15})
    told = page.locator("#strip-told")
    expect(told).to_contain_text("passed, ")
    newest = told.text_content()
    strip.hover(position={"x": 20, "y": 15})
    expect(told).not_to_have_text(newest)

    page.mouse.move(5, 5)
    expect(told).to_be_hidden()
