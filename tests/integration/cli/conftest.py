"""The command line as a process of its own, against an embedded system with real workers."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import subprocess
import sys

import psutil
import pytest
import servers

from preflight.embedded import programs
from preflight.embedded.system import EmbeddedSystem
from preflight.settings import load

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """Yield the home of a running embedded system whose workers know the sample checks."""
    place = tmp_path_factory.mktemp("home")
    requests = dataclasses.replace(programs.REQUESTS, needed=True)
    system = EmbeddedSystem(load({"home": place}), entries=(programs.CHECKS, requests))
    system.add_environment({"PREFLIGHT_CHECKS": "sample_checks", "PYTHONPATH": str(HERE)})
    with system:
        servers.SESSION_SERVERS.update(child.pid for child in psutil.Process().children())
        yield place


@pytest.fixture
def nowhere(tmp_path):
    """Return a home in which nothing runs."""
    return tmp_path / "nowhere"


def _environment(settings):
    # What a test run sets for Python (unbuffered output above all) would hide what users see.
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("PREFLIGHT_", "PYTHON"))}
    return outer | {"PYTHONPATH": str(HERE), "PREFLIGHT_CHECKS": "sample_checks", "COLUMNS": "100"} | settings


@pytest.fixture
def start():
    """Yield the function that starts `preflight WORDS` with settings; what still runs at the end is ended."""
    started = []

    def start(*words, settings, **options):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
        command = [sys.executable, "-m", "preflight", *map(str, words)]
        started.append(subprocess.Popen(command, env=_environment(settings), cwd=HERE, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()


@pytest.fixture
def preflight(start, nowhere):
    """Return the function that runs `preflight WORDS`, by default where no system is, and gives code and output."""

    def run(*words, home=nowhere, **settings):
        process = start(*words, settings={"PREFLIGHT_HOME": str(home)} | settings)
        out, err = process.communicate()
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    return run
