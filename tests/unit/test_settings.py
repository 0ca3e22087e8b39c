"""The settings: each wrong value is one line that names variable, value, what is accepted."""

from __future__ import annotations

import pytest

from preflight.exceptions import InvalidSettings
from preflight.settings import PREFIX, Settings, load

SECRET = "hunter2"  # a canary: no output may hold it


@pytest.fixture
def environment(monkeypatch):
    """Give a way to set PREFLIGHT_ variables, in an environment that has none."""
    import os

    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    return lambda name, value: monkeypatch.setenv(f"{PREFIX}{name}", value)


@pytest.mark.parametrize(
    ("name", "value", "shown", "says"),
    [
        ("REDIS_URL", "rdis://h", "rdis://h", "must start with redis:// or rediss://"),
        ("REDIS_URL", "localhost", "***", "must start with redis://"),
        ("REDIS_URL", f"redis://u:{SECRET}@h:99999/0", "redis://***@h:99999/0", "no number from 1 to 65535"),
        ("REDIS_URL", "redis://h:0", "redis://h:0", "no number from 1 to 65535"),
        ("REDIS_URL", "redis://", "redis://***", "names no host"),
        ("REDIS_URL", f"redis://:{SECRET}", "redis://***", "no number from 1 to 65535"),
        ("REDIS_URL", f"redis://u:x {SECRET}@h", "redis://***@h", "has a space"),
        ("REDIS_URL", "redis://h\n", "redis://h", "has a space, a newline"),
        ("REDIS_URL", "redis://h ", "redis://h", "has a space"),
        ("BROKER_URL", f"kafka://u:{SECRET}@h", "kafka://***@h", "redis:// or rediss:// or amqp:// or amqps://"),
        ("BROKER_URL", f"amqp://u:{SECRET}@h:99999/v", "amqp://***@h:99999/v", "no number from 1 to 65535"),
        ("BROKER_URL", "redis://h/x", "redis://h/x", "a database that is no number"),
        ("REDIS_URL", "redis://h/x", "redis://h/x", "a database that is no number"),
        ("DATABASE_URL", f"postgresql//u:{SECRET}@h/d", "***", "must start with postgresql://"),
        ("DATABASE_URL", f"postgresql://u:%zz{SECRET}@h/d", "postgresql://***@h/d", "write a literal '%' as %25"),
        ("DATABASE_URL", f"postgresql://u:{SECRET}@{SECRET}@h/d", "postgresql://***", "write %40"),
        ("DATABASE_URL", f"postgresql://u:/{SECRET}@h/d", "postgresql://***@h/d", "write %40, %2F"),
        ("DATABASE_URL", f"postgresql://u:#{SECRET}@h/d", "postgresql://***@h/d", "%23"),
        ("DATABASE_URL", "postgresql://h", "postgresql://h", "names no database"),
        ("DATABASE_URL", f"host=h password={SECRET}", "***", "has a space"),
        ("DATABASE_URL", "postgresql://[h/d", "postgresql://***", "a port that is no number"),
        ("RETENTION_DAYS", "0", "'0'", "must be a whole number from 1 to 3650"),
        ("RETENTION_DAYS", "-1", "'-1'", "must be a whole number from 1 to 3650"),
        ("RETENTION_DAYS", "30d", "'30d'", "must be a whole number from 1 to 3650"),
        ("RETENTION_DAYS", "1000000000", "'1000000000'", "must be a whole number from 1 to 3650"),
        ("SWEEP_SECONDS", "0", "'0'", "must be a whole number from 5 to 86400"),
        ("QUEUE_ALLOWANCE", "nan", "'nan'", "must be a number above 0 to 600"),
        ("QUEUE_ALLOWANCE", "inf", "'inf'", "must be a number above 0 to 600"),
        ("LOG_FORMAT", "xml", "'xml'", "should be 'console' or 'json'"),
        ("NAMESPACE", "shop ", "'shop '", "must be 1 to 32 lower-case letters"),
        ("METRICS_PREFIX", "9lives", "'9lives'", "must be 1 to 40 lower-case letters"),
        ("METRICS_PREFIX", "shop_", "'shop_'", "must be 1 to 40 lower-case letters"),
        ("METRICS_PREFIX", "a{b}", "'a{b}'", "must be 1 to 40 lower-case letters"),
        ("HEALTH_PORT", "65536", "'65536'", "must be a whole number from 0 to 65535"),
        ("HEALTH_PORT", "http", "'http'", "must be a whole number from 0 to 65535"),
        ("EVENT_TYPES", "ok,Bad", "'ok,Bad'", "holds 'Bad'"),
        ("SETUP", "django", "'django'", "must be module:function"),
        ("CHECKS", "shop checks", "'shop checks'", "name modules as in shop.checks"),
        ("CAMPAIGN_KEYS", f"{SECRET}", "***", "its key 1 is no Fernet key, which is 32 bytes in URL-safe base64"),
        ("CAMPAIGN_KEYS", f"{'A' * 43}=,{SECRET}", "***", "its key 2 is no Fernet key"),
        ("CAMPAIGN_KEYS", f"{'A' * 42}é=", "***", "its key 1 is no Fernet key"),
        ("CAMPAIGN_SOURCE", "shop.campaigns", "'shop.campaigns'", "must be module:object"),
        ("CAMPAIGN_EVENT_TYPES", "Dice", "'Dice'", "holds 'Dice'"),
        ("CAMPAIGN_EVENT_TYPES", ",", "','", "at least 1 item"),
        ("TWITCH_AUTH_URL", "id.twitch.tv", "'id.twitch.tv'", "must start with http:// or https://"),
        ("TWITCH_API_URL", "https://h:0", "'https://h:0'", "has a port that is no number"),
        ("CHECK_WEBSOCKET_URL", "gopher://x", "'gopher://x'", "must start with ws://"),
    ],
)
def test_a_wrong_value_names_variable_value_and_what_is_accepted(environment, name, value, shown, says):
    """One line, the secret masked, the setting's purpose at the end."""
    environment(name, value)

    with pytest.raises(InvalidSettings) as caught:
        load()
    text = str(caught.value)
    assert text.startswith(f"{PREFIX}{name}={shown}: ")
    assert says in text
    assert text.endswith(Settings.model_fields[name.lower()].description)
    assert "\n" not in text
    assert SECRET not in text


