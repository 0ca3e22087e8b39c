"""Probes of workers and beat: they tell whether this very process works, not whether some process is there."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import psutil
import pytest
import servers
from acceptance.processes import REPOSITORY, eventually
from acceptance.trial import CONCURRENCY, Trial
from conftest import partner
from prometheus_client.parser import text_string_to_metric_families

from preflight.embedded.server import free_port

GOOD, BAD, SILENT = 200, 503, 0


class Probed:
    """A program of a trial that answers probes."""

    def __init__(self, trial: Trial, start):
        self.port = free_port()
        self.process = start(PREFLIGHT_HEALTH_PORT=str(self.port))

    def ask(self, path: str, seconds: float = 10.0) -> tuple[int, str]:
        """Return status and body; 0 when nothing answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=seconds) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return SILENT, ""

    def facts(self, path: str) -> dict:
        """Return what a probe says."""
        return json.loads(self.ask(path)[1])

    def becomes(self, path: str, status: int):
        """Wait until a probe has a status."""
        eventually(lambda: self.ask(path)[0] == status, f"/{path} answers {status}", lambda: self.ask(path))

    def metrics(self) -> dict[str, float]:
        """Return the samples without labels of what the process exports."""
        families = text_string_to_metric_families(self.ask("metrics")[1])
        return {one.name: one.value for family in families for one in family.samples if not one.labels}

    @property
    def children(self) -> list[psutil.Process]:
        """The pool's processes."""
        return psutil.Process(self.process.child.pid).children()


@pytest.fixture(scope="module")
def place(shared_valkey, acceptance_database, tmp_path_factory):
    """Yield a system without workers."""
    trial = Trial(tmp_path_factory.mktemp("health"), shared_valkey.url, acceptance_database)
    yield trial
    trial.end()
    servers.forget(trial.redis_url, trial.namespace)


@pytest.fixture(scope="module")
def prefork(place):
    """Yield a worker with processes."""
    return Probed(place, lambda **environment: place.worker("prefork", **environment))


def test_a_worker_that_works_says_so(prefork):
    """It is alive and ready, and says how many checks it can ask."""
    prefork.becomes("healthz", GOOD)
    prefork.becomes("readyz", GOOD)

    assert prefork.facts("healthz") == {"loop": True, "slots_alive": CONCURRENCY, "redis": "ok"}
    assert prefork.ask("nothing")[0] == 404


def test_a_worker_exports_what_belongs_to_it(prefork):
    """Its slots, its light calls, its memory; nothing of the fleet's totals."""
    found = prefork.metrics()

    assert found["tumulte_preflight_worker_slots"] == found["tumulte_preflight_worker_slots_alive"] == CONCURRENCY
    assert found["tumulte_preflight_light_calls_total"] == 0
    assert found["process_resident_memory_bytes"] > 0
    assert not any(name.startswith("tumulte_preflight_runs") for name in found)


def test_promtool_finds_nothing_to_say_of_a_workers_metrics(prefork):
    """Those of Python and of the process included."""
    partner("promtool", shutil.which("promtool"))
    text = prefork.ask("metrics")[1]
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_no_probe_tells_a_secret(prefork, place):
    """Neither Redis' password nor PostgreSQL's is in what anybody may ask for."""
    said = "".join(prefork.ask(path)[1] for path in ("healthz", "readyz", "metrics", "nothing"))
    passwords = [urlsplit(url).password for url in (place.redis_url, place.database_url)]

    assert said
    assert not [password for password in passwords if password in said]


def test_killed_children_are_replaced_and_the_worker_answers_on(prefork):
    """The probe's port is not held by children, nor is its answer theirs."""
    before = {child.pid for child in prefork.children}
    for child in prefork.children:
        child.kill()
    eventually(lambda: not before & {child.pid for child in prefork.children}, "the pool has new processes")
    prefork.becomes("healthz", GOOD)

    eventually(lambda: prefork.facts("healthz")["slots_alive"] == CONCURRENCY, "every slot is there again")
    assert not [child for child in prefork.children if listens(child, prefork.port)]


