"""`preflight run` against real workers."""

from __future__ import annotations

import json
import os
import pty
import signal
import uuid
from xml.etree import ElementTree as ET

import pytest
import redis

from preflight.embedded.process import wait_until

NOBODY_LISTENS = "redis://:hunter2@127.0.0.1:1/0"
SECONDS = 30


def test_a_go_ends_with_0_and_shows_the_ladder_on_stdout(preflight, home):
    """Without settings the running embedded system answers; a person reads header, ladder, verdict and id."""
    done = preflight("run", "poll_launch", "--campaign", uuid.UUID(int=7), home=home)

    assert done.returncode == 0
    assert done.stdout.startswith(f"PreFlight poll_launch · full run · campaign {uuid.UUID(int=7)}\n")
    assert "✔ passed   open_gate" in done.stdout
    assert "✔ GO  poll_launch may go ahead" in done.stdout
    assert done.stderr == "sample checks are loading\n"


def test_a_no_go_as_json_is_one_document_and_ends_with_3(preflight, home):
    """Stdout holds the report's JSON and nothing else, whatever the verdict and whatever modules print."""
    done = preflight("run", "closed_gate", "--format", "json", home=home)

    report = json.loads(done.stdout)
    assert done.returncode == 3
    assert report["verdict"] == "NO-GO"
    assert report["short_circuited_by"] == "tokens"
    assert [check["status"] for check in report["checks"] if check["name"] == "cooldown"] == ["skipped"]


def test_a_no_go_as_junit_and_for_github_ends_with_3(preflight, home):
    """Both formats tell the failure, and a message in two lines stays one annotation."""
    junit = preflight("run", "closed_gate", "--format", "junit", home=home)
    github = preflight("run", "closed_gate", "--format", "github", home=home)

    assert ET.fromstring(junit.stdout).find("testsuite").get("failures") == "1"
    errors = [line for line in github.stdout.splitlines() if line.startswith("::error")]  # no beat runs: a warning
    assert errors[0].startswith("::error title=preflight tokens failed::failed: two are%0Ainvalid ")
    assert junit.returncode == github.returncode == 3


def test_a_no_go_says_what_to_do_and_obeys_no_escape(preflight, home):
    """The remediation stands under the check, and an escape in its answer is shown as text."""
    done = preflight("run", "closed_gate", home=home)

    assert done.returncode == 3
    assert "two are invalid \\x1b[31m" in done.stdout
    assert "→ Sign in again." in done.stdout
    assert "because tokens failed" in done.stdout


def test_warnings_end_with_4_only_when_strict(preflight, home):
    """A GO with a warning is a GO, unless strictness was asked for."""
    assert preflight("run", "dice_roll", home=home).returncode == 0
    assert preflight("run", "dice_roll", "--strict", home=home).returncode == 4


def test_a_light_run_ends_with_0_shows_its_verdict_and_is_stored(preflight, home):
    """A light NO-GO stops nobody; its report can be read afterwards under the id that was shown."""
    done = preflight("run", "closed_gate", "--mode", "light", "--format", "json", home=home)
    report = json.loads(done.stdout)

    assert done.returncode == 0
    assert (report["mode"], report["verdict"]) == ("light", "NO-GO")
    assert "cooldown" not in [check["name"] for check in report["checks"]]
    assert wait_until(lambda: preflight("report", report["id"], home=home).returncode == 0, SECONDS)


def test_parameters_and_selection_reach_the_run(preflight, home):
    """--param sets a check's parameter for this run, --only and --exclude choose the checks."""
    words = ("run", "poll_launch", "--only", "open_gate", "--only", "redis", "--exclude", "redis")
    done = preflight(*words, "--param", "open_gate.answer=wide open", "--format", "json", home=home)
    checks = json.loads(done.stdout)["checks"]

    assert [(check["name"], check["message"]) for check in checks] == [("open_gate", "wide open")]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["poll_lunch"], "Did you mean poll_launch?"),
        (["poll_launch", "--only", "open_gat"], "Did you mean open_gate?"),
        (["poll_launch", "--param", "open_gate.anwser=1"], "Did you mean answer?"),
        (["poll_launch", "--param", "open_gat.answer=1"], "Did you mean open_gate?"),
        (["poll_launch", "--param", "open_gate.answer=[1]"], "Parameter open_gate.answer"),
        (["poll_launch", "--mode", "light", "--only", "nothing"], "No check is called"),
    ],
)
def test_what_the_registry_does_not_know_ends_with_2_and_the_nearest_name(preflight, home, words, hint):
    """Unknown events, checks and parameters are refused before anything runs, in one line."""
    done = preflight("run", *words, home=home)

    assert done.returncode == 2
    assert done.stdout == ""
    assert hint in done.stderr
    assert done.stderr.count("\n") == 2  # the sample checks' own line, and ours


