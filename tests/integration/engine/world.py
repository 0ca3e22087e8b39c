"""A world of runs for the model: their messages, workers and reports are played by hand, and what is seen is kept."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from integration.engine.check_kinds import CheckKind
from integration.engine.conftest import Bench
from integration.engine.witnessed import Witnessed, look_at

from preflight import CheckResult, PreFlightRegistry
from preflight.changes import Changes, CheckChanges
from preflight.context import RunRequest
from preflight.engine import answers
from preflight.engine.lines import errored
from preflight.engine.messages import template
from preflight.engine.plan import Plan, plan
from preflight.engine.published import publish
from preflight.engine.runs import Runs
from preflight.engine.state import RunState
from preflight.engine.watchdog import Watchdog


class Killed(BaseException):
    """A process ended between two of its commands."""


class Mortal(Runs):
    """Runs as a process sees them that is killed after a number of its steps."""

    steps = 0

    def call(self, script, keys, arguments):
        if self.steps == 0:
            raise Killed
        self.steps -= 1
        return super().call(script, keys, arguments)


@dataclasses.dataclass
class Execution:
    """A check that a worker has claimed, and may answer once, twice or never."""

    run_id: UUID
    name: str
    severity: str


class World:
    """Every run that was opened, what is under way, and what is stored."""

    def __init__(self, url: str, namespace: str) -> None:
        self.bench = Bench(url, namespace)
        self.runs, self.client, self.keys = self.bench.runs, self.bench.client, self.bench.keys
        self.seen: dict[UUID, Witnessed] = {}
        self.executions: list[Execution] = []
        self.good: set[str] = set()
        self.stored: dict[UUID, dict[str, Any]] = {}
        self.forgotten: set[UUID] = set()
        self.said = 0
        self.changes = Changes()

    def delete(self, kind: str) -> None:
        """Delete the keys of a kind: "cache" or "lease"."""
        for key in self.client.keys(f"{self.keys[kind]}:*"):
            self.client.delete(key)

    def close(self) -> None:
        """Delete everything."""
        if found := self.client.keys(f"{self.keys.namespace}*"):
            self.client.delete(*found)
        self.client.close()

    # What the world is made of

    def planned(self, kinds: list[CheckKind], *, mode: str, policy: str, fresh: bool) -> Plan:
        """Return the plan of a run of these checks."""
        registry = PreFlightRegistry()
        for kind in kinds:
            registry.register(kind.declared())
        request = RunRequest.build(
            mode=mode, event_type="test_event", short_circuit=policy, max_age=0 if fresh else None
        )
        return plan(request, registry, self.bench.settings, self.changes)

    def open(self, run_id: UUID, made: Plan) -> bool:
        """Open a run; False if it was aborted before."""
        queue = self.keys.full_queue if made.context.mode == "full" else self.keys.light_queue
        inbox = self.keys[f"inbox:{run_id}"]
        opening = self.runs.open(run_id, made, template(self.bench.settings, queue), inbox=inbox)
        if opening.opened_ms:
            self.seen.setdefault(run_id, Witnessed(made, inbox))
        return bool(opening.opened_ms)

    def state(self, run_id: UUID) -> RunState:
        """Return a run's state."""
        return self.bench.state(run_id)

    def open_runs(self) -> list[UUID]:
        """Return the runs that have not ended."""
        return [run_id for run_id, seen in self.seen.items() if seen.end is None]

    def mortal(self, steps: int) -> Mortal:
        """Return the runs as a process sees them that has so many steps to live."""
        made = Mortal(self.client, self.keys, self.runs.dispatch)
        made.steps = steps
        return made

    def operate(self, name: str, *, enabled: bool) -> None:
        """Disable a check everywhere, or enable it again."""
        version = self.changes.version + 1
        changed = {name: CheckChanges({"enabled": enabled}, version)}
        self.changes = Changes(version, {**self.changes.checks, **changed})
        assert publish(self.runs, self.changes) == version

    # Messages and workers

    def messages(self) -> list[tuple[str, str]]:
        """Return the (queue, message) pairs that wait."""
        queues = (self.keys.full_queue, self.keys.light_queue)
        return [(queue, message) for queue in queues for message in self.client.lrange(queue, 0, -1)]

    def lose(self, queue: str, message: str) -> None:
        """Take a message off its queue; nobody gets it."""
        self.client.lrem(queue, 1, message)

    def deliver(self, message: str, worker: str) -> bool:
        """Let a worker claim what a message names; True if it has the check now."""
        run_id, name, number = json.loads(json.loads(message)["body"])[0]
        claim = self.runs.claim(UUID(run_id), name, str(number), worker)
        if claim is None:
            return False
        self.executions.append(Execution(UUID(run_id), name, claim.check["severity"]))
        return True

    def answer(self, kind: str) -> dict[str, Any]:
        """Return an answer that no other check of the world gives."""
        self.said += 1
        text = f"answer {self.said}"
        if kind == "passed":
            self.good.add(text)
            return answers.answer(CheckResult.passed(text))
        if kind == "failed":
            return answers.answer(CheckResult.failed(text))
        return errored(text) if kind == "error" else answers.answer(CheckResult.skipped(text))

    def record(self, execution: Execution, kind: str, steps: int = 99) -> None:
        """Answer a check in a process that has so many steps to live."""
        with contextlib.suppress(Killed):
            self.mortal(steps).record(execution.run_id, execution.name, self.answer(kind), execution.severity)

    def work_off(self, kind: str = "passed") -> None:
        """Deliver every message that waits now, and give every answer that is due: one tier of each run."""
        for queue, message in self.messages():
            self.lose(queue, message)
            self.deliver(message, "w1")
        while self.executions:
            self.record(self.executions.pop(), kind)

    # Recorders

    def flush(self, holder: str, *, killed: bool = False) -> bool:
        """Store what has ended, and forget it unless the recorder is killed before; False if there was nothing."""
        found = self.runs.outbox(holder, 2000)
        for state in map(self.state, map(UUID, found)):
            self.stored.setdefault(state.id, state.report().to_json())
        if found and not killed:
            self.runs.recorded(found, 60_000)
            self.forgotten |= set(map(UUID, found))
        return bool(found)

    # How it ends

    def drain(self) -> None:
        """Let everything go well from here: deliver, answer, look; then let the time run out; then store."""
        self.bench.worker_lives("w1")
        for _ in range(len(self.seen)):
            self.work_off()
            self._look_after(1500)
        for _ in range(2):
            self._look_after(120_000)
        self.client.delete(self.keys["lease:recorder"])
        while self.flush("last"):
            """A batch at a time."""
        self.look()
        self.assert_all_recorded()

    def _look_after(self, ms: int) -> None:
        self.client.delete(self.keys["lease:watchdog"])
        for run_id in self.open_runs():
            self.bench.later(run_id, ms)
        Watchdog(self.runs, "last").look()
        self.look()

    # What must hold

    def look(self) -> None:
        """Compare every run with what was seen of it before; `AssertionError` when something changed or is wrong."""
        states = dict(zip(self.seen, self.runs.fields_of_many([str(run_id) for run_id in self.seen]), strict=True))
        for run_id, fields in states.items():
            look_at(RunState(run_id, fields), self.seen[run_id], self.good)
        self._look_at_sets()

    def _look_at_sets(self) -> None:
        with self.client.pipeline(transaction=False) as pipeline:
            pipeline.zrange(self.keys["due"], 0, -1).zrange(self.keys["outbox"], 0, -1)
            for run_id, seen in self.seen.items():
                pipeline.lrange(seen.inbox, 0, -1).pttl(self.keys.state(run_id))
            due, outbox, *rest = pipeline.execute()
        assert sorted(due) == sorted(map(str, self.open_runs())), "the due set holds exactly the open runs"
        ended = {run_id for run_id, seen in self.seen.items() if seen.end}
        assert {UUID(run_id) for run_id in outbox} == ended - self.forgotten, "the outbox holds what is not stored"
        for run_id, woken, lives in zip(self.seen, rest[::2], rest[1::2], strict=True):
            assert woken == [str(run_id)] * (run_id in ended), "one end is one wake-up"
            assert lives > 0, "a state has a time to live"

    def assert_all_recorded(self) -> None:
        """Every run has ended, and is stored once, as it was seen."""
        assert not self.open_runs()
        assert self.stored == {run_id: seen.report for run_id, seen in self.seen.items()}
        assert self.client.zcard(self.keys["outbox"]) == 0
        assert self._counted() == counts_of(self.stored.values()), "what is counted is what the reports say"
        named = {*self.keys.permanent, *self.keys.queues}
        left = [key for key in self.client.keys(f"{self.keys.namespace}*") if key not in named]
        assert -1 not in [self.client.pttl(key) for key in left], "every other key has a time to live"

    def _counted(self) -> dict[str, int]:
        found = self.client.hgetall(self.keys["counts"])
        return {field: int(number) for field, number in found.items() if field.split("|")[0] in COUNTED}


#: The counts that can be told from reports.
COUNTED = ("runs", "failures", "skipped", "cached")


def counts_of(reports: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return what must be counted of reports."""
    counts = collections.Counter[str]()
    for report in reports:
        counts[f"runs|{report['mode']}|{report['event_type']}|{str(report['success']).lower()}"] += 1
        counts.update(f"{what}|{line['name']}" for line in report["checks"] if (what := _counted_as(line)))
    return dict(counts)


def _counted_as(line: Mapping[str, Any]) -> str:
    if line["cached"]:
        return "cached"
    return {"failed": "failures", "error": "failures", "skipped": "skipped"}.get(line["status"], "")
