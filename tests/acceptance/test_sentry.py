"""NO-GO runs in Sentry: what real workers sent to a real receiver, read back through its API."""

from __future__ import annotations

import secrets

import bugsink
import pytest
import servers
from acceptance.processes import eventually
from acceptance.trial import Trial
from receivers import Receiver

from preflight.engine.celery_app import create_app


@pytest.fixture(scope="module")
def sink(tmp_path_factory):
    """Yield a Bugsink with an empty project."""
    made = bugsink.Bugsink(tmp_path_factory.mktemp("bugsink"), secrets.token_hex(8))
    made.start()
    servers.SESSION_SERVERS.add(made.pid)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def needed():
    """Skip, or fail in CI, where there is no receiver."""
    from conftest import partner

    partner("Bugsink", bugsink.installed())


@pytest.fixture(scope="module")
def watched(needed, sink, shared_valkey, acceptance_database, tmp_path_factory):
    """Yield a system whose worker tells Bugsink, and whose application has a Sentry of its own that tells it too."""
    trial = Trial(
        tmp_path_factory.mktemp("watched"),
        shared_valkey.url,
        acceptance_database,
        setup="acceptance.sentry_app:begin",
        sentry_dsn=sink.dsn,
        sentry_environment="staging",
        sentry_release="shop@7",
    )
    worker = trial.worker(SHOP_SENTRY_DSN=sink.dsn)
    servers.SESSION_SERVERS.add(worker.child.pid)
    yield trial
    trial.end()
    servers.forget(trial.redis_url, trial.namespace)


def event_about(sink, report):
    """Wait until the receiver has what was sent about a run; more than one event fails the test."""
    eventually(lambda: sink.events_of(report.id), f"an event about {report.id}")
    (event,) = sink.events_of(report.id)
    return event


def crumb(event, name):
    """Return what the breadcrumb of a check says of it."""
    return next(item["data"] for item in event["breadcrumbs"]["values"] if item["data"].get("name") == name)


def test_a_no_go_is_one_event_with_the_whole_report(watched, sink):
    """Breadcrumbs of every check, tags, environment and the report as it is stored; a GO before it is none."""
    good = watched.run({"alpha": "passes"})
    streamers = ["anna", "ben"]
    campaign = "01a20f00-0000-7000-8000-000000000007"
    report = watched.run(
        {"alpha": "passes", "five": "fails", "ten": "passes"}, campaign_id=campaign, streamer_ids=streamers
    )
    event = event_about(sink, report)

    assert event["extra"]["report"] == watched.stored(report.id).to_json()
    assert crumb(event, "five") | {"duration_ms": 0} == {
        "name": "five",
        "priority": 5,
        "status": "failed",
        "duration_ms": 0,
    }
    assert [crumb(event, name)["status"] for name in ("alpha", "five", "ten")] == ["passed", "failed", "skipped"]
    tags = event["tags"]
    assert (tags["campaign_id"], tags["streamer_ids"]) == (campaign, "anna,ben")
    assert (tags["event_type"], tags["mode"], tags["check"]) == ("trial", "full", "five")
    assert (event["environment"], event["release"]) == ("staging", "shop@7")
    assert sink.events_of(good.id) == []


def test_an_outage_is_one_issue(watched, sink):
    """Runs that the same check stops are one issue, whatever it said and whatever else failed beside it."""
    first = watched.run({"beta": "fails"})
    second = watched.run({"beta": "raises", "gamma": "fails"})
    other = watched.run({"gamma": "fails"})
    prints = [tuple(event_about(sink, report)["fingerprint"]) for report in (first, second, other)]

    assert prints[0] == prints[1] != prints[2]
    issues = [issue for issue in sink.issues() if "beta" in issue["calculated_value"]]
    assert [issue["digested_event_count"] for issue in issues] == [2]


@pytest.mark.parametrize("behaviour", ["raises", "dies", "exits", "crashes", "returns_none"])
def test_what_a_check_does_is_never_an_event_of_its_own(watched, sink, behaviour):
    """Not even where the application's own Sentry listens to Celery and to every logger: the run is the event."""
    before = len(sink.events())
    report = watched.run({"delta": behaviour})
    event_about(sink, report)
    watched.expect_go()
    marker = watched.run({"ten": "fails"})
    event_about(sink, marker)  # sent after whatever else was to be sent

    others = [event for event in sink.events() if event["environment"] != "staging"]
    assert others == []
    assert len(sink.events()) == before + 2


@pytest.fixture(scope="module")
def receiver():
    """Yield a receiver that can misbehave."""
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def hindered(receiver, shared_valkey, acceptance_database, tmp_path_factory):
    """Yield a system whose worker tells a receiver that misbehaves."""
    folder = tmp_path_factory.mktemp("hindered")
    values = {"sentry_dsn": receiver.dsn, "sentry_events_per_minute": 10_000}
    trial = Trial(folder, shared_valkey.url, acceptance_database, **values)
    servers.SESSION_SERVERS.add(trial.worker().child.pid)
    yield trial
    receiver.release()
    trial.end()
    servers.forget(trial.redis_url, trial.namespace)


@pytest.mark.parametrize("behaviour", ["limits", "refuses", "talks nonsense", "is silent"])
def test_no_run_waits_for_sentry(hindered, receiver, behaviour):
    """While the receiver misbehaves, runs have their verdicts and their reports are stored; it was really asked."""
    receiver.behaviour, before = behaviour, receiver.requests
    first = hindered.run({"alpha": "fails"})

    def was_asked():
        return receiver.requests > before or hindered.run({"alpha": "fails"}).success  # a 429 holds events back for 1 s

    eventually(was_asked, "the receiver was asked")
    reports = [hindered.run({"alpha": "fails"}) for _ in range(10)]

    for report in (first, *reports):
        assert hindered.stored(report.id) == report
    hindered.expect_go()


def test_a_job_of_beat_checks_in(hindered, receiver):
    """The worker that does it says so to Sentry, with the schedule that beat has."""
    receiver.behaviour = "takes"
    receiver.release()
    app = create_app(hindered.settings)

    def asked():
        app.send_task("preflight.sweep", queue=hindered.keys.maintenance_queue)
        return [item["status"] for item in receiver.of("check_in")][-1:] == ["ok"]

    eventually(asked, "a sweep has checked in", lambda: receiver.items)
    app.close()
    item = receiver.of("check_in")[-1]
    assert item["monitor_slug"] == f"{hindered.namespace}-health-sweep"
    assert item["monitor_config"]["schedule"] == {"type": "interval", "value": 1, "unit": "minute"}