@pytest.mark.parametrize("command", ["run poll_launch", "reports", f"report {uuid.UUID(int=1)}", "db check"])
def test_without_settings_and_system_both_ways_out_are_named(preflight, command):
    """A command that needs a system says how to get one: start the embedded one, or name one's own."""
    done = preflight(*command.split())

    assert done.returncode == 2
    assert "`preflight up`" in done.stderr
    assert "PREFLIGHT_REDIS_URL" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_broker_that_is_away_is_a_no_go_with_its_reason(preflight):
    """A full run ends with 3 and the check `broker` in error; its JSON is complete and holds no secret."""
    done = preflight("run", "poll_launch", "--format", "json", PREFLIGHT_REDIS_URL=NOBODY_LISTENS)
    report = json.loads(done.stdout)

    assert done.returncode == 3
    assert [check["name"] for check in report["checks"] if check["status"] == "error"] == ["broker"]
    assert "hunter2" not in done.stdout + done.stderr


def test_a_light_run_that_cannot_be_sent_ends_with_1(preflight):
    """Light runs hide no outage of their own broker."""
    assert preflight("run", "poll_launch", "--mode", "light", PREFLIGHT_REDIS_URL=NOBODY_LISTENS).returncode == 1


def test_a_wrong_setting_is_one_line_that_masks_its_secret(preflight):
    """The variable is named, what is allowed is said, the password is not."""
    done = preflight("run", "poll_launch", PREFLIGHT_REDIS_URL="rdis://user:hunter2@host")

    assert done.returncode == 2
    assert done.stderr.startswith("preflight: PREFLIGHT_REDIS_URL=")
    assert "hunter2" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_traceback_is_shown_only_with_debug(preflight, home):
    """--debug shows where an error comes from, with the same exit code."""
    plain, debugged = (preflight("run", "poll_lunch", *more, home=home) for more in ([], ["--debug"]))

    assert plain.returncode == debugged.returncode == 2
    assert "Traceback" not in plain.stderr
    assert "Traceback" in debugged.stderr


def read_until(terminal, text, seen=""):
    """Return what a terminal shows until it shows the text."""
    while text not in seen:
        try:
            seen += os.read(terminal, 4096).decode(errors="replace")
        except OSError:  # Linux says so when the other side is closed
            break
    return seen


def test_a_terminal_sees_the_ladder_live(start, home, tmp_path):
    """While a check runs the terminal says so; in the end the finished ladder stands alone."""
    ours, theirs = pty.openpty()
    file = tmp_path / "there"
    words = ("run", "long_run", "--only", "waits", "--metadata", json.dumps({"file": str(file)}))
    settings = {"PREFLIGHT_HOME": str(home), "TERM": "xterm"}
    process = start(*words, settings=settings, stdout=theirs, stdin=theirs)
    os.close(theirs)

    seen = read_until(ours, "running")
    file.touch()
    end = read_until(ours, "Report ")

    assert "▸ running" in seen
    assert "✔ passed" in end
    assert process.wait() == 0
    os.close(ours)


@pytest.mark.parametrize("output", ["human", "json"])
def test_ctrl_c_is_one_line_that_names_the_run_which_goes_on(start, preflight, home, tmp_path, output):
    """130, no traceback, no half of a document; the run ends without its caller and its report is stored."""
    file = tmp_path / "there"
    (tmp_path / "metadata").write_text(json.dumps({"file": str(file)}))
    words = ("run", "long_run", "--only", "waits", "--format", output, "--metadata", f"@{tmp_path}/metadata")
    process = start(*words, settings={"PREFLIGHT_HOME": str(home)}, stdin=None)
    if output == "human":
        assert process.stdout.readline() == "PreFlight long_run · full run\n"
    assert wait_until(lambda: asked_about(home, file), SECONDS)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    file.touch()

    assert process.returncode == 130, err
    assert out.strip() == ""
    assert err.count("\n") == 2  # the sample checks' own line, and ours
    run_id = err.partition("`preflight report ")[2].partition("`")[0]
    assert wait_until(lambda: preflight("report", run_id, home=home).returncode == 0, SECONDS)


def asked_about(home, file):
    """Say whether a worker has taken the check of the run whose metadata names the file."""
    url = json.loads((home / "running.json").read_text())["environment"]["PREFLIGHT_REDIS_URL"]
    with redis.Redis.from_url(url, decode_responses=True) as client:
        states = [client.hgetall(key) for key in client.scan_iter("preflight:r:*")]
    return any("w:waits" in state for state in states if str(file) in state.get("context", ""))
