"""Interleaved rounds: every arm in every round, in another order each time, so that other load meets all alike."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

#: A slice of a round: takes one arm's samples, in order.
Slice = Callable[[], list[float]]


@dataclasses.dataclass(frozen=True)
class Samples:
    """The samples of one arm, one list per round."""

    rounds: tuple[tuple[float, ...], ...]

    @property
    def all(self) -> list[float]:
        """Every sample, whatever its round."""
        return [sample for one in self.rounds for sample in one]

    @property
    def p50(self) -> float:
        """The median of all samples."""
        return statistics.median(self.all)

    @property
    def medians(self) -> list[float]:
        """The median of each round."""
        return [statistics.median(one) for one in self.rounds]

    def percentile(self, percent: float) -> float:
        """Return the sample that so many percent do not exceed; to a tenth of a percent."""
        ordered = sorted(self.all)
        return ordered[min(len(ordered) - 1, len(ordered) * round(10 * percent) // 1000)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measurement:
    """What one measurement found: samples by arm. `unit` says what they are, `percentiles` what the table shows."""

    title: str
    unit: str
    samples: dict[str, Samples]
    percentiles: tuple[float, ...] = (50, 95, 99)


def interleave(slices: Mapping[str, Slice], rounds: int) -> dict[str, Samples]:
    """Take every arm's slice in every round, another arm first each time."""
    names = list(slices)
    taken: dict[str, list[tuple[float, ...]]] = {name: [] for name in slices}
    for place in range(rounds):
        shift = place % len(names)
        for name in names[shift:] + names[:shift]:
            taken[name].append(tuple(slices[name]()))
    return {name: Samples(tuple(found)) for name, found in taken.items()}


def timed(step: Callable[[], object], count: int) -> Slice:
    """Return a slice that takes a step once to warm up, and then `count` times: ms each."""

    def take() -> list[float]:
        step()
        return [milliseconds(step) for _ in range(count)]

    return take


def milliseconds(step: Callable[[], object]) -> float:
    """Return how long a step takes, in ms."""
    started_at = time.perf_counter()
    step()
    return 1000 * (time.perf_counter() - started_at)


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Return the ratio of every round."""
    return [one / other for one, other in zip(above, below, strict=True)]
