"""The pack's own tables: how they are made, how they are read, and that nothing but reading is done."""

from __future__ import annotations

import contextlib
import secrets
from uuid import UUID

import psycopg2
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from integration.campaign.conftest import campaign, cannot_be_asked
from pydantic import SecretStr

from preflight.campaign import migrations, sample
from preflight.campaign.encryption import Keys
from preflight.campaign.models import memberships, metadata, streamers
from preflight.campaign.rotation import rotate
from preflight.campaign.source import SourceUnavailable
from preflight.campaign.tables import Tables
from preflight.cli import check_pages
from preflight.exceptions import StoreUnavailable
from preflight.reports import migrations as reports
from preflight.schemas import check, upgrade
from preflight.types import Status

CHECKS = ("tokens", "vtt_connection", "cooldown", "gamification_config")
SHIPPED = {check.name: check for check in check_pages.shipped()}


@pytest.fixture
def empty(shared_postgresql, leaves_nothing):
    """Yield the address of a database without anything."""
    name = f"t{secrets.token_hex(6)}"
    yield shared_postgresql.create_database(name)
    shared_postgresql.drop_database(name)


@pytest.fixture
def tables(sampled, leaves_nothing):
    """Yield the sample as a source."""
    made = Tables(sampled.url, SecretStr(sampled.key))
    yield made
    made.dispose()


