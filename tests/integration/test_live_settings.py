"""Operators' changes on a real PostgreSQL and a real Redis: saved, audited, published, published again."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import threading

import psycopg2
import pytest
from conftest import TEMPLATE
from integration.engine.conftest import Bench
from pydantic import SecretStr

from preflight import CheckResult, PreFlightCheck, PreFlightRegistry
from preflight.changes import UNCHANGED
from preflight.embedded.server import free_port
from preflight.engine.published import published, published_version
from preflight.exceptions import InvalidChange, InvalidSettings, StoreUnavailable, UnknownCheck
from preflight.live_settings import LiveSettings, Republisher
from preflight.reports import migrations
from preflight.reports.changes import CHANGE_LOCK
from preflight.settings import load

#: What no user of PreFlight does.
EMPTY = (
    "ALTER TABLE preflight_check_changes DISABLE TRIGGER USER; DELETE FROM preflight_check_changes;"
    " ALTER TABLE preflight_check_changes ENABLE TRIGGER USER"
)
WHO = {"who": "ada@harbour", "why": "the tide is low"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tank(PreFlightCheck):
    """Ask whether the tank is full."""

    name: str = "tank"
    least: int = 10
    address: str = "sea"
    token: SecretStr = dataclasses.field(default=SecretStr("canary"))
    load: float = 1.0

    def execute(self, context):
        return CheckResult.passed()


@pytest.fixture
def bench(redis_url, namespace):
    made = Bench(redis_url, namespace)
    yield made
    made.client.close()


@pytest.fixture
def live_with(bench):
    """Return what makes the live settings of a system whose settings differ."""
    made = []
    registry = PreFlightRegistry()
    registry.register(Tank)

    def make(**values):
        values = {"redis_url": bench.settings.redis, "namespace": bench.keys.namespace} | values
        made.append(LiveSettings(load(values), registry))
        return made[-1]

    yield make
    for live in made:
        live.close()


@pytest.fixture(scope="module")
def module_database(shared_postgresql):
    """Yield a migrated database of the module's own."""
    name = f"t{secrets.token_hex(6)}"
    yield shared_postgresql.create_database(name, TEMPLATE)
    shared_postgresql.drop_database(name)


@pytest.fixture
def database_url(module_database):
    """Yield the database without a change."""
    yield module_database
    sql(module_database, EMPTY)


@pytest.fixture
def live(live_with, database_url):
    return live_with(database_url=database_url)


@pytest.fixture
def republisher(live, bench):
    """Return what a worker publishes with; its turn comes at once."""
    made = Republisher(bench.runs, live.settings)

    class Eager:
        def look(self):
            bench.client.delete(bench.keys["lease:settings"])
            return made.look()

    yield Eager()
    made._store.dispose()


def sql(url, statement, *values):
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        connection.commit()
        return cursor.fetchall() if cursor.description else []


def values_of(live, name="tank"):
    """Return what is published of a check."""
    return dict(live.in_force().values(name))


def test_a_change_is_in_force_at_once_and_audited(live):
    """Who, when, why, from, to; one version for what was changed together."""
    outcome = live.set("tank", {"least": 20, "timeout": 2}, **WHO)

    assert (outcome.version, outcome.pending) == (1, "")
    assert values_of(live) == {"least": 20, "timeout": 2}
    first, second = live.history("tank")
    assert (first.key, first.old_value, first.new_value, first.action, first.version) == ("least", 10, 20, "set", 1)
    assert (second.key, second.old_value, second.new_value) == ("timeout", 5.0, 2)
    assert (first.changed_by, first.why) == ("ada@harbour", "the tide is low")
    assert first.changed_at.utcoffset().total_seconds() == 0


def test_what_is_taken_back_is_as_before_and_stays_in_the_history(live):
    """One key, then the rest; the version grows, so that nobody takes an old answer."""
    live.set("tank", {"least": 20, "timeout": 2, "enabled": False}, **WHO)
    live.reset("tank", ["timeout"], **WHO)
    assert values_of(live) == {"least": 20, "enabled": False}
    live.reset("tank", **WHO)

    assert values_of(live) == {}
    assert live.in_force().revision("tank") == live.in_force().version == 3
    assert [(one.version, one.action, one.key) for one in live.history("tank")] == [
        (3, "reset", "enabled"), (3, "reset", "least"), (2, "reset", "timeout"),
        (1, "set", "enabled"), (1, "set", "least"), (1, "set", "timeout"),
    ]  # fmt: skip
    assert [(one.old_value, one.new_value) for one in live.history("tank")][:2] == [(False, True), (20, 10)]


