"""Durations as counts in buckets, so that percentiles of any span are a sum of small rows."""

from __future__ import annotations

import bisect
from collections.abc import Sequence

#: Upper bounds in ms. Neighbours are at most twice apart up to 5 s, so that a percentile is right to a few percent.
BOUNDS_MS = (
    *(1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000),
    *(10_000, 30_000, 60_000),
)
#: The columns of the rollups: `le_50` counts what took at most 50 ms and more than the bound before it.
COLUMNS = (*(f"le_{bound}" for bound in BOUNDS_MS), "longer")


def column_of(duration_ms: float) -> str:
    """Return the column that counts a duration."""
    return COLUMNS[bisect.bisect_left(BOUNDS_MS, duration_ms)]


def percentile(counts: Sequence[int], percent: float) -> float | None:
    """Return the duration in ms that so many percent do not exceed, None without any; even within a bucket."""
    wanted = sum(counts) * percent / 100
    if not wanted:
        return None
    below = 0
    for place, count in enumerate(counts[:-1]):
        if below + count >= wanted:
            low = BOUNDS_MS[place - 1] if place else 0
            return round(low + (BOUNDS_MS[place] - low) * (wanted - below) / count, 1)
        below += count
    return float(BOUNDS_MS[-1])