def rows(url, query):
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def tables_of(url):
    found = rows(url, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    return {name for (name,) in found}


def test_the_pack_has_its_schema_beside_that_of_the_reports(empty):
    """Each has a version table; every table of the pack starts with its name. Doing it twice changes nothing."""
    first, again = upgrade(empty, ["campaign"]), upgrade(empty, ["campaign"])

    ours = tables_of(empty)
    assert set(metadata.tables) | {"campaign_schema_version", "preflight_schema_version"} <= ours
    assert all(name.startswith(("campaign_", "preflight_")) for name in ours)
    assert [(one.schema, one.before) for one in first] == [("reports", None), ("campaign", None)]
    assert [one.before == one.after for one in again] == [True, True]
    assert check(empty, ["campaign"]) == again


def test_without_the_pack_nobody_meets_its_tables(empty):
    """An upgrade makes only what is switched on."""
    upgrade(empty, [])

    assert not [name for name in tables_of(empty) if name.startswith("campaign_")]
    with pytest.raises(StoreUnavailable, match=r"The pack campaign needs its schema .* Run `preflight db upgrade`"):
        check(empty, ["campaign"])


def test_the_migrations_make_what_the_models_say(sampled):
    """Alembic finds no difference, and the way back leaves no table."""
    engine = sa.create_engine(sampled.url.replace("postgresql://", "postgresql+psycopg2://"), poolclass=sa.NullPool)
    with engine.connect() as connection:
        ours = {"include_name": lambda name, kind, _: kind != "table" or name in metadata.tables}
        context = MigrationContext.configure(connection, opts=ours | {"version_table": migrations.VERSION_TABLE})
        assert compare_metadata(context, metadata) == []


def test_the_way_back_leaves_only_the_reports(empty):
    """Downgrading the pack touches nothing else."""
    upgrade(empty, ["campaign"])

    migrations.downgrade(empty, "base")

    assert tables_of(empty) >= {"preflight_reports"}
    assert tables_of(empty) & set(metadata.tables) == set()
    assert reports.current(empty) == reports.head()


@pytest.fixture
def counted():
    """Return a list that grows with every statement of this process."""
    statements = []

    def count(_connection, _cursor, statement, *_):
        statements.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", count)
    yield statements
    sa.event.remove(sa.Engine, "before_cursor_execute", count)


@pytest.fixture
def crowded(sampled):
    """Yield a campaign with 200 streamers, and take them away again."""
    crowd, keys = UUID("0190a5a0-7c1e-7000-8000-0000000000ff"), Keys(SecretStr(sampled.key))
    stored = [
        {
            "id": f"crowd{number}",
            "name": f"crowd{number}",
            "active": True,
            "encrypted_token": keys.encrypt(f"t{number}"),
        }
        for number in range(200)
    ]
    engine = sa.create_engine(sampled.url.replace("postgresql://", "postgresql+psycopg2://"), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO campaign_campaigns VALUES (:id, 'crowd')"), {"id": crowd})
        connection.execute(sa.insert(streamers), stored)
        members = [{"campaign_id": crowd, "streamer_id": one["id"], "authorised": True} for one in stored]
        connection.execute(sa.insert(memberships), members)
    yield crowd
    with engine.begin() as connection:
        connection.execute(sa.delete(streamers).where(streamers.c.id.like("crowd%")))
        connection.execute(sa.text("DELETE FROM campaign_campaigns WHERE id = :id"), {"id": crowd})


def test_reading_is_a_constant_number_of_queries(tables, crowded, counted):
    """One streamer or two hundred, and a thousand named besides: one query. An event is two."""
    tables.vtt_connection(crowded)  # the first connection of a process also asks who is there
    numbers = {}
    for name, question in {
        "one": lambda: tables.streamers(sample.WELL.id, ()),
        "two hundred": lambda: tables.streamers(crowded, ()),
        "a thousand named": lambda: tables.streamers(crowded, [f"crowd{number}" for number in range(1000)]),
        "connection": lambda: tables.vtt_connection(sample.WELL.id),
        "event": lambda: tables.event(sample.WELL.id, str(sample.GROUP_EVENT)),
        "cooling event": lambda: tables.event(campaign("cooling").id, str(sample.INDIVIDUAL_EVENT)),
    }.items():
        counted.clear()
        question()
        numbers[name] = len(counted)

    assert numbers == {
        "one": 1,
        "two hundred": 1,
        "a thousand named": 1,
        "connection": 1,
        "event": 2,
        "cooling event": 2,
    }
    assert len(tables.streamers(crowded, ())) == 200
    assert tables.streamers(crowded, ())[7].token.get_secret_value().startswith("t")


def test_tokens_are_stored_encrypted(sampled, tables):
    """Nobody reads a token from the tables without the key, nor from what was read with it."""
    stored = str(rows(sampled.url, "SELECT * FROM campaign_streamers"))
    (read,) = tables.streamers(sample.WELL.id, ())

    assert sample.WELL.token not in stored
    assert read.token.get_secret_value() == sample.WELL.token
    assert sample.WELL.token not in repr(read)


def test_a_rotation_ends_with_the_new_key_alone(empty):
    """New key first, rotate, drop the old one: each step leaves every token readable."""
    old, new = sample.new_key(), sample.new_key()
    upgrade(empty, ["campaign"])
    sample.install(empty, SecretStr(old))
    with contextlib.closing(psycopg2.connect(empty)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM campaign_streamers WHERE id = 'sample_lost_key'")

    assert rotate(empty, SecretStr(f"{new},{old}")) == len(sample.SAMPLES) - 2  # nobody ever signed in on one of them

    after = Tables(empty, SecretStr(new))
    assert after.streamers(sample.WELL.id, ())[0].token.get_secret_value() == sample.WELL.token
    after.dispose()
    with pytest.raises(SourceUnavailable, match="no key of PREFLIGHT_CAMPAIGN_KEYS decrypts"):
        rotate(empty, SecretStr(old))
    with pytest.raises(SourceUnavailable, match="is not set"):
        rotate(empty, None)


def contents(url):
    return {name: rows(url, f'SELECT * FROM "{name}" AS one ORDER BY one::text') for name in sorted(tables_of(url))}


@pytest.fixture
def reader(sampled, shared_postgresql):
    """Yield a function that makes a role with these grants and no other right, and returns its address."""
    role, database = f"reader{secrets.token_hex(4)}", sampled.url.rpartition("/")[2]
    address = f"postgresql://{role}:reads@{sampled.url.partition('@')[2].partition('/')[0]}/{database}"
    with contextlib.closing(psycopg2.connect(sampled.url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(f"REVOKE CONNECT ON DATABASE {database} FROM PUBLIC")
        cursor.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'reads'")

        def make(grants):
            cursor.execute(f"DROP OWNED BY {role}")  # what it was granted too
            for grant in grants:
                cursor.execute(grant.replace("<database>", database).replace("<user>", role))
            return address

        yield make
        cursor.execute(f"DROP OWNED BY {role}; DROP ROLE {role}; GRANT CONNECT ON DATABASE {database} TO PUBLIC")


@pytest.mark.parametrize("name", CHECKS)
def test_a_role_with_the_documented_grants_is_enough_and_nothing_changes(ask, sampled, reader, name):
    """The check passes with no other right than those of its page; every table holds what it held."""
    before = contents(sampled.url)

    assert ask(name, database_url=reader(grants_of(name))).status is Status.PASSED
    assert contents(sampled.url) == before


@pytest.mark.parametrize("name", CHECKS)
def test_no_grant_is_to_spare(ask, reader, name):
    """Without any one of them the check cannot be asked, and says so."""
    for grant in (grants := grants_of(name)):
        without = ask(name, database_url=reader([other for other in grants if other != grant]))
        if "CONNECT" in grant:
            assert without.status is Status.ERROR
        else:
            cannot_be_asked(without, "does not let this user read it")
            assert "Grant its user what the check needs" in without.remediation


def grants_of(name):
    return SHIPPED[name].permissions.split("; ")


def test_a_transaction_of_a_check_cannot_write(tables):
    """Not even if its role could: it says so to the server."""
    with pytest.raises(SourceUnavailable, match="is read-only"), tables._reading() as connection:
        connection.execute(sa.text("DELETE FROM campaign_streamers"))


def test_a_database_that_refuses_the_password_does_not_show_it(ask, database_url):
    """One line, without a secret."""
    server = database_url.partition("@")[2]

    cannot_be_asked(ask("tokens", database_url=f"postgresql://preflight:pw-canary@{server}"), "refuses the password")


def test_a_silent_database_costs_the_check_its_time_and_no_more(ask, private_postgresql):
    """A server that hangs is an error within the timeout."""
    upgrade(private_postgresql.url, ["campaign"])
    private_postgresql.pause()

    result = ask("vtt_connection", database_url=private_postgresql.url, timeout=1.0)

    private_postgresql.resume()
    assert (result.status, result.message) == (Status.ERROR, "the campaigns' database did not answer in time")
