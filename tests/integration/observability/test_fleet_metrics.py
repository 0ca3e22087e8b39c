"""What one target exports for the whole namespace: every metric, right numbers, few labels, and the truth when away."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from conftest import partner
from integration.engine.conftest import FAILED, PASSED, Bench
from prometheus_client.parser import text_string_to_metric_families

from preflight.beat_jobs import PURGE, TICK
from preflight.engine import workers
from preflight.engine.connection import now_ms
from preflight.engine.jobs import turn
from preflight.exceptions import BrokerUnavailable
from preflight.observability import catalogue
from preflight.observability.metrics import BOUNDS_MS, MOST_CHECKS, fleet_metrics
from preflight.settings import load


@pytest.fixture
def bench(redis_url, namespace):
    made = Bench(redis_url, namespace)
    yield made
    made.client.close()


def samples(text):
    """Return every sample as {(name, label values in the labels' order): value}."""
    families = text_string_to_metric_families(text.decode())
    return {
        (sample.name.removeprefix("tumulte_preflight_"), *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def exported(bench):
    """Return the samples of the bench's namespace."""
    return samples(fleet_metrics(bench.settings))


def families(text):
    """Return the names, types and labels of what is exported."""
    return {family.name: family for family in text_string_to_metric_families(text.decode())}


def lived(bench):
    """Let something happen for every metric."""
    bench.worker_lives()
    bench.answer(bench.open({"a": 0}, cache_ttl=60), "a", FAILED | {"duration_ms": 20})
    bench.open({"a": 0, "b": 0}, cache_ttl=60)
    late = bench.open({"b": 0, "c": 0})
    bench.claim(late, "c")
    bench.answer(late, "b", FAILED)
    bench.runs.record(late, "c", PASSED | {"duration_ms": 20}, "blocking")
    bench.client.set(bench.keys["beat"], now_ms(bench.client))


def test_every_metric_of_the_catalogue_is_exported_with_its_type_and_labels(bench):
    """The catalogue, the exposition, and so the documentation are one."""
    lived(bench)
    found = families(fleet_metrics(bench.settings))

    assert {name.removeprefix("tumulte_preflight_") for name in found} == {kind.name for kind in catalogue.FLEET}
    for kind in catalogue.FLEET:
        family = found[f"tumulte_preflight_{kind.name}"]
        assert family.type == kind.type
        assert family.samples, kind.name
        labels = {frozenset(sample.labels) - {"le"} for sample in family.samples}
        assert labels == {frozenset(kind.labels)}, kind.name


def test_each_job_of_beat_tells_when_it_was_done_last(bench):
    """By Redis' clock, in seconds; a job that was never done has no sample."""
    for job in (TICK, PURGE):
        with turn(bench.runs, job):
            """Done."""
    family = families(fleet_metrics(bench.settings))["tumulte_preflight_beat_last_success_timestamp_seconds"]
    noted = bench.client.hgetall(bench.keys["beat"])

    assert {sample.labels["task"]: sample.value for sample in family.samples} == {
        job.name: int(noted[job.name]) / 1000 for job in (TICK, PURGE)
    }


def test_an_empty_namespace_exports_metrics_too(bench):
    """Before the first run there is nothing to count, and nothing fails."""
    found = exported(bench)

    assert found["unfinished_runs",] == found["outbox_reports",] == found["store_lag_seconds",] == 0
    assert found["workers_alive", "checks"] == found["reports_dropped_total", "lost"] == 0


def test_promtool_finds_nothing_to_say(bench):
    """Names, units, types and help texts are as Prometheus wants them."""
    partner("promtool", shutil.which("promtool"))
    lived(bench)
    text = fleet_metrics(bench.settings)
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_numbers_are_those_that_were_counted(bench):
    """Runs by verdict, failures, what was skipped, late, cached and how long it took."""
    lived(bench)
    found = exported(bench)

    assert found["runs_total", "test_event", "full", "false"] == 3
    assert found["runs_total", "test_event", "full", "true"] == 0
    assert (found["failures_total", "a"], found["failures_total", "b"], found["failures_total", "c"]) == (1, 1, 0)
    assert (found["cached_total", "a"], found["late_results_total", "c"], found["skipped_total", "c"]) == (1, 1, 1)
    assert found["check_duration_seconds_count", "a"] == found["check_duration_seconds_bucket", "a", "0.025"] == 1
    assert found["check_duration_seconds_bucket", "a", "0.01"] == 0
    assert found["check_duration_seconds_sum", "a"] == 0.02
    assert found["queue_wait_seconds_count", "full"] == 3


def test_a_check_that_workers_know_is_exported_before_it_fails(bench):
    """A rate sees the first failure only as a step up from 0."""
    workers.beat(bench.runs, "w1", workers.describe("1", [bench.keys.full_queue], ["new"]), asks_checks=True)

    assert exported(bench)["failures_total", "new"] == 0


def test_what_is_there_now_is_exported(bench):
    """Open runs, messages that wait, and the age of the oldest report that is not stored."""
    bench.open({"a": 0, "b": 0})
    ended = bench.open({"a": 0})
    bench.answer(ended, "a")
    bench.client.zadd(bench.keys["outbox"], {str(ended): now_ms(bench.client) - 60_000})
    bench.client.hincrby(bench.keys["numbers"], "shed", 4)
    found = exported(bench)

    assert (found["unfinished_runs",], found["outbox_reports",]) == (1, 1)
    assert 60 <= found["store_lag_seconds",] < 90
    assert found["queued_messages", "full"] == 3  # nobody reads the queue: the claimed one's message is still there
    assert found["reports_dropped_total", "shed"] == 4


def test_workers_are_told_apart_by_what_they_read(bench):
    """One asks checks, two only take requests; a thread of one hangs."""
    beats = {"w1": bench.keys.full_queue, "w2": bench.keys.requests_queue, "w3": bench.keys.requests_queue}
    for name, queue in beats.items():
        described = workers.describe("1", [queue], [], hung_threads=int(name == "w1"))
        workers.beat(bench.runs, name, described, asks_checks=name == "w1")
    found = exported(bench)

    assert (found["workers_alive", "checks"], found["workers_alive", "requests"], found["hung_threads",]) == (1, 2, 1)


def test_the_prefix_is_a_setting(bench):
    """Names begin with what PREFLIGHT_METRICS_PREFIX says."""
    text = fleet_metrics(load({**bench.settings.model_dump(), "metrics_prefix": "shop"}))

    assert all(name.startswith("shop_") for name in families(text))


def test_labels_stay_few_whatever_is_thrown_at_them(bench):
    """As many checks and event types as fit: buckets aside, fewer than 200 combinations a metric."""
    counts = bench.keys["counts"]
    for number in range(MOST_CHECKS):
        bench.client.hset(counts, mapping={f"label|check|c{number}": 1, f"failures|c{number}": 1})
    bench.client.hset(counts, "failures|other", 1)
    workers.beat(bench.runs, "w1", workers.describe("1", [], [f"new{n}" for n in range(500)]), asks_checks=True)
    for number in range(45):
        for mode in ("full", "light"):
            bench.client.hset(counts, f"runs|{mode}|e{number}|true", 1)
    bench.client.hset(counts, mapping={"runs|full|other|true": 1, "runs|light|other|false": 1})

    for family in families(fleet_metrics(bench.settings)).values():
        combinations = {tuple(v for k, v in sample.labels.items() if k != "le") for sample in family.samples}
        assert len(combinations) < 200, family.name


def test_buckets_are_those_of_the_scripts():
    """The bounds stand in Lua, where observations are counted, and in Python, where they are exported."""
    from preflight.engine.runs import _text

    (bounds,) = re.findall(r"BOUNDS_MS = \{ (.*) \}", _text("record"))
    assert tuple(int(bound) for bound in bounds.split(", ")) == BOUNDS_MS
    assert f"MOST_CHECKS = {MOST_CHECKS} " in _text("record")


def test_without_redis_there_is_one_line_and_no_numbers(private_valkey):
    """A target that is down tells the truth; zeros would not."""
    settings = load({"redis_url": private_valkey.url, "namespace": "away"})
    private_valkey.stop()

    with pytest.raises(BrokerUnavailable, match="Redis refuses connections"):
        fleet_metrics(settings)
