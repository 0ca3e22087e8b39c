"""The figures: every claim is a ratio of two arms of the same interleaved rounds, with its spread over the rounds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from benchmarks.measures import Measurement
from benchmarks.rounds import Samples, ratios
from benchmarks.shapes import DEEP, NARROW, SHALLOW, WIDE

PREFLIGHT, NATIVE, SIX_HOPS = "preflight", "native_chord", "six_hops"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """A ratio, its meaning, and the smallest and largest ratio of single rounds."""

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
        "light_throughput_vs_native_chord": _throughput(found["light"].samples),
        "light_call_p99_vs_send_task": _light_call(found["call"].samples),
        "per_check_vs_native_chord": _slope(found, NARROW, WIDE, "what another check in a tier costs, 10 to 100"),
        "per_tier_vs_native_chord": _slope(found, SHALLOW, DEEP, "what another tier costs, 1 to 10"),
    }


def _variants(samples: Mapping[str, Samples], arm: str) -> list[str]:
    return [name for name in samples if name.partition(",")[0] == arm]


def _quicker(samples: Mapping[str, Samples], arm: str, meaning: str) -> Figure:
    ours = samples[PREFLIGHT]
    theirs = min((samples[name] for name in _variants(samples, arm)), key=lambda one: one.p50)
    return Figure.of(meaning, ours.p50 / theirs.p50, ratios(ours.medians, theirs.medians))


def _throughput(samples: Mapping[str, Samples]) -> Figure:
    ours = samples[PREFLIGHT]
    theirs = max((samples[name] for name in _variants(samples, NATIVE)), key=lambda one: one.p50)
    return Figure.of(
        "light runs per second, in those of native", ours.p50 / theirs.p50, ratios(ours.medians, theirs.medians)
    )


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
