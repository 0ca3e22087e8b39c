"""What belongs to one process: its light calls, its pool, its memory. The process exports it itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    Metric,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.registry import Collector

from preflight.observability.catalogue import LIGHT_CALLS, LIGHT_CALLS_LOST, LIGHT_CALLS_SENT, Kind
from preflight.settings import settings

_LOST = ("dropped", "unsent", "invalid")


class _Counting(Protocol):
    """A runner, as far as its light calls go."""

    @property
    def light_counts(self) -> Mapping[str, int]: ...


class LightCalls(Collector):
    """The light calls of a process, for its registry: `REGISTRY.register(LightCalls(runner.default))`."""

    def __init__(self, runner: _Counting, prefix: str = "") -> None:
        """Count for a runner. Names begin with `prefix`, or as `PREFLIGHT_METRICS_PREFIX` says."""
        self._runner = runner
        self._prefix = prefix or settings().metrics_prefix

    def collect(self) -> Iterator[Metric]:
        """Yield how many calls were made, sent, and lost for which reason."""
        counts = self._runner.light_counts
        for kind, name in ((LIGHT_CALLS, "attempted"), (LIGHT_CALLS_SENT, "sent")):
            family = kind.counter(self._prefix)
            family.add_metric([], counts.get(name, 0))
            yield family
        lost = LIGHT_CALLS_LOST.counter(self._prefix)
        for reason in _LOST:
            lost.add_metric([reason], counts.get(reason, 0))
        yield lost


class Gauges(Collector):
    """Gauges that are read when they are asked for. One whose value is None now is left out."""

    def __init__(self, prefix: str, values: Mapping[Kind, Callable[[], float | None]]) -> None:
        self._prefix = prefix
        self._values = values

    def collect(self) -> Iterator[Metric]:
        """Yield every gauge that has a value."""
        for kind, value in self._values.items():
            found = value()
            if found is not None:
                family = kind.gauge(self._prefix)
                family.add_metric([], found)
                yield family


def exposition(*collectors: Collector) -> bytes:
    """Return the metrics of collectors and of this process (CPU, memory, open files) as Prometheus text."""
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return generate_latest(registry)
