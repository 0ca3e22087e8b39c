"""The guard of the check `http` on a network of its own, where a public address is ours."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

PUBLIC = "93.184.216.34"
NETWORK = ["unshare", "--user", "--net", "--map-root-user", "sh", "-c"]
LOOPBACK_UP = f"ip link set lo up && ip addr add {PUBLIC}/32 dev lo"

SCENARIO = """
import asyncio, json, sys
from preflight.checks.http import HttpCheck

PUBLIC, location, answers = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
reached, lookups = [], []

def lookup(host, port):
    lookups.append(host)
    return answers.pop(0)

async def main():
    async def public(reader, writer):
        await reader.readuntil(b"\\r\\n\\r\\n")
        reached.append("public")
        head = f"HTTP/1.1 302 Found\\r\\nLocation: {location}" if location else "HTTP/1.1 200 OK"
        writer.write(f"{head}\\r\\nContent-Length: 0\\r\\n\\r\\n".encode())
        await writer.drain()
        writer.close()

    async def private(reader, writer):
        reached.append("private")
        writer.close()

    async with (
        await asyncio.start_server(public, PUBLIC, 8080),
        await asyncio.start_server(private, "127.0.0.1", 8080),
        await asyncio.start_server(private, "127.0.0.1", 8081),
    ):
        result = await HttpCheck(url="http://shop.example:8080/", lookup=lookup).execute(None)
    print(json.dumps({"status": result.status, "message": result.message, "reached": reached, "lookups": lookups}))

asyncio.run(main())
"""


def possible():
    """Return whether this machine lets us make a network of our own."""
    tools = shutil.which("unshare") and shutil.which("ip")
    return tools and subprocess.run([*NETWORK, LOOPBACK_UP], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not possible(), reason="needs unshare, ip and user namespaces")


def outcome(location, *answers):
    """Ask shop.example, whose name has these answers one look-up after the other and which redirects there."""
    command = f'{LOOPBACK_UP} && exec "$@"'
    script = [sys.executable, "-c", SCENARIO, PUBLIC, location, json.dumps(answers)]
    done = subprocess.run([*NETWORK, command, "sh", *script], capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


def test_a_public_address_is_called():
    """With the guard on, a public address is reached and asked."""
    assert outcome("", [PUBLIC])["status"] == "passed"


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:8081/", "http://2130706433:8081/", "http://0x7f.1:8081/", "//localhost.:8081/"]
)
def test_a_redirect_to_loopback_is_refused(location):
    """A public server cannot send the check into our own network."""
    host = location.partition("//")[2].partition(":")[0].rstrip(".")
    seen = outcome(location, [PUBLIC], ["127.0.0.1"])

    assert seen["status"] == "failed"
    assert f"{host} leads to 127.0.0.1, which is not a public address" in seen["message"]
    assert seen["reached"] == ["public"]


def test_a_name_that_changes_its_answer_gains_nothing():
    """The address that was checked is the one connected to: a second answer is never asked for."""
    seen = outcome("", [PUBLIC], ["127.0.0.1"])

    assert seen["status"] == "passed"
    assert seen["lookups"] == ["shop.example"]
    assert seen["reached"] == ["public"]


def test_a_name_that_changes_its_answer_between_hops_is_refused():
    """Every hop is looked up and checked anew, also when it stays on the same host."""
    seen = outcome("/again", [PUBLIC], ["127.0.0.1"])

    assert seen["status"] == "failed"
    assert seen["reached"] == ["public"]
