"""The committed results of `make bench` name every figure, every arm and every version they rest on."""

import json
import math
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
RESULTS = json.loads((FOLDER / "results.json").read_text())
TABLE = (FOLDER / "RESULTS.md").read_text()
FIGURES = (
    "full_p50_vs_native_chord",
    "full_p50_vs_six_hops",
    "light_throughput_vs_native_chord",
    "light_call_p99_vs_send_task",
    "per_check_vs_native_chord",
    "per_tier_vs_native_chord",
    "warm_light_throughput_vs_native_chord",
    "light_call_p999_vs_put_nowait",
    "single_flight_executions",
    "arun_500_vs_8",
    "arun_500_connections",
    "cpu_ms_per_full_run",
    "cpu_ms_per_light_run",
    "cpu_per_light_run_vs_native_chord",
    "worker_memory_mb_before",
    "worker_memory_mb_after_50000_runs",
    "statistics_5m_vs_50k",
    "purge_5m_vs_50k",
    "purge_vs_delete",
    "recorded_vs_light_throughput",
    "bytes_per_light_report",
    "page_5m_vs_50k",
    "watchers_throughput_on_vs_off",
)
ARMS = (
    "native_chord, acknowledgements on",
    "native_chord, acknowledgements off",
    "six_hops",
    "preflight",
    "preflight, threads",
)
CONDITIONS = ("healthy", "refused", "silent", "paused", "queue_full", "after_fork")
CHARTS = ("growth_checks.svg", "growth_tiers.svg")
VERSIONS = ("python", "valkey", "postgresql", "celery-preflight", "celery", "kombu", "redis", "hiredis")


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_a_positive_number_with_its_spread(name):
    """A figure is one number under its own name; the extremes of single rounds stand beside it."""
    low, high = RESULTS["spread"][name]

    assert math.isfinite(RESULTS[name])
    assert RESULTS[name] > 0
    assert low <= high
    assert f"`{name}`" in TABLE


@pytest.mark.parametrize("name", ARMS)
def test_every_arm_is_described_and_was_measured(name):
    """No figure rests on an arm that nobody can look up."""
    assert RESULTS["arms"][name]
    assert RESULTS["measurements"]["full"]["arms"][name]["samples"] > 0
    assert f"`{name}`" in TABLE


def test_the_warm_cache_was_measured_beside_the_native_arm():
    """Its figure is a ratio of arms of the same rounds."""
    arms = RESULTS["measurements"]["light"]["arms"]

    assert arms["preflight, warm cache"]["rounds"] == arms["native_chord, acknowledgements off"]["rounds"]
    assert "`preflight, warm cache`" in TABLE


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_light_call_was_timed_in_every_condition_as_often_as_its_control(condition):
    """A p99.9 needs thousands of calls, and a control under the same load."""
    arms = RESULTS["measurements"]["control"]["arms"]

    assert arms[f"{condition}: light call"]["samples"] == arms[f"{condition}: put_nowait"]["samples"] >= 3000
    assert f"| {condition} |" in TABLE


@pytest.mark.parametrize("name", CHARTS)
def test_the_growth_curves_are_shown(name):
    """Each chart is an SVG whose two lines differ by their dashes and their labels."""
    chart = ET.parse(FOLDER / name).getroot()
    lines = chart.findall("{*}polyline")
    labels = {text.text for text in chart.findall("{*}text")}

    assert f"]({name})" in TABLE
    assert len({line.get("stroke-dasharray") for line in lines}) == len(lines) == 2
    assert {"PreFlight", "native Celery chord", "p50 of a full run, ms"} <= labels


@pytest.mark.parametrize("name", VERSIONS)
def test_every_version_is_named(name):
    """Results without the versions they were taken with cannot be repeated."""
    assert re.match(r"\d+\.\d+", RESULTS["versions"][name])


def test_the_results_name_nothing_of_the_machine_but_its_cores():
    """Files that are committed hold no path, address or host of the machine that wrote them."""
    assert RESULTS["machine"].keys() == {"cores", "pool", "concurrency"}
    for text in (json.dumps(RESULTS), TABLE):
        assert not re.search(r"://|(?<![\w.])/(?:home|root|tmp|usr|work|var)/|127\.0\.0\.1", text)
