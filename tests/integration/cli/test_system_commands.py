"""`preflight doctor`, `db`, `config` and `checks`."""

from __future__ import annotations

import json

import pytest
import redis

from preflight.embedded.process import wait_until

SECONDS = 30
NOBODY_LISTENS = "redis://:hunter2@127.0.0.1:1/0"


def findings(done):
    """Return what `preflight doctor --format json` found, as (about, state) pairs."""
    return {(finding["about"], finding["state"]) for finding in json.loads(done.stdout)["findings"]}


def test_a_healthy_system_is_told_line_by_line(preflight, home):
    """Settings, Redis, database, schema, checks and workers are in order; only beat does not run here."""
    assert wait_until(lambda: "none reads" not in preflight("doctor", home=home).stdout, SECONDS)
    done = preflight("doctor", "--format", "json", home=home)

    assert done.returncode == 0
    good = {(about, "ok") for about in ("settings", "redis", "database", "schema", "checks", "workers", "sentry")}
    assert findings(done) == good | {("beat", "warning")}


def test_every_trouble_says_what_to_do_and_the_exit_code_is_3(preflight):
    """Servers that are away and a mistyped variable are told in one go, without secrets and tracebacks."""
    settings = {
        "PREFLIGHT_REDIS_URL": NOBODY_LISTENS,
        "PREFLIGHT_DATABASE_URL": "postgresql://user:hunter2@127.0.0.1:1/x",
        "PREFLIGHT_RETENTION_DAY": "3",
    }
    done = preflight("doctor", **settings)

    assert done.returncode == 3
    assert "✖ problem  redis" in done.stdout
    assert "✖ problem  database" in done.stdout
    assert "Did you mean PREFLIGHT_RETENTION_DAYS" in " ".join(done.stdout.split())
    assert "2 problems and 1 warning." in done.stdout
    assert "hunter2" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_without_settings_and_system_the_doctor_names_both_ways_out(preflight):
    """The first thing to do is said first."""
    done = preflight("doctor")

    assert done.returncode == 3
    assert "`preflight up`" in done.stdout


def test_a_wrong_setting_is_a_finding(preflight):
    """A value that cannot be used is told by the doctor like any trouble."""
    done = preflight("doctor", "--format", "json", PREFLIGHT_RETENTION_DAYS="0")

    assert done.returncode == 3
    assert findings(done) == {("settings", "problem")}


def test_an_evicting_redis_without_append_only_file_and_workers_is_found(preflight, private_valkey):
    """A Redis that may drop runs is a problem; one that forgets them at a restart is a warning."""
    with redis.Redis.from_url(private_valkey.url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("appendonly", "no")
    done = preflight("doctor", PREFLIGHT_REDIS_URL=private_valkey.url)

    assert done.returncode == 3
    assert "maxmemory-policy is allkeys-lru, not noeviction" in done.stdout
    assert "▲ warning  redis      the append-only file is off" in done.stdout
    assert "✖ problem  workers    none is alive" in done.stdout


def test_reports_that_no_store_has_are_told(preflight, private_valkey):
    """What was shed is a warning with its number; nothing is said of what never happened."""
    with redis.Redis.from_url(private_valkey.url) as client:
        client.hset("preflight:numbers", "shed", 7)
    done = preflight("doctor", PREFLIGHT_REDIS_URL=private_valkey.url)

    assert "▲ warning  reports    7 waited in Redis beyond PREFLIGHT_OUTBOX_MB" in done.stdout
    assert "could not be stored although" not in done.stdout


def test_a_missing_schema_is_found_and_mended(preflight, shared_postgresql):
    """`doctor` and `db check` name `db upgrade`, which mends it and may be repeated."""
    settings = {"PREFLIGHT_DATABASE_URL": shared_postgresql.create_database("cli_empty", "template1")}
    before = preflight("db", "check", **settings)
    doctor = preflight("doctor", **settings)
    first, again = preflight("db", "upgrade", **settings), preflight("db", "upgrade", **settings)
    after = preflight("db", "check", **settings)
    shared_postgresql.drop_database("cli_empty")

    assert before.returncode == doctor.returncode == 3
    assert "preflight db upgrade" in before.stderr
    assert "preflight db upgrade" in doctor.stdout
    assert first.stdout.startswith("The schema went from nothing to ")
    assert again.stdout.startswith("The schema is at ")
    assert after.returncode == 0


def test_a_dry_purge_only_counts(preflight, database_url):
    """--dry-run says what would go, and nothing goes."""
    done = preflight("db", "purge", "--dry-run", PREFLIGHT_DATABASE_URL=database_url)
    purged = preflight("db", "purge", PREFLIGHT_DATABASE_URL=database_url)

    lines = ["0 reports older than 30 days", "0 rows of statistics older than 400 days"]
    assert done.stdout.splitlines() == [f"{line} would be deleted." for line in lines]
    assert purged.stdout.splitlines() == [f"{line} deleted." for line in lines]


def test_config_shows_what_is_effective_and_masks_secrets(preflight, home):
    """What the embedded system says is taken over, what the environment says wins, passwords are masked."""
    shown = json.loads(preflight("config", "--format", "json", home=home, PREFLIGHT_NAMESPACE="mine").stdout)

    assert shown["PREFLIGHT_NAMESPACE"] == "mine"
    assert shown["PREFLIGHT_REDIS_URL"].startswith("redis://:***@127.0.0.1:")


def test_an_embedded_database_never_meets_a_redis_of_ones_own(preflight, home):
    """With one address given, the other is not borrowed from the embedded system."""
    done = preflight("config", home=home, PREFLIGHT_REDIS_URL="redis://other:6379/1")

    assert "PREFLIGHT_REDIS_URL=redis://other:6379/1\n" in done.stdout
    assert "PREFLIGHT_DATABASE_URL=\n" in done.stdout


def test_checks_are_listed_with_what_could_not_be_loaded(preflight):
    """A broken source is shown with its error; it fails the command only under --strict."""
    settings = {"PREFLIGHT_CHECKS": "sample_checks,no_such_module"}
    shown = preflight("checks", **settings)
    strict = preflight("checks", "--strict", "--format", "json", **settings)

    assert shown.returncode == 0
    assert "open_gate" in shown.stdout
    assert "no_such_module: ModuleNotFoundError: No module named 'no_such_module'" in shown.stdout
    assert strict.returncode == 2
    assert json.loads(strict.stdout)["broken"][0]["source"] == "no_such_module"


def test_one_check_is_shown_whole(preflight):
    """Tier, event types, parameters and source are there for a person and as JSON."""
    page = preflight("checks", "open_gate")
    told = json.loads(preflight("checks", "open_gate", "--format", "json").stdout)

    assert "Say what it was told to say." in page.stdout
    assert "answer: str = open" in page.stdout
    assert told["event_types"] == ["poll_launch"]
    (parameter,) = told["parameters"]
    assert {"name": "answer", "type": "str", "default": "open"}.items() <= parameter.items()


def test_an_unknown_check_offers_the_nearest(preflight):
    """2, and the name that was meant."""
    done = preflight("checks", "open_gat")

    assert done.returncode == 2
    assert "Did you mean open_gate?" in done.stderr


@pytest.mark.parametrize("output", ["human", "json", "markdown"])
def test_modules_that_print_do_not_reach_stdout(preflight, output):
    """What other people's code prints while it loads goes to stderr."""
    done = preflight("checks", "--format", output)

    assert "loading" not in done.stdout
    assert "loading" in done.stderr
