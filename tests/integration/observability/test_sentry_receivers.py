"""Telling Sentry from one process: in the background, within bounds, whatever the receiver does."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import uuid
from datetime import UTC, datetime

import pytest
import sentry_sdk
from receivers import Receiver

from preflight.embedded.process import wait_until
from preflight.embedded.server import free_port
from preflight.observability import receiver as way
from preflight.observability import sentry
from preflight.settings import load
from preflight.types import CheckReport, PreFlightReport, Status

pytestmark = pytest.mark.usefixtures("leaves_nothing")
SECONDS = 30


@pytest.fixture
def receiver():
    """Yield a receiver; Sentry is off and the receiver closed afterwards."""
    made = Receiver()
    yield made
    made.release()
    sentry.stop()
    made.close()


def start(dsn, **values):
    sentry.start(load({"sentry_dsn": dsn, "namespace": "shop", **values}), "worker")


def no_go(status=Status.FAILED):
    check = CheckReport(name="redis", priority=0, status=status)
    details = {"mode": "full", "event_type": "launch", "created_at": datetime.now(UTC), "duration_ms": 4}
    return PreFlightReport(id=uuid.uuid4(), checks=(check,), **details)


def ids(events):
    return [event["event_id"] for event in events]


def test_a_no_go_is_one_event_and_a_go_none(receiver):
    """With the whole report in it, and where it comes from."""
    start(receiver.dsn, sentry_environment="staging", sentry_release="shop@7")
    report = no_go()
    for told in (no_go(Status.PASSED), report):
        sentry.tell(told)
    sentry.stop()

    (event,) = receiver.of("event")
    assert event["event_id"] == report.id.hex
    assert event["extra"]["report"] == report.to_json()
    assert (event["environment"], event["release"], event["tags"]["part"]) == ("staging", "shop@7", "worker")


def test_a_large_report_is_whole(receiver):
    """Neither its hundred checks nor what is deep in their metadata is cut."""
    start(receiver.dsn)
    deep = {"a": {"b": {"c": {"d": {"e": {"f": {"g": list(range(50))}}}}}}}
    checks = [CheckReport(name=f"c{n}", priority=0, status=Status.FAILED, metadata=deep) for n in range(100)]
    details = {"mode": "full", "event_type": "launch", "created_at": datetime.now(UTC), "duration_ms": 4}
    report = PreFlightReport(id=uuid.uuid4(), checks=tuple(checks), **details)
    sentry.tell(report)
    sentry.stop()

    (event,) = receiver.of("event")
    assert event["extra"]["report"] == report.to_json()
    assert len(event["breadcrumbs"]["values"]) == 100


def test_what_is_over_the_budget_is_counted_and_said_once(receiver, caplog):
    """A thousand failing runs are three events, and one line at once and one at the end with their number."""
    start(receiver.dsn, sentry_events_per_minute=3)
    for _ in range(1000):
        sentry.tell(no_go())
    sentry.stop()

    assert len(receiver.of("event")) == 3
    assert [record.message for record in caplog.records if "NO-GO runs" in record.message] == [
        "more NO-GO runs than PREFLIGHT_SENTRY_EVENTS_PER_MINUTE (3): the others are only counted",
        "997 NO-GO runs were not told to Sentry: they were more than its budget",
    ]


def test_telling_a_silent_receiver_never_waits(receiver, caplog):
    """It holds the first event; the others queue up to a bound and are lost beyond it, which is said once."""
    receiver.behaviour = "is silent"
    start(receiver.dsn, sentry_events_per_minute=10_000)
    sentry.tell(no_go())
    assert wait_until(lambda: receiver.requests == 1, SECONDS)
    for _ in range(way.QUEUE_SIZE + 50):
        sentry.tell(no_go())

    assert receiver.requests == 1  # all of this while it held the first
    assert [record.message for record in caplog.records if "takes no events" in record.message] == [
        "Sentry takes no events: it takes them too slowly. Runs go on; what is not sent is counted"
    ]


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("limits", "it limits their rate"),
        ("refuses", "it answers with status 500"),
        ("talks nonsense", "it cannot be reached"),
    ],
)
def test_what_a_receiver_does_not_take_is_said_once_and_counted(receiver, caplog, behaviour, words):
    """One line when it begins; when it takes events again, one with the number of those that were lost."""
    receiver.behaviour = behaviour
    start(receiver.dsn)
    for number in range(1, 4):
        sentry.tell(no_go())
        assert wait_until(lambda count=number: lost() == count, SECONDS)
    receiver.behaviour = "takes"

    def taken():
        sentry.tell(no_go())
        return wait_until(lambda: receiver.of("event"), 0.5)

    assert wait_until(taken, SECONDS)
    assert wait_until(lambda: "takes events again" in caplog.text, SECONDS)
    said = [record.message for record in caplog.records if record.name == "preflight.sentry"]
    assert said[0] == f"Sentry takes no events: {words}. Runs go on; what is not sent is counted"
    assert said[1].startswith("Sentry takes events again: ")
    assert said[1].endswith(" were not sent")
    assert len(said) == 2


def lost():
    return sentry._of_process(os.getpid())._client.transport.losses._count


def test_a_receiver_that_is_away_is_said_once(caplog):
    """Nobody listens there."""
    start(f"http://{'0123456789abcdef' * 2}@127.0.0.1:{free_port()}/1")
    sentry.tell(no_go())
    assert wait_until(lambda: "it cannot be reached" in caplog.text, SECONDS)
    sentry.tell(no_go())
    sentry.stop()

    assert caplog.text.count("takes no events") == 1


@pytest.mark.parametrize(
    "dsn",
    [
        "hunter2hunter2",
        "https://sentry.example.com/1",
        "https://hunter2hunter2@sentry.example.com",
        "https://hunter2hunter2@sentry.example.com:99999/1",
        "ftp://hunter2hunter2@sentry.example.com/1",
        "https://hunter2hunter2@sentry.example.com/1\n",
        "https://hunter2 hunter2@sentry.example.com/1",
        "https://[hunter2hunter2@x/1",
    ],
)
def test_a_malformed_dsn_is_one_warning_and_runs_go_on(dsn, caplog):
    """Sentry is off; the line does not hold what may be the key."""
    settings = load({"sentry_dsn": dsn})
    for _ in range(2):
        sentry.start(settings, "worker")
        sentry.tell(no_go())
    sentry.stop()

    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert caplog.records[0].message.startswith("PREFLIGHT_SENTRY_DSN is no DSN: it must be as in https://key@")
    assert "hunter2" not in caplog.text


def test_without_a_dsn_the_sdk_is_not_loaded(tmp_path):
    """Who has no Sentry pays nothing for it."""
    code = (
        "import sys; from preflight.observability import sentry; from preflight.settings import load;"
        "import preflight.recorder, preflight.keeping;"
        "sentry.start(load(), 'worker'); sentry.stop(); sys.exit('sentry_sdk' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=tmp_path).returncode == 0


def test_a_job_checks_in_when_it_begins_and_when_it_ends(receiver):
    """With its monitor's name and schedule; both carry the same id."""
    start(receiver.dsn, sentry_environment="staging")
    with sentry.checked_in("health-sweep", 300):
        pass
    sentry.stop()

    began, ended = receiver.of("check_in")
    assert (began["status"], ended["status"]) == ("in_progress", "ok")
    assert began["check_in_id"] == ended["check_in_id"]
    assert (began["monitor_slug"], began["environment"]) == ("shop-health-sweep", "staging")
    assert began["monitor_config"]["schedule"] == {"type": "interval", "value": 5, "unit": "minute"}
    assert ended["duration"] >= 0