def test_a_check_is_listed_with_its_values_and_where_they_come_from(live):
    """What the page shows; a secret is masked."""
    live.set("tank", {"least": 20}, **WHO)
    (tank,) = live.list()
    found = {one.key: (one.value, one.source) for one in tank.values}

    assert found["least"] == (20, "operator")
    assert found["timeout"] == (5.0, "code")
    assert found["token"] == ("***", "code")
    assert tank.revision == 1


def test_what_is_so_already_is_no_change(live):
    """Nothing is added to the audit, and nobody plans anew."""
    live.set("tank", {"least": 20}, **WHO)
    outcome = live.set("tank", {"least": 20}, **WHO)

    assert (outcome.version, outcome.changes) == (1, ())
    assert len(live.history()) == 1


@pytest.mark.parametrize(
    ("name", "values", "kind", "says"),
    [
        ("tnak", {"least": 1}, UnknownCheck, "Did you mean tank"),
        ("tank", {"laest": 1}, InvalidChange, "Did you mean least"),
        ("tank", {"least": "many"}, InvalidChange, "should be a valid integer"),
        ("tank", {"timeout": 0}, InvalidChange, "more than 0"),
        ("tank", {"load": float("nan")}, InvalidChange, "must be JSON"),
        ("tank", {"least": object()}, InvalidChange, "must be JSON"),
        ("tank", {"address": "x" * 5000}, InvalidChange, "at most 4096"),
        ("tank", {"token": "abcdefgh"}, InvalidChange, "secret"),
        ("tank", {"address": "redis://:hunter2@sea"}, InvalidChange, "secret"),
        ("tank", {}, InvalidChange, "Say what to change"),
    ],
)
def test_a_wrong_change_is_refused_and_leaves_no_trace(live, name, values, kind, says):
    """One line, no secret, nothing changed."""
    with pytest.raises(kind, match=says) as refused:
        live.set(name, values, **WHO)

    assert "hunter2" not in str(refused.value)
    assert "abcdefgh" not in str(refused.value)
    assert live.history() == []
    assert live.in_force() == UNCHANGED


@pytest.mark.parametrize("missing", [{"why": " \n"}, {"why": "x" * 501}, {"who": ""}, {"why": None}])
def test_a_change_without_who_or_why_is_refused(live, missing):
    """The audit is for those who come after."""
    with pytest.raises(InvalidChange):
        live.set("tank", {"least": 20}, **(WHO | missing))
    assert live.history() == []


def test_text_that_no_table_takes_is_stored_as_what_it_takes(live):
    """NUL and half a pair of surrogates, from a form or from a shell."""
    live.set("tank", {"address": "a\x00\ud800"}, who="ada\x00", why="low\ud800\ntide")

    (entry,) = live.history("tank")
    assert (entry.changed_by, entry.why, entry.new_value) == ("ada\ufffd", "low\ufffd tide", "a\ufffd\ufffd")
    with pytest.raises(UnknownCheck):
        live.history("\x00")


@pytest.mark.parametrize(
    ("keys", "says"),
    [(["timeuot"], "Did you mean timeout.*Changed: timeout"), (["least"], "No operator has changed tank.'least'")],
)
def test_taking_back_what_was_not_changed_is_refused(live, keys, says):
    """With the nearest of what was."""
    live.set("tank", {"timeout": 2}, **WHO)
    with pytest.raises(InvalidChange, match=says):
        live.reset("tank", keys, **WHO)
    with pytest.raises(UnknownCheck, match="Did you mean tank"):
        live.reset("tnak", **WHO)
    live.reset("tank", **WHO)
    with pytest.raises(InvalidChange, match="Nothing of 'tank'"):
        live.reset("tank", **WHO)


def test_what_a_newer_version_of_a_check_does_not_have_can_be_taken_back(live, database_url):
    """The parameter, or the whole check, was removed from the code."""
    live.set("tank", {"least": 20}, **WHO)
    columns = "(version, check_name, key, action, old_value, new_value, changed_by, why)"
    for name in ("tank", "gone"):
        row = f"INSERT INTO preflight_check_changes {columns} VALUES (2, %s, 'depth', 'set', '1', '2', 'ada', 'deep')"
        sql(database_url, row, name)

    live.reset("tank", ["depth"], **WHO)
    live.reset("gone", **WHO)

    assert values_of(live) == {"least": 20}
    assert values_of(live, "gone") == {}


