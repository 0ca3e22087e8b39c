"""Make the pictures of the admin page in docs/images: `make screenshot`, from a real page with a sample day."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import servers
import sites
from playwright.sync_api import Browser, Page, expect, sync_playwright

from browser import samples
from browser.conftest import CHROMIUM, registered
from preflight.admin.credentials import Role
from preflight.embedded.postgresql import Postgresql
from preflight.embedded.valkey import Valkey
from preflight.reports import migrations

PICTURES = servers.REPOSITORY / "docs" / "images"
DESK = {"width": 1200, "height": 860}
PHONE = {"width": 390, "height": 844}


def main():
    """Start the page and take its pictures."""
    with tempfile.TemporaryDirectory() as folder, site_in(Path(folder)) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            ending = "" if scheme == "light" else "-dark"
            desk = page_of(browser, site, DESK, scheme)
            shoot(desk, "/admin/monitoring", f"monitoring{ending}.png")
            if scheme == "light":
                shoot(desk, "/admin/monitoring?query=verdict:nogo&open={report}", "ladder.png", of=".ladder-wrap")
                shoot(desk, "/admin/monitoring?query=check:redis+status:fail", "query.png", of="#reports")
                shoot(desk, "/admin/reports/{report}", "report.png")
                shoot(page_of(browser, site, PHONE, "dark"), "/admin/monitoring", "phone-dark.png")
        browser.close()


@contextmanager
def site_in(folder: Path) -> Iterator[sites.Site]:
    """Yield a page with a sample day on servers of its own."""
    valkey, postgresql = (
        Valkey(folder / "valkey", "x"),
        Postgresql(folder / "postgresql", "x", options=servers.THROWAWAY),
    )
    valkey.start()
    postgresql.start()
    try:
        url = postgresql.create_database("pictures")
        migrations.upgrade(url)
        with sites.running(sites.settings_for(valkey.url, url, "pictures"), registered()) as site:
            site.store.save(list(samples.day()))
            yield site
    finally:
        valkey.stop()
        postgresql.stop()


def page_of(browser: Browser, site: sites.Site, size: Any, scheme: Any) -> Page:
    """Return a page of somebody who has signed in."""
    context = browser.new_context(viewport=size, color_scheme=scheme, base_url=site.url, reduced_motion="reduce")
    context.add_cookies(signed_in(site))
    page = context.new_page()
    report = next(one for one in site.store.page(limit=1000) if one.event_type == "poll_launch" and not one.success)
    page.report = report.id
    return page


@functools.cache
def signed_in(site: sites.Site) -> tuple[Any, ...]:
    """Return the cookies of an operator."""
    with site.stranger() as client:
        client.post("/admin/sign-in", data={"token": site.credentials.create_token("operator", Role.ADMIN)})
        return tuple({"name": name, "value": value, "url": site.url} for name, value in client.cookies.items())


def shoot(page: Page, path: str, name: str, of: str = ""):
    """Write the picture of a page, or of a part of it."""
    page.goto(path.format(report=page.report))
    if "/monitoring" in path:
        expect(page.locator("#live-word")).to_have_text("Live", timeout=15_000)
    target = page.locator(of) if of else page
    clip = {} if of else {"full_page": False}
    target.screenshot(path=PICTURES / name, **clip)


if __name__ == "__main__":
    main()
