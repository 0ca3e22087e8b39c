"""A world of runs for the model: their messages, workers and reports are played by hand, and what is seen is kept."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, NamedTuple
from uuid import UUID

from hypothesis import strategies as st
from integration.engine.conftest import PASSED, Bench

from preflight import CheckResult, PreFlightRegistry
from preflight.context import RunRequest
from preflight.declaration import FunctionCheck
from preflight.engine import answers
from preflight.engine.lines import errored
from preflight.engine.messages import template
from preflight.engine.plan import Plan, plan
from preflight.engine.runs import Runs
from preflight.engine.state import RunState
from preflight.types import ANSWERED_STATUSES, BLOCKING_STATUSES, Severity, Status

#: Seconds that a kept answer lives. A quarter of the second is no whole number of milliseconds.
LIVES = (60.0, 0.25)


class Elsewhere(FunctionCheck):
    """A check that applies to no run of the model."""

    def applies_to(self, context):
        return False


class CheckKind(NamedTuple):
    """A check as a run of the model plans it. `wants` is an input that the run may not have."""

    priority: int
    severity: str = "blocking"
    kept_for: float | None = None
    wants: bool = False
    applies: bool = True

    @property
    def name(self) -> str:
        """A name that says what it is: checks of one name are one question."""
        words = [f"p{self.priority}", self.severity[0]]
        words += [f"kept{LIVES.index(self.kept_for)}"] if self.kept_for else []
        return "_".join(words + ["wants"] * self.wants + ["elsewhere"] * (not self.applies))

    def declared(self) -> FunctionCheck:
        """Return the check that is registered."""
        return (FunctionCheck if self.applies else Elsewhere)(
            name=self.name,
            priority=self.priority,
            function=lambda _: PASSED,
            severity=self.severity,
            cache_ttl=self.kept_for,
            requires=("campaign_id",) if self.wants else (),
        )


def _kinds(*, priorities=(0, 5, 10), severities=("blocking",), lives=(None,), wants=(False,), applies=(True,)):
    fields = (priorities, severities, lives, wants, applies)
    return st.tuples(*map(st.sampled_from, fields)).map(CheckKind._make)


_asked = _kinds(severities=("blocking", "blocking", "advisory"))
_kept = _kinds(priorities=(0, 5), severities=("blocking", "blocking", "advisory"), lives=LIVES)
_answered = _kinds(wants=(False, True), applies=(False,)) | _kinds(wants=(True,))
kinds = st.lists(st.one_of(_asked, _asked, _kept, _kept, _answered), min_size=1, max_size=5, unique_by=lambda k: k.name)


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


class Asleep(Runs):
    """Runs as a process sees them that fell asleep after reading: what it read is old when it goes on."""

    dream: dict[str, str]

    def fields(self, run_id):
        return self.dream


@dataclasses.dataclass
class Execution:
    """A check that a worker has claimed, and may answer once, twice or never."""

    run_id: UUID
    name: str
    severity: str


@dataclasses.dataclass
class Witnessed:
    """What was seen of one run; nothing of it may change afterwards."""

    plan: Plan
    inbox: str
    aborted: bool = False
    answers: dict[str, str] = dataclasses.field(default_factory=dict)
    end: str | None = None
    report: dict[str, Any] | None = None


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
        return plan(request, registry, self.bench.settings)

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
        made = Mortal(self.client, self.keys)
        made.steps = steps
        return made

    def asleep(self, dream: dict[str, str]) -> Asleep:
        """Return the runs as a process sees them that believes an old state."""
        made = Asleep(self.client, self.keys)
        made.dream = dream
        return made

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

    # What must hold

    def look(self) -> None:
        """Compare every run with what was seen of it before; `AssertionError` when something changed or is wrong."""
        states = dict(zip(self.seen, self.runs.fields_of_many([str(run_id) for run_id in self.seen]), strict=True))
        for run_id, fields in states.items():
            _look_at(RunState(run_id, fields), self.seen[run_id], self.good)
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
        named = {*self.keys.permanent, *self.keys.queues}
        left = [key for key in self.client.keys(f"{self.keys.namespace}*") if key not in named]
        assert all(self.client.pttl(key) > 0 for key in left if self.client.exists(key))


def _look_at(state: RunState, seen: Witnessed, good: set[str]) -> None:
    written = {key[2:]: text for key, text in state.fields.items() if key.startswith("a:")}
    assert seen.answers.items() <= written.items(), "an answer never changes once it is written"
    seen.answers = written
    _look_at_tiers(state)
    assert seen.end is None or state.fields["end"] == seen.end, "a run ends once"
    seen.end = state.fields.get("end")
    if state.ended:
        report = state.report().to_json()
        assert seen.report is None or report == seen.report, "a report never changes"
        seen.report = report
        _look_at_report(state, good)


def _look_at_tiers(state: RunState) -> None:
    names = [check.name for check in state.checks]
    tiers = [[token.partition("|")[0] for token in state.fields[f"t:{k}"].split()] for k in _tiers(state)]
    assert sorted(name for tier in tiers for name in tier) == sorted(names)
    for before, after in zip(tiers, tiers[1:], strict=False):
        if any(state.place(name).where in ("queued", "running", "joined") for name in after):
            assert all(state.answer(name) for name in before), "no tier is sent before the one below has answered"
    if not state.ended:
        waiting = [name for name in tiers[int(state.fields["tier"])] if state.place(name).where != "done"]
        assert int(state.fields["left"]) == len(waiting) > 0, "`left` counts the answers that the tier waits for"


def _tiers(state: RunState) -> range:
    return range(int(state.fields["tiers"]))


def _look_at_report(state: RunState, good: set[str]) -> None:
    report = state.report()
    lines = {line.name: line for line in report.checks}
    assert len(lines) == len(report.checks), "one status per check"
    assert set(lines) - {"workers", "broker"} == {check.name for check in state.checks}
    for line in report.checks:
        if line.status is Status.SKIPPED:
            assert line.skipped_because, "skipped only with a reason"
    assert report.success == _may_go(state, good), "GO exactly when every blocking check answered well"


def _may_go(state: RunState, good: set[str]) -> bool:
    """Judge by the written answers alone: none blocks, none is missing, and a worker really gave a good one."""
    written = {check.name: state.answer(check.name) for check in state.checks if check.severity == Severity.BLOCKING}
    if state.answer("workers") or state.answer("broker") or None in written.values():
        return False
    given = [answer for answer in written.values() if answer]
    asked = [answer for answer in given if answer["status"] in ANSWERED_STATUSES]
    return any(answer["message"] in good for answer in asked) and not any(
        answer["status"] in BLOCKING_STATUSES for answer in given
    )
