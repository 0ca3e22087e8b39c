"""The results as files: figures by name for programs, a table for people. Neither names this machine."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg2
import redis

from benchmarks.arms import Arm
from benchmarks.figures import Figure
from benchmarks.machine import CONCURRENCY, Machine
from benchmarks.measures import Measurement

FOLDER = Path(__file__).parent
PACKAGES = ("celery-preflight", "celery", "kombu", "redis", "hiredis", "billiard", "SQLAlchemy", "psycopg2-binary")
#: The goals of the specification's first stage; a light throughput should be above, all others below.
FIRST_GOALS = {
    "full_p50_vs_native_chord": "<= 0.25",
    "full_p50_vs_six_hops": "<= 10",
    "light_throughput_vs_native_chord": ">= 4",
    "light_call_p99_vs_send_task": "<= 0.1",
    "per_check_vs_native_chord": "<= 0.5",
    "per_tier_vs_native_chord": "<= 0.2",
}


def versions(machine: Machine) -> dict[str, str]:
    """Return the versions of everything that was measured."""
    installed = {name: importlib.metadata.version(name) for name in PACKAGES}
    with redis.Redis.from_url(machine.redis_url) as client:
        valkey: Mapping[str, Any] = client.info("server")
    connection = psycopg2.connect(machine.database_url)
    postgresql = connection.info.server_version
    connection.close()
    return {
        "python": platform.python_version(),
        "valkey": str(valkey.get("valkey_version", valkey["redis_version"])),
        "postgresql": f"{postgresql // 10_000}.{postgresql % 10_000}",
        **installed,
    }


def as_json(
    figures: Mapping[str, Figure],
    found: Mapping[str, Measurement],
    arms: Sequence[Arm],
    versions: Mapping[str, str],
) -> dict[str, Any]:
    """Return everything that was found: each figure under its own name."""
    return {
        **{name: round(figure.value, 3) for name, figure in figures.items()},
        "spread": {name: [round(figure.low, 3), round(figure.high, 3)] for name, figure in figures.items()},
        "arms": {arm.name: arm.description for arm in arms},
        "measurements": {name: _measured(one) for name, one in found.items()},
        "versions": dict(versions),
        "machine": {"cores": os.cpu_count(), "pool": "prefork", "concurrency": CONCURRENCY},
    }


def _measured(measurement: Measurement) -> dict[str, Any]:
    arms = {
        name: {
            "p50": round(samples.p50, 4),
            "p95": round(samples.percentile(95), 4),
            "p99": round(samples.percentile(99), 4),
            "medians": [round(min(samples.medians), 4), round(max(samples.medians), 4)],
            "rounds": len(samples.rounds),
            "samples": len(samples.all),
        }
        for name, samples in measurement.samples.items()
    }
    return {"title": measurement.title, "unit": measurement.unit, "arms": arms}


def as_markdown(results: Mapping[str, Any], figures: Mapping[str, Figure]) -> str:
    """Return the tables."""
    return "\n".join([*_head(results), *_figure_table(results, figures), *_tables(results), *_foot(results)]) + "\n"


def _head(results: Mapping[str, Any]) -> Iterator[str]:
    machine = results["machine"]
    yield "# Measured"
    yield ""
    yield (
        "Written by `make bench`. All arms in the same interleaved rounds, each with a worker of its own"
        f" ({machine['pool']}, concurrency {machine['concurrency']}) on one Valkey and {machine['cores']} cores that"
        " client, workers and servers share. Other load on the machine moves the milliseconds of all arms alike:"
        " only the ratios mean anything."
    )


def _figure_table(results: Mapping[str, Any], figures: Mapping[str, Figure]) -> Iterator[str]:
    yield from ("", "## Figures", "", "| figure | value | single rounds | to reach first | what it is |")
    yield "|---|---|---|---|---|"
    for name, figure in figures.items():
        low, high = results["spread"][name]
        goal = FIRST_GOALS[name]
        yield f"| `{name}` | {results[name]:g} | {low:g} to {high:g} | {goal} | {figure.meaning} |"


def _tables(results: Mapping[str, Any]) -> Iterator[str]:
    for measurement in results["measurements"].values():
        yield from ("", f"## {measurement['title'].capitalize()}", "")
        yield f"| arm | p50 {measurement['unit']} | p95 | p99 | medians of rounds | samples |"
        yield "|---|---|---|---|---|---|"
        for name, one in measurement["arms"].items():
            low, high = one["medians"]
            cells = [f"{one[key]:.4g}" for key in ("p50", "p95", "p99")]
            yield f"| {name} | {' | '.join(cells)} | {low:.4g} to {high:.4g} | {one['samples']} |"


def _foot(results: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", "## Arms", "")
    yield from (f"- `{name}`: {description}." for name, description in results["arms"].items())
    yield from ("", "## Versions", "")
    yield ", ".join(f"{name} {version}" for name, version in results["versions"].items()) + "."


def write(results: Mapping[str, Any], markdown: str, folder: Path = FOLDER) -> None:
    """Write both files."""
    (folder / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    (folder / "RESULTS.md").write_text(markdown)
