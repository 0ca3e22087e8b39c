"""A real page in a real Chromium: one server and one browser for all tests, and for each test a context of its own."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator

import pytest
import servers
import sites

from browser import samples
from preflight import CheckContext, CheckResult, PreFlightCheck, PreFlightRegistry
from preflight.types import Severity

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WIDE = {"width": 1440, "height": 1000}


class Sample(PreFlightCheck):
    """Look whether the sample answers.

    It stands for a check of an application: what it says is in the reports.
    """

    def execute(self, context: CheckContext) -> CheckResult:
        """Pass."""
        return CheckResult.passed("it answers")


def registered() -> PreFlightRegistry:
    """Return the registry of the sample application."""
    registry = PreFlightRegistry()
    for name, priority, _, _ in samples.CHECKS:
        check = Sample()
        check.name, check.priority = name, priority
        check.event_types = ("poll_launch",) if priority > 10 else None
        check.severity = Severity.ADVISORY if name == "vtt_connection" else Severity.BLOCKING
        check.cache_ttl = 30.0 if name == "twitch_api" else None
        registry.register(check)
    registry.discovered = True
    return registry


@pytest.fixture(scope="package")
def browser(partner_of_session) -> Iterator[object]:
    """Yield a Chromium."""
    from playwright.sync_api import sync_playwright

    partner_of_session("chromium", CHROMIUM)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def partner_of_session():
    """Give `partner` to fixtures of the session."""
    from conftest import partner

    return partner


def _site(shared_valkey, shared_postgresql, registry, reports=(), **values) -> Iterator[sites.Site]:
    name = f"t{secrets.token_hex(6)}"
    database = shared_postgresql.create_database(name, "preflight_template")
    settings = sites.settings_for(shared_valkey.url, database, name, **values)
    with sites.running(settings, registry) as site:
        site.store.save(list(reports))
        yield site
    servers.forget(shared_valkey.url, name)
    shared_postgresql.drop_database(name)


@pytest.fixture(scope="package")
def site(shared_valkey, shared_postgresql) -> Iterator[sites.Site]:
    """Yield a page with a day of reports."""
    flower = "http://127.0.0.1:5555"
    yield from _site(shared_valkey, shared_postgresql, registered(), samples.day(), flower_url=flower)


@pytest.fixture(scope="package")
def empty_site(shared_valkey, shared_postgresql) -> Iterator[sites.Site]:
    """Yield a page before anything was asked and without a check."""
    registry = PreFlightRegistry()
    registry.discovered = True
    yield from _site(shared_valkey, shared_postgresql, registry)


@pytest.fixture
def visit(browser):
    """Give tests `visit(site, path, role=..., **options of the context)`: a page, signed in, whose errors are kept."""
    contexts = []

    def open_page(site, path="/admin/monitoring", *, role="admin", signed_in=True, **options):
        context = browser.new_context(**{"viewport": WIDE, "base_url": site.url, **options})
        contexts.append(context)
        if signed_in:
            with site.person(role) as person:
                cookies = [{"name": name, "value": value, "url": site.url} for name, value in person.cookies.items()]
            context.add_cookies(cookies)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda message: page.problems.append(message.text) if message.type == "error" else None)
        page.requested = []
        page.on("request", lambda request: page.requested.append(request.url))
        page.answers = []
        page.on("response", lambda answer: page.answers.append(answer))  # noqa: PLW0108  # it wants a function
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
