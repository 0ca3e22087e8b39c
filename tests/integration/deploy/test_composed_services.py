"""The services' own commands, run as processes with the environment that docker-compose.yml gives them."""

from __future__ import annotations

import contextlib
import json
import signal

import httpx
import psycopg2
import pytest
import redis
import servers
from composed import ROOT, Machine, ports

from preflight.embedded.process import stop, wait_until

SECONDS = 60
pytestmark = pytest.mark.usefixtures("leaves_nothing")


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """Yield a machine whose two servers run and whose migration is done."""
    made = Machine(tmp_path_factory.mktemp("composed"), PREFLIGHT_PACKS="")
    with contextlib.ExitStack() as closing:
        for server in (made.redis, made.postgres):
            server.start()
            closing.callback(server.stop)
            servers.SESSION_SERVERS.add(server.pid)
        made.postgres.create_database()
        made.point_at_servers()
        done = made.run("migrate", *made.command("migrate"))
        assert done.returncode == 0, done.stderr
        yield made


def findings(machine):
    """Return what the doctor says in a container of our image, without what is in order."""
    said = machine.run("migrate", "preflight", "doctor", "--format", "json").stdout
    return [finding for finding in json.loads(said)["findings"] if finding["state"] != "ok"]


def test_the_composed_services_are_a_whole_system(machine):
    """After the migration two workers, beat and Flower are all that runs need; Flower asks for its secret."""
    numbers = {service: ports() for service in ("worker", "requests", "beat", "flower")}
    children = [machine.start(name, **given, FLOWER_ADDRESS="127.0.0.1") for name, given in numbers.items()]
    try:
        wait_until(lambda: not findings(machine), SECONDS)
        assert findings(machine) == [], [child.death for child in children if not child.alive]
        run = machine.run("migrate", "preflight", "run", "health_sweep", "--strict", "--format", "json")
        assert run.returncode == 0, run.stdout + run.stderr
        assert json.loads(run.stdout)["verdict"] == "GO"
        expect_password(f"http://127.0.0.1:{numbers['flower']['FLOWER_PORT']}", machine.secret("flower_password"))
        assert all(child.alive for child in children)
    finally:
        stop(children)


def expect_password(address, password):
    assert wait_until(lambda: healthy(address), SECONDS)
    assert httpx.get(address, follow_redirects=True).status_code == 401
    assert httpx.get(address, auth=("preflight", password), follow_redirects=True).status_code == 200


def healthy(address):
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{address}/healthcheck").is_success
    return False


def test_a_probe_says_how_its_service_is(machine, partner):
    """Of a worker: good while it works, bad while its Redis is silent, good again afterwards."""
    partner("worker/probe.py", (ROOT / "worker" / "probe.py").is_file())
    numbers = ports()
    worker = machine.start("worker", **numbers)
    try:
        assert wait_until(lambda: probed(machine, "worker", **numbers) == 0, SECONDS)
        machine.redis.child.signal(signal.SIGSTOP)
        try:
            assert wait_until(lambda: probed(machine, "worker", **numbers) != 0, SECONDS)
        finally:
            machine.redis.child.signal(signal.SIGCONT)
        assert wait_until(lambda: probed(machine, "worker", **numbers) == 0, SECONDS)
    finally:
        stop([worker])


def probed(machine, service, **numbers):
    return machine.run(service, *machine.probe(service), **numbers).returncode


def test_the_servers_ask_for_the_passwords_of_the_secrets(machine):
    """The configuration reached them: the password, the append-only file, no eviction, the number of connections."""
    client = redis.Redis.from_url(machine.secret("redis_url"), decode_responses=True)
    facts = client.config_get("*")
    client.close()
    assert facts["appendonly"] == "yes"
    assert facts["maxmemory-policy"] == "noeviction"
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=machine.redis.port).ping()
    with contextlib.closing(psycopg2.connect(machine.secret("database_url"))) as connection:
        cursor = connection.cursor()
        cursor.execute("SHOW max_connections")
        assert cursor.fetchone() == ("200",)
