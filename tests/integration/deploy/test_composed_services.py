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
from pydantic import SecretStr

from preflight.campaign import sample
from preflight.embedded.process import stop, wait_until
from preflight.embedded.twitch import CLIENT_ID, CLIENT_SECRET, Twitch

SECONDS = 60
pytestmark = pytest.mark.usefixtures("leaves_nothing")


@pytest.fixture(scope="module")
def twitch():
    """Yield a sample Twitch."""
    with Twitch(sample.TOKENS).running() as running:
        yield running


@pytest.fixture(scope="module")
def machine(tmp_path_factory, twitch):
    """Yield a machine whose two servers run and whose migration is done, with what an operator gives for Twitch."""
    made = Machine(tmp_path_factory.mktemp("composed"), PREFLIGHT_TWITCH_CLIENT_ID=CLIENT_ID)
    (made.secrets / "twitch_client_secret").chmod(0o644)
    (made.secrets / "twitch_client_secret").write_text(CLIENT_SECRET)
    made.elsewhere = {
        "PREFLIGHT_TWITCH_AUTH_URL": twitch.url,
        "PREFLIGHT_TWITCH_API_URL": twitch.url,
        "PREFLIGHT_HTTP_ALLOW_PRIVATE": "true",
    }
    with contextlib.ExitStack() as closing:
        for server in (made.redis, made.postgres):
            server.start()
            closing.callback(server.stop)
            servers.SESSION_SERVERS.add(server.pid)
        made.postgres.first_start()
        made.point_at_servers()
        done = made.run("migrate", *made.command("migrate"))
        assert done.returncode == 0, done.stderr
        sample.install(made.secret("database_url"), SecretStr(made.secret("campaign_keys")))
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
        report = expect_campaign(machine)
        expect_one_line(machine, report["id"])
        expect_password(f"http://127.0.0.1:{numbers['flower']['FLOWER_PORT']}", machine.secret("flower_password"))
        assert all(child.alive for child in children)
    finally:
        stop(children)


def expect_campaign(machine):
    """See campaigns asked about with the secrets of the file; return the report of the one with which all is well."""
    lost = next(one for one in sample.SAMPLES if one.says == sample.NO_TOKENS)
    assert said(machine, lost)["verdict"] == "NO-GO"
    report = said(machine, sample.WELL)
    assert report["verdict"] == "GO", report
    assert {"twitch_api", "tokens"} <= {check["name"] for check in report["checks"] if check["status"] == "passed"}
    return report


def said(machine, one):
    words = ("preflight", "run", "poll_launch", "--campaign", str(one.id), "--format", "json")
    return json.loads(machine.run("migrate", *words).stdout)


def expect_one_line(machine, run_id):
    """Of a run, as JSON, without one for each check. Celery's warning about root, which tests may be, is no JSON."""
    logs = [machine.folder / f"{service}.log" for service in ("worker", "requests", "beat")]

    def about() -> list[str]:
        lines = [json.loads(line) for log in logs for line in log.read_text().splitlines() if line[:1] == "{"]
        return [line["verdict"] for line in lines if line.get("run") == run_id]

    assert wait_until(about, SECONDS)
    assert about() == ["GO"]
    assert all("received" not in log.read_text() for log in logs)


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


def test_the_role_of_the_application_is_no_superuser(machine):
    """It owns its database; it neither makes roles or databases nor reads the server's files."""
    with contextlib.closing(psycopg2.connect(machine.secret("database_url"))) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False, False)
        cursor.execute("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()")
        assert cursor.fetchone() == ("preflight",)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("SELECT pg_read_file('/etc/hostname')")
