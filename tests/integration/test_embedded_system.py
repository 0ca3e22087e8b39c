"""The embedded system as a whole: published, alone in its home, looked after, stopped in order."""

import asyncio
import json
import signal
import subprocess
import sys

import httpx
import psutil
import psycopg2
import pytest
import redis
import websockets

import preflight.embedded
from preflight.embedded import programs, state
from preflight.embedded.process import wait_until
from preflight.embedded.programs import Entry
from preflight.embedded.system import EmbeddedSystem
from preflight.exceptions import EmbeddedError
from preflight.settings import load

SECONDS = 20
pytestmark = pytest.mark.usefixtures("leaves_nothing")


def system_in(home, *entries, **settings):
    return EmbeddedSystem(load({"home": home, **settings}), entries=entries)


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def looked_after(system, condition):
    """Say whether the condition comes to hold while the system is looked after."""
    return wait_until(lambda: bool(system.look_after()) or condition(), SECONDS) and wait_until(
        lambda: not system.look_after() and condition(), SECONDS
    )


def test_other_processes_find_the_running_system_and_can_use_it(home):
    """While it runs, its environment reaches servers whose schema is ready; afterwards there is nothing to find."""
    with system_in(home) as system:
        found = preflight.embedded.running(home)
        assert found == system.environment
        with redis.Redis.from_url(found["PREFLIGHT_REDIS_URL"]) as client:
            assert client.ping()
        with psycopg2.connect(found["PREFLIGHT_DATABASE_URL"]) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM preflight_reports")
            assert cursor.fetchone() == (0,)
        connection.close()

    assert preflight.embedded.running(home) is None


def test_what_holds_a_password_is_for_its_owner_only(home):
    """Nobody else on the machine reads the home, the passwords or the running state."""
    with system_in(home):
        assert oct(home.stat().st_mode & 0o777) == "0o700"
        for name in (state.STATE, state.PASSWORDS):
            assert oct((home / name).stat().st_mode & 0o777) == "0o600"


def test_the_data_and_the_passwords_stay_between_starts(home):
    """Starting again finds what was stored, under the same passwords."""
    with system_in(home) as system, redis.Redis.from_url(system.environment["PREFLIGHT_REDIS_URL"]) as client:
        client.set("kept", "yes")
        known = json.loads((home / state.PASSWORDS).read_text())
    with system_in(home) as system, redis.Redis.from_url(system.environment["PREFLIGHT_REDIS_URL"]) as client:
        assert client.get("kept") == b"yes"
        assert json.loads((home / state.PASSWORDS).read_text()) == known


def test_a_second_launcher_is_refused_and_told_who_runs(home):
    """One home has one system; the message names the process and both ways out."""
    with system_in(home):
        with pytest.raises(EmbeddedError, match=r"already runs in .* \(process \d+\): use it, stop it with `kill \d+`"):
            system_in(home).__enter__()
        assert preflight.embedded.running(home)


def test_a_killed_launcher_leaves_no_system_to_find(home):
    """The file that it could not remove is not believed, and the next start takes the home over with its data."""
    code = (
        "import sys, signal; from pathlib import Path; from preflight.settings import load;"
        "from preflight.embedded.system import EmbeddedSystem\n"
        "with EmbeddedSystem(load({'home': Path(sys.argv[1])}), entries=()): print('up', flush=True); signal.pause()"
    )
    launcher = subprocess.Popen([sys.executable, "-c", code, str(home)], stdout=subprocess.PIPE, text=True)
    assert launcher.stdout.readline() == "up\n"
    assert preflight.embedded.running(home)

    launcher.kill()
    launcher.communicate()

    assert (home / state.STATE).exists()
    assert preflight.embedded.running(home) is None
    with system_in(home) as system:
        assert preflight.embedded.running(home) == system.environment


def test_a_server_that_the_settings_name_is_used_and_not_started(home, shared_valkey):
    """An explicit address wins over the embedded server."""
    with system_in(home, redis_url=shared_valkey.url) as system:
        assert system.environment["PREFLIGHT_REDIS_URL"] == shared_valkey.url
        assert not (home / "valkey").exists()


def test_a_program_that_dies_is_started_again(home):
    """Whatever ends a program, it comes back, and the launcher says so once."""
    with system_in(home, programs.REALTIME) as system:
        first = system.pid("realtime")
        psutil.Process(first).kill()

        assert looked_after(system, lambda: system.pid("realtime") != first)


def test_a_server_that_dies_is_started_again_on_its_port_with_its_data(home):
    """Those who hold its address need not learn a new one."""
    with system_in(home) as system, redis.Redis.from_url(system.environment["PREFLIGHT_REDIS_URL"]) as client:
        client.config_set("appendfsync", "always")
        client.set("kept", "yes")
        first = system.pid("valkey")
        psutil.Process(first).kill()

        assert looked_after(system, lambda: system.pid("valkey") != first)
        assert wait_until(lambda: answer(client, "kept") == b"yes", SECONDS)


