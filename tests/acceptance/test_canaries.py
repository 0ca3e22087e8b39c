"""Secrets that were planted everywhere come out nowhere: in no log, report, event, metric and no command."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import psycopg2
import pytest
import servers
from acceptance.canary_checks import MARK, canary, texts, values
from acceptance.processes import REPOSITORY, eventually
from acceptance.trial import Trial
from receivers import Receiver

from preflight import keeping
from preflight.embedded.server import free_port
from preflight.observability.metrics import fleet_metrics

ASKED = ("leaky", "gossip", "redis", "database", "websocket", "shop")
COMMANDS = (
    ("config",),
    ("config", "--format", "json"),
    ("doctor",),
    ("doctor", "--format", "json"),
    ("checks",),
    ("checks", "--format", "json"),
    ("reports",),
    ("reports", "--format", "json"),
)


def planted():
    """Return settings with a secret in each that can hold one; nobody listens there."""
    nowhere = f"127.0.0.1:{free_port()}"
    return {
        "checks": "acceptance.canary_checks",
        "check_redis_url": f"redis://:{canary('setting', 'redis')}@{nowhere}/0",
        "check_database_url": f"postgresql://u:{canary('setting', 'database')}@{nowhere}/d",
        "check_websocket_url": f"ws://u:{canary('setting', 'websocket')}@{nowhere}/?token={canary('setting', 'query')}",
        "check_http_urls": f"shop=http://u:{canary('setting', 'http')}@{nowhere}/?api_key={canary('setting', 'key')}",
        "http_allow_private": True,
    }


@pytest.fixture(scope="module")
def receiver():
    """Yield a receiver of events whose DSN is a secret too."""
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def talkative(receiver, shared_valkey, acceptance_database, tmp_path_factory):
    """Yield a system full of secrets, with a worker for each form of log."""
    folder = tmp_path_factory.mktemp("canaries")
    dsn = re.sub(r"//\w+@", f"//{canary('setting', 'dsn')}@", receiver.dsn)
    trial = Trial(folder, shared_valkey.url, acceptance_database, sentry_dsn=dsn, **planted())
    for form in ("console", "json"):
        servers.SESSION_SERVERS.add(trial.worker(PREFLIGHT_LOG_FORMAT=form).child.pid)
    yield trial
    trial.end()
    servers.forget(trial.redis_url, trial.namespace)


@pytest.fixture(scope="module")
def reports(talkative, receiver):
    """Return reports of runs that met every planted secret, once all that is told of them has been told."""
    details = {"event_type": "trial", "short_circuit": "never", "only": ASKED, "metadata": values("run")}
    stored = []

    def met():
        report = talkative.runner.run(raise_on_failure=False, **details)
        stored.append(talkative.stored(report.id))
        return all("it said" in process.log for process in talkative.processes)

    eventually(met, "both workers have asked the check that logs")
    eventually(lambda: len(receiver.of("event")) == len(stored), "all events have come")
    return stored


def escaped(output):
    """Return the canaries that are in an output."""
    return sorted(set(re.findall(rf"{MARK}0\w+?0ff", output)))


def test_the_secrets_were_met(talkative, reports):
    """The checks said what they were to say, and the shipped ones tried their addresses: nothing was just left out."""
    (report,) = {tuple((check.name, check.status.value) for check in report.checks) for report in reports[:1]}
    statuses = dict(report)

    assert {statuses[name] for name in ASKED} <= {"failed", "error"}
    assert "ValueError" in reports[0]["leaky"].message
    assert "captain" in reports[0]["gossip"].message
    assert "captain" in talkative.processes[0].log
    assert "captain" in talkative.processes[1].log


def test_no_report_holds_one(talkative, reports):
    """As stored, in every column."""
    with psycopg2.connect(talkative.database_url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_jsonb(r)::text FROM preflight_reports r WHERE id::text = ANY(%s)",
            ([str(r.id) for r in reports],),
        )
        rows = [row[0] for row in cursor.fetchall()]
    connection.close()

    assert len(rows) == len(reports)
    assert escaped("".join(rows)) == []


def test_no_event_holds_one(reports, receiver):
    """Messages, tags, breadcrumbs and the whole report."""
    assert escaped(json.dumps(receiver.items)) == []


def test_no_metric_holds_one(talkative, reports):
    """Of what checks said there is only how often they failed."""
    exported = fleet_metrics(talkative.settings).decode()

    assert 'check_name="leaky"' in exported
    assert escaped(exported) == []


@pytest.mark.parametrize("number", [0, 1], ids=["console", "json"])
def test_no_log_holds_one(talkative, reports, number):
    """What the checks logged, with tracebacks and stacks, and what PreFlight says of their runs."""
    assert escaped(talkative.processes[number].log) == []


def test_each_line_that_a_check_logged_names_its_run(talkative, reports):
    """In both forms of log, so that a search for a run finds them."""
    ids = {str(report.id) for report in reports}
    console, as_json = (process.log.splitlines() for process in talkative.processes)
    said = [line for line in console if " shop: it said" in line]
    told = [json.loads(line) for line in as_json if '"logger": "shop"' in line]

    assert said
    assert told
    assert all(re.search(r"run=(\S+) check=leaky", line)[1] in ids for line in said)
    assert all(line["run"] in ids and line["check"] == "leaky" for line in told)


def test_no_line_about_an_unstored_report_holds_one(reports, caplog):
    """The JSON line that stands for a report when there is no store."""
    keeping.log(reports[0], "; ".join(texts("reason")))
    from preflight.observability.logs import JsonFormatter

    assert escaped(JsonFormatter().format(caplog.records[-1])) == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_says_one(talkative, reports, words):
    """On either stream."""
    command = [sys.executable, "-m", "preflight", *words]
    environment = os.environ | talkative.environment | {"PYTHONPATH": str(REPOSITORY / "tests")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode in (0, 3), done.stderr
    assert escaped(done.stdout + done.stderr) == []
