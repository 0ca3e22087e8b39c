"""The state of runs in Redis: one method per atomic step, one Lua script behind each."""

from __future__ import annotations

import functools
import importlib.resources
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast
from uuid import UUID

from redis.commands.core import Script
from redis.exceptions import NoScriptError

from preflight.changes import Changes
from preflight.engine import answers
from preflight.engine.connection import Client, now_ms
from preflight.engine.dispatch import Dispatch
from preflight.engine.keys import Keys
from preflight.engine.lines import skipped
from preflight.engine.messages import Sending
from preflight.engine.opening import Opening, kind_of, limit_of, opening_fields
from preflight.engine.plan import DISABLED, Plan, PlannedCheck
from preflight.types import Severity

#: A worker is alive while its last heartbeat is younger than this, in milliseconds.
ALIVE_MS = 3000
#: A worker has this long to report that a check timed out before the watchdog says so.
TIMEOUT_GRACE_MS = 300
#: Runs that one script wakes when an answer that they wait for has come.
WAKE_BATCH = 50
#: Scripts that drive a run and share `run.lua`.
_SHARING = frozenset({"open", "record", "expire", "abort", "requeue", "wake", "rejoin"})

Answer = dict[str, Any]


class Claim(NamedTuple):
    """A check that this worker now has: the run's context, the check as planned, and ms until the run's deadline."""

    context: dict[str, Any]
    check: dict[str, Any]
    left_ms: int


class Weight(NamedTuple):
    """What a finished run weighs in Redis, in bytes."""

    run_id: str
    size: int
    light: bool


@functools.cache
def _text(name: str) -> str:
    """Return a script's text. Files are read once per process."""
    folder = importlib.resources.files("preflight.engine") / "lua"
    shared = ("clock", "counts", "flight", "run") if name in _SHARING else ("clock",)
    parts = (*shared, name) if name != "claim" else ("clock", "counts", name)
    return "".join((folder / f"{part}.lua").read_text() for part in parts)


