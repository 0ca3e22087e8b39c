"""The recorder: what it cannot store stays, and one of two does the work."""

from __future__ import annotations

import contextlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg2
import pytest
from integration.engine.conftest import Bench
from receivers import Receiver

from preflight.embedded.server import free_port
from preflight.engine.celery_app import create_app
from preflight.engine.lines import errored
from preflight.observability import sentry
from preflight.recorder import Recorder
from preflight.reports.instants import first_id, floor
from preflight.reports.partitions import _make
from preflight.settings import load


@pytest.fixture
def bench(redis_url, namespace):
    made = Bench(redis_url, namespace)
    yield made
    made.client.close()


@pytest.fixture
def recorder_for(bench):
    """Return what makes a recorder of a database, with a name of its own."""
    made = []

    def make(database_url, **values):
        values |= {"redis_url": bench.settings.redis, "namespace": bench.keys.namespace, "database_url": database_url}
        settings = load(values)
        made.append(Recorder(bench.runs, settings, create_app(settings), str(uuid.uuid4())))
        return made[-1]

    yield make
    for recorder in made:
        recorder.store.dispose()


def test_what_cannot_be_stored_stays_in_the_outbox(bench, recorder_for, database_url):
    """The database is away: nothing is forgotten, and it is stored once it is back."""
    run_id = bench.open({"a": 0})
    bench.answer(run_id, "a")
    away = recorder_for(f"postgresql://preflight@127.0.0.1:{free_port()}/preflight")

    assert away.flush() == 0
    assert bench.outbox() == [str(run_id)]

    bench.client.delete(bench.keys["lease:recorder"])
    back = recorder_for(database_url)
    assert back.flush() == 1
    assert back.store.get(run_id) == bench.state(run_id).report()
    assert bench.outbox() == []


def test_a_recorder_without_the_lease_stores_nothing(bench, recorder_for, database_url):
    """Another one is at work, or was a moment ago."""
    first, second = recorder_for(database_url), recorder_for(database_url)
    assert first.flush() == 0
    run_id = bench.open({"a": 0})
    bench.answer(run_id, "a")

    assert second.flush() == 0
    assert first.flush() == 1


#: Forty runs of this size are more than the smallest bound, 1 MiB.
LARGE = {"text": "x" * 32_000}


@pytest.fixture
def away():
    """Return the address of a database that is away."""
    return f"postgresql://preflight@127.0.0.1:{free_port()}/preflight"


def ended(bench, mode="full", **details):
    """Open a run, end it, and return its id as text."""
    run_id = bench.open({"a": 0}, mode=mode, **details)
    bench.answer(run_id, "a")
    return str(run_id)


def weight(bench):
    """Return the bytes that waiting states take."""
    return sum(bench.client.memory_usage(bench.keys.state(run_id), samples=0) for run_id in bench.outbox())


def told(caplog):
    """Return the ids of the reports that were logged whole, in order."""
    lines = [record.message for record in caplog.records if record.message.startswith("{")]
    return [json.loads(line)["report"]["id"] for line in lines]


def counted(bench, name):
    """Return how many reports were counted under a name."""
    return int(bench.client.hget(bench.keys["numbers"], name) or 0)


def test_the_outbox_is_kept_within_its_bound(bench, recorder_for, away, caplog):
    """While the store is away: the oldest light runs go first, each into the log, and they are counted."""
    full = [ended(bench, metadata=LARGE) for _ in range(10)]
    light = [ended(bench, "light", metadata=LARGE) for _ in range(30)]
    recorder_for(away, outbox_mb=1).flush()

    assert 0 < weight(bench) <= 2**20
    assert set(full) <= set(bench.outbox())
    assert told(caplog) == light[: len(told(caplog))]
    assert sorted(told(caplog) + bench.outbox()) == sorted(full + light)
    assert counted(bench, "shed") == len(told(caplog)) > 0
    assert 0 < bench.client.pttl(bench.keys.state(light[0])) <= 60_000


