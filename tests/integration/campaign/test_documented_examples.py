"""What the how-tos of the pack and of handlers show does what they say, word for word."""

from __future__ import annotations

import contextlib
import importlib
import sys
from datetime import UTC, datetime, timedelta

import documents
import psycopg2
import pytest
from documents import DOCS
from integration.campaign.conftest import EVENT, campaign, registry_of, within
from pydantic import SecretStr

from preflight import CheckContext
from preflight.campaign import sample
from preflight.campaign.encryption import Keys
from preflight.context import RunRequest
from preflight.engine.plan import plan
from preflight.handlers import actions, triggers
from preflight.settings import load, settings
from preflight.types import Status

DATA = documents.blocks("python", DOCS / "how-to" / "campaign-data.md")
HANDLERS = documents.blocks("python", DOCS / "how-to" / "handlers.md")

#: The tables of the page's application, with a game that is all well.
SHOP = """
    CREATE TABLE player (id text PRIMARY KEY, nick text, banned bool, twitch_token text, twitch_token_ends timestamptz);
    CREATE TABLE seat (game uuid, player text REFERENCES player);
    CREATE TABLE link (game uuid, tool text, up bool);
    CREATE TABLE moment (game uuid, code text, title text, enabled bool, free_again timestamptz);
    INSERT INTO player VALUES ('p1', 'nova', false, 'sample-token-well', NULL);
    INSERT INTO seat VALUES ('{game}', 'p1');
    INSERT INTO link VALUES ('{game}', 'Foundry', true), ('{game}', 'Roll20', false);
    INSERT INTO moment VALUES ('{game}', 'crit', 'Critical hit', true, NULL);
"""
CRIT = {"metadata": {"gamification_event_id": "crit"}}


def execute(url, statement, *values):
    with contextlib.closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement, values or None)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Return a function that makes a module of a page's block."""
    monkeypatch.syspath_prepend(tmp_path)
    made = []

    def write(name, block):
        (tmp_path / f"{name}.py").write_text(block.text)
        made.append(name)
        return name

    yield write
    for name in made:
        sys.modules.pop(name, None)


@pytest.fixture
def shop(module, shared_postgresql, monkeypatch, namespace):
    """Yield the database of the page's application, and the name of its source."""
    url = shared_postgresql.create_database(namespace)
    execute(url, SHOP.format(game=sample.WELL.id))
    monkeypatch.setenv("SHOP_DATABASE_URL", url.replace("postgresql://", "postgresql+psycopg2://"))
    name = module(f"shop_{namespace}", DATA[0])
    yield url, f"{name}:source"
    importlib.import_module(name).engine.dispose()
    shared_postgresql.drop_database(namespace)


def test_the_checks_read_an_application_s_own_tables(ask, shop):
    """One setting names the source; there is no table of the pack, no key, and no database of PreFlight's."""
    _, source = shop
    own = {"campaign_source": source, "database_url": None, "campaign_keys": None}

    answers = {
        name: ask(name, run=CRIT, **own) for name in ("tokens", "vtt_connection", "cooldown", "gamification_config")
    }

    assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(answers, Status.PASSED), answers
    assert answers["vtt_connection"].message == "the connection with Foundry is active"


@pytest.mark.parametrize(
    ("change", "check", "says"),
    [
        ("UPDATE player SET banned = true", "tokens", "failed: nova is not active"),
        (
            "UPDATE player SET twitch_token = 'gone'",
            "tokens",
            "failed: nova has a token that Twitch no longer accepts",
        ),
        ("DELETE FROM seat", "tokens", "failed: the campaign has no streamer"),
        ("UPDATE link SET up = false", "vtt_connection", "failed: the connection with Foundry is not active"),
        ("DELETE FROM link", "vtt_connection", "failed: the campaign has no connection"),
        ("UPDATE moment SET enabled = false", "gamification_config", "failed: Critical hit is disabled"),
        (
            "UPDATE moment SET free_again = now() + interval '1 h'",
            "cooldown",
            "failed: Critical hit is on cooldown",
        ),
        ("DROP TABLE link", "vtt_connection", "cannot be asked (ProgrammingError"),
    ],
)
def test_what_is_unwell_in_them_is_told(ask, shop, change, check, says):
    """Each answer comes from the application's rows."""
    url, source = shop
    execute(url, change)

    result = ask(check, run=CRIT, campaign_source=source)

    assert says in f"{result.status}: {result.message}"


