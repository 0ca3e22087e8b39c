"""`python -m benchmarks --watchers`: what it costs light runs that somebody watches them.

Every arm is a worker as installed, one run in ten is NO-GO, and the time ends when the last report is stored.
"""

from __future__ import annotations

import contextlib
import functools
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks import machine as machines
from benchmarks import onlookers
from benchmarks.arms import Preflight
from benchmarks.effort import Effort
from benchmarks.figures import Figure
from benchmarks.machine import Machine
from benchmarks.rounds import Samples, Slice, interleave, milliseconds, ratios
from benchmarks.shapes import SEVEN, STOPPED
from preflight.embedded import programs
from preflight.embedded.process import Child, Program, wait_until
from preflight.embedded.server import HOST, free_port

OFF, ON, ALL_TOLD, EVENTS = "watch_off", "watch_on", "watch_all_told", "watch_events"
ARMS = (OFF, ON, ALL_TOLD, EVENTS)
_NO_GO_EVERY = 10
_WARM_UP = 200
#: More than there are in a minute.
_NO_BUDGET = {"PREFLIGHT_SENTRY_EVENTS_PER_MINUTE": "10000"}
_PATIENCE_SECONDS = 30.0
#: The figures, by name: which arm each compares with the one without watchers, and what it is.
MEANINGS = {
    "watchers_throughput_on_vs_off": (
        ON,
        "light runs stored per second with Sentry, Prometheus and logs, in those without",
    ),
    "watchers_unbudgeted_throughput_on_vs_off": (ALL_TOLD, "the same when Sentry is told every NO-GO, one run in ten"),
    "task_events_throughput_on_vs_off": (EVENTS, "the same with Flower and task events besides"),
}


def figures(machine: Machine, home: Path, effort: Effort) -> dict[str, Figure]:
    """Return the figures; raise when somebody who should have watched has seen nothing."""
    with contextlib.ExitStack() as closing:
        receiver, flower = free_port(), free_port()
        children = [Child(program) for program in _programs(machine, home / "watched", receiver, flower)]
        closing.callback(machines.stop, children)
        machines.wait_for(children, machine, ARMS)
        arms = {name: _Watched(machine, name) for name in ARMS}
        for arm in arms.values():
            arm.stored(_WARM_UP)
        _await_flower(flower, arms[EVENTS])
        samples = interleave({name: _slice(arm, effort) for name, arm in arms.items()}, effort.watch_rounds)
        _expect_onlookers(receiver, home / "watched" / "logs")
    for name, found in samples.items():
        print(f"{name:16}", f"{found.p50:8.1f} runs/s", f"{min(found.all):8.1f} to {max(found.all):.1f}")
    return {name: _figure(samples, arm, meaning) for name, (arm, meaning) in MEANINGS.items()}


def _figure(samples: Mapping[str, Samples], arm: str, meaning: str) -> Figure:
    """Return the median of the rounds' ratios: arms of one round meet the same other load."""
    per_round = sorted(ratios(samples[arm].medians, samples[OFF].medians))
    return Figure.of(meaning, Samples((tuple(per_round),)).p50, per_round)


class _Watched(Preflight):
    """PreFlight with a namespace, and so a worker, of its own."""

    def stored(self, count: int) -> None:
        """Open light runs, one in ten of them NO-GO, and return when the report of each is stored."""
        shapes = [STOPPED if place % _NO_GO_EVERY == 0 else SEVEN for place in range(count)]
        self.wait([self.runners[shape].run(mode="light", event_type=shape).id for shape in shapes])
        self.settle()


def _slice(arm: _Watched, effort: Effort) -> Slice:
    return lambda: [1000 * effort.watch_runs / milliseconds(functools.partial(arm.stored, effort.watch_runs))]


def _programs(machine: Machine, home: Path, receiver: int, flower: int) -> Iterator[Program]:
    """Yield a worker for each arm, those who watch, and Flower."""
    addresses = {"PREFLIGHT_REDIS_URL": machine.redis_url, "PREFLIGHT_DATABASE_URL": machine.database_url}
    yield machines.preflight(OFF, home, addresses, loglevel="CRITICAL")
    told = {"PREFLIGHT_SENTRY_DSN": f"http://{'0' * 32}@{HOST}:{receiver}/1", "PREFLIGHT_LOG_FORMAT": "json"}
    health = {name: str(free_port()) for name in ARMS[1:]}
    for name, port in health.items():
        watched = addresses | told | {"PREFLIGHT_HEALTH_PORT": port} | (_NO_BUDGET if name == ALL_TOLD else {})
        yield machines.preflight(name, home, watched, loglevel="INFO")
    arguments = ("-m", "benchmarks.onlookers", str(receiver), *health.values())
    yield machines.python("onlookers", arguments, home, addresses | {"PREFLIGHT_NAMESPACE": ON})
    words = {"flower_port": str(flower), "flower_user": "x", "flower_password": "x", "home": str(home)}
    (home / "flower").mkdir(parents=True)
    yield programs.program(programs.FLOWER, words, home, addresses | {"PREFLIGHT_NAMESPACE": EVENTS})


def _await_flower(port: int, arm: _Watched) -> None:
    """Wait until Flower has seen what its worker does: it switches task events on when it has found the worker."""

    def sees() -> bool:
        arm.stored(_NO_GO_EVERY)
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=5) as answer:
            return b'type="task-succeeded"' in answer.read()
        return False

    if not wait_until(sees, _PATIENCE_SECONDS):
        raise RuntimeError("Flower sees no task: the arm with task events has none")


def _expect_onlookers(receiver: int, logs: Path) -> None:
    seen = onlookers.counts(receiver)
    lines = {name: (logs / f"{name}.log").read_text().count('"verdict": "') for name in ARMS}
    if not all(seen.values()) or lines.pop(OFF) or not all(lines.values()):
        raise RuntimeError(f"the watchers have not watched: {seen}, lines in logs {lines}")