def test_full_runs_are_shed_when_no_light_one_is_left(bench, recorder_for, away, caplog):
    """The oldest of them, each with a line."""
    light = [ended(bench, "light", metadata=LARGE) for _ in range(2)]
    full = [ended(bench, metadata=LARGE) for _ in range(40)]
    recorder_for(away, outbox_mb=1).flush()
    gone = told(caplog)

    assert weight(bench) <= 2**20
    assert gone[:2] == light
    assert gone[2:] == full[: len(gone) - 2]
    assert bench.outbox() == full[len(gone) - 2 :]


def test_an_outbox_within_its_bound_sheds_nothing(bench, recorder_for, away, caplog):
    """However often the store fails."""
    full = [ended(bench, metadata=LARGE) for _ in range(5)]
    recorder = recorder_for(away, outbox_mb=1)
    for _ in range(10):
        recorder.flush()

    assert bench.outbox() == full
    assert told(caplog) == []


def test_one_recorder_sheds_at_a_time(bench, recorder_for, away, caplog):
    """Another one that fails to store leaves the backlog to the one that has it."""
    recorder_for(away, outbox_mb=1)
    bench.client.set(bench.keys["lease:backlog"], "another", px=30_000)
    full = [ended(bench, metadata=LARGE) for _ in range(40)]
    recorder_for(away, outbox_mb=1).flush()

    assert bench.outbox() == full
    assert told(caplog) == []


def test_a_report_is_logged_before_it_is_forgotten(bench, recorder_for, away, caplog, monkeypatch):
    """Killed in between: it is still in the outbox, and told again by the next recorder; it is counted once."""
    runs = [ended(bench, metadata=LARGE) for _ in range(40)]
    recorder = recorder_for(away, outbox_mb=1)
    with monkeypatch.context() as killed:
        killed.setattr(type(bench.runs), "drop", interrupted)
        with pytest.raises(KeyboardInterrupt):
            recorder.flush()
    before = told(caplog)
    assert before
    assert bench.outbox() == runs

    recorder.flush()
    assert set(before) <= set(told(caplog)[len(before) :])
    assert counted(bench, "shed") == len(set(told(caplog)))


def interrupted(*arguments):
    """Stand for the moment at which a process is killed."""
    raise KeyboardInterrupt


def test_a_report_that_the_store_refuses_does_not_hold_the_others(bench, recorder_for, database_url, caplog):
    """A constraint refuses one: it is logged with the reason, counted, leaves the outbox, and the others are stored."""
    good, bad, also_good = (ended(bench) for _ in range(3))
    with contextlib.closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE preflight_reports ADD CONSTRAINT picky CHECK (id <> '{bad}')")
    recorder = recorder_for(database_url)
    recorder.flush()

    assert {str(report.id) for report in recorder.store.page()} == {good, also_good}
    assert told(caplog) == [bad]
    assert "CheckViolation" in caplog.text
    assert bench.outbox() == []
    assert counted(bench, "refused") == 1


def misdated(bench, days, **changed):
    """End a run whose id is of another day."""
    at = datetime.now(UTC) + timedelta(days=days)
    run_id = UUID(int=first_id(at).int | 7 << 76 | 2 << 62 | 1)
    bench.open({"a": 0}, run_id=run_id)
    bench.answer(run_id, "a")
    if changed:
        bench.client.hset(bench.keys.state(run_id), mapping=changed)
    return str(run_id)


def test_a_report_of_a_day_without_partition_waits_and_holds_nobody_up(bench, recorder_for, database_url, caplog):
    """A caller's clock is a month ahead: the others are stored, it is told once and given out again later."""
    good, strange, also_good = ended(bench), misdated(bench, 30), ended(bench)
    recorder = recorder_for(database_url)
    for _ in range(3):
        recorder.flush()

    assert {str(report.id) for report in recorder.store.page()} == {good, also_good}
    assert bench.outbox() == [strange]
    assert caplog.text.count(f"1 reports wait in Redis, among them {strange}: ") == 1
    assert "Correct the clock of the machine" in caplog.text
    assert (told(caplog), counted(bench, "refused")) == ([], 0)

    later = ended(bench)
    assert recorder.flush() == 1
    assert str(recorder.store.page()[0].id) == later


