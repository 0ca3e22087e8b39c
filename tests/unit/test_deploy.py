"""What is in deploy/: rules, alerts, dashboards. They are well formed and name only metrics that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import documents
import pytest
from conftest import partner
from documents import DOCS, ROOT
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard, prometheus

from preflight.observability import catalogue
from preflight.settings import Settings

DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yml"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "preflight.json"
REFERENCE = DOCS / "reference" / "metrics.md"
HOW_TO = DOCS / "how-to" / "monitor.md"
PREFIX = Settings.model_fields["metrics_prefix"].default


def exposed():
    """Return every name under which a query finds something."""
    names = set()
    for kind in (*catalogue.FLEET, *catalogue.PROCESS):
        name = kind.exposed(PREFIX)
        names |= {f"{name}_{part}" for part in ("bucket", "sum", "count")} if kind.type == "histogram" else {name}
    return names


def recorded():
    """Return the series that the rules record."""
    return set(re.findall(r"^ *- record: (\S+)$", RULES.read_text(), re.MULTILINE))


def names_in(text):
    """Return the metrics and recorded series that a text names."""
    return set(re.findall(rf"\b{PREFIX}_\w+|\bpreflight:\w+:\w+", text))


@pytest.mark.parametrize("page", [RULES, DASHBOARD, HOW_TO], ids=documents.name)
def test_every_metric_that_is_asked_for_exists(page):
    """A panel or rule that asks for a name nobody exports shows nothing for ever, and says nothing of it."""
    named = names_in(page.read_text())

    assert named
    assert named <= exposed() | recorded()


def test_every_label_that_is_asked_for_exists():
    """A label that no metric has selects nothing."""
    known = {label for kind in (*catalogue.FLEET, *catalogue.PROCESS) for label in kind.labels}
    text = RULES.read_text() + DASHBOARD.read_text()
    grouped = {label for labels in re.findall(r"\bby \(([^)]*)\)", text) for label in labels.split(", ")}
    selected = set(re.findall(r'\b(\w+)=~?\\*"', text))

    assert grouped - {"le"} <= known
    assert selected <= known | {"job"}


def test_every_recorded_series_is_shown_or_alerted_on():
    """What nobody reads need not be computed every fifteen seconds."""
    used = DASHBOARD.read_text() + RULES.read_text()

    assert {name for name in recorded() if used.count(name) < 2} == set()


def test_every_metric_is_described_in_the_reference():
    """The table holds the catalogue, no other ones, with type and labels."""
    rows = {row[0].strip("`"): row[1:] for row in documents.rows(REFERENCE) if row[0].startswith("`")}
    kinds = {kind.exposed(PREFIX): kind for kind in (*catalogue.FLEET, *catalogue.PROCESS)}

    assert rows.keys() == kinds.keys()
    for name, kind in kinds.items():
        kind_shown, labels, says = rows[name]
        assert kind_shown == kind.type, name
        assert tuple(re.findall(r"`(\w+)`", labels)) == kind.labels, name
        assert says, name


def test_the_panels_of_the_dashboard_are_whole():
    """Ids are unique, panels do not overlap, and each asks for something on the provisioned data source."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    assert all(panel["targets"] and panel["title"] for panel in panels)
    source = (DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text()
    assert {panel["datasource"]["uid"] for panel in panels} == set(re.findall(r"uid: (\w+)", source))


def test_grafana_knows_every_field_of_the_dashboard():
    """Its own models read the file and write the same again: they leave out a field that they do not know."""
    plugins.register_default_plugins()
    written = json.loads(DASHBOARD.read_text())
    read = dashboard.Dashboard.from_json(written)

    assert kept(written, json.loads(JSONEncoder().encode(read)), "dashboard") == []
    # What is of no type that they know, they would leave as it is.
    assert not [panel.title for panel in read.panels or [] if isinstance(panel.options, dict)]
    queries = [query for panel in read.panels or [] for query in panel.targets or []]
    assert {type(query) for query in queries} == {prometheus.Dataquery}


def kept(written, read, path):
    """Return the paths of what was written and not read."""
    if isinstance(written, dict) and isinstance(read, dict):
        return [lost for key, value in written.items() for lost in kept(value, read.get(key), f"{path}.{key}")]
    if isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        return [lost for place, value in enumerate(written) for lost in kept(value, read[place], f"{path}[{place}]")]
    return [] if written == read else [path]


@pytest.mark.parametrize(
    "command",
    [
        ("promtool", "check", "rules", "prometheus/rules.yml"),
        ("promtool", "test", "rules", "prometheus/rules_test.yml"),
        ("promtool", "check", "config", "--syntax-only", "prometheus/prometheus.yml"),
        ("amtool", "check-config", "alertmanager/alertmanager.yml"),
    ],
    ids=" ".join,
)
def test_prometheus_and_alertmanager_accept_their_files(command):
    """Their own tools check syntax, and run the tests of the rules."""
    partner(command[0], shutil.which(command[0]))
    checked = subprocess.run(command, cwd=DEPLOY, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_alert_says_what_to_do():
    """An operator who is woken reads two lines: what is wrong, and what to do first."""
    alerts = re.split(r"^ *- alert: ", RULES.read_text(), flags=re.MULTILINE)[1:]

    assert alerts
    for alert in alerts:
        for word in ("severity: (critical|warning)", 'summary: "', 'remediation: "'):
            assert re.search(word, alert), (alert.partition("\n")[0], word)


def test_every_alert_has_a_test():
    """A rule that never fired in a test may never fire at all."""
    alerts = set(re.findall(r"^ *- alert: (\w+)$", RULES.read_text(), re.MULTILINE))
    tested = (DEPLOY / "prometheus" / "rules_test.yml").read_text()

    assert {alert for alert in alerts if alert not in tested} == set()
    routed = (DEPLOY / "alertmanager" / "alertmanager.yml").read_text()
    ((words,),) = [re.findall(r"PreFlight\((.*)\)", routed)]
    assert {*re.findall(r"PreFlight\w+", routed), *(f"PreFlight{word}" for word in words.split("|"))} <= alerts


def test_ci_installs_what_these_tests_need():
    """Prometheus and Alertmanager are partners as the other servers are."""
    script = (ROOT / ".ci" / "run").read_text()

    assert "missing+=(prometheus)" in script
    assert "missing+=(prometheus-alertmanager)" in script
