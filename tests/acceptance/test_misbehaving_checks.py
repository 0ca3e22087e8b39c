"""Whatever a check does, it is an `error` of that check alone, in clear words, and its siblings are unharmed."""

from __future__ import annotations

import tempfile

import pytest

BRIEF = "timed out after 0.5 s"


def judged(trial, behaviour, name="alpha"):
    """Ask one misbehaving check and a good sibling in its tier; return the line of the first."""
    report = trial.run({name: behaviour, "gamma": "passes"}, short_circuit="tier")
    assert report["gamma"].status == "passed", report.reason
    assert not report.success
    stored = trial.stored(report.id)
    assert stored.to_json() == report.to_json()
    return report[name]


@pytest.mark.parametrize(
    "behaviour",
    ["sleeps", "sleeps_later", "ignores_cancellation", "computes", "blocks_in_c", "swallows_everything"],
)
def test_a_check_that_hangs_has_its_time_and_no_more(trial, behaviour):
    """Sync, async, deaf to cancellation, computing, inside C, swallowing every exception: `timed out`."""
    line = judged(trial, behaviour, "brief")

    assert (line.status, line.message) == ("error", BRIEF)
    assert line.remediation == "Ask the stranger."


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("raises", "ValueError: no such harbour: postgresql://captain:***@sea/ships"),
        ("exits", "SystemExit: good bye"),
        ("interrupts", "KeyboardInterrupt"),
        ("ignores", "Ignore"),
        ("rejects", "Reject"),
        ("returns_none", "returned None instead of a CheckResult"),
        ("returns_true", "returned True instead of a CheckResult"),
        ("returns_dict", "returned a value of type dict instead of a CheckResult"),
        ("returns_bytes", "returned a value of type bytes instead of a CheckResult"),
        ("returns_coroutine", "returned a coroutine that nobody awaited instead of a CheckResult"),
        ("returns_bytes_inside", "returned a metadata that holds a bytes, which JSON does not know"),
        ("returns_huge", "returned a message of more than 65536 bytes of JSON"),
    ],
)
def test_what_is_no_answer_is_an_error(trial, behaviour, words):
    """An exception of any kind, and anything but a CheckResult of bounded JSON, is never taken for a yes."""
    line = judged(trial, behaviour)

    assert line.status == "error"
    assert line.message.startswith(words)
    assert "hunter2" not in str(line.to_json())


@pytest.mark.parametrize(
    ("behaviour", "how"), [("dies", "exit code 3"), ("kills_itself", "signal 9"), ("crashes", "signal 11")]
)
def test_a_check_that_ends_its_process_says_so_at_once(trial, behaviour, how):
    """os._exit, SIGKILL, a segmentation fault: `the worker process died`, and not a timeout."""
    line = judged(trial, behaviour)

    assert (line.status, line.message) == ("error", f"the worker process died ({how})")
    trial.expect_go()


@pytest.mark.parametrize(
    ("behaviour", "message", "metadata"),
    [
        ("returns_nan", "measured", {"load": "nan"}),
        ("returns_surrogates", "half a \ufffd pair and a \ufffd", {}),
    ],
)
def test_odd_values_are_made_storable(trial, behaviour, message, metadata):
    """NaN is no JSON, NUL and half a surrogate pair fit no database: they are replaced, and the answer counts."""
    report = trial.run({"alpha": behaviour})

    assert report.success
    assert (report["alpha"].message, dict(report["alpha"].metadata)) == (message, metadata)
    assert trial.stored(report.id).to_json() == report.to_json()


def test_a_check_that_forks_answers_once(trial):
    """The child that believes to be the worker ends, and what the parent says counts."""
    report = trial.run({"alpha": "forks"})

    assert report.success
    assert report["alpha"].metadata == {"child": False}
    trial.expect_go()


def test_a_check_that_changes_directory_moves_no_other(trial):
    """The next check of the same process is where the process was."""
    with tempfile.TemporaryDirectory() as elsewhere:
        everyone = dict.fromkeys(["alpha", "beta", "gamma", "delta"], "changes_directory")
        assert trial.run(everyone, metadata={"elsewhere": elsewhere}).success

        told = trial.run(dict.fromkeys(everyone, "tells_directory"))

    assert elsewhere not in {check.message for check in told.checks}


def test_a_check_that_closes_stdout_harms_nobody(trial):
    """Neither its own answer nor the processes that it ran in."""
    for _ in range(2):
        report = trial.run(dict.fromkeys(["alpha", "beta", "gamma", "delta"], "closes_stdout"))
        assert {check.name for check in report.checks} == {"alpha", "beta", "gamma", "delta"}
        trial.expect_go()


def test_a_check_cannot_wait_for_a_run(trial):
    """Inside PreFlight's own worker a run would wait for itself: it is refused in words."""
    line = judged(trial, "runs_preflight")

    assert line.status == "error"
    assert line.message.startswith("RunRefused: PreFlight's own workers cannot wait for a run")
