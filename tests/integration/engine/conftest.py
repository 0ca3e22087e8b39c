"""A run's scripts on a real server, without workers: tests claim and answer by hand."""

from __future__ import annotations

import secrets

import pytest
import servers
from conftest import partner

from preflight import CheckResult, PreFlightRegistry
from preflight.context import RunRequest
from preflight.declaration import FunctionCheck
from preflight.engine import answers, workers
from preflight.engine.caller import new_run_id
from preflight.engine.connection import connect
from preflight.engine.dispatch import ByScripts
from preflight.engine.keys import Keys
from preflight.engine.plan import plan
from preflight.engine.runs import Runs
from preflight.engine.state import RunState
from preflight.engine.watchdog import Watchdog
from preflight.settings import load

PASSED = answers.answer(CheckResult.passed("fine"))
FAILED = answers.answer(CheckResult.failed("no", remediation="Mend it."))


class Bench:
    """Opens runs of made-up checks and plays their workers."""

    def __init__(self, url, namespace, dispatch=ByScripts, **settings):
        values = {"redis_url": url, "namespace": namespace, "event_types": ("test_event",)}
        self.settings = load(values | settings)
        self.dispatch = dispatch(self.settings)
        self.keys = Keys(namespace)
        self.client = connect(url)
        self.runs = Runs(self.client, self.keys, self.dispatch)
        self.watchdog = Watchdog(self.runs, "watchdog")

    def open(self, checks, *, run_id=None, policy="check", mode="full", inbox="", **declaration):
        """Open a run of {name: priority} and return its id."""
        registry = PreFlightRegistry()
        details = {key: declaration.pop(key) for key in ("max_age", "campaign_id", "metadata") if key in declaration}
        timeout = declaration.pop("timeout", None) if "cache_ttl" not in declaration else None
        for name, priority in checks.items():
            registry.register(FunctionCheck(name=name, priority=priority, function=lambda _: PASSED, **declaration))
        request = RunRequest.build(mode=mode, event_type="test_event", timeout=timeout, short_circuit=policy, **details)
        run_id = run_id or new_run_id()
        queue = self.keys.full_queue if mode == "full" else self.keys.light_queue
        planned = plan(request, registry, self.settings)
        self.opening = self.runs.open(run_id, planned, self.dispatch.template(queue), inbox=inbox)
        return run_id

    def worker_lives(self, name="w1"):
        """Write a worker's heartbeat."""
        workers.beat(self.runs, name, workers.describe("1", [], []), asks_checks=True)

    def claim(self, run_id, name, worker="w1"):
        """Take a check as a worker does."""
        return self.runs.claim(run_id, name, str(self.state(run_id).place(name).number), worker)

    def answer(self, run_id, name, answer=PASSED, severity="blocking"):
        """Claim and answer a check."""
        self.claim(run_id, name)
        return self.runs.record(run_id, name, answer, severity)

    def state(self, run_id):
        """Return a run's state."""
        return RunState(run_id, self.runs.fields(run_id))

    def queued(self, light=False):
        """Return how many messages wait."""
        return self.client.llen(self.keys.light_queue if light else self.keys.full_queue)

    def outbox(self):
        """Return the ids of finished runs that are not stored."""
        return self.client.zrange(self.keys["outbox"], 0, -1)

    def later(self, run_id, ms):
        """Make the run's past `ms` longer: as if that time had gone by."""
        state = self.state(run_id)
        moved = {"deadline": state.deadline_ms - ms}
        for check in state.sent:
            place = state.place(check.name)
            if place.since_ms:
                words = place.text.split(" ")
                words[2] = str(place.since_ms - ms)
                moved[f"s:{check.name}"] = " ".join(words)
        self.client.hset(self.keys.state(run_id), mapping=moved)
        self.client.zadd(self.keys["due"], {str(run_id): 0}, xx=True)


#: For modules whose tests run on each kind of server: the embedded Valkey, Debian's Redis, the oldest supported one.
ON_EVERY_SERVER = pytest.mark.parametrize(
    "engine_server", ["valkey-9", "redis-7", "redis-6.2"], indirect=True, scope="session"
)


@pytest.fixture(scope="session")
def engine_server(request, tmp_path_factory):
    """Yield the server that a module asks for; the embedded Valkey for those that ask for none."""
    asked = getattr(request, "param", "valkey-9")
    if asked == "valkey-9":
        yield request.getfixturevalue("shared_valkey")
        return
    version = asked.removeprefix("redis-")
    binary = servers.redis_binary(version)
    partner(f"redis-server {version}", binary)
    server = servers.Redis(binary, tmp_path_factory.mktemp(asked), secrets.token_hex(8))
    server.start()
    servers.SESSION_SERVERS.add(server.pid)
    yield server
    server.stop()


@pytest.fixture
def redis_url(engine_server, namespace, leaves_nothing):
    """Yield the server's address; keys that the test leaves for ever in its namespace fail it."""
    yield engine_server.url
    left = servers.keys_left(engine_server.url, namespace)
    servers.forget(engine_server.url, namespace)
    assert not left, f"keys without a time to live were left: {', '.join(left)}"


@pytest.fixture
def bench(redis_url, namespace):
    made = Bench(redis_url, namespace)
    yield made
    for key in made.client.scan_iter(f"{namespace}:r:*"):
        assert made.client.pttl(key) != -1  # -2: it has just expired
    made.client.close()
