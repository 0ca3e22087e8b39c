"""The results as tables, with what each figure is to reach first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks import control, curves

#: The goals of the specification's first stage. Figures without one are only shown.
FIRST_GOALS = {
    "full_p50_vs_native_chord": "<= 0.25",
    "full_p50_vs_six_hops": "<= 10",
    "light_throughput_vs_native_chord": ">= 4",
    "light_call_p99_vs_send_task": "<= 0.1",
    "per_check_vs_native_chord": "<= 0.5",
    "per_tier_vs_native_chord": "<= 0.2",
    "warm_light_throughput_vs_native_chord": ">= 20",
    "light_call_p999_vs_put_nowait": "<= 2",
    "single_flight_executions": "<= 1",
    "arun_500_vs_8": ">= 0.8",
    "arun_500_connections": "<= 2",
    "statistics_5m_vs_50k": "<= 1.5",
    "purge_5m_vs_50k": "<= 1.5",
    "purge_vs_delete": "<= 0.02",
    "recorded_vs_light_throughput": ">= 3",
    "bytes_per_light_report": "<= 1638",
    "watchers_throughput_on_vs_off": ">= 0.9",
    "page_5m_vs_50k": "<= 1.5",
}


def as_markdown(results: Mapping[str, Any]) -> str:
    """Return the tables."""
    lines = [*_head(results), *_figure_table(results), *_charts(), *_tables(results), *_conditions(results)]
    return "\n".join([*lines, *_foot(results)]) + "\n"


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


def _figure_table(results: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", "## Figures", "", "| figure | value | single rounds | to reach first | what it is |")
    yield "|---|---|---|---|---|"
    for name, meaning in results["meanings"].items():
        low, high = results["spread"][name]
        goal = FIRST_GOALS.get(name, "")
        yield f"| `{name}` | {results[name]:g} | {low:g} to {high:g} | {goal} | {meaning} |"


def _charts() -> Iterator[str]:
    yield from ("", "## How a full run grows")
    for name, curve in curves.CURVES.items():
        yield from ("", f"![{curve.title}]({name}.svg)")


def _tables(results: Mapping[str, Any]) -> Iterator[str]:
    for key, measurement in results["measurements"].items():
        if key == "control":
            continue  # it has a table of its own
        yield from ("", f"## {_sentence(measurement['title'])}", "")
        yield f"| arm | p50 {measurement['unit']} | p95 | p99 | medians of rounds | samples |"
        yield "|---|---|---|---|---|---|"
        for name, one in measurement["arms"].items():
            low, high = one["medians"]
            cells = [f"{one[key]:.4g}" for key in ("p50", "p95", "p99")]
            yield f"| {name} | {' | '.join(cells)} | {low:.4g} to {high:.4g} | {one['samples']} |"


def _conditions(results: Mapping[str, Any]) -> Iterator[str]:
    """Yield the light call and its control side by side, a line per condition."""
    measurement = results["measurements"]["control"]
    yield from ("", f"## {_sentence(measurement['title'])}", "")
    percentiles = ("p50", "p99", "p99.9")
    columns = [f"{what} {one}" for what in (control.CALL, control.CONTROL) for one in percentiles]
    yield f"| condition | {' | '.join(columns)} ({measurement['unit']}) | ratio of p99.9 | samples each |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for condition in control.CONDITIONS:
        call, bare = (measurement["arms"][control.arm_of(condition, what)] for what in (control.CALL, control.CONTROL))
        cells = [f"{arm[one]:.4g}" for arm in (call, bare) for one in percentiles]
        ratio = call["p99.9"] / bare["p99.9"]
        yield f"| {condition} | {' | '.join(cells)} | {ratio:.3g} | {call['samples']} |"


def _sentence(title: str) -> str:
    return title[0].upper() + title[1:]


def _foot(results: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", "## Arms", "")
    yield from (f"- `{name}`: {description}." for name, description in results["arms"].items())
    yield from ("", "## Versions", "")
    yield ", ".join(f"{name} {version}" for name, version in results["versions"].items()) + "."
