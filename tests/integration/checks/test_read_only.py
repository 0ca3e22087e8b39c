"""No check changes anything: each one does with an account that may do no more than its page says."""

from __future__ import annotations

import dataclasses

import psycopg2
import pytest
from pydantic import SecretStr

from preflight.cli import check_pages
from preflight.types import Status

CHECKS = {
    check.name: check for check in check_pages.shipped() if type(check).__module__.startswith("preflight.checks.")
}
ON_REDIS = ("beat", "broker", "redis", "workers")
ON_POSTGRESQL = ("database", "migrations")
#: Another database than 0, which takes a command to choose.
DATABASE = 3


def rule_of(name, namespace):
    """Return the ACL rule on a check's page, for a namespace."""
    return CHECKS[name].permissions.replace("<namespace>", namespace).split()


@pytest.fixture
def limited(valkey, admin):
    """Return a function that makes a Redis user of an ACL rule and returns its address."""

    def make(rule):
        admin.execute_command("ACL", "SETUSER", "limited", "reset", "on", ">pw", *rule)
        return f"redis://limited:pw@127.0.0.1:{valkey.port}/{DATABASE}"

    return make


@pytest.fixture
def alive(admin, namespace):
    """Write what the checks read: a worker's heartbeat and beat's tick, in a database of their own."""
    seconds, _ = admin.time()
    admin.select(DATABASE)
    admin.zadd(f"{namespace}:alive", {"one": seconds * 1000 + 60_000})
    admin.hset(f"{namespace}:beat", "tick", seconds * 1000)
    admin.set("somebody", "else's")
    yield
    admin.select(0)


def of(name, url, namespace):
    """Return a check that asks a Redis or a PostgreSQL."""
    fields = {field.name for field in dataclasses.fields(CHECKS[name])}
    details = {"namespace": namespace} if "namespace" in fields else {}
    return dataclasses.replace(CHECKS[name], url=SecretStr(url), timeout=3.0, **details)


def contents(admin):
    """Return every key of the database with its value as the server dumps it."""
    return {key: admin.dump(key) for key in admin.keys("*")}


def test_every_check_that_signs_in_says_what_its_account_needs():
    """A check with an address that holds an account names its rights; the others sign in nowhere."""
    signs_in = {name for name, check in CHECKS.items() if isinstance(getattr(check, "url", None), SecretStr)}

    assert signs_in == {*ON_REDIS, *ON_POSTGRESQL}
    assert {name for name, check in CHECKS.items() if check.permissions} == signs_in


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize("name", ON_REDIS)
def test_a_redis_user_with_the_documented_rule_is_enough(ask, admin, limited, namespace, name):
    """The check passes with no other right than those of its page, and every key is as before."""
    before = contents(admin)

    result = ask(of(name, limited(rule_of(name, namespace)), namespace))

    assert result.status is Status.PASSED
    assert contents(admin) == before


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize("name", ON_REDIS)
def test_no_right_of_the_rule_is_to_spare(ask, limited, namespace, name):
    """Without any one of them the check cannot pass, and says that it is denied something."""
    rule = rule_of(name, namespace)
    for right in rule:
        result = ask(of(name, limited([other for other in rule if other != right]), namespace))
        assert result.status is Status.FAILED, right
        assert "denies this user" in result.message, right


@pytest.fixture
def reader(database_url, shared_postgresql):
    """Yield a function that makes a role that can only read, grants it what a text says, and returns its address."""
    connection = psycopg2.connect(database_url)
    connection.autocommit = True
    cursor, database = connection.cursor(), database_url.rpartition("/")[2]
    cursor.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    cursor.execute("CREATE ROLE reader LOGIN PASSWORD 'pw'")
    cursor.execute("ALTER ROLE reader SET default_transaction_read_only = on")

    def make(grants):
        cursor.execute(grants.replace("<database>", database).replace("<user>", "reader"))
        return database_url.replace("//preflight:", "//reader:").replace(shared_postgresql.password, "pw")

    yield make, cursor
    cursor.execute("DROP OWNED BY reader")
    cursor.execute("DROP ROLE reader")
    connection.close()


def rows(cursor):
    """Return every row of every table, and the tables themselves."""
    cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1")
    found = {}
    for (table,) in cursor.fetchall():
        cursor.execute(f'SELECT row.ctid, row.* FROM "{table}" AS row')
        found[table] = cursor.fetchall()
    return found


@pytest.mark.parametrize("name", ON_POSTGRESQL)
def test_a_role_with_the_documented_grants_is_enough(ask, reader, namespace, name):
    """The check passes for a role that can write nowhere and has no other right; no row of any table is new."""
    make, cursor = reader
    before = rows(cursor)

    result = ask(of(name, make(CHECKS[name].permissions), namespace))

    assert result.status is Status.PASSED
    assert rows(cursor) == before
    assert "preflight_schema_version" in before


@pytest.mark.parametrize("name", ON_POSTGRESQL)
def test_no_grant_is_to_spare(ask, reader, namespace, name):
    """Without any one of them the check cannot pass, and says that it is not let in or may not read."""
    make, _ = reader
    grants = CHECKS[name].permissions.split("; ")
    for number in range(len(grants)):
        make("REVOKE ALL ON DATABASE <database> FROM <user>; REVOKE ALL ON preflight_schema_version FROM <user>")
        url = make("; ".join(["SELECT 1", *grants[:number], *grants[number + 1 :]]))
        result = ask(of(name, url, namespace))
        assert result.status is Status.FAILED, grants[number]
        assert "does not let this user" in result.message, grants[number]
