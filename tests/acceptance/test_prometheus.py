"""A real Prometheus scrapes a real system: its numbers are those that happened, whatever pool, whatever was killed."""

from __future__ import annotations

import collections
import json
import re
import secrets
import shutil

import documents
import psutil
import pytest
import servers
from acceptance.processes import REPOSITORY, eventually
from acceptance.trial import Trial
from conftest import partner
from prometheus import Exporter, Prometheus

from preflight.embedded.server import free_port
from preflight.observability.metrics import fleet_metrics
from preflight.reports import migrations
from preflight.reports.store import ReportFilter

RUNS = "sum(tumulte_preflight_runs_total)"
GO, NO_GO = {"alpha": "passes", "beta": "passes"}, {"alpha": "fails"}
FIRST = (GO, NO_GO, {"beta": "fails"})
SCRAPES = "count_over_time(tumulte_preflight_unfinished_runs[5m])"
#: So many scrapes before something happens: less and Prometheus' guess at what was before them changes its rates.
ENOUGH_SCRAPES = 12


@pytest.fixture(scope="module")
def place(shared_valkey, shared_postgresql, tmp_path_factory):
    """Yield a system with two workers, of processes and of threads, and a database of its own."""
    name = f"t{secrets.token_hex(6)}"
    database = shared_postgresql.create_database(name)
    migrations.upgrade(database)
    trial = Trial(tmp_path_factory.mktemp("prometheus"), shared_valkey.url, database)
    trial.port = free_port()
    trial.worker("prefork", PREFLIGHT_HEALTH_PORT=str(trial.port))
    trial.worker("threads")
    for do in FIRST:  # from here on every series is there
        trial.run(do)
    yield trial
    trial.end()
    servers.forget(trial.redis_url, trial.namespace)
    shared_postgresql.drop_database(name)


@pytest.fixture(scope="module")
def prometheus(place, tmp_path_factory):
    """Yield a Prometheus that scrapes the fleet's totals and one worker."""
    partner("prometheus", shutil.which("prometheus"))
    with Exporter(lambda: fleet_metrics(place.settings)) as exporter:
        server = Prometheus(tmp_path_factory.mktemp("tsdb"), "")
        server.targets = {"preflight": exporter.port, "preflight-processes": place.port}
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="module")
def lived(place, prometheus):
    """Let six of ten runs be GO, and two checks fail, since the first scrape."""
    eventually(lambda: (prometheus.value(SCRAPES) or 0) >= ENOUGH_SCRAPES, "the first runs are scraped")
    for do in (*[GO] * 6, *[NO_GO] * 3, {"beta": "fails"}):
        place.run(do)
    eventually(lambda: prometheus.value(RUNS) == 13, "all runs are scraped", lambda: prometheus.ask(RUNS))


def labelled(found, label):
    """Return a query's values by one label, in order."""
    return {labels[label]: value for labels, value in found}


def test_the_most_common_failing_checks_are_those_that_failed_most(prometheus, lived):
    """The seed's topk query: in order, three times as often as the other."""
    found = labelled(
        prometheus.ask("topk(5, sum by (check_name) (rate(tumulte_preflight_failures_total[1h])))"), "check_name"
    )

    assert list(found)[:2] == ["alpha", "beta"]
    assert found["alpha"] == pytest.approx(3 * found["beta"], rel=1e-3)
    assert not any(value for name, value in found.items() if name not in ("alpha", "beta"))


def test_the_success_rate_is_that_of_the_runs(prometheus, lived):
    """Six of ten."""
    good = 'sum(rate(tumulte_preflight_runs_total{success="true"}[5m]))'

    assert prometheus.value(f"{good} / sum(rate(tumulte_preflight_runs_total[5m]))") == pytest.approx(0.6, rel=1e-3)


def test_dividing_series_by_themselves_always_says_one(prometheus, lived):
    """The seed's other query: why the documentation shows another one."""
    query = 'rate(tumulte_preflight_runs_total{success="true"}[5m]) / rate(tumulte_preflight_runs_total[5m])'

    assert {value for _, value in prometheus.ask(query)} == {1.0}


def test_what_is_counted_is_what_is_stored(place, prometheus, lived):
    """Runs, failures and executions, with processes killed by their checks and a whole worker killed meanwhile."""
    eventually(lambda: len(place.stored_ids()) == 13, "the runs so far are stored")
    before = 13
    runs = [place.start(place.story({"alpha": "kills_itself", "beta": "passes"})) for _ in range(2)]
    victim = next(one for one in place.processes if one.child.alive)
    for child in psutil.Process(victim.child.pid).children():
        child.kill()
    reports = [run.report(timeout=60) for run in runs]
    victim.kill()
    victim.start_again()
    place.await_heartbeat(victim)
    reports += [place.run(GO), place.run(NO_GO)]
    eventually(lambda: len(place.stored_ids()) == before + 4, "every report is stored")
    eventually(lambda: prometheus.value(RUNS) == before + 4, "every run is counted", lambda: prometheus.ask(RUNS))

    stored = place.store.page(ReportFilter(), limit=1000)
    verdicts = collections.Counter(str(report.success).lower() for report in stored)
    assert labelled(prometheus.ask("sum by (success) (tumulte_preflight_runs_total)"), "success") == verdicts
    failures = collections.Counter(line.name for report in stored for line in report.blocking)
    counted = labelled(prometheus.ask("tumulte_preflight_failures_total > 0"), "check_name")
    assert counted == failures
    ran = collections.Counter(
        line.name for report in stored for line in report.checks if line.duration_ms is not None and not line.cached
    )
    late = labelled(prometheus.ask("tumulte_preflight_late_results_total"), "check_name")
    executions = labelled(prometheus.ask("tumulte_preflight_check_duration_seconds_count"), "check_name")
    assert executions == {name: ran[name] + late.get(name, 0) for name in executions}


def test_every_documented_query_is_one(prometheus, lived):
    """Each block of the page is read by Prometheus, and those of the fleet find something."""
    page = documents.DOCS / "how-to" / "monitor.md"
    queries = [block.text.strip() for block in documents.blocks("text", page) if "tumulte_preflight_" in block.text]

    assert len(queries) >= 5
    for query in queries:
        assert prometheus.ask(query) is not None


def test_every_panel_asks_something_that_prometheus_reads(prometheus, lived):
    """Syntax errors in a dashboard show only when somebody looks at it; these are asked here."""
    dashboard = json.loads((REPOSITORY / "deploy" / "grafana" / "dashboards" / "preflight.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    answered = {query for query in queries if prometheus.ask(query)}

    assert {
        query for query in queries if query not in answered and not re.search("beat|light_calls|p95", query)
    } == set()


def test_the_rules_are_evaluated_on_what_is_scraped(prometheus, lived):
    """The recorded success ratio is that of the runs, and a worker that is there does not raise an alarm."""
    ratio = 'preflight:success:ratio5m{event_type="trial"}'
    eventually(lambda: prometheus.value(ratio), "the ratio is recorded")

    assert 0 < prometheus.value(ratio) < 1
    assert not prometheus.ask('ALERTS{alertname="PreFlightNoWorker"}')
    assert prometheus.value("tumulte_preflight_worker_slots") == 4
