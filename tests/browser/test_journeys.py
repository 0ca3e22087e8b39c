"""What people come for: may it go ahead, what happened, what is to be done."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from browser import samples


@pytest.fixture
def page(visit, site):
    return visit(site)


def row(page, verdict, event_type):
    """Return the first line of the list with a verdict and an event type."""
    lines = page.locator("tr[id^='r-']").filter(has=page.get_by_text(verdict, exact=True))
    return lines.filter(has_text=event_type).first


def test_a_stranger_signs_in_and_arrives_where_they_wanted_to_go(visit, site):
    """A link to a page survives the sign-in."""
    page = visit(site, "/admin/checks/redis", signed_in=False)
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")

    page.get_by_label("Token").fill(site.token())
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("redis")
    assert page.url.endswith("/admin/checks/redis")


def test_a_wrong_token_is_told_and_the_form_stays(visit, site):
    """One line at the field, nothing lost."""
    page = visit(site, signed_in=False)

    page.get_by_label("Token").fill("pft_wrong")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_have_text("This token is not known, or was revoked.")
    expect(page.get_by_label("Token")).to_have_attribute("aria-invalid", "true")


def test_signing_out_ends_at_the_sign_in_page(page):
    """The menu below the name is a disclosure, its entry a button of a form."""
    page.locator(".who summary").click()
    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_the_first_thing_said_is_whether_each_event_type_may_go_ahead(page):
    """Worst first, with its age, its reason, and that the reason has passed since."""
    cards = page.locator(".verdict")
    expect(page.locator("#headline")).to_have_text("1 of 4 event types is NO-GO: poll_launch.")

    worst = cards.first
    expect(worst).to_contain_text("NO-GO")
    expect(worst).to_contain_text("redis failed: write refused")
    expect(worst).to_contain_text("redis has passed again since")
    expect(worst.get_by_role("link", name=re.compile("ago"))).to_be_visible()
    expect(cards.nth(1)).to_contain_text("GO with warning")


def test_the_period_rules_the_statistics(page):
    """24 h, 7 d and 30 d are links, and the chosen one is marked."""
    runs = page.locator(".kpi").first.locator("dd").first
    day = int(runs.text_content().replace(",", ""))

    page.get_by_role("link", name="7 d").click()

    expect(page.get_by_role("link", name="7 d")).to_have_attribute("aria-current", "true")
    assert int(page.locator(".kpi").first.locator("dd").first.text_content().replace(",", "")) > day
    expect(page.get_by_role("img", name=re.compile("Runs per 6 hours"))).to_be_visible()


def test_a_report_opens_by_keyboard_to_its_tier_ladder(page):
    """Enter on the button shows the tiers: those that were not asked name the check that stopped the run."""
    line = row(page, "NO-GO", "poll_launch")
    button = line.get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")

    ladder = page.locator(".ladder-wrap")
    expect(ladder.get_by_role("heading", level=3)).to_have_text("NO-GO at tier 0: redis failed")
    expect(ladder.locator(".ladder > li")).to_have_count(5)
    expect(ladder.get_by_text("skipped because redis failed")).to_have_count(4)
    expect(ladder).to_contain_text(samples.FREE_MEMORY)
    assert (
        ladder.locator(".ladder > li.is-skipped > .rung").first.evaluate("e => getComputedStyle(e).borderStyle")
        == "dashed"
    )
    assert ladder.locator(".bar .d-run").count() >= 4
    expect(button).to_have_attribute("aria-expanded", "true")

    page.keyboard.press("Enter")
    expect(ladder).to_have_count(0)
    expect(button).to_have_attribute("aria-expanded", "false")


def test_a_slash_leads_to_the_query_bar_and_words_filter_the_list(page):
    """What is typed is the address, so that it can be sent to somebody."""
    page.keyboard.press("/")
    page.keyboard.type("check:redis status:failed mode:light")
    page.keyboard.press("Enter")
    page.wait_for_url("**query=check%3Aredis*")

    rows = page.locator("tr[id^='r-']")
    assert rows.count() > 0
    expect(rows.filter(has_text="redis failed")).to_have_count(rows.count())
    expect(page.get_by_role("searchbox")).to_have_value("check:redis status:failed mode:light")


def test_a_mistake_in_a_query_is_shown_where_it_is(page):
    """A line, carets below the word, and one click to what was meant; the rest of the page is there."""
    page.get_by_role("searchbox").fill("mode:light check:redis status:fail")
    page.get_by_role("button", name="Filter").click()

    error = page.locator("#query-error")
    expect(error).to_contain_text("“fail” is no status")
    assert error.locator("pre").text_content().split("\n")[1] == " " * 30 + "^^^^"
    expect(page.locator(".verdict").first).to_be_visible()

    error.get_by_role("link").click()
    expect(page.locator("tr[id^='r-']").first).to_be_visible()
    expect(page.get_by_role("searchbox")).to_have_value("mode:light check:redis status:failed")


def test_a_query_that_matches_nothing_says_so_and_offers_near_names(page):
    """Nobody looks at an empty table and wonders."""
    page.goto("/admin/monitoring?query=check:redsi")

    expect(page.locator("#reports .empty")).to_contain_text("No report matches.")
    page.locator("#reports .empty").get_by_role("link", name="redis", exact=True).click()
    expect(page.locator("tr[id^='r-']").first).to_be_visible()


def test_older_reports_are_a_link_away_and_newest_leads_back(page):
    """50 at a time, by place and not by number: new ones do not shift the pages."""
    first = page.locator("tr[id^='r-']").first.get_attribute("id")
    assert page.locator("tr[id^='r-']").count() == 50

    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("link", name="Newest", exact=True)).to_be_visible()
    assert page.locator("tr[id^='r-']").first.get_attribute("id") < first

    page.get_by_role("link", name="Newest", exact=True).click()
    expect(page.get_by_role("link", name="Newest", exact=True)).to_have_count(0)
    assert page.locator("tr[id^='r-']").first.get_attribute("id") >= first


def test_a_viewer_sees_everything_and_no_button_acts(visit, site):
    """What they may not do is there, disabled, and says why."""
    page = visit(site, role="viewer")
    button = page.locator(".verdict").first.get_by_role("button", name="Run again")
    expect(button).to_be_disabled()
    expect(button).to_have_accessible_description("needs the role admin")

    page.get_by_role("link", name="Run now").click()
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_disabled()
    expect(page.get_by_text("needs the role admin")).to_be_visible()


def test_a_wrong_event_type_is_told_at_the_form_and_nothing_runs(page):
    """What was filled in stays."""
    page.get_by_role("link", name="Run now").click()
    page.get_by_label("Event type").fill("pol_launch")
    page.get_by_role("button", name="Run", exact=True).click()

    expect(page.get_by_role("alert")).to_contain_text("Did you mean poll_launch?")
    expect(page.get_by_label("Event type")).to_have_value("pol_launch")


def test_an_address_of_nothing_says_what_is_kept(page):
    """A report that is no longer kept has a page that says so."""
    answer = page.goto("/admin/reports/018f4c1e-0000-7000-8000-000000000001")

    assert answer.status == 404
    expect(page.get_by_role("alert")).to_contain_text("Reports are kept for 30 days")


def test_the_chosen_colours_are_kept(page):
    """A radio button, remembered by this browser, before anything is drawn."""
    page.get_by_text("Dark", exact=True).locator("xpath=..").click()
    page.goto("/admin/checks")

    expect(page.get_by_role("radio", name="Dark")).to_be_checked()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 16, 20)"
