"""What the battery saw, as lines for people and as JSON for programs."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from acceptance.processes import REPOSITORY
from faults.battery.control import Control
from faults.battery.scenarios import Outcome
from faults.battery.servers_under_fault import Servers
from faults.battery.told import IN_FLIGHT

FOLDER = REPOSITORY / "benchmarks"
PACKAGES = ("celery-preflight", "celery", "kombu", "redis", "billiard", "psycopg2-binary")


def versions(servers: Servers) -> dict[str, str]:
    """Return the versions of everything that took part."""
    installed = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **servers.versions(), **installed}


def line(outcome: Outcome) -> str:
    """Return one outcome for a terminal, its problems below it."""
    told, found = outcome.told, outcome.found
    head = (
        f"{'RED  ' if outcome.red else 'green'} {outcome.scenario.number:>2} {outcome.scenario.name} ({outcome.pool})"
    )
    counts = f"hits {told.hits}, in flight {told.in_flight}, runs {found.runs}, GO {found.go}, lost {found.lost}"
    times = f"overrun {found.worst_overrun_ms} ms, waiting {found.worst_waiting_ms} ms"
    light = f"light p99 {found.light_p99_ms:.2f} worst {found.worst_light_ms:.2f} ms"
    recovery = [round(seconds, 1) for seconds in told.recovery_s]
    text = f"{head}: {counts}, {times}, {light}, recovery {recovery}, {outcome.seconds:.0f} s"
    return "\n".join([text, *(f"      {problem}" for problem in found.problems)])


def write(outcomes: Sequence[Outcome], control: Sequence[Control], seed: int, found: Mapping[str, str]) -> None:
    """Write both files."""
    made = as_json(outcomes, control, seed, found)
    (FOLDER / "faults.json").write_text(json.dumps(made, indent=2) + "\n")
    (FOLDER / "FAULTS.md").write_text("\n".join(_markdown(made)) + "\n")


def as_json(
    outcomes: Sequence[Outcome], control: Sequence[Control], seed: int, found: Mapping[str, str]
) -> dict[str, Any]:
    """Return the sums by name, and each scenario's figures."""
    return {
        "runs": sum(outcome.found.runs for outcome in outcomes),
        "lost": sum(outcome.found.lost for outcome in outcomes),
        "double": sum(outcome.found.double for outcome in outcomes),
        "wrong_go": sum(outcome.found.wrong_go for outcome in outcomes),
        "worst_overrun_ms": max(outcome.found.worst_overrun_ms for outcome in outcomes),
        "worst_recovery_s": max(_recovery(outcome) for outcome in outcomes),
        "red": [f"{outcome.scenario.name} ({outcome.pool})" for outcome in outcomes if outcome.red],
        "control_red": control[0].red,
        "control": [dataclasses.asdict(arm) for arm in control],
        "hits": {f"{outcome.scenario.name} ({outcome.pool})": outcome.told.hits for outcome in outcomes},
        "seed": seed,
        "scenarios": [_row(outcome) for outcome in outcomes],
        "versions": dict(found),
    }


def _recovery(outcome: Outcome) -> float:
    return round(max(outcome.told.recovery_s, default=0.0), 2)


def _row(outcome: Outcome) -> dict[str, Any]:
    found = outcome.found
    return {
        "number": outcome.scenario.number,
        "scenario": outcome.scenario.name,
        "pool": outcome.pool,
        "hits": outcome.told.hits,
        "in_flight": min(outcome.told.in_flight, default=0),
        "runs": found.runs,
        "reports": found.reports,
        "go": found.go,
        "lost": found.lost,
        "double": found.double,
        "wrong_go": found.wrong_go,
        "worst_overrun_ms": found.worst_overrun_ms,
        "worst_waiting_ms": found.worst_waiting_ms,
        "light_p99_ms": round(found.light_p99_ms, 3),
        "light_worst_ms": round(found.worst_light_ms, 3),
        "recovery_s": _recovery(outcome),
        "problems": found.problems,
    }


_COLUMNS = (
    "hits",
    "in_flight",
    "runs",
    "reports",
    "go",
    "lost",
    "double",
    "wrong_go",
    "worst_overrun_ms",
    "recovery_s",
)


def _markdown(made: Mapping[str, Any]) -> Iterator[str]:
    yield from ("# What survives what", "", f"Written by `make faults`; `make faults SEED={made['seed']}` repeats it.")
    yield from (
        "",
        _preface(),
        "",
        f"| # | scenario | pool | {' | '.join(name.replace('_', ' ') for name in _COLUMNS)} |",
    )
    yield "|---|---|---|" + "---|" * len(_COLUMNS)
    for row in made["scenarios"]:
        cells = " | ".join(str(row[name]) for name in _COLUMNS)
        mark = " **red**" if row["problems"] else ""
        yield f"| {row['number']} | {row['scenario']}{mark} | {row['pool']} | {cells} |"
    yield from ("", *_sums(made), "", *_control(made["control"]), "")
    for row in made["scenarios"]:
        if row["problems"]:
            yield from ("", f"## Red: {row['scenario']} ({row['pool']})", "")
            yield from (f"- {problem}" for problem in row["problems"])
    yield from ("", ", ".join(f"{name} {version}" for name, version in made["versions"].items()) + ".")


def _preface() -> str:
    return (
        f"Full and light runs mixed, at least {IN_FLIGHT} in flight when a fault hits; real workers under a supervisor,"
        " callers in processes of their own. `hits` counts what was struck, which is not how often a fault was"
        " injected: kills and restarts that found work, checks that were frozen or misbehaved, messages doubled or"
        " poisoned, callers who asked while Redis refused. A run is accepted when Redis held it or its full caller was"
        " told a verdict; lost are accepted runs without a stored report, double those recorded twice, wrong GO those"
        " that the checks' own written answers do not bear out. Not counted as lost: when Redis is flushed, runs that"
        " only Redis held, among them those that ended within a second of it. The overrun counts from the deadline,"
        " without the whole span of a Redis fault (of repeated restarts and resets from the first to the last) and"
        " without spans in which no worker lived; callers' own waiting is judged without such allowance. Recovery is"
        " the time from the end of a fault until a new run is GO, the longest of the scenario. How long a light call"
        " takes is in `faults.json` and is not judged: callers, workers and servers share the machine's cores."
    )


def _sums(made: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"Together {made['runs']} runs: {made['lost']} lost, {made['double']} double, {made['wrong_go']} wrong GO,"
        f" {made['worst_overrun_ms']} ms the worst overrun, {made['worst_recovery_s']} s the longest recovery."
    )


def _control(arms: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "Control: workers and pool processes killed under plain Celery chords. `control_red` is about the first arm;"
    yield "how many of the second's never end differs from time to time, and may be none."
    yield ""
    for arm in arms:
        name = "with late acknowledgement and messages given back after 10 s" if arm["careful"] else "as installed"
        yield (
            f"- {name}: {arm['runs']} runs, {arm['hits']} kills in the middle of a check; {arm['stuck']} runs never"
            f" ended, {arm['late']} ended later than PreFlight's may, {arm['asked_twice']} checks were asked twice."
        )
