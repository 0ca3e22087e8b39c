"""A Bugsink for tests: a real receiver of Sentry's protocol, whose API gives the events back."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx

from preflight.embedded.process import Program
from preflight.embedded.server import HOST, Server

BIN = Path(__file__).parents[1] / ".partners" / "bugsink" / "bin"
API = "/api/canonical/0"


def installed() -> bool:
    return (BIN / "gunicorn").is_file()


class Bugsink(Server):
    """One project in a database of its own. Tasks run in the request: what was answered is stored."""

    name = "bugsink"
    token = ""

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def prepare(self):
        """Make its configuration and database at the first start, with a token for the API."""
        if self.token:
            return
        self._manage("bugsink-create-conf", "--template=local", f"--host={HOST}", f"--port={self.port}")
        configuration = self.directory / "bugsink_conf.py"
        # It must not call home, must take what its own measure would be too many failing runs, and must keep what it
        # takes here: its own choice is a directory that belongs to whoever ran the tests first.
        values = {"PHONEHOME": False, "MAX_EVENTS_PER_PROJECT_PER_5_MINUTES": 100_000}
        values["INGEST_STORE_BASE_DIR"] = str(self.directory / "ingestion")
        quiet = f"\nBUGSINK |= {values!r}\n"
        configuration.write_text(configuration.read_text() + quiet)
        self._manage("bugsink-manage", "migrate")
        self.token = self._manage("bugsink-manage", "create_auth_token").split()[-1]

    def _manage(self, program: str, *arguments: str) -> str:
        command = [str(BIN / program), *arguments]
        return subprocess.run(command, cwd=self.directory, check=True, capture_output=True, text=True).stdout

    def program(self) -> Program:
        return Program(
            name=self.name,
            command=(str(BIN / "gunicorn"), "bugsink.wsgi", f"--bind={HOST}:{self.port}", "--workers=1", "--threads=4"),
            log=self.log,
            environment={"PYTHONPATH": os.pathsep.join([str(self.directory)])},
            directory=self.directory,
        )

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=2).is_success
        except httpx.HTTPError:
            return False

    @functools.cached_property
    def dsn(self) -> str:
        """The address of a project that is made for the test session."""
        team = self._post("teams", name="tests")["id"]
        self._post("projects", name="preflight", team=team)
        return str(self._get("projects")[0]["dsn"])

    def events(self) -> list[dict[str, Any]]:
        """Return every event that it took, as it was sent, oldest first."""
        found = [event for issue in self.issues() for event in self._get("events", issue=issue["id"])]
        return [self._ask("GET", f"events/{event['id']}/")["data"] for event in found[::-1]]

    def issues(self) -> list[dict[str, Any]]:
        """Return what it made of them."""
        return self._get("issues", project="1")

    def events_of(self, run_id: object) -> list[dict[str, Any]]:
        """Return the events about one run, whoever sent them."""
        return [event for event in self.events() if str(run_id) in str(event)]

    def _get(self, what: str, **query: str) -> list[dict[str, Any]]:
        return list(self._ask("GET", f"{what}/", params=query)["results"])

    def _post(self, what: str, **values: str) -> dict[str, Any]:
        return self._ask("POST", f"{what}/", json=values)

    def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.request(method, f"{self.url}{API}/{path}", headers=headers, timeout=20, **options)
        answer.raise_for_status()
        return dict(answer.json())
