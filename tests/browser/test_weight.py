"""What the page weighs, where it comes from, and what it costs with 200 checks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import servers
import sites
from playwright.sync_api import expect

from browser import samples
from browser.conftest import Sample, _site
from preflight import PreFlightRegistry

MOST_BYTES = 150_000
TEMPLATES = servers.REPOSITORY / "preflight" / "admin" / "templates"
STATIC = servers.REPOSITORY / "preflight" / "admin" / "static"


def weight(page, site):
    """Return the bytes of a page and of all it loads: as they come over the wire, and unpacked."""
    expect(page.locator("#live-word")).to_have_text("Live")
    answers = [one for one in page.answers if not one.url.endswith("/events")]
    assert all(url.startswith(site.url) for url in page.requested)
    sent = sum(
        sum(one.request.sizes()[part] for part in ("responseBodySize", "responseHeadersSize")) for one in answers
    )
    return sent, sum(len(one.body()) for one in answers)


def test_the_whole_page_weighs_less_than_150_kb_and_comes_from_one_host(visit, site):
    """The document, its styles, its scripts, its picture: less than a third on the wire, and less even unpacked."""
    sent, unpacked = weight(visit(site), site)

    assert sent < MOST_BYTES / 3
    assert unpacked < MOST_BYTES


@pytest.mark.parametrize("template", sorted(path.name for path in TEMPLATES.glob("*.html")))
def test_no_template_holds_a_style_or_a_script_of_its_own(template):
    """A strict policy is kept by having nothing to refuse."""
    text = (TEMPLATES / template).read_text()

    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|<script(?! src=\"/admin/static/)|javascript:", text)
    assert not re.search(r"\|\s*safe\b|autoescape|Markup", text)


@pytest.mark.parametrize("file", sorted(path.name for path in STATIC.iterdir()))
def test_no_static_file_names_another_host(file):
    """Offline is as good as online."""
    text = (STATIC / file).read_text().replace("http://www.w3.org/2000/svg", "")

    assert not re.search(r"https?://|//[a-z]+\.[a-z]|@import|url\(", text)
    if Path(file).suffix == ".js":
        assert not re.search(r"innerHTML\s*=(?!=)|insertAdjacentHTML|outerHTML\s*=(?!=)|document\.write|eval\(", text)


@pytest.fixture(scope="module")
def wide_site(shared_valkey, shared_postgresql) -> Iterator[sites.Site]:
    """Yield a page of 200 checks with 60 runs that asked them all."""
    registry = PreFlightRegistry()
    names = [f"check_number_{number:03}" for number in range(200)]
    for number, name in enumerate(names):
        check = Sample()
        check.name, check.priority = name, number // 40 * 5
        registry.register(check)
    registry.discovered = True
    now = datetime.now(UTC)
    reports = [
        samples.report(
            now - timedelta(minutes=minute),
            "launch",
            tuple(
                samples.line(name, number // 40 * 5, "passed", "it answers", duration_ms=1.5, queue_ms=1.0)
                for number, name in enumerate(names)
            ),
        )
        for minute in range(60)
    ]
    yield from _site(shared_valkey, shared_postgresql, registry, reports)


def test_a_page_of_200_checks_weighs_less_than_150_kb(visit, wide_site):
    """Each row has its strip, and the page comes packed: it stays far below the limit."""
    sent, unpacked = weight(visit(wide_site), wide_site)

    assert sent < MOST_BYTES / 2
    assert unpacked < 2 * MOST_BYTES


def test_200_checks_are_one_page_that_stays_usable(visit, wide_site):
    """Every check has its row and its strip, and the page its width."""
    page = visit(wide_site)

    expect(page.locator("#matrix tbody tr:not(.tier-head)")).to_have_count(200)
    expect(page.get_by_role("img", name="check_number_199, last 50 runs: 50 passed; newest passed")).to_be_attached()
    for width in (320, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
