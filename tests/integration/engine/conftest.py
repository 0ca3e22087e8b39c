"""A run's scripts on a real server, without workers: tests claim and answer by hand."""

from __future__ import annotations

import pytest

from preflight import CheckResult, PreFlightRegistry
from preflight.context import RunRequest
from preflight.declaration import FunctionCheck
from preflight.engine import answers, workers
from preflight.engine.caller import new_run_id
from preflight.engine.connection import connect
from preflight.engine.keys import Keys
from preflight.engine.messages import template
from preflight.engine.plan import plan
from preflight.engine.runs import Runs
from preflight.engine.state import RunState
from preflight.engine.watchdog import Watchdog
from preflight.settings import load

PASSED = answers.answer(CheckResult.passed("fine"))
FAILED = answers.answer(CheckResult.failed("no", remediation="Mend it."))


class Bench:
    """Opens runs of made-up checks and plays their workers."""

    def __init__(self, url, namespace):
        self.settings = load({"redis_url": url, "namespace": namespace, "event_types": ("test_event",)})
        self.keys = Keys(namespace)
        self.client = connect(url)
        self.runs = Runs(self.client, self.keys)
        self.watchdog = Watchdog(self.runs, "watchdog")

    def open(self, checks, *, run_id=None, policy="check", mode="full", inbox="", **declaration):
        """Open a run of {name: priority} and return its id."""
        registry = PreFlightRegistry()
        details = {key: declaration.pop(key) for key in ("max_age", "campaign_id") if key in declaration}
        timeout = declaration.pop("timeout", None) if "cache_ttl" not in declaration else None
        for name, priority in checks.items():
            registry.register(FunctionCheck(name=name, priority=priority, function=lambda _: PASSED, **declaration))
        request = RunRequest.build(mode=mode, event_type="test_event", timeout=timeout, short_circuit=policy, **details)
        run_id = run_id or new_run_id()
        queue = self.keys.full_queue if mode == "full" else self.keys.light_queue
        planned = plan(request, registry, self.settings)
        self.opening = self.runs.open(run_id, planned, template(self.settings, queue), inbox=inbox)
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


@pytest.fixture
def bench(redis_url, namespace):
    made = Bench(redis_url, namespace)
    yield made
    for key in made.client.scan_iter(f"{namespace}:r:*"):
        assert made.client.ttl(key) > 0
    made.client.close()
