"""Every page, in both colour schemes: no axe violation, one heading of the first level, no sideways scrolling."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

#: The pages of a site with reports; {report} is a NO-GO of poll_launch.
PAGES = {
    "sign-in": "/admin/sign-in",
    "monitoring": "/admin/monitoring?open={report}&query=event:poll_launch",
    "monitoring, 7 days": "/admin/monitoring?period=7d",
    "a wrong query": "/admin/monitoring?query=check:redis+status:fail",
    "nothing found": "/admin/monitoring?query=check:redsi",
    "report": "/admin/reports/{report}",
    "checks": "/admin/checks",
    "check": "/admin/checks/redis",
    "run now": "/admin/runs",
    "no such report": "/admin/reports/018f4c1e-0000-7000-8000-000000000001",
}
WIDTHS = (320, 560, 768, 1024, 1600)


def address(site, name):
    report = next(one for one in site.store.page(limit=1000) if not one.success and one.event_type == "poll_launch")
    return PAGES[name].format(report=report.id)


def violations(page):
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['help']}: {[node['html'][:160] for node in one['nodes'][:3]]}" for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(visit, site, empty_site, scheme):
    """Names, contrast, roles, structure."""
    page = visit(site, color_scheme=scheme)
    stranger = visit(site, "/admin/sign-in", color_scheme=scheme, signed_in=False)
    found = {"sign-in": violations(stranger)}
    for name in PAGES.keys() - {"sign-in"}:
        page.goto(address(site, name))
        found[name] = violations(page)
        assert page.get_by_role("heading", level=1).count() == 1, name
    empty = visit(empty_site, color_scheme=scheme)
    for path in ("/admin/monitoring", "/admin/checks", "/admin/runs"):
        empty.goto(path)
        found[f"empty {path}"] = violations(empty)

    assert {name: problems for name, problems in found.items() if problems} == {}


def test_nothing_scrolls_sideways_from_320_to_1600_pixels(visit, site):
    """And at 320 the buttons are still there, 24 px or more."""
    page = visit(site)
    wider = {}
    for name in PAGES.keys() - {"sign-in"}:
        page.goto(address(site, name))
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            scroll = page.evaluate("document.documentElement.scrollWidth")
            if scroll > width:
                wider[name, width] = scroll

    assert wider == {}


def test_targets_are_large_enough_for_a_thumb(visit, site):
    """At least 24 by 24 CSS pixels, on the narrowest phone too."""
    page = visit(site, viewport={"width": 320, "height": 800})
    small = page.evaluate("""() =>
        [...document.querySelectorAll('button, .btn, .segments a, .chev, .nav a, .theme label')]
        .map(one => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
        .filter(([_, box]) => box.width && (box.width < 24 || box.height < 24)).map(([text]) => text)""")

    assert small == []


def test_the_keyboard_reaches_everything_and_focus_is_seen(visit, site):
    """The first stop skips to the content, and every stop has an outline."""
    page = visit(site)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"

    invisible = []
    for _ in range(25):
        page.keyboard.press("Tab")
        style = page.evaluate("""() => { const one = document.activeElement;
            const seen = one.matches('.theme input') ? one.nextElementSibling : one;
            return [one.outerHTML.slice(0, 80), getComputedStyle(seen).outlineStyle]; }""")
        if style[1] == "none":
            invisible.append(style[0])
    assert invisible == []


def test_who_asked_for_less_motion_gets_none(visit, site):
    """The one pulse and the turning chevron stand still."""
    page = visit(site, reduced_motion="reduce")
    expect(page.locator("#live-word")).to_have_text("Live")

    moving = "document.getAnimations().filter(one => one.playState === 'running').length"
    assert page.evaluate(moving) == 0


def test_print_is_light_and_has_no_controls(visit, site):
    """What is printed is what is known, not what can be clicked; times, not ages."""
    page = visit(site, color_scheme="dark")
    page.emulate_media(media="print")

    for hidden in (".nav", ".query", "#pause", ".theme"):
        expect(page.locator(hidden).first).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    age = page.locator("tr[id^='r-'] time").first
    printed = age.evaluate("one => [getComputedStyle(one).fontSize, getComputedStyle(one, '::after').content]")
    assert printed == ["0px", f'"{age.get_attribute("datetime")}"']


def test_forced_colours_keep_shapes(visit, site):
    """In Windows' high contrast a NO-GO is still an octagon with its word."""
    page = visit(site, forced_colors="active")

    expect(page.locator(".verdict").first.locator(".verdict-word use")).to_have_attribute("href", "#i-failed")
    expect(page.locator(".verdict").first.locator(".verdict-word")).to_be_visible()