def test_a_job_that_fails_checks_in_with_an_error(receiver):
    """What it raised goes on, and is no event."""
    start(receiver.dsn)
    with pytest.raises(RuntimeError, match="no space"), sentry.checked_in("retention-purge", 86_400):
        raise RuntimeError("no space")
    sentry.stop()

    assert [item["status"] for item in receiver.of("check_in")] == ["in_progress", "error"]
    assert receiver.of("event") == []


def test_a_job_more_often_than_sentry_can_count_has_no_monitor(receiver):
    """Its schedules are in minutes."""
    start(receiver.dsn)
    with sentry.checked_in("tick", 10):
        pass
    sentry.stop()

    assert receiver.items == []


def test_a_forked_process_tells_over_a_connection_of_its_own(receiver):
    """Neither the parent's queue nor its thread is there for the child."""
    start(receiver.dsn)
    before = no_go()
    sentry.tell(before)
    after = no_go()
    child = os.fork()
    if not child:
        sentry.tell(after)
        sentry.stop()
        os._exit(0)
    os.waitpid(child, 0)
    sentry.stop()

    assert sorted(ids(receiver.of("event"))) == sorted([before.id.hex, after.id.hex])


def test_the_applications_own_sentry_is_left_alone(receiver):
    """PreFlight's client is not the global one, has no integrations, and starts no more than its own thread."""
    start(receiver.dsn)
    sentry.tell(no_go())

    assert not sentry_sdk.get_client().is_active()
    assert not sentry_sdk.is_initialized()
    assert sentry._of_process(os.getpid())._client.integrations == {}
    assert [thread.name for thread in threading.enumerate() if "sentry" in thread.name] == [
        "sentry-sdk.BackgroundWorker"
    ]
