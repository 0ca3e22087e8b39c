"""The admin page as tests have it: a real server on a port of its own, and clients that are somebody."""

from __future__ import annotations

import contextlib
import re
import secrets
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import uvicorn

from preflight.admin import server
from preflight.admin.access import SIGN_IN
from preflight.admin.credentials import Credentials, Role
from preflight.embedded.process import wait_until
from preflight.embedded.server import free_port
from preflight.registry import PreFlightRegistry
from preflight.reports.store import ReportStore
from preflight.settings import Settings, load

START_SECONDS = 20.0


class Site:
    """A running admin page. `settings` name a Redis and a migrated PostgreSQL."""

    def __init__(self, settings: Settings, registry: PreFlightRegistry | None = None):
        self.settings = settings
        self.config = server.config(settings, discovered(settings) if registry is None else registry)
        self.app = self.config.app
        self.credentials = Credentials(settings.database)
        self.store = ReportStore(settings.database)
        self._server = uvicorn.Server(self.config)
        self._thread = threading.Thread(target=self._run, name="admin-page")

    def _run(self):
        self._server.run(sockets=[server._listening(self.settings)])

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.settings.admin_port}"

    def start(self):
        """Start it and wait until it answers."""
        self._thread.start()
        assert wait_until(lambda: self._server.started or not self._thread.is_alive(), START_SECONDS)
        assert self._server.started

    def stop(self):
        """Stop it and close what tests asked it besides."""
        self._server.should_exit = True
        self._thread.join()
        self.credentials.dispose()
        self.store.dispose()

    def stranger(self, **options: Any) -> httpx.Client:
        """Return a client that nobody knows. No redirect is followed."""
        return httpx.Client(base_url=self.url, timeout=30, **options)

    def token(self, role: str = "admin") -> str:
        """Make a token and return it."""
        return self.credentials.create_token(f"{role}-{secrets.token_hex(4)}", Role(role))

    def caller(self, role: str = "admin") -> httpx.Client:
        """Return a client of the API: it sends a token."""
        return self.stranger(headers={"Authorization": f"Bearer {self.token(role)}"})

    def person(self, role: str = "admin") -> httpx.Client:
        """Return a browser that has signed in: it has a session."""
        with self.stranger() as client:
            answer = client.post(SIGN_IN, data={"token": self.token(role)})
            assert answer.status_code == 303, answer.text
            return self.stranger(cookies=dict(client.cookies))

    def csrf(self, client: httpx.Client) -> str:
        """Return what a signed-in browser's writes must show, as pages have it in their forms."""
        page = client.get("/admin/monitoring", headers={"Accept": "text/html"}).text
        found = re.search(r'name="csrf" (?:value|content)="([^"]+)"', page)
        assert found, page
        return found[1]


def discovered(settings: Settings) -> PreFlightRegistry:
    """Return the checks that the settings name."""
    registry = PreFlightRegistry()
    registry.discover(settings)
    return registry


def settings_for(redis_url: str, database_url: str, namespace: str, **values: Any) -> Settings:
    """Return the settings of a page on a free port."""
    own = {"redis_url": redis_url, "database_url": database_url, "namespace": namespace, "admin_port": free_port()}
    return load(own | values)


@contextlib.contextmanager
def running(settings: Settings, registry: PreFlightRegistry | None = None) -> Iterator[Site]:
    """Yield a page that runs."""
    site = Site(settings, registry)
    site.start()
    try:
        yield site
    finally:
        site.stop()
