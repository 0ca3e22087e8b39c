"""What must hold after every scenario: the engine's own promises, judged by what checks and callers wrote down."""

from __future__ import annotations

import collections
import dataclasses
import re
from typing import Any

from faults.battery import lines
from faults.battery.checks import ADVISORY, EVENT
from faults.battery.world import World

from preflight import PreFlightReport
from preflight.engine.runs import Runs
from preflight.reports.store import MAX_LIMIT, ReportStore
from preflight.types import Status

#: A verdict is fixed this long after the deadline at the latest, and its caller has it.
OVERRUN_MS = 2000
#: The next run is GO this long after the end of the fault at the latest.
RECOVERY_SECONDS = 5.0
#: A run that ended so short before, or while, Redis' data were deleted may have been in Redis only.
UNRECORDED_SECONDS = 1.0
_GOOD = {"passed", "warning"}
_LOGGED = re.compile(
    r'^\{"event":"preflight.report","stored":false.*?"report":\{"id":"([0-9a-f-]{36})".*\}\}$', re.MULTILINE
)
_STORED_LINE = re.compile(r'run="([0-9a-f-]{36})" event="[^"]*" mode=')


@dataclasses.dataclass(kw_only=True)
class Judgement:
    """What the oracle found in one scenario; `problems` says each thing that should not be, once."""

    runs: int = 0
    reports: int = 0
    go: int = 0
    lost: int = 0
    double: int = 0
    wrong_go: int = 0
    worst_overrun_ms: int = 0
    worst_waiting_ms: int = 0
    worst_light_ms: float = 0.0
    light_p99_ms: float = 0.0
    problems: list[str] = dataclasses.field(default_factory=list)

    def red(self, found: Any, words: str) -> None:
        """Note a problem, with a few of what was found, if anything was."""
        if found:
            shown = sorted(found)[:3] if isinstance(found, set | list) else found
            count = f"{len(found)} " if isinstance(found, set | list) else ""
            self.problems.append(f"{count}{words}: {shown}")


