"""A stranger's installation: `preflight up` with the application's own servers and a check of its own."""

from __future__ import annotations

import contextlib
import json
import types

import pytest
import servers
from terminals import Terminal, stays

from preflight.embedded.server import free_port

SHOP = '''
from preflight import CheckContext, CheckResult, PreFlightCheck


class ShelfCheck(PreFlightCheck):
    """Ask whether the shelf is full."""

    name = "shelf"
    priority = 30
    event_types = ("poll_launch",)

    def execute(self, context: CheckContext) -> CheckResult:
        return CheckResult.passed("the shelf is full")
'''


class RealTime:
    """The sample real-time server on a port of the application's."""

    def __init__(self, terminal):
        self.terminal, self.port = terminal, free_port()
        self.stack = contextlib.ExitStack()

    def start(self):
        """Start it and wait until it listens."""
        command = f"python -m preflight.embedded.realtime --port {self.port}"
        self.stack.enter_context(self.terminal.running(command, lambda said: self.listens))

    @property
    def listens(self):
        """Whether something accepts connections on the port."""
        return self.terminal.run(f"exec 3<>/dev/tcp/127.0.0.1/{self.port}").returncode == 0

    def kill(self):
        """Stop it."""
        self.stack.close()


@pytest.fixture(scope="module")
def application(tmp_path_factory):
    """Yield an application: its servers, its check in one file, and a terminal with all of it in the environment."""
    folder = tmp_path_factory.mktemp("application")
    (folder / "stranger_shop.py").write_text(SHOP)
    redis, database = servers.fragile_valkey(folder), servers.fragile_postgresql(folder)
    realtime = RealTime(Terminal(folder))
    realtime.start()
    terminal = Terminal(
        folder,
        PYTHONPATH=str(folder),
        PREFLIGHT_CHECKS="stranger_shop",
        PREFLIGHT_CHECK_REDIS_URL=redis.url,
        PREFLIGHT_CHECK_DATABASE_URL=database.url,
        PREFLIGHT_CHECK_WEBSOCKET_URL=f"ws://127.0.0.1:{realtime.port}/ws",
    )
    with terminal.running("preflight up", stays):
        yield types.SimpleNamespace(terminal=terminal, redis=redis, database=database, websocket=realtime)
    realtime.kill()
    database.stop()
    redis.stop()


def report_of(done):
    """Return the report that a command wrote as JSON."""
    return {check["name"]: check for check in json.loads(done.stdout)["checks"]}


def test_a_check_in_one_file_outside_the_repository_is_asked(application):
    """Naming its module is all that it takes, and the output is JSON and nothing else."""
    done = application.terminal.run("preflight run poll_launch --format json | python -m json.tool")

    assert (done.returncode, done.stderr) == (0, "")
    checks = report_of(done)
    assert checks["shelf"]["message"] == "the shelf is full"
    del checks["beat"]  # it may not have ticked yet
    assert {name: check["status"] for name, check in checks.items()} == dict.fromkeys(checks, "passed")


def test_the_doctor_finds_everything_in_order(application):
    """Workers that were started with the same environment know the stranger's check."""
    done = application.terminal.run("preflight doctor")

    assert done.returncode == 0, done.stdout
    assert "10 registered" in done.stdout


@contextlib.contextmanager
def down(server):
    """Have a server down for a while."""
    server.kill()
    try:
        yield
    finally:
        server.start()


@pytest.mark.parametrize("server", ["redis", "database", "websocket"])
def test_an_application_server_that_is_down_is_a_no_go_that_says_why(application, server):
    """The run ends with 3, names the server and what to do, and holds back what comes after; then it is GO again."""
    run = "preflight run poll_launch"
    with down(getattr(application, server)):
        refused = application.terminal.run(run)
        as_json = application.terminal.run(f"{run} --short-circuit tier --format json")

    assert (refused.returncode, as_json.returncode) == (3, 3)
    assert f"NO-GO  poll_launch must not go ahead: {server} failed." in refused.stdout
    assert f"To do for {server}: Start" in refused.stdout
    checks = report_of(as_json)
    assert "cannot be reached" in checks[server]["message"]
    blocking = {name: check for name, check in checks.items() if check["severity"] == "blocking"}
    assert [name for name, check in blocking.items() if check["status"] == "failed"] == [server]
    assert checks["shelf"]["skipped_because"] == f"{server} failed"
    again = application.terminal.run(run)
    assert again.returncode == 0, again.stdout
