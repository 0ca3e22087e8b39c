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
