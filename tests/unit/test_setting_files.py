"""Secrets in files: read for every secret setting, never shown, and each wrong file is one line."""

from __future__ import annotations

import base64
import os

import pytest

from preflight.cli import environment as cli_environment
from preflight.exceptions import InvalidSettings
from preflight.settings import PREFIX, SECRETS, load

SECRET = "hunter2hunter2"  # a canary: no output may hold it
VALUES = {
    "redis_url": f"redis://:{SECRET}@h/0",
    "broker_url": f"amqp://u:{SECRET}@h/v",
    "database_url": f"postgresql://u:{SECRET}@h/d",
    "check_redis_url": f"redis://:{SECRET}@other/0",
    "check_database_url": f"postgresql://u:{SECRET}@other/d",
    "campaign_keys": base64.urlsafe_b64encode(SECRET.encode().ljust(32, b"2")).decode(),
    "twitch_client_secret": SECRET,
    "sentry_dsn": f"https://{SECRET}@sentry.example.com/1",
}


@pytest.fixture
def secret_file(monkeypatch, tmp_path):
    """Give a way to put a secret into a file that its variable names, in an environment without settings."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)

    def write(field, content):
        path = tmp_path / field
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        monkeypatch.setenv(f"{SECRETS[field]}_FILE", str(path))
        return path

    return write


def test_every_secret_setting_may_stand_in_a_file(secret_file):
    """Each of them, and only secrets; the newline at the file's end does not count."""
    for field, value in VALUES.items():
        secret_file(field, f"{value}\n")
    settings = load()

    assert VALUES.keys() == SECRETS.keys()
    for field, value in VALUES.items():
        assert getattr(settings, field).get_secret_value().rpartition("@")[2] == value.rpartition("@")[2]
    assert SECRET not in str(settings.shown())


def test_the_variable_wins_over_the_file(secret_file, monkeypatch):
    """What is given explicitly is nearer; an empty variable is none."""
    secret_file("redis_url", "redis://file/0")
    monkeypatch.setenv("PREFLIGHT_REDIS_URL", "")
    assert load().redis == "redis://file/0"

    monkeypatch.setenv("PREFLIGHT_REDIS_URL", "redis://variable/0")
    assert load().redis == "redis://variable/0"
    assert load({"redis_url": "redis://program/0"}).redis == "redis://program/0"


def test_an_empty_file_is_a_missing_setting(secret_file):
    """A secret that is not used has an empty file in the compose file's directory."""
    secret_file("sentry_dsn", "\n")

    assert load().sentry_dsn is None


def test_a_wrong_value_in_a_file_is_not_shown(secret_file):
    """It is named by its variable, masked as it would be in the environment."""
    secret_file("database_url", f"postgresql://u:{SECRET}@h")

    with pytest.raises(InvalidSettings, match=r"^PREFLIGHT_DATABASE_URL=postgresql://\*\*\*@h: names no database"):
        load()


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"\xff\xfe", "it holds no text"), (b"x" * 70_000, "it is larger than 64 KiB")],
    ids=["binary", "large"],
)
def test_a_file_that_holds_no_secret_is_one_line(secret_file, content, says):
    """What is wrong, which variable, and what to do."""
    path = secret_file("redis_url", content)

    with pytest.raises(InvalidSettings) as caught:
        load()
    assert str(caught.value) == f"PREFLIGHT_REDIS_URL_FILE='{path}': {says}. Name a file with the secret in it."


@pytest.mark.parametrize(
    ("path", "says"),
    [("/no/such/file", "No such file"), ("/", "Is a directory"), (f"redis://:{SECRET}@h/0", "No such file")],
    ids=["missing", "directory", "the secret itself"],
)
def test_a_path_that_names_no_file_is_one_line(secret_file, monkeypatch, path, says):
    """The secret in the wrong variable is not shown either."""
    monkeypatch.setenv("PREFLIGHT_REDIS_URL_FILE", path)

    with pytest.raises(InvalidSettings, match=says) as caught:
        load()
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_doctor_knows_these_variables(secret_file):
    """They are no misspelt settings."""
    secret_file("redis_url", "redis://file/0")

    assert cli_environment.unknown_variables() == {}


def test_a_secret_that_is_no_address_is_shown_as_none_of_it(secret_file):
    """A malformed DSN may be the key itself."""
    secret_file("sentry_dsn", SECRET)

    assert load().shown()["PREFLIGHT_SENTRY_DSN"] == "***"