@pytest.mark.parametrize("statement", ["UPDATE {} SET why = 'no reason'", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_audit_cannot_be_rewritten(live, database_url, statement):
    """Not by PreFlight's own database user either."""
    live.set("tank", {"least": 20}, **WHO)
    with pytest.raises(psycopg2.errors.RaiseException, match="is an audit"):
        sql(database_url, statement.format("preflight_check_changes"))

    assert [one.why for one in live.history()] == ["the tide is low"]


def test_two_operators_at_a_time_wait_for_each_other(live_with, database_url):
    """Every change has a version of its own, and the last one has them all."""
    many = [live_with(database_url=database_url) for _ in range(4)]
    threads = [
        threading.Thread(target=live.set, args=("tank", {key: number}), kwargs=WHO)
        for live, (key, number) in zip(
            many, [("least", 3), ("timeout", 4), ("load", 5.5), ("address", "6")], strict=True
        )
    ]
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with contextlib.closing(psycopg2.connect(database_url)) as holder, holder.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (CHANGE_LOCK,))
        for thread in threads:
            thread.start()
        while sql(database_url, waiting) != [(4,)]:
            assert all(thread.is_alive() for thread in threads), "an operator did not wait"
    for thread in threads:
        thread.join()

    assert sorted(one.version for one in many[0].history()) == [1, 2, 3, 4]
    assert values_of(many[0]) == {"least": 3, "timeout": 4, "load": 5.5, "address": "6"}


def test_a_change_while_redis_is_away_is_published_when_it_is_back(live_with, live, republisher, database_url):
    """The operator is told in one line; a worker does the rest."""
    away = live_with(database_url=database_url, redis_url=f"redis://:hunter2@127.0.0.1:{free_port()}/0")
    outcome = away.set("tank", {"least": 20}, **WHO)

    assert "Redis refuses connections (127.0.0.1:" in outcome.pending
    assert "hunter2" not in outcome.pending
    assert values_of(live) == {}
    assert republisher.look() == 1
    assert values_of(live) == {"least": 20}
    assert republisher.look() == 0, "once"


def test_what_redis_lost_is_published_again(live, republisher, bench):
    """FLUSHALL, or a restart without its file."""
    live.set("tank", {"least": 20}, **WHO)
    bench.client.delete(bench.keys["settings"])

    assert republisher.look() == 1
    assert values_of(live) == {"least": 20}


def test_a_change_after_the_database_was_restored_is_newer_than_what_redis_has(live, bench, database_url):
    """Versions never go back for those who compare them."""
    live.set("tank", {"least": 20}, **WHO)
    live.set("tank", {"least": 30}, **WHO)
    sql(database_url, EMPTY)

    live.set("tank", {"least": 40}, **WHO)

    assert published_version(bench.runs) == 3
    assert values_of(live) == {"least": 40}


def test_one_of_all_workers_looks_at_a_time(live, bench):
    """The others leave the table alone."""
    first, second = Republisher(bench.runs, live.settings), Republisher(bench.runs, live.settings)
    live.set("tank", {"least": 20}, **WHO)
    bench.client.delete(bench.keys["settings"])

    assert (first.look(), second.look()) == (1, 0)
    first._store.dispose()
    second._store.dispose()


def test_without_a_database_the_line_says_what_is_missing(live_with):
    """Runs go on; only operators cannot change anything."""
    live = live_with()
    with pytest.raises(InvalidSettings, match="PREFLIGHT_DATABASE_URL is not set"):
        live.set("tank", {"least": 20}, **WHO)
    assert live.list()


def test_a_database_that_is_away_is_one_line_and_what_is_in_force_stays(live_with, live, bench):
    """Nothing is changed, nothing is forgotten, and a worker goes on."""
    live.set("tank", {"least": 20}, **WHO)
    away = live_with(database_url=f"postgresql://ada:hunter2@127.0.0.1:{free_port()}/harbour")
    with pytest.raises(StoreUnavailable, match="refuses the connection") as refused:
        away.set("tank", {"least": 30}, **WHO)
    worker = Republisher(bench.runs, away.settings)

    assert "hunter2" not in str(refused.value)
    assert worker.look() == 0
    assert published(live.settings).values("tank") == {"least": 20}


def test_a_schema_that_is_too_old_says_which_command_to_run(live_with, shared_postgresql, namespace):
    """The tables of the release before."""
    url = shared_postgresql.create_database(namespace, "template1")
    migrations.upgrade(url)
    migrations.downgrade(url, "0001")
    live = live_with(database_url=url)
    with pytest.raises(StoreUnavailable, match="Run `preflight db upgrade`"):
        live.set("tank", {"least": 20}, **WHO)
    live.close()
    shared_postgresql.drop_database(namespace)