def answer(client, key):
    try:
        return client.get(key)
    except redis.RedisError:
        return None


def test_a_needed_program_that_dies_at_once_names_its_last_words(home):
    """The start fails in one line, nothing is left running and the home is free again."""
    broken = Entry(name="checks", arguments=("-c", "raise SystemExit('no such luck')"), needed=True)

    with pytest.raises(EmbeddedError, match=r"^checks ended with status 1: no such luck \(see .*checks\.log\)\.$"):
        system_in(home, broken).__enter__()
    assert preflight.embedded.running(home) is None


def test_logs_are_kept_for_one_more_start(home):
    """The log of the last start is beside the current one."""
    speaks = Entry(name="speaks", arguments=("-c", "print('hello', flush=True); import signal; signal.pause()"))
    log = home / "logs" / "speaks.log"
    for _ in range(2):
        with system_in(home, speaks) as system:
            system.start_rest()
            assert wait_until(lambda: log.exists() and log.read_text() == "hello\n", SECONDS)

    assert log.with_suffix(".log.1").read_text() == "hello\n"


def test_a_program_that_ignores_its_end_is_ended_with_its_children(home):
    """Nobody can keep the launcher from stopping."""
    code = (
        "import signal, subprocess, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']); print('up', flush=True);"
        "signal.pause()"
    )
    stubborn = Entry(name="stubborn", arguments=("-c", code), stop_seconds=0.1)
    with system_in(home, stubborn) as system:
        system.start_rest()
        assert wait_until((home / "logs" / "stubborn.log").read_text, SECONDS)
        family = [psutil.Process(system.pid("stubborn")), *psutil.Process(system.pid("stubborn")).children()]

    assert len(family) == 2
    assert wait_until(lambda: not any(one.is_running() for one in family), SECONDS)


def test_the_sample_real_time_server_speaks_websocket_and_server_sent_events(home):
    """The demo's check has something real to ask, in both protocols."""

    async def echoed(url):
        async with websockets.connect(url) as connection:
            await (await connection.ping())
            await connection.send("hello")
            return await connection.recv()

    with system_in(home, programs.REALTIME) as system:
        assert asyncio.run(echoed(system.realtime_url)) == "hello"
        events = httpx.get(system.realtime_url.replace("ws://", "http://").replace("/ws", "/events"))
        assert events.headers["content-type"] == "text/event-stream"
        assert events.text.startswith("retry: 3000\nevent: ready\ndata: ")


def test_finding_a_running_system_imports_neither_celery_nor_sqlalchemy(home):
    """Every command asks for it, so it must cost nothing."""
    code = (
        "import sys; from pathlib import Path; from preflight import embedded; embedded.running(Path(sys.argv[1]));"
        "sys.exit(bool({'celery', 'sqlalchemy', 'redis', 'psycopg2', 'pydantic'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(home)], check=False).returncode == 0


def test_a_home_that_cannot_be_used_is_said_in_one_line(tmp_path):
    """The message names the setting and what is allowed."""
    (tmp_path / "file").touch()

    with pytest.raises(EmbeddedError, match=r"^PREFLIGHT_HOME=.*/file/home cannot be used \(Not a directory\)"):
        system_in(tmp_path / "file" / "home").__enter__()


@pytest.fixture
def up(home):
    """Start `up` with its workers, beat and Flower in a process of its own, and yield that with what it announced."""
    code = "import functools; from preflight.embedded import up; up(functools.partial(print, flush=True))"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin", "PREFLIGHT_HOME": str(home)},
    )
    process.announced = [process.stdout.readline() for _ in range(5)]
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def everyone(up):
    """Return all processes of the running system, once its pool of checks is there."""
    processes = psutil.Process(up.pid)
    assert wait_until(lambda: len(processes.children(recursive=True)) > len(programs.SYSTEM) + 10, SECONDS)
    return processes.children(recursive=True)


def test_up_announces_its_addresses_and_stops_everything_at_sigterm(up, home):
    """The whole system ends in order when it is asked to; only Flower's password is shown, which people type."""
    processes = everyone(up)
    words = json.loads((home / state.PASSWORDS).read_text())

    up.send_signal(signal.SIGTERM)
    up.wait()

    assert up.returncode == 0
    assert not any(process.is_running() for process in processes)
    said = "".join(up.announced)
    assert f"password {words['flower']}" in said
    assert words["valkey"] not in said
    assert words["postgresql"] not in said


def test_up_that_is_killed_takes_everything_with_it(up):
    """Workers and their pools, beat, Flower and the servers are gone when the launcher could not stop them."""
    processes = everyone(up)

    up.kill()
    up.wait()

    assert wait_until(lambda: not any(process.is_running() for process in processes), SECONDS)