def test_it_is_stored_when_its_day_has_a_partition(bench, recorder_for, database_url):
    """After its time it is tried again."""
    strange = misdated(bench, 15)
    recorder = recorder_for(database_url)
    recorder.flush()
    with recorder.store._engine.begin() as connection:
        _make(connection, floor(datetime.now(UTC), 86400) + timedelta(days=15))
    assert recorder.flush() == 0

    bench.client.zincrby(bench.keys["outbox"], -700_000, strange)
    assert recorder.flush() == 1
    assert [str(report.id) for report in recorder.store.page()] == [strange]
    assert bench.outbox() == []


def test_it_is_logged_before_its_state_leaves_redis(bench, recorder_for, database_url, caplog):
    """After six days of waiting nothing helps: the whole report is a line, and counted."""
    opened = int((datetime.now(UTC) - timedelta(days=6, hours=1)).timestamp() * 1000)
    strange = misdated(bench, 300, opened=opened)
    recorder_for(database_url).flush()

    assert told(caplog) == [strange]
    assert counted(bench, "refused") == 1
    assert bench.outbox() == []


def test_a_run_whose_state_is_gone_leaves_a_line(bench, recorder_for, database_url, caplog):
    """Redis has dropped it, or it waited for more than a week: its id is told and counted."""
    run_id = ended(bench)
    bench.client.delete(bench.keys.state(run_id))
    recorder_for(database_url).flush()

    assert f"the state of {run_id} is gone" in caplog.text
    assert bench.outbox() == []
    assert counted(bench, "lost") == 1


@pytest.fixture
def receiver(bench):
    """Yield a receiver that Sentry is on for, in this process."""
    made = Receiver()
    sentry.start(load({"sentry_dsn": made.dsn}), "worker")
    yield made
    sentry.stop()
    made.close()


def told_to(receiver):
    """Return the ids of the runs that the receiver was told about."""
    sentry.stop()
    return [event["tags"]["run_id"] for event in receiver.of("event")]


def no_go(bench):
    """End a run with NO-GO and return its id."""
    run_id = bench.open({"a": 0})
    bench.answer(run_id, "a", errored("away"))
    return run_id


def test_only_reports_that_were_new_are_told_to_sentry(bench, recorder_for, database_url, receiver):
    """One that another recorder has stored, and was killed before it could forget it, was its to tell."""
    known, new, good = no_go(bench), no_go(bench), ended(bench)
    recorder = recorder_for(database_url)
    recorder.store.save([bench.state(known).report()])
    recorder.flush()
    recorder.record([bench.state(new)])

    assert told_to(receiver) == [str(new)]
    assert good not in told_to(receiver)


def test_sentry_is_told_after_the_report_is_stored(bench, recorder_for, database_url, receiver, monkeypatch):
    """Whoever is killed in between loses the event, and never sends it twice."""
    run_id, recorder = no_go(bench), recorder_for(database_url)
    with monkeypatch.context() as killed:
        killed.setattr(sentry, "tell", interrupted)
        with pytest.raises(KeyboardInterrupt):
            recorder.flush()
    assert recorder.store.get(run_id)
    recorder.flush()

    assert told_to(receiver) == []


def test_a_no_go_that_no_store_takes_is_told_too(bench, recorder_for, database_url, receiver):
    """It is in the log and in Sentry only."""
    run_id = no_go(bench)
    with contextlib.closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("ALTER TABLE preflight_reports ADD CONSTRAINT picky CHECK (success)")
    recorder_for(database_url).flush()

    assert told_to(receiver) == [str(run_id)]