class Runs:
    """The runs of one namespace, seen through one Redis client. `dispatch` publishes what scripts cannot push."""

    def __init__(self, client: Client, keys: Keys, dispatch: Dispatch) -> None:
        self.client = client
        self.keys = keys
        self.dispatch = dispatch

    def call(self, script: str, keys: Sequence[str], arguments: Iterable[str | int | float]) -> Any:
        """Run one script atomically; raises what redis-py raises."""
        known, connection = self._script(script), self.client.connection
        if connection is None:
            return known(keys=keys, args=list(arguments))
        # A client of one connection: straight over it, which costs half of what redis-py's whole way does.
        with self.client.single_connection_lock:
            try:
                connection.send_command("EVALSHA", known.sha, len(keys), *keys, *arguments)  # type: ignore[no-untyped-call]
                return connection.read_response()
            except NoScriptError:
                return known(keys=keys, args=list(arguments))

    @functools.cache  # noqa: B019  # a handful of stores live as long as the process
    def _script(self, name: str) -> Script:
        return self.client.register_script(_text(name))

    def _run_keys(self, run_id: UUID) -> list[str]:
        return [self.keys.state(run_id), self.keys["due"], self.keys["outbox"], self.keys["numbers"]]

    def open(self, run_id: UUID, plan: Plan, template: str, *, inbox: str = "", task_id: str = "") -> Opening:
        """Open a run and send its first tier. Opening the same id twice opens it once.

        With an empty template scripts push nothing: whoever calls them publishes.
        """
        fields = opening_fields(plan, template, self.keys, inbox=inbox, task_id=task_id)
        return self._opening(self.call("open", *self._open_arguments(run_id, plan, fields)))

    def open_all(self, runs: Sequence[tuple[UUID, Plan]], template: str) -> list[Opening | Exception]:
        """Open runs that nobody waits for in one round trip; return what `open` returns or raises, for each."""
        with self.client.pipeline(transaction=False) as pipeline:
            for run_id, plan in runs:
                fields = opening_fields(plan, template, self.keys)
                keys, arguments = self._open_arguments(run_id, plan, fields)
                self._script("open")(keys=keys, args=arguments, client=pipeline)
            found = pipeline.execute(raise_on_error=False)
        return [one if isinstance(one, Exception) else self._opening(one) for one in found]

    def _open_arguments(
        self, run_id: UUID, plan: Plan, fields: Sequence[str | int | float]
    ) -> tuple[list[str], list[str | int | float]]:
        keys = [*self._run_keys(run_id), self.keys["alive"], self.keys["settings"]]
        return keys, [str(run_id), int(plan.timeout * 1000), ALIVE_MS, plan.version, *fields]

    def _opening(self, opened: Sequence[Any]) -> Opening:
        if opened[0] == -1:
            return Opening(0, 0, changes=Changes.from_text(int(opened[1]), opened[2]))
        return Opening(int(opened[0]), int(opened[1]), self._publish(*opened[3:]))

    def claim(self, run_id: UUID, name: str, number: str, worker: str) -> Claim | None:
        """Start a check, or return None: the run is over, another worker has the check, or an operator disabled it."""
        keys = [self.keys.state(run_id), self.keys["due"], self.keys["numbers"], self.keys["settings"]]
        claimed = self.call("claim", keys, [str(run_id), name, number, worker, TIMEOUT_GRACE_MS])
        if not claimed:
            return None
        if len(claimed) == 1:
            # A process that dies before this leaves the check in its place: its next message is claimed like this one.
            self.record(run_id, name, skipped(DISABLED), Severity.BLOCKING, place=claimed[0])
            return None
        return Claim(json.loads(claimed[0]), json.loads(claimed[1]), int(claimed[2]))

    def release(self, run_id: UUID, name: str, worker: str) -> bool:
        """Give a claimed check back, for a worker that knows it; the watchdog sends it again."""
        return bool(self.call("release", [self.keys.state(run_id)], [name, worker]))

    def record(self, run_id: UUID, name: str, answer: Answer, severity: str, place: str = "") -> bool:
        """Write a check's answer once and advance the run; False if it was late.

        `place`, if given, is where the check must still be: it guards against a stale view.
        """
        told = (answers.meaning(answer, severity), answers.micros(answer), answers.encode(answer))
        taken, landed, *unpublished = self.call("record", self._run_keys(run_id), [str(run_id), name, place, *told])
        self._publish(*unpublished)
        while landed and self._wake(run_id, landed):
            """A thousand runs may wait for one answer: Redis serves others between the batches."""
        return bool(taken)

    def _wake(self, run_id: UUID, key: str) -> int:
        taken, *unpublished = self.call("wake", self._run_keys(run_id), [key, WAKE_BATCH])
        self._publish(*unpublished)
        return int(taken)

    def _publish(self, unpublished: Sequence[str] | None = None) -> str:
        """Publish what a script could not push; return why that failed, or "". The watchdog sends it again then."""
        return self.dispatch.publish([Sending.of(text) for text in unpublished]) if unpublished else ""

    def expire(self, run_id: UUID, unanswered: Mapping[str, tuple[Answer, str]], *, over: bool = False) -> bool:
        """End a run whose deadline has passed, with (answer, severity) for each check that gave none.

        `over`: on its caller's clock it has passed. Redis may have opened the run later than it was asked to.
        """
        return bool(self.call("expire", self._run_keys(run_id), [str(run_id), int(over), *answers.flat(unanswered)]))

    def expire_all(self, overdue: Mapping[UUID, Mapping[str, tuple[Answer, str]]]) -> list[bool]:
        """End runs whose deadline has passed, in one round trip; return what `expire` returns, for each."""
        with self.client.pipeline(transaction=False) as pipeline:
            for run_id, unanswered in overdue.items():
                arguments: list[str | int | float] = [str(run_id), 0, *answers.flat(unanswered)]
                self._script("expire")(keys=self._run_keys(run_id), args=arguments, client=pipeline)
            return [bool(ended) for ended in pipeline.execute()]

    def abort(self, run_id: UUID, name: str, answer: Answer, planned: Plan | None = None) -> bool:
        """Give a run up with NO-GO because of `name`; False if it had ended before, with a verdict of its own.

        Who says what was planned has the run counted even if it was never opened.
        """
        kind = kind_of(planned) if planned else ""
        return bool(self.call("abort", self._run_keys(run_id), [str(run_id), name, answers.encode(answer), kind]))

    def requeue(self, run_id: UUID, check: PlannedCheck, place: str) -> bool:
        """Send a check again, if it is still in the place where it was seen."""
        arguments: list[str | int | float] = [str(run_id), check.name, place, limit_of(check)]
        sent, *unpublished = self.call("requeue", self._run_keys(run_id), arguments)
        self._publish(*unpublished)
        return bool(sent)

    def rejoin(self, run_id: UUID, check: PlannedCheck, place: str) -> None:
        """Look after a check that waits for another run's execution: take the answer, wait on, or ask by itself."""
        arguments: list[str | int | float] = [str(run_id), check.name, place, limit_of(check)]
        self._publish(self.call("rejoin", self._run_keys(run_id), arguments))

    def fields(self, run_id: UUID) -> dict[str, str]:
        """Return a run's whole state; empty if there is none."""
        return cast("dict[str, str]", self.client.hgetall(self.keys.state(run_id)))

    def fields_of_many(self, run_ids: Sequence[str]) -> list[dict[str, str]]:
        """Return the states of several runs in one round trip."""
        with self.client.pipeline(transaction=False) as pipeline:
            for run_id in run_ids:
                pipeline.hgetall(self.keys.state(run_id))
            return pipeline.execute()

    def alive(self) -> int:
        """Return how many workers that ask checks are alive."""
        return int(self.client.zcount(self.keys["alive"], now_ms(self.client) - ALIVE_MS, "+inf"))

    def due(self, holder: str, lease_ms: int, most: int = 100) -> tuple[int, list[UUID]] | None:
        """Return Redis' time in ms and the runs to look at now; None while another process has the lease."""
        found = self.call("due", [self.keys["due"], self.keys["lease:watchdog"]], [holder, lease_ms, most])
        return (int(found[0]), [UUID(run_id) for run_id in found[1:]]) if found else None

    def look_again(self, at_ms: Mapping[str, int]) -> None:
        """Have the watchdog look at runs at instants of Redis' clock, if it would not look before."""
        if at_ms:
            self.client.zadd(self.keys["due"], dict(at_ms), xx=True, lt=True)

    def outbox(self, holder: str, lease_ms: int, most: int = 200) -> list[str]:
        """Return ids of finished runs that are not stored yet; none while another process has the lease."""
        found: list[str] = self.call(
            "outbox", [self.keys["outbox"], self.keys["lease:recorder"]], [holder, lease_ms, most]
        )
        return found

    def put_off(self, run_ids: Sequence[str], wait_ms: int) -> None:
        """Leave finished runs in the outbox, behind the others, and give them out again after a time."""
        self.call("put_off", [self.keys["outbox"]], [wait_ms, *run_ids])

    def weigh(self, place: int, holder: str, lease_ms: int, most: int = 100) -> list[Weight] | None:
        """Return what finished runs weigh in Redis, from a place in the outbox on; None without the lease for it."""
        names = [self.keys["outbox"], self.keys["lease:backlog"]]
        arguments: list[str | int | float] = [holder, lease_ms, place, most, self.keys.state(""), self.keys.light_queue]
        found = self.call("weigh", names, arguments)
        return None if found is None else [Weight(run_id, int(size), bool(light)) for run_id, size, light in found]

    def drop(self, run_ids: Sequence[str], counted: str, keep_ms: int) -> int:
        """Forget runs that no store will have, and count them under a name; return how many were still there.

        A state that ended less than `keep_ms` ago stays for the rest of that time, for those who have not read it.
        """
        states = [self.keys.state(run_id) for run_id in run_ids]
        return int(
            self.call("drop", [self.keys["outbox"], self.keys["numbers"], *states], [counted, keep_ms, *run_ids])
        )

    def recorded(self, run_ids: Sequence[str], keep_ms: int) -> None:
        """Forget stored runs; their state stays `keep_ms` for those who have not read it."""
        states = [self.keys.state(run_id) for run_id in run_ids]
        self.call("recorded", [self.keys["outbox"], *states], [keep_ms, *run_ids])
