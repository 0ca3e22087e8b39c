"""What somebody sees who starts a worker, beat or Flower with settings that cannot be used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SECRET = "hunter2"


@pytest.mark.parametrize("command", ["worker", "beat", "flower"])
@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "PREFLIGHT_REDIS_URL is not set. Name a Redis in it"),
        ({"PREFLIGHT_REDIS_URL": f"http://:{SECRET}@127.0.0.1/0"}, "PREFLIGHT_REDIS_URL"),
        ({"PREFLIGHT_REDIS_URL": "redis://127.0.0.1:1/0", "PREFLIGHT_CONCURRENCY": "many"}, "PREFLIGHT_CONCURRENCY"),
    ],
)
def test_settings_that_cannot_be_used_are_one_line(command, values, says):
    """Which setting, and what to do; no traceback, and nothing of a password."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFLIGHT_")}
    ended = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "worker", command],
        cwd=REPOSITORY,
        env=inherited | values,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ended.returncode == 1
    assert says in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert SECRET not in ended.stderr + ended.stdout