def test_a_missing_server_says_both_ways_out(environment):
    """An empty variable is a missing one; the way out is a URL or `preflight up`."""
    environment("REDIS_URL", "")

    with pytest.raises(
        InvalidSettings, match=r"PREFLIGHT_REDIS_URL is not set\. Name a Redis in it, or .*preflight up"
    ):
        _ = load().redis
    with pytest.raises(InvalidSettings, match="PREFLIGHT_DATABASE_URL is not set"):
        _ = load().database


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_every_spelling_of_postgresql_becomes_the_driver_that_is_installed(environment, scheme):
    """SQLAlchemy would read `postgresql://` as another driver."""
    environment("DATABASE_URL", f"{scheme}://u:p%40ss@h:5432/shop")

    assert load().database == "postgresql+psycopg2://u:p%40ss@h:5432/shop"


def test_lists_are_separated_by_commas(environment):
    """Spaces around the words do not count."""
    environment("CHECKS", " shop.checks , shop.more:stock,")
    environment("EVENT_TYPES", "dice_roll")

    assert load().checks == ("shop.checks", "shop.more:stock")
    assert load().event_types == ("dice_roll",)


def test_given_values_win_over_the_environment(environment):
    """`load(values)` is for programs and tests."""
    environment("RETENTION_DAYS", "7")

    assert load().retention_days == 7
    assert load({"retention_days": 9}).retention_days == 9
    with pytest.raises(InvalidSettings, match="PREFLIGHT_RETENTION_DAYS=0: "):
        load({"retention_days": 0})


def test_shown_settings_hold_no_secret(environment):
    """`preflight config` prints every setting, passwords masked."""
    environment("REDIS_URL", f"redis://:{SECRET}@h/0")
    environment("DATABASE_URL", f"postgresql://u:{SECRET}@h/d?sslpassword={SECRET}")
    environment("CHECK_HTTP_URLS", f"shop=https://u:{SECRET}@shop/x")
    environment("TWITCH_CLIENT_SECRET", SECRET)
    environment("CAMPAIGN_KEYS", f"{'A' * 43}=")
    shown = load().shown()

    assert set(shown) == {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    assert SECRET not in str(shown)
    assert SECRET not in repr(load())
    assert shown["PREFLIGHT_REDIS_URL"] == "redis://:***@h/0"
    assert shown["PREFLIGHT_TWITCH_CLIENT_SECRET"] == shown["PREFLIGHT_CAMPAIGN_KEYS"] == "***"


def test_every_setting_is_documented():
    """No setting without a sentence."""
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_keys_are_separated_by_commas(environment):
    """Spaces around them do not count; an empty list is none."""
    environment("CAMPAIGN_KEYS", f" {'A' * 43}= , {'B' * 43}= ")

    assert load().campaign_keys.get_secret_value() == f"{'A' * 43}=,{'B' * 43}="
    environment("CAMPAIGN_KEYS", " , ")
    assert load().campaign_keys is None
