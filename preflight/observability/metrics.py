"""The fleet's metrics as Prometheus reads them: what the engine's scripts counted in Redis, and what is there now."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from preflight.observability import catalogue
from preflight.observability.catalogue import Kind
from preflight.observability.reading import Reading, read
from preflight.settings import Settings

#: Upper bounds of the histograms' buckets in ms, as in counts.lua.
BOUNDS_MS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000)
#: Checks with counts of their own, as in counts.lua.
MOST_CHECKS = 190
_BUCKETS = (*map(str, BOUNDS_MS), "inf")
_DROPPED = ("shed", "refused", "lost")

Labels = tuple[str, ...]
Series = Mapping[Labels, int]


def fleet_metrics(settings: Settings) -> bytes:
    """Return the metrics of the settings' whole namespace as Prometheus text.

    Raises `BrokerUnavailable` in one line when Redis cannot be asked: a target that is down tells the truth.
    """
    registry = CollectorRegistry()
    registry.register(_Fleet(read(settings), settings.metrics_prefix))
    return generate_latest(registry)


class _Fleet(Collector):
    """The metrics of one look at a namespace."""

    def __init__(self, reading: Reading, prefix: str) -> None:
        self._reading = reading
        self._prefix = prefix

    def collect(self) -> Iterator[Metric]:
        """Yield every metric of `catalogue.FLEET`."""
        counted = _by_metric(self._reading.counts)
        yield self._counter(catalogue.RUNS, _with_both_verdicts(counted["runs"]))
        yield self._histogram(catalogue.CHECK_DURATION, counted["duration"])
        checks = dict.fromkeys(((name,) for name in self._checks()), 0)
        for kind, name in (
            (catalogue.FAILURES, "failures"),
            (catalogue.SKIPPED, "skipped"),
            (catalogue.CACHED, "cached"),
            (catalogue.LATE_RESULTS, "late"),
        ):
            yield self._counter(kind, checks | counted[name])
        yield self._histogram(catalogue.QUEUE_WAIT, self._waits(counted["wait"]))
        yield from self._now()

    def _checks(self) -> list[str]:
        """Return the checks that have counts of their own, or will: a first failure is seen only as a step from 0."""
        labelled = [field.split("|")[2] for field in self._reading.counts if field.startswith("label|check|")]
        known = sorted({name for worker in self._reading.workers for name in worker.checks} - set(labelled))
        return sorted([*labelled, *known[: max(0, MOST_CHECKS - len(labelled))]])

    def _waits(self, waits: Series) -> Series:
        modes = {self._reading.keys.full_queue: "full", self._reading.keys.light_queue: "light"}
        return {(modes[queue], bucket): number for (queue, bucket), number in waits.items() if queue in modes}

    def _now(self) -> Iterator[Metric]:
        """Yield what is there at this moment."""
        seen = self._reading
        shorts = zip(seen.queued, ("full", "light", "requests", "maintenance"), strict=False)
        yield self._gauge(catalogue.QUEUED_MESSAGES, {(short,): seen.queued[queue] for queue, short in shorts})
        yield self._gauge(catalogue.UNFINISHED_RUNS, {(): seen.unfinished})
        yield self._gauge(catalogue.OUTBOX_REPORTS, {(): seen.outbox})
        lag_ms = 0 if seen.oldest_ms is None else max(0, seen.now_ms - seen.oldest_ms)
        yield self._gauge(catalogue.STORE_LAG, {(): lag_ms / 1000})
        dropped: Series = {(reason,): int(seen.numbers.get(reason, 0)) for reason in _DROPPED}
        yield self._counter(catalogue.REPORTS_DROPPED, dropped)
        asking = sum(seen.keys.full_queue in worker.queues for worker in seen.workers)
        roles: Series = {("checks",): asking, ("requests",): len(seen.workers) - asking}
        yield self._gauge(catalogue.WORKERS_ALIVE, roles)
        yield self._gauge(catalogue.HUNG_THREADS, {(): sum(worker.hung_threads for worker in seen.workers)})
        successes: Mapping[Labels, float] = {(job,): at / 1000 for job, at in seen.beat.items()}
        yield self._gauge(catalogue.BEAT_LAST_SUCCESS, successes)

    def _counter(self, kind: Kind, series: Series) -> Metric:
        family = kind.counter(self._prefix)
        for labels, number in sorted(series.items()):
            family.add_metric(labels, number)
        return family

    def _gauge(self, kind: Kind, series: Mapping[Labels, float]) -> Metric:
        family = kind.gauge(self._prefix)
        for labels, number in sorted(series.items()):
            family.add_metric(labels, number)
        return family

    def _histogram(self, kind: Kind, series: Series) -> Metric:
        family = kind.histogram(self._prefix)
        for label in sorted({labels[0] for labels in series}):
            numbers = itertools.accumulate(series.get((label, bucket), 0) for bucket in _BUCKETS)
            buckets = list(zip(map(_bound, _BUCKETS), numbers, strict=True))
            family.add_metric([label], buckets, series.get((label, "us"), 0) / 1e6)
        return family


def _bound(bucket: str) -> str:
    """Return a bucket's bound in seconds as Prometheus writes it."""
    return str(floatToGoString(float(bucket) / 1000))  # type: ignore[no-untyped-call]


def _by_metric(counts: Mapping[str, str]) -> Mapping[str, dict[Labels, int]]:
    """Return what the scripts counted, by metric and by labels."""
    found: dict[str, dict[Labels, int]] = collections.defaultdict(dict)
    for field, value in counts.items():
        metric, *labels = field.split("|")
        if labels and metric not in ("label", "labels"):
            found[metric][tuple(labels)] = int(value)
    return found


def _with_both_verdicts(runs: dict[Labels, int]) -> Series:
    """Return the runs with a 0 where one verdict never came: a rate of successes is 0 then, and not nothing."""
    return {(mode, event, verdict): 0 for mode, event, _ in runs for verdict in ("true", "false")} | runs