def listens(process, port):
    return any(one.laddr.port == port for one in process.net_connections() if one.status == psutil.CONN_LISTEN)


def test_a_worker_whose_whole_pool_is_stopped_is_not_healthy(prefork):
    """The processes are there, and none will take a check."""
    children = prefork.children
    for child in children:
        child.suspend()
    try:
        prefork.becomes("healthz", BAD)
        assert prefork.facts("healthz")["slots_alive"] == 0
    finally:
        for child in children:
            child.resume()
    prefork.becomes("healthz", GOOD)


def test_a_stopped_main_process_answers_no_probe(prefork):
    """There is a process, and it does nothing."""
    prefork.process.signal(signal.SIGSTOP)
    try:
        assert prefork.ask("healthz", seconds=1.0)[0] == SILENT
    finally:
        prefork.process.signal(signal.SIGCONT)
    prefork.becomes("healthz", GOOD)


def test_the_probe_command_is_for_images_without_curl(prefork, place):
    """It ends with 0 or 1 and prints what was answered; without a port it says what is missing."""
    good = probe(place, str(prefork.port), "readyz")
    silent = probe(place, str(free_port()))
    unset = probe(place, "0")

    assert (good.returncode, json.loads(good.stdout)["stopping"]) == (0, False)
    assert (silent.returncode, "does not answer" in silent.stdout) == (1, True)
    assert (unset.returncode, "PREFLIGHT_HEALTH_PORT is not set" in unset.stderr) == (1, True)


def probe(place, port, *arguments):
    environment = os.environ | place.environment | {"PREFLIGHT_HEALTH_PORT": port}
    command = [sys.executable, "-m", "worker.probe", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)


def test_a_second_worker_on_the_same_port_says_so_and_works(prefork, place):
    """Probes are no reason not to ask checks."""
    process = place.worker("threads", PREFLIGHT_HEALTH_PORT=str(prefork.port))
    try:
        assert f"probes cannot be answered on 127.0.0.1:{prefork.port}: Address already in use" in process.log
    finally:
        process.kill()


def test_a_worker_with_threads_answers_and_stops_being_ready_when_it_is_asked_to_stop(place):
    """Every worker has a port of its own; one that drains takes no checks."""
    threads = Probed(place, lambda **environment: place.worker("threads", **environment))
    threads.becomes("readyz", GOOD)
    assert threads.facts("healthz") == {"loop": True, "slots_alive": CONCURRENCY, "redis": "ok"}

    threads.process.signal(signal.SIGTERM)
    eventually(threads.process.ended, "the worker has ended", lambda: threads.process.log)
    assert threads.ask("readyz")[0] == SILENT


def test_without_redis_worker_and_beat_are_not_healthy_until_it_is_back(private_valkey, tmp_path):
    """Both say what is wrong, and recover by themselves."""
    trial = Trial(tmp_path, private_valkey.url)
    try:
        worker = Probed(trial, lambda **environment: trial.worker("threads", **environment))
        beat = Probed(
            trial, lambda **environment: trial.celery("-A", "worker", "beat", *quiet(tmp_path), **environment)
        )
        for one in (worker, beat):
            one.becomes("healthz", GOOD)
            one.becomes("readyz", GOOD)  # for beat: the worker has done what it sent
        private_valkey.stop()
        for one in (worker, beat):
            one.becomes("healthz", BAD)
            assert one.facts("readyz") == {"redis": "Redis refuses connections"}
        private_valkey.start()
        for one in (worker, beat):
            one.becomes("healthz", GOOD)
        assert beat.metrics()["tumulte_preflight_beat_last_turn_timestamp_seconds"] > 0
    finally:
        trial.end()


def quiet(folder):
    return "--schedule", str(folder / "schedule"), "--pidfile="
