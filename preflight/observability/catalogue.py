"""Every metric there is: its name, its labels and what it says. The reference and the dashboards are held to it."""

from __future__ import annotations

import dataclasses
from typing import Literal

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """A metric without its prefix. A counter's name has no `_total` here; `labels` never hold ids."""

    name: str
    type: Literal["counter", "gauge", "histogram"]
    says: str
    labels: tuple[str, ...] = ()

    def exposed(self, prefix: str) -> str:
        """Return the name under which queries find it."""
        return f"{prefix}_{self.name}" + ("_total" if self.type == "counter" else "")

    def counter(self, prefix: str) -> CounterMetricFamily:
        """Return it as a counter without samples yet."""
        return CounterMetricFamily(f"{prefix}_{self.name}", self.says, labels=self.labels)

    def gauge(self, prefix: str) -> GaugeMetricFamily:
        """Return it as a gauge without samples yet."""
        return GaugeMetricFamily(f"{prefix}_{self.name}", self.says, labels=self.labels)

    def histogram(self, prefix: str) -> HistogramMetricFamily:
        """Return it as a histogram without samples yet."""
        return HistogramMetricFamily(f"{prefix}_{self.name}", self.says, labels=self.labels)


def _counter(name: str, says: str, *labels: str) -> Kind:
    return Kind(name=name, type="counter", says=says, labels=labels)


def _gauge(name: str, says: str, *labels: str) -> Kind:
    return Kind(name=name, type="gauge", says=says, labels=labels)


def _histogram(name: str, says: str, *labels: str) -> Kind:
    return Kind(name=name, type="histogram", says=says, labels=labels)


RUNS = _counter("runs", "Runs that have ended, each once.", "mode", "event_type", "success")
CHECK_DURATION = _histogram("check_duration_seconds", "Executions of checks, late ones included.", "check_name")
FAILURES = _counter("failures", "Checks that failed or were in error, root causes only.", "check_name")
SKIPPED = _counter("skipped", "Checks that runs did not ask, whatever the reason.", "check_name")
CACHED = _counter("cached", "Answers taken from an execution of another run.", "check_name")
LATE_RESULTS = _counter("late_results", "Executions whose answer came too late to count.", "check_name")
QUEUE_WAIT = _histogram("queue_wait_seconds", "Waits of checks in their queue before a worker starts them.", "mode")
QUEUED_MESSAGES = _gauge("queued_messages", "Messages that wait in a queue on Redis.", "queue")
UNFINISHED_RUNS = _gauge("unfinished_runs", "Runs that are open now.")
OUTBOX_REPORTS = _gauge("outbox_reports", "Reports of ended runs that are not stored yet.")
STORE_LAG = _gauge("store_lag_seconds", "Age of the oldest report that is not stored yet; 0 without one.")
REPORTS_DROPPED = _counter("reports_dropped", "Reports that are in a log only, or lost.", "reason")
WORKERS_ALIVE = _gauge("workers_alive", "Workers with a fresh heartbeat, by what they read.", "role")
HUNG_THREADS = _gauge("hung_threads", "Threads of all workers' pools that hang in a check.")
# Not "job": Prometheus gives every target a label of that name.
BEAT_LAST_SUCCESS = _gauge("beat_last_success_timestamp_seconds", "When a job of beat last succeeded.", "task")

#: What is true of the whole namespace: one target exports it.
FLEET = (
    RUNS,
    CHECK_DURATION,
    FAILURES,
    SKIPPED,
    CACHED,
    LATE_RESULTS,
    QUEUE_WAIT,
    QUEUED_MESSAGES,
    UNFINISHED_RUNS,
    OUTBOX_REPORTS,
    STORE_LAG,
    REPORTS_DROPPED,
    WORKERS_ALIVE,
    HUNG_THREADS,
    BEAT_LAST_SUCCESS,
)

WORKER_SLOTS = _gauge("worker_slots", "Checks that this worker can ask at the same time.")
WORKER_SLOTS_ALIVE = _gauge("worker_slots_alive", "Processes or threads of this worker's pool that are not lost.")
LIGHT_CALLS = _counter("light_calls", "Light runs that this process was asked for.")
LIGHT_CALLS_SENT = _counter("light_calls_sent", "Light runs that this process has opened.")
LIGHT_CALLS_LOST = _counter("light_calls_lost", "Light runs that this process could not open.", "reason")
BEAT_LAST_TURN = _gauge("beat_last_turn_timestamp_seconds", "When this beat last went through its schedule.")

#: What belongs to one process: a worker, beat, or an application that calls the gate.
PROCESS = (WORKER_SLOTS, WORKER_SLOTS_ALIVE, LIGHT_CALLS, LIGHT_CALLS_SENT, LIGHT_CALLS_LOST, BEAT_LAST_TURN)
