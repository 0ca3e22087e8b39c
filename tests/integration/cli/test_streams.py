"""Start-up, and outputs that fail: closed pipes, full disks, encodings without the symbols."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

HEAVY = ("celery", "kombu", "redis", "sqlalchemy", "pydantic", "rich", "asyncio", "preflight.settings")


def test_help_loads_nothing_heavy():
    """`preflight --help` imports click and little else: that is what keeps it fast."""
    program = (
        "import sys; from preflight.cli import answer; code = answer(['--help']);"
        f" print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == 0
    assert done.stderr == "[]\n"


@pytest.fixture
def told(start, nowhere):
    """Return the function that starts a command in an empty home and gives its exit code and stderr."""

    def told(*words, settings=None, **options):
        process = start(*words, settings={"PREFLIGHT_HOME": str(nowhere)} | (settings or {}), **options)
        _, err = process.communicate()
        return process.returncode, err

    return told


@pytest.mark.parametrize("words", [["--help"], ["config"], ["checks"], ["checks", "--format", "json"], ["doctor"]])
def test_a_reader_that_left_ends_a_command_silently_with_1(told, words):
    """A closed pipe is nobody's error: no traceback, no complaint, and no success either."""
    ours, theirs = os.pipe()
    os.close(ours)
    code, err = told(*words, settings={"PREFLIGHT_CHECKS": ""}, stdout=theirs)
    os.close(theirs)

    assert (code, err) == (1, "")


@pytest.mark.parametrize("words", [["--help"], ["config"], ["checks"], ["checks", "--format", "json"], ["doctor"]])
def test_a_full_disk_is_told_and_is_no_success(told, words):
    """Output that was not written is said on stderr, once."""
    with open("/dev/full", "w") as full:  # noqa: PTH123  # a device
        code, err = told(*words, settings={"PREFLIGHT_CHECKS": ""}, stdout=full)

    assert code == 1
    assert err == "preflight: The output could not be written: no space left on the device.\n"


def test_a_stderr_that_nobody_reads_changes_no_exit_code(told):
    """The line about a mistake may be lost, its exit code is not."""
    ours, theirs = os.pipe()
    os.close(ours)
    code, _ = told("nonsense", stderr=theirs)
    os.close(theirs)

    assert code == 2


def test_a_locale_without_the_symbols_gets_ascii(preflight):
    """No output fails because the terminal lacks a character."""
    done = preflight("doctor", PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")

    assert done.returncode == 3
    assert done.stdout.isascii()
    assert "x problem  settings" in done.stdout
    assert "Traceback" not in done.stderr


def test_the_module_is_the_command(preflight):
    """`python -m preflight` answers as `preflight` does."""
    assert preflight("--version").stdout.startswith("preflight 0.")


def test_a_character_that_stdout_lacks_is_shown_as_its_escape_and_keeps_json_valid(preflight, nowhere):
    """Text is escaped where it cannot be written, JSON in JSON's own way."""
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    human = preflight("config", home=nowhere / "é", **ascii_only)
    as_json = preflight("config", "--format", "json", home=nowhere / "é", **ascii_only)

    assert f"PREFLIGHT_HOME={nowhere}/\\xe9\n" in human.stdout
    assert json.loads(as_json.stdout)["PREFLIGHT_HOME"] == f"{nowhere}/é"