@pytest.mark.parametrize("name", ["nowhere.at.all:source", "integration.campaign.told:nothing"])
def test_a_source_that_is_not_there_is_an_error(ask, name):
    """It is named, with the setting that names it."""
    result = ask("vtt_connection", campaign_source=name)

    assert result.status is Status.ERROR
    assert result.message.startswith(f"the source {name} cannot be asked (")
    assert "PREFLIGHT_CAMPAIGN_SOURCE" in result.remediation


@pytest.fixture
def process_settings(monkeypatch, values):
    """Make the sample's settings those of this process."""
    monkeypatch.setenv("PREFLIGHT_DATABASE_URL", values["database_url"])
    monkeypatch.setenv("PREFLIGHT_CAMPAIGN_KEYS", values["campaign_keys"])
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_the_examples_about_keys_write_and_rotate_tokens(module, process_settings, sampled, namespace):
    """What `stored` returns the pack reads; the sample's lost key stops a rotation before anything is changed."""
    stored = importlib.import_module(module(f"stored_{namespace}", DATA[1])).stored
    rotate_all = importlib.import_module(module(f"rotated_{namespace}", DATA[2])).rotate_all

    assert Keys(SecretStr(sampled.key)).decrypt(stored("abc"), "nova").get_secret_value() == "abc"
    with pytest.raises(Exception, match="decrypts the token of sample_lost_key"):
        rotate_all()


@pytest.fixture
def handled(module, values, process_settings, monkeypatch, namespace):
    """Return a registry that has found the page's handlers, and its settings."""
    for registry in (triggers, actions):
        monkeypatch.setattr(registry, "_handlers", {})
    made = load(values | {"checks": module(f"handlers_{namespace}", HANDLERS[0])})
    return registry_of(made), made


@pytest.mark.parametrize(
    ("name", "success"), [("well", True), ("without_tabletop", False), ("tabletop_revoked", False)]
)
def test_the_document_s_trigger_asks_for_its_connection(handled, name, success):
    """The example of the system's description, in Python: it passes with an active connection and fails without."""
    import asyncio

    check = handled[0].get("dice_critical_vtt_connection")
    context = CheckContext(mode="full", event_type="dice_critical", campaign_id=campaign(name).id)

    result = asyncio.run(within(check, context))

    assert result.success is success
    assert result.message == (
        "VTT connection active" if success else "No active VTT connection for dice critical trigger"
    )


@pytest.mark.parametrize(
    ("event_type", "metadata", "more"),
    [
        ("dice_critical", {}, {"dice_critical_vtt_connection"}),
        ("poll_launch", {"handler": "dice_critical"}, {"dice_critical_vtt_connection"}),
        ("change_statistic", {}, {"vtt_connection"}),
        ("poll_launch", {"handler": "change_statistic"}, {"vtt_connection"}),
        ("poll_launch", {}, set()),
        ("dice_roll", EVENT, {"vtt_connection", "cooldown", "gamification_config"}),
    ],
)
def test_handlers_decide_what_is_asked_besides(handled, event_type, metadata, more):
    """What a trigger brings and what an action requires is asked in the runs for them."""
    registry, made = handled
    request = RunRequest.build(mode="full", event_type=event_type, campaign_id=sample.WELL.id, metadata=metadata)

    asked = {check.name for check in plan(request, registry, made).checks}

    core = {"beat", "broker", "database", "disk", "memory", "migrations", "redis", "workers"}
    assert asked - core == {"twitch_api", "tokens"} | more


def test_the_pack_names_what_a_game_master_launches(values):
    """`poll_launch` is known without any check that names it, and only with the pack."""
    assert "poll_launch" in registry_of(load(values)).event_types()
    assert "poll_launch" not in registry_of(load({})).event_types()


def test_gamification_is_what_the_setting_says(values):
    """Three checks are for its event types."""
    registry = registry_of(load(values | {"campaign_event_types": "spell_cast"}))

    asked = {name for name in registry.event_types() if name != "poll_launch"}
    assert asked == {"spell_cast"}
    assert {check.name for check in registry if check.event_types} == {
        "vtt_connection",
        "cooldown",
        "gamification_config",
    }


def test_an_hour_of_cooldown_is_seconds(ask, shop):
    """What the application's row says is what the answer tells."""
    url, source = shop
    execute(url, "UPDATE moment SET free_again = %s", datetime.now(UTC) + timedelta(hours=1))

    assert 3500 < ask("cooldown", run=CRIT, campaign_source=source).metadata["seconds_left"] <= 3600
