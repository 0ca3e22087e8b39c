"""The growth curves: which measurements are their points, and the charts they make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.chart import Line, chart
from benchmarks.shapes import DEEP, FIFTY, FIVE_DEEP, NARROW, SHALLOW, TWENTY_DEEP, TWO_HUNDRED, WIDE

TITLES = {
    "growth_checks.svg": "A full run over the checks of its one tier",
    "growth_tiers.svg": "A full run over its tiers of one check",
}
_ACROSS = {"growth_checks.svg": "checks in one tier", "growth_tiers.svg": "tiers of one check"}
_POINTS = {
    "growth_checks.svg": {1: SHALLOW, 10: NARROW, 50: FIFTY, 100: WIDE, 200: TWO_HUNDRED},
    "growth_tiers.svg": {1: SHALLOW, 5: FIVE_DEEP, 10: DEEP, 20: TWENTY_DEEP},
}
_ARMS = {"native_chord, acknowledgements off": "native Celery chord", "preflight": "PreFlight"}


def charts(results: Mapping[str, Any]) -> dict[str, str]:
    """Return each chart as SVG, by its file's name."""
    return {name: _chart(name, results["measurements"]) for name in TITLES}


def _chart(name: str, measurements: Mapping[str, Any]) -> str:
    lines = [
        Line(label, [(size, measurements[shape]["arms"][arm]["p50"]) for size, shape in _POINTS[name].items()])
        for arm, label in _ARMS.items()
    ]
    return chart(TITLES[name], across=_ACROSS[name], up="p50 of a full run, ms", lines=lines)
