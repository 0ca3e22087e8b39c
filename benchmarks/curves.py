"""The growth curves: full runs of ever more checks and tiers, all sizes in the same rounds, and their charts."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.arms import Arm
from benchmarks.chart import Line, chart
from benchmarks.effort import Effort
from benchmarks.rounds import Measurement, interleave, timed
from benchmarks.shapes import DEEP, FIFTY, FIVE_DEEP, NARROW, SHALLOW, TWENTY_DEEP, TWO_HUNDRED, WIDE


class Curve(NamedTuple):
    """What grows: the chart's title, the horizontal axis, and the shape of each size."""

    title: str
    across: str
    shapes: Mapping[int, str]


CURVES = {
    "growth_checks": Curve(
        "A full run over the checks of its one tier",
        "checks in one tier",
        {1: SHALLOW, 10: NARROW, 50: FIFTY, 100: WIDE, 200: TWO_HUNDRED},
    ),
    "growth_tiers": Curve(
        "A full run over its tiers of one check",
        "tiers of one check",
        {1: SHALLOW, 5: FIVE_DEEP, 10: DEEP, 20: TWENTY_DEEP},
    ),
}
_LABELS = {"native_chord, acknowledgements off": "native Celery chord", "preflight": "PreFlight"}


def measure(arms: Sequence[Arm], effort: Effort) -> dict[str, Measurement]:
    """Time full runs of every size, for each of the arms."""
    return {name: _measurement(curve, arms, effort) for name, curve in CURVES.items()}


def _measurement(curve: Curve, arms: Sequence[Arm], effort: Effort) -> Measurement:
    slices = {
        _point(arm.name, size): timed(functools.partial(arm.full, shape), effort.shape_runs)
        for size, shape in curve.shapes.items()
        for arm in arms
    }
    samples = interleave(slices, effort.growth_rounds)
    return Measurement(title=curve.title, unit="ms", samples=samples)


def _point(arm: str, size: int) -> str:
    return f"{size}: {arm}"


def charts(results: Mapping[str, Any]) -> dict[str, str]:
    """Return each chart as SVG, by its file's name."""
    return {f"{name}.svg": _chart(curve, results["measurements"][name]["arms"]) for name, curve in CURVES.items()}


def _chart(curve: Curve, arms: Mapping[str, Any]) -> str:
    lines = [
        Line(label, [(size, arms[_point(arm, size)]["p50"]) for size in curve.shapes]) for arm, label in _LABELS.items()
    ]
    return chart(curve.title, across=curve.across, up="p50 of a full run, ms", lines=lines)
