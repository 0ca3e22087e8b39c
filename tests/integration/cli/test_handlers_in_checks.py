"""`preflight checks` shows what handlers bring, and what they lack."""

from __future__ import annotations

import json


def test_the_check_of_a_handler_is_listed_and_a_missing_requirement_told(preflight):
    """The action, its place and the nearest names are in one line; with --strict the command ends with 2."""
    done = preflight("checks", "--strict", "--format", "json", PREFLIGHT_CHECKS="sample_handlers")

    found = json.loads(done.stdout)
    assert done.returncode == 2
    assert "handler_trigger_critical" in {check["name"] for check in found["checks"]}
    (broken,) = found["broken"]
    assert broken["source"].startswith("action change (")
    assert broken["error"].startswith("It requires the check 'diks', which is not registered. Did you mean disk")


def test_a_run_for_a_handler_that_lacks_something_is_refused(preflight):
    """Nothing is asked and nothing opened: bad arguments."""
    away = {"PREFLIGHT_CHECKS": "sample_handlers", "PREFLIGHT_REDIS_URL": "redis://127.0.0.1:1/0"}
    done = preflight("run", "change", **away)

    assert (done.returncode, done.stdout) == (2, "")
    assert "No check is called 'diks'." in done.stderr


def test_a_check_says_for_whose_runs_it_is(preflight):
    """In the list, on its own page, in Markdown and in the JSON: the handler that brought it, and who requires it."""
    known = {"PREFLIGHT_CHECKS": "sample_handlers"}
    listed = preflight("checks", **known).stdout
    own = " ".join(preflight("checks", "handler_trigger_critical", **known).stdout.split())
    page = preflight("checks", "handler_trigger_critical", "--format", "markdown", **known).stdout
    told = json.loads(preflight("checks", "picky", "--format", "json", **known).stdout)

    runs = (
        'the trigger critical: its event type, or metadata {"handler": "critical"};'
        " also the action measure, which requires it"
    )
    assert f"asked for {runs}" in own
    assert f"| asked for | {runs} |" in page
    assert "trigger critical, action" in listed
    assert told["handler"] is None
    assert told["required_by"] == [{"kind": "action", "type": "measure"}]
