"""`preflight checks set`, `reset` and `history` against a running system."""

from __future__ import annotations

import json

import pytest

from preflight.embedded.server import free_port

WHY = ("--why", "the paint is wet")
LOADING = "sample checks are loading\n"


@pytest.fixture
def change(preflight, home):
    """Return the function that runs `preflight checks WORDS`."""
    return lambda *words: preflight("checks", *words, home=home)


def test_a_change_is_said_shown_and_seen_by_the_next_run(change, preflight, home):
    """From which value to which, by whom it is in force, and a run that has it."""
    done = change("set", "open_gate", "answer=wide open", "timeout=7", *WHY)
    version = int(done.stdout.split("In force as version ")[1].strip(".\n"))

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == [
        'open_gate.answer: "open" -> "wide open"',
        "open_gate.timeout: 5.0 -> 7",
    ]
    page = change("open_gate").stdout
    assert "7 s (set by an operator)" in page
    assert "answer: str = wide open (set by an operator)" in page
    report = json.loads(preflight("run", "poll_launch", "--format", "json", home=home).stdout)
    assert [line["message"] for line in report["checks"] if line["name"] == "open_gate"] == ["wide open"]
    assert report["settings_version"] == version
    assert change("reset", "open_gate", *WHY).stdout.endswith(f"In force as version {version + 1}.\n")


def test_a_disabled_check_is_skipped_and_taken_back(change, preflight, home):
    """The only check of its event type: a run that asks nothing is NO-GO, and says why."""
    change("set", "open_gate", "enabled=false", *WHY)
    described = json.loads(change("open_gate", "--format", "json").stdout)
    assert (described["enabled"], described["sources"]["enabled"]) == (False, "operator")
    assert (described["timeout"], described["sources"]["timeout"]) == (5.0, "code")
    skipped = preflight("run", "poll_launch", "--only", "open_gate", home=home)
    assert skipped.returncode == 3
    assert "disabled by an operator" in skipped.stdout

    diagnosed = json.loads(preflight("doctor", "--format", "json", home=home).stdout)
    assert "operators have disabled open_gate" in json.dumps(diagnosed)
    assert change("reset", "open_gate", "enabled", *WHY).returncode == 0
    assert preflight("run", "poll_launch", "--only", "open_gate", home=home).returncode == 0


def test_the_history_tells_who_when_and_why(change):
    """For people a line each, and as JSON."""
    change("set", "remark", "severity=advisory", "--by", "ada", *WHY)
    change("reset", "remark", "--by", "bob", "--why", "it is \x1b[31mdry")

    lines = change("history", "remark").stdout.splitlines()
    assert '"advisory" -> "blocking" (reset) by bob: it is \\x1b[31mdry' in lines[0]
    assert '"blocking" -> "advisory" by ada: the paint is wet' in lines[1]
    entries = json.loads(change("history", "--limit", "2", "--format", "json").stdout)
    assert (entries[1]["changed_by"], entries[1]["new_value"], entries[1]["why"]) == ("ada", "advisory", WHY[1])
    assert entries[1]["changed_at"].endswith("Z")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("set", "open_gate", "timeout=3"), "Missing option '--why'"),
        (("set", "open_gate", "timeout=3", "--why", " "), "Say why"),
        (("set", "open_gate", "timeout", *WHY), "must look like KEY=VALUE, as timeout=3"),
        (("set", "open_gaet", "timeout=3", *WHY), "Did you mean open_gate"),
        (("set", "open_gate", "timeout=soon", *WHY), "not 'soon'"),
        (("set", "open_gate", "answer=redis://:hunter2@sea", *WHY), "secret"),
        (("reset", "remark", *WHY), "Nothing of 'remark' is changed"),
    ],
)
def test_what_is_wrong_is_one_line_and_changes_nothing(change, words, says):
    """Exit code 2, what is wrong and what to do."""
    done = change(*words)

    assert done.returncode == 2
    line = done.stderr.removeprefix(LOADING)
    assert says in line
    assert line.startswith("preflight: ")
    assert line.count("\n") == 1
    assert "hunter2" not in line
    assert done.stdout == ""


def test_without_a_database_or_a_redis_the_line_says_what_is_missing(preflight):
    """The settings to set."""
    redis_only = {"PREFLIGHT_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    database_only = {"PREFLIGHT_DATABASE_URL": f"postgresql://ada@127.0.0.1:{free_port()}/harbour"}

    assert "PREFLIGHT_DATABASE_URL is not set" in preflight("checks", "history", **redis_only).stderr
    assert "PREFLIGHT_REDIS_URL is not set" in preflight("checks", "history", **database_only).stderr
    assert "`preflight up`" in preflight("checks", "history").stderr


def test_checks_are_shown_while_redis_is_away(preflight):
    """What operators changed is not known; that is said, and the rest is shown."""
    done = preflight("checks", "open_gate", PREFLIGHT_REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")

    assert done.returncode == 0
    assert "Say what it was told to say" in done.stdout
    assert "what operators changed is not shown. Redis refuses connections" in done.stderr
    assert done.stderr.removeprefix(LOADING).count("\n") == 1


def test_the_environment_has_the_say_where_no_operator_has(preflight):
    """`PREFLIGHT_CHECK_SETTINGS`; what fits no check is shown as a broken source."""
    wanted = json.dumps({"open_gate": {"timeout": 3, "answer": "ajar"}, "open_gaet": {"timeout": 3}})
    page = preflight("checks", "open_gate", PREFLIGHT_CHECK_SETTINGS=wanted).stdout
    listed = preflight("checks", "--strict", PREFLIGHT_CHECK_SETTINGS=wanted)

    assert "3 s (set by PREFLIGHT_CHECK_SETTINGS)" in page
    assert "answer: str = ajar (set by PREFLIGHT_CHECK_SETTINGS)" in page
    assert listed.returncode == 2
    assert "Did you mean open_gate" in listed.stdout
