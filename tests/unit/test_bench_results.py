"""The committed results of `make bench` name every figure, every arm and every version they rest on."""

import json
import math
import re
from pathlib import Path

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
)
ARMS = ("native_chord, acknowledgements on", "native_chord, acknowledgements off", "six_hops", "preflight")
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


@pytest.mark.parametrize("name", VERSIONS)
def test_every_version_is_named(name):
    """Results without the versions they were taken with cannot be repeated."""
    assert re.match(r"\d+\.\d+", RESULTS["versions"][name])


def test_the_results_name_nothing_of_the_machine_but_its_cores():
    """Files that are committed hold no path, address or host of the machine that wrote them."""
    assert RESULTS["machine"].keys() == {"cores", "pool", "concurrency"}
    for text in (json.dumps(RESULTS), TABLE):
        assert not re.search(r"://|(?<![\w.])/(?:home|root|tmp|usr|work|var)/|127\.0\.0\.1", text)
