"""What others wrote is text, whatever it is: script, braces, 64 KiB, right to left, emoji, one long word."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sites
from playwright.sync_api import expect

from browser import samples
from browser.conftest import _site
from preflight import PreFlightRegistry

SCRIPT = "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>"
HOSTILE = {
    "script": SCRIPT,
    "braces": "{{ 7 * 7 }} {% raw %} ${7 * 7}",
    "attribute": '" onmouseover="window.pwned = 1" autofocus onfocus=\'window.pwned = 1',
    "link": "javascript:window.pwned=1",
    "long": "x" * 50_000,
    "lines": "one line\n" * 5_000,
    "arabic": "فشل الاتصال بقاعدة البيانات: انتهت المهلة",
    "turned": "\u202efdp.exe\u202c \u2066hidden",
    "emoji": "👩‍👩‍👧‍👦 🚨 ✅ שלום 🏴‍☠️",
    "formula": '=HYPERLINK("http://evil.example","x")',
}


@pytest.fixture(scope="module")
def site(shared_valkey, shared_postgresql) -> Iterator[sites.Site]:
    """Yield a page whose reports hold all of it, in every field that takes text."""
    now = datetime.now(UTC)
    lines = tuple(
        samples.line(
            name, 0, "failed", text, error=text[:900], remediation=text[:900], warnings=(text[:900],),
            metadata={SCRIPT: text[:900]},
        )
        for name, text in HOSTILE.items()
    )  # fmt: skip
    foreign = samples.line(SCRIPT[:60], 0, "error", SCRIPT)
    reports = [
        samples.report(now, "poll_launch", lines, streamer_ids=(SCRIPT, HOSTILE["arabic"]), metadata={"note": SCRIPT}),
        samples.report(now, SCRIPT[:50], (foreign,), mode="full"),
        samples.report(now, "w" * 50, (foreign,), mode="full"),
        *(samples.report(now, "poll_launch", (line,)) for line in lines),
    ]
    registry = PreFlightRegistry()
    registry.discovered = True
    yield from _site(shared_valkey, shared_postgresql, registry, reports)


def addresses(site):
    yield "/admin/monitoring"
    yield "/admin/monitoring?query=" + "%3Cscript%3Ewindow.pwned%3D1%3C/script%3E"
    for report in site.store.page(limit=2):
        yield f"/admin/reports/{report.id}"
    full = next(report for report in site.store.page(limit=100) if len(report.checks) == len(HOSTILE))
    yield f"/admin/reports/{full.id}"
    yield f"/admin/monitoring?open={full.id}"
    yield f"/admin/checks/{full.checks[0].name}"
    yield "/admin/runs?event=%22%3E%3Cscript%3Ewindow.pwned%3D1%3C/script%3E"


def test_no_script_of_others_runs_on_any_page(visit, site):
    """Nothing runs, nothing is even tried: the policy of the page has nothing to refuse."""
    page = visit(site, "/admin/checks")
    for path in addresses(site):
        page.goto(path)
        for button in page.locator(".chev[aria-expanded='false']").all()[:3]:
            button.click()
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert page.evaluate("window.pwned") is None, path
        assert page.locator("[onerror], [onmouseover], [onfocus], a[href^='javascript:']").count() == 0, path
    assert [problem for problem in page.problems if "422" not in problem] == []


def test_script_in_a_report_that_comes_live_does_nothing(visit, site):
    """New content goes through the same templates."""
    page = visit(site)
    expect(page.locator("#live-word")).to_have_text("Live")
    site.store.save([samples.report(datetime.now(UTC), SCRIPT[:50], (samples.line("evil", 0, "failed", SCRIPT),))])

    page.locator("#newer").click()
    page.locator(".chev").first.click()
    expect(page.locator(".ladder-wrap")).to_contain_text("<script>window.pwned = 1</script>")
    assert page.evaluate("window.pwned") is None
    assert page.problems == []


def test_long_texts_stay_inside_the_page(visit, site):
    """50 KB of one word: cut, whole behind a disclosure, and no page scrolls sideways."""
    page = visit(site)
    for width in (320, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        for path in addresses(site):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


def test_a_message_of_50_kilobytes_can_be_read_whole(visit, site):
    """Its beginning at once, the rest on demand."""
    report = next(one for one in site.store.page(limit=100) if one.checks[0].name == "long")
    page = visit(site, f"/admin/reports/{report.id}")
    whole = page.get_by_text("All 50,000 characters")
    whole.click()

    assert len(page.locator("details[open] pre").first.text_content()) == 50_000


def test_text_that_runs_right_to_left_keeps_to_itself(visit, site):
    """Arabic is set right to left inside its own piece; what turns text around by force is shown as an escape."""
    reports = {one.checks[0].name: one for one in site.store.page(limit=100) if len(one.checks) == 1}
    page = visit(site, f"/admin/reports/{reports['arabic'].id}")
    expect(page.locator(".headline bdi")).to_contain_text(HOSTILE["arabic"])

    page.goto(f"/admin/reports/{reports['turned'].id}")
    expect(page.locator(".x-message").first).to_contain_text("\\u202efdp.exe\\u202c")