class Oracle:
    """Judges one world whose callers have stopped and whose runs have settled."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.notes = collections.defaultdict[str, list[dict[str, Any]]](list)
        for line in lines.read(world.notes):
            self.notes[line["note"]].append(line)
        everything = _stored(world.trial.store)
        self.stored = {key: report for key, report in everything.items() if report.event_type == EVENT}
        #: What beat asked for.
        self.swept = everything.keys() - self.stored.keys()
        self.said = collections.defaultdict[tuple[str, str], list[str]](list)
        for line in lines.read(world.truth):
            self.said[line["run"], line["check"]].append(line["said"])
        self.found = Judgement(problems=list(world.told.problems))

    def judge(self) -> Judgement:
        """Look at everything."""
        for step in (self._lost, self._doubles, self._verdicts, self._callers, self._times, self._leaks, self._secrets):
            step()
        return self.found

    def _lost(self) -> None:
        found, told = self.found, {line["id"] for line in self.notes["end"] if not self._excused(line)}
        held = set() if self.world.told.flushed_at else self.world.observer.seen | self._ids("sent")
        accepted = told | held
        known = accepted | self._ids("put") | self.world.observer.seen
        lost = accepted - self.stored.keys() - self.swept - self._logged()
        found.runs, found.reports, found.lost = len(accepted | self.stored.keys()), len(self.stored), len(lost)
        found.go = sum(report.success for report in self.stored.values())
        found.red(lost, "accepted runs without a report")
        calls = {line["token"] for line in self.notes["call"]}
        unknown = {run_id for run_id in self.stored.keys() - known if self._call(run_id) not in calls}
        found.red(unknown, "reports of runs that nobody asked for")

    def _logged(self) -> set[str]:
        """Return the runs whose report is one JSON line in a log, where that is what was promised."""
        if not self.world.told.logged_is_enough:
            return set()
        return {run_id for text in self.world.logs().values() for run_id in _LOGGED.findall(text)}

    def _excused(self, line: dict[str, Any]) -> bool:
        """Return whether a run ended, by its checks, just before Redis' data were deleted: it may not be recorded."""
        return not line["broker"] and any(
            -UNRECORDED_SECONDS < at - line["at"] < UNRECORDED_SECONDS for at in self.world.told.flushed_at
        )

    def _ids(self, note: str) -> set[str]:
        return {line["id"] for line in self.notes[note]}

    def _call(self, run_id: str) -> str:
        return str(self.stored[run_id].metadata.get("call"))

    def _doubles(self) -> None:
        logs = self.world.logs().values()
        stored = collections.Counter(run_id for text in logs for run_id in _STORED_LINE.findall(text))
        twice = {run_id for run_id, count in stored.items() if count > 1}
        for run_id, report in self.stored.items():
            if len({check.name for check in report.checks}) != len(report.checks):
                twice.add(run_id)
        self.found.red(twice, "runs recorded twice or with two statuses for a check")
        again = {run for (run, _), said in self.said.items() if said.count("asked") > 1}
        if self.world.told.asked_once:
            self.found.red(again, "runs with a check that was asked twice")
            twice |= again
        self.found.double = len(twice)

    def _verdicts(self) -> None:
        wrong = {run_id for run_id, report in self.stored.items() if report.success and not self._is_go(report)}
        self.found.wrong_go = len(wrong)
        self.found.red(wrong, "runs that are GO although the checks did not say so")
        unfounded = {
            f"{run_id} {check.name} {check.status}"
            for run_id, report in self.stored.items()
            for check in report.checks
            if check.status in (Status.PASSED, Status.WARNING, Status.FAILED)
            and check.name not in {"broker", "workers"}
            and check.status.value not in self.said[run_id, check.name]
        }
        self.found.red(unfounded, "statuses that no check gave")

    def _is_go(self, report: PreFlightReport) -> bool:
        blocking = [self.said[str(report.id), check.name] for check in report.checks if check.name != ADVISORY]
        return bool(blocking) and all(_GOOD & set(said) and "failed" not in said for said in blocking)

    def _callers(self) -> None:
        told = [line for line in self.notes["end"] if line["id"] in self.stored]
        differ = [line for line in told if line["go"] != self._go(line["id"])]
        self.found.red({line["id"] for line in differ}, "callers who were told something else than what is stored")
        self.found.wrong_go += sum(line["go"] for line in differ)

    def _go(self, run_id: str) -> bool:
        return self.stored[run_id].success

    def _times(self) -> None:
        found, overruns, waits = self.found, {}, {}
        for run_id, report in self.stored.items():
            overruns[run_id] = self._overrun_ms(report)
        for line in self.notes["end"]:
            timeout_ms = self._timeout_ms(self.stored.get(line["id"]))
            waits[line["id"]] = line["waited_ms"] - timeout_ms if timeout_ms else 0
        found.worst_overrun_ms = max(0, *overruns.values(), 0)
        found.worst_waiting_ms = max(0, *waits.values(), 0)
        found.red({f"{ms} ms {key}" for key, ms in overruns.items() if ms > OVERRUN_MS}, "verdicts too late")
        found.red({f"{ms} ms {key}" for key, ms in waits.items() if ms > OVERRUN_MS}, "callers who waited too long")
        light = sorted(line["ms"] for line in self.notes["put"])
        if light:
            found.worst_light_ms, found.light_p99_ms = light[-1], light[int(len(light) * 0.99)]
        slow = [seconds for seconds in self.world.told.recovery_s if seconds > RECOVERY_SECONDS]
        found.red([round(seconds, 1) for seconds in slow], "recoveries that took too long, in s")

    def _timeout_ms(self, report: PreFlightReport | None) -> float:
        return 1000 * float(report.metadata["timeout"]) if report else 0.0

    def _overrun_ms(self, report: PreFlightReport) -> int:
        """Return how long after its deadline a run ended, not counting while nobody could end it."""
        began = report.created_at.timestamp()
        due, ended = began + self._timeout_ms(report) / 1000, began + report.duration_ms / 1000
        for dark, light in sorted(self.world.told.blackouts):
            if dark <= due <= light or due <= dark <= ended:
                due = max(due, min(light, ended))
        return round(1000 * (ended - due))

    def _leaks(self) -> None:
        world = self.world
        self.found.red(_leaving(world, world.trial.keys_left), "keys without a time to live")
        self.found.red(_leaving(world, world.strays), "stray processes")
        runs = Runs(world.observer.client, world.trial.keys, None)  # type: ignore[arg-type]  # only reads
        ids = [key.rpartition(":")[2] for key in world.observer.client.scan_iter(f"{world.trial.namespace}:r:*")]
        states = zip(ids, runs.fields_of_many(ids), strict=True)
        half = {run_id for run_id, fields in states if fields and "end" not in fields}
        self.found.red(half, "runs that are half open")

    def _secrets(self) -> None:
        canaries = (self.world.canary, *self.world.servers.secrets)
        texts = self.world.logs() | {run_id: str(report.to_json()) for run_id, report in self.stored.items()}
        told = {name for name, text in texts.items() if any(canary in text for canary in canaries)}
        self.found.red(told, "logs or reports with a secret")


def _leaving(world: World, seen: Any) -> list[Any]:
    """Return what is still there after a few seconds: messages in a worker's hands are keys for a moment."""
    try:
        world.until(lambda: not seen(), "nothing is left", 5.0)
    except Exception:
        return list(seen())
    return []


def _stored(store: ReportStore) -> dict[str, PreFlightReport]:
    found: dict[str, PreFlightReport] = {}
    batch = store.page(limit=MAX_LIMIT)
    while batch:
        found |= {str(report.id): report for report in batch}
        batch = store.page(limit=MAX_LIMIT, before=batch[-1].id)
    return found
