"""The figures. Claims are ratios of two arms of the same interleaved rounds, with their spread over the rounds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import control, crowd
from benchmarks.rounds import Measurement, Samples, ratios
from benchmarks.shapes import DEEP, NARROW, SHALLOW, WIDE

PREFLIGHT, WARM_CACHE, NATIVE, SIX_HOPS = "preflight", "preflight, warm cache", "native_chord", "six_hops"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """A ratio or a number, its meaning, and the smallest and largest of single rounds."""

    meaning: str
    value: float
    low: float
    high: float

    @classmethod
    def of(cls, meaning: str, value: float, per_round: Sequence[float]) -> Figure:
        """Return a figure with the spread of its rounds."""
        return cls(meaning=meaning, value=value, low=min(per_round), high=max(per_round))


def figures(found: Mapping[str, Measurement]) -> dict[str, Figure]:
    """Return every figure by its name. The native arm is whichever of its variants is better at it."""
    return {
        "full_p50_vs_native_chord": _quicker(found["full"].samples, NATIVE, "a full run's p50, in that of native"),
        "full_p50_vs_six_hops": _quicker(found["full"].samples, SIX_HOPS, "a full run's p50, in that of six hops"),
        "light_throughput_vs_native_chord": _throughput(
            found["light"].samples, PREFLIGHT, "light runs per second, in those of native"
        ),
        "warm_light_throughput_vs_native_chord": _throughput(
            found["light"].samples, WARM_CACHE, "light runs per second with every answer in the cache, in native's"
        ),
        "light_call_p99_vs_send_task": _light_call(found["call"].samples),
        "per_check_vs_native_chord": _slope(found, NARROW, WIDE, "what another check in a tier costs, 10 to 100"),
        "per_tier_vs_native_chord": _slope(found, SHALLOW, DEEP, "what another tier costs, 1 to 10"),
        "light_call_p999_vs_put_nowait": _worst_condition(found["control"].samples),
        "single_flight_executions": _most(
            found["flight"].samples[PREFLIGHT],
            "executions for simultaneous runs of one cold check; the most of all keys",
        ),
        **_crowd(found),
        **_usage(found),
    }


def _variants(samples: Mapping[str, Samples], arm: str) -> list[str]:
    return [name for name in samples if name.partition(",")[0] == arm]


def _quicker(samples: Mapping[str, Samples], arm: str, meaning: str) -> Figure:
    ours = samples[PREFLIGHT]
    theirs = min((samples[name] for name in _variants(samples, arm)), key=lambda one: one.p50)
    return Figure.of(meaning, ours.p50 / theirs.p50, ratios(ours.medians, theirs.medians))


def _throughput(samples: Mapping[str, Samples], arm: str, meaning: str) -> Figure:
    ours = samples[arm]
    theirs = max((samples[name] for name in _variants(samples, NATIVE)), key=lambda one: one.p50)
    return Figure.of(meaning, ours.p50 / theirs.p50, ratios(ours.medians, theirs.medians))


def _light_call(samples: Mapping[str, Samples]) -> Figure:
    """Compare the worse of a healthy and a silent Redis."""
    yardstick = samples["send_task"].p50
    calls = [samples["light call, healthy"], samples["light call, silent"]]
    per_round = [Samples((one,)).percentile(99) / yardstick for call in calls for one in call.rounds]
    meaning = "p99 of a light call, healthy or silent Redis, in the p50 of send_task"
    return Figure.of(meaning, max(call.percentile(99) for call in calls) / yardstick, per_round)


def _slope(found: Mapping[str, Measurement], small: str, large: str, meaning: str) -> Figure:
    less, more = found[small].samples, found[large].samples
    ours = _extra(less[PREFLIGHT], more[PREFLIGHT])
    theirs = min((_extra(less[name], more[name]) for name in _variants(less, NATIVE)), key=lambda extra: extra[0])
    return Figure.of(meaning, ours[0] / theirs[0], ratios(ours[1], theirs[1]))


def _extra(less: Samples, more: Samples) -> tuple[float, list[float]]:
    """Return the ms that the larger shape takes longer: overall, and round by round."""
    return more.p50 - less.p50, [high - low for low, high in zip(less.medians, more.medians, strict=True)]


def _most(samples: Samples, meaning: str) -> Figure:
    return Figure.of(meaning, max(samples.all), samples.medians)


def _worst_condition(samples: Mapping[str, Samples]) -> Figure:
    """Return the largest ratio of all conditions, with the spread of that condition's rounds."""

    def ratio(condition: str) -> float:
        call, bare = (samples[control.arm_of(condition, what)] for what in (control.CALL, control.CONTROL))
        return call.percentile(99.9) / bare.percentile(99.9)

    worst = max(control.CONDITIONS, key=ratio)
    call, bare = (samples[control.arm_of(worst, what)] for what in (control.CALL, control.CONTROL))
    per_round = ratios(*([Samples((one,)).percentile(99.9) for one in both.rounds] for both in (call, bare)))
    meaning = f"p99.9 of a light call, in that of a bare put_nowait, in the worst condition ({worst})"
    return Figure.of(meaning, ratio(worst), per_round)


def _crowd(found: Mapping[str, Measurement]) -> dict[str, Figure]:
    few, many = (found["arun"].samples[f"{count} concurrent"] for count in (crowd.FEW, crowd.MANY))
    connections = found["arun_connections"].samples[f"{crowd.MANY} concurrent"]
    return {
        "arun_500_vs_8": Figure.of(
            "runs per second of 500 concurrent arun, in those of 8",
            many.p50 / few.p50,
            ratios(many.medians, few.medians),
        ),
        "arun_500_connections": _most(connections, "connections to Redis meanwhile; the most of all rounds"),
    }


def _usage(found: Mapping[str, Measurement]) -> dict[str, Figure]:
    full, light = (found[f"cpu_{mode}"].samples for mode in ("full", "light"))
    native = light[_variants(light, NATIVE)[0]]
    return {
        **{
            f"cpu_ms_per_{mode}_run": Figure.of(
                f"ms of CPU of one {mode} run: worker and Valkey", samples[PREFLIGHT].p50, samples[PREFLIGHT].medians
            )
            for mode, samples in (("full", full), ("light", light))
        },
        "cpu_per_light_run_vs_native_chord": Figure.of(
            "CPU of one light run, in that of native",
            light[PREFLIGHT].p50 / native.p50,
            ratios(light[PREFLIGHT].medians, native.medians),
        ),
    }


#: What `--memory` measures, and the other measurements leave as it was.
MEMORY = {
    "worker_memory_mb_before": "MB that a worker's processes have for themselves, warmed up",
    "worker_memory_mb_after_50000_runs": "the same after 50,000 light runs of one check",
}


def memory(before: float, after: float) -> dict[str, Figure]:
    """Return the figures of a worker's memory in MB."""
    return {
        name: Figure.of(meaning, value, [value])
        for (name, meaning), value in zip(MEMORY.items(), (before, after), strict=True)
    }


def kept(written: Mapping[str, Any], names: Sequence[str]) -> dict[str, Figure]:
    """Return figures as they were written last, those of them that were."""
    return {
        name: Figure(meaning=written["meanings"][name], value=written[name], low=low, high=high)
        for name, (low, high) in written.get("spread", {}).items()
        if name in names
    }
