"""The results as files: figures by name for programs, tables and charts for people. None names this machine."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg2
import redis

from benchmarks import curves, tables
from benchmarks.arms import Arm
from benchmarks.figures import Figure
from benchmarks.machine import CONCURRENCY, Machine
from benchmarks.rounds import Measurement

FOLDER = Path(__file__).parent
PACKAGES = ("celery-preflight", "celery", "kombu", "redis", "hiredis", "billiard", "SQLAlchemy", "psycopg2-binary")


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
        **_values(figures),
        **_about(figures),
        "arms": {arm.name: arm.description for arm in arms},
        "measurements": {name: _measured(one) for name, one in found.items()},
        "versions": dict(versions),
        "machine": {"cores": os.cpu_count(), "pool": "prefork", "concurrency": CONCURRENCY},
    }


def _values(figures: Mapping[str, Figure]) -> dict[str, float]:
    return {name: round(figure.value, 3) for name, figure in figures.items()}


def _about(figures: Mapping[str, Figure]) -> dict[str, dict[str, Any]]:
    return {
        "spread": {name: [round(figure.low, 3), round(figure.high, 3)] for name, figure in figures.items()},
        "meanings": {name: figure.meaning for name, figure in figures.items()},
    }


def _measured(measurement: Measurement) -> dict[str, Any]:
    arms = {
        name: {
            "p50": round(samples.p50, 4),
            **{f"p{one:g}": round(samples.percentile(one), 4) for one in measurement.percentiles if one != 50},
            "medians": [round(min(samples.medians), 4), round(max(samples.medians), 4)],
            "rounds": len(samples.rounds),
            "samples": len(samples.all),
        }
        for name, samples in measurement.samples.items()
    }
    return {"title": measurement.title, "unit": measurement.unit, "arms": arms}


def write(made: Mapping[str, Any], folder: Path = FOLDER) -> None:
    """Write the figures, the tables and the charts."""
    (folder / "results.json").write_text(json.dumps(made, indent=2) + "\n")
    (folder / "RESULTS.md").write_text(tables.as_markdown(made))
    for name, chart in curves.charts(made).items():
        (folder / name).write_text(chart)


def written(folder: Path = FOLDER) -> dict[str, Any]:
    """Return the results as they were written last; empty when there are none."""
    file = folder / "results.json"
    return dict(json.loads(file.read_text())) if file.exists() else {}


def with_figures(made: Mapping[str, Any], figures: Mapping[str, Figure]) -> dict[str, Any]:
    """Return results with these figures added."""
    about = {part: made[part] | added for part, added in _about(figures).items()}
    return {**made, **_values(figures), **about}
