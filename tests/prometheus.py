"""A Prometheus for tests: Debian's, with the rules of deploy/, that scrapes a few targets of this machine often."""

from __future__ import annotations

import http.client
import http.server
import json
import shutil
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from servers import REPOSITORY

from preflight.embedded.process import Program
from preflight.embedded.server import HOST, Server

RULES = REPOSITORY / "deploy" / "prometheus" / "rules.yml"


class Prometheus(Server):
    """One that scrapes `targets` ({job: port}) five times a second."""

    name = "prometheus"
    targets: Mapping[str, int] = {}

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def prepare(self):
        jobs = [
            {"job_name": job, "static_configs": [{"targets": [f"{HOST}:{port}"]}]} for job, port in self.targets.items()
        ]
        often = {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"}
        configuration = {"global": often, "rule_files": [str(RULES)], "scrape_configs": jobs}
        (self.directory / "prometheus.yml").write_text(json.dumps(configuration))  # which is YAML

    def program(self) -> Program:
        command = (
            str(shutil.which("prometheus")),
            f"--config.file={self.directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.directory / 'data'}",
            f"--web.listen-address={HOST}:{self.port}",
        )
        return Program(name=self.name, command=command, log=self.log)

    def answers(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=1)
        try:
            connection.request("GET", "/-/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def ask(self, query: str) -> list[tuple[dict[str, str], float]]:
        """Return what a query gives now, as (labels, value) in its order; `HTTPError` for one that it cannot read."""
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': query})}") as answer:
            found: Any = json.load(answer)["data"]["result"]
        return [(one["metric"], float(one["value"][1])) for one in found]

    def value(self, query: str) -> float | None:
        """Return the one value that a query gives, or None when it gives nothing."""
        found = self.ask(query)
        return found[0][1] if len(found) == 1 else None


class Exporter:
    """Serves a text at every path, as the admin process serves the fleet's metrics; a context manager."""

    def __init__(self, text: Callable[[], bytes]):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = text()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer((HOST, 0), Handler)
        self.port = self._server.server_port

    def __enter__(self):
        self._thread = threading.Thread(target=self._server.serve_forever, name="exporter", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *reason):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
