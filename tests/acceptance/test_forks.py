"""Connections, threads and queues of a caller survive a fork."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID


def run_app(name, trial):
    """Run an application beside this file with the trial's settings, to its end."""
    script, path = Path(__file__).with_name(name), os.pathsep.join(part for part in sys.path if part)
    environment = os.environ | trial.environment | {"PYTHONPATH": path}
    return subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=90, check=False
    )


def test_a_server_that_forks_after_its_first_run_asks_rightly_in_every_process(trial):
    """No child shares its parent's connections: parent and children ask at once, in both modes, and each has its GO."""
    app = run_app("forking_app.py", trial)

    assert app.returncode == 0, app.stderr
    assert sorted(app.stdout.splitlines()) == [
        "before GO GO",
        "child0 GO GO",
        "child1 GO GO",
        "child2 GO GO",
        "parent GO GO",
    ]


def test_light_runs_that_are_queued_at_exit_are_sent(trial):
    """A process that ends right after its light calls still sends them: each leaves its report."""
    app = run_app("exiting_app.py", trial)
    ids = app.stdout.split()

    assert len(ids) == 20, app.stderr
    for run_id in ids:
        assert trial.stored(UUID(run_id)).success
