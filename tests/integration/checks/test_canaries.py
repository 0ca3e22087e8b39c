"""No secret of a check's address is in anything that leaves its process, though peers repeat what they were sent."""

from __future__ import annotations

import re
import struct
import subprocess
import sys

import pytest
from integration.checks.peers import ASKING_FOR_ENCRYPTION

#: Asks every check as a worker does, with its log as talkative as it gets, and prints all that is known of each.
SCRIPT = """
import concurrent.futures, json, sys
from pydantic import SecretStr
from preflight.campaign import sample
from preflight.campaign.campaigns import Campaigns
from preflight.campaign.checks.tokens import TokensCheck
from preflight.campaign.checks.twitch_api import TwitchApiCheck
from preflight.campaign.checks.vtt_connection import VttConnectionCheck
from preflight.campaign.source import Streamer
from preflight.checks.beat import BeatCheck
from preflight.checks.broker import BrokerCheck
from preflight.checks.database import DatabaseCheck
from preflight.checks.http import HttpCheck
from preflight.checks.migrations import MigrationsCheck
from preflight.checks.redis import RedisCheck
from preflight.checks.tcp import TcpCheck
from preflight.checks.websocket import WebsocketCheck
from preflight.checks.workers import WorkersCheck
from preflight.cli import check_pages, descriptions
from preflight.context import CheckContext
from preflight.engine.answers import encode
from preflight.engine.execution import fenced
from preflight.observability import logs

logs.configure(loglevel="DEBUG")
timeout = 5.0
raw, on_redis, on_postgresql, *web = sys.argv[1:]

class source:
    def streamers(self, campaign_id, streamer_ids):
        return [Streamer(id="nova", name="nova", active=True, authorised=True, token=SecretStr("canary-user-token"))]

def redis_checks(port):
    url = SecretStr(f"redis://user:canary-password@127.0.0.1:{port}/0")
    return [kind(url=url, timeout=timeout) for kind in (RedisCheck, BrokerCheck, WorkersCheck, BeatCheck)]

def postgresql_checks(port):
    url = SecretStr(f"postgresql://user:canary-password@127.0.0.1:{port}/app?application_name=canary-query")
    yield from [kind(url=url, timeout=timeout) for kind in (DatabaseCheck, MigrationsCheck)]
    yield VttConnectionCheck(campaigns=Campaigns(database_url=url), timeout=timeout)

def web_checks(port):
    rest = f"://127.0.0.1:{port}/canary-path/x?key=canary-query&token=canary-token"
    yield HttpCheck(url=f"http{rest}", allow_private=True, timeout=timeout)
    yield HttpCheck(url=f"http{rest}", allow_private=True, timeout=timeout, json_path="said", json_value="ok")
    yield HttpCheck(url=f"https{rest}", allow_private=True, timeout=timeout)
    yield HttpCheck(url=f"http://user:canary-password@127.0.0.1:{port}/", allow_private=True, timeout=timeout)
    yield HttpCheck(url=f"http{rest} canary-space", allow_private=True, timeout=timeout)
    for scheme in ("ws", "wss", "http", "https"):
        yield WebsocketCheck(url=f"{scheme}{rest}", timeout=timeout)
    yield WebsocketCheck(url=f"ws://user:canary-password@127.0.0.1:{port}/canary-path", timeout=timeout)
    yield WebsocketCheck(url=f"ws://127.0.0.1:{port}/canary path", timeout=timeout)
    yield TcpCheck(target=f"user:canary-password@127.0.0.1:{port}", timeout=timeout)
    for scheme in ("http", "https"):
        asking = {"auth_url": f"{scheme}://127.0.0.1:{port}", "allow_private": True, "timeout": timeout}
        secret = SecretStr("canary-client-secret")
        yield TwitchApiCheck(client_id="client", client_secret=secret, api_url=asking["auth_url"], **asking)
        yield TokensCheck(campaigns=Campaigns(named="__main__:source"), **asking)

def answer(check):
    run = CheckContext(mode="full", event_type="poll_launch", campaign_id=sample.WELL.id)
    return encode(fenced(check, run, timeout))

def told(check):
    described = descriptions.describe(check)
    return "\\n".join([json.dumps(described), check_pages.page(described), repr(check)])

checks = [
    *(check for port in (raw, on_redis) for check in redis_checks(port)),
    *(check for port in (raw, on_postgresql) for check in postgresql_checks(port)),
    *(check for port in (raw, *web) for check in web_checks(port)),
]
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    print(*pool.map(answer, checks), *map(told, checks), sep="\\n")
"""
#: Takes the masks away.
UNMASKED = "import preflight.redaction as r; r.without_secrets_of = lambda url, text: text\n"


async def raw(reader, writer):
    """Repeat every byte."""
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()


async def refusing_redis(reader, writer):
    """Refuse every command in words that hold the command."""
    while chunk := await reader.read(65536):
        words = re.sub(rb"[*$]\d+|\s+", b" ", chunk)
        writer.write(b"-ERR I was told " + words + b"\r\n")
        await writer.drain()


async def refusing_postgresql(reader, writer):
    """Ask for the password in plain text, and refuse it in words that hold it and the connection's options."""
    while True:
        length, code = struct.unpack("!II", await reader.readexactly(8))
        options = await reader.readexactly(length - 8)
        if code not in ASKING_FOR_ENCRYPTION:
            break
        writer.write(b"N")
    writer.write(b"R" + struct.pack("!II", 8, 3))
    _kind, length = struct.unpack("!cI", await reader.readexactly(5))
    password = await reader.readexactly(length - 4)
    text = b"I was told " + (options + password).replace(b"\0", b" ")
    fields = b"SFATAL\0C28000\0M" + text + b"\0\0"
    writer.write(b"E" + struct.pack("!I", len(fields) + 4) + fields)
    await writer.drain()


def web(answer):
    """Return a handler that answers a request with a function of the request's target."""

    async def handler(reader, writer):
        target = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
        writer.write(answer(target))
        await writer.drain()

    return handler


ANSWERS = {
    "status": lambda target: b"HTTP/1.1 500 " + target + b"\r\n\r\n",
    "garbage": lambda target: b"I was told " + target + b"\r\n\r\n",
    "header": lambda target: b"HTTP/1.1 200 OK\r\nContent-Type: " + target + b"\r\nBad header " + target + b"\r\n\r\n",
    "type": lambda target: b"HTTP/1.1 200 OK\r\nContent-Type: " + target + b"\r\n\r\n",
    "json": lambda target: b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"said": "' + target + b'"}',
    "redirect": lambda target: b"HTTP/1.1 302 Found\r\nLocation: " + target + b"\r\n\r\n",
    "upgrade": lambda target: b"HTTP/1.1 101 " + target + b"\r\nUpgrade: " + target + b"\r\n\r\n",
}


@pytest.fixture
def said(peers):
    """Return the function that runs a script against every peer and returns the lines that hold a secret."""
    ports = [peers(handler) for handler in (raw, refusing_redis, refusing_postgresql, *map(web, ANSWERS.values()))]

    def run(script):
        command = [sys.executable, "-c", script, *map(str, ports)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
        assert done.returncode == 0, done.stderr[-2000:]
        assert done.stdout.count('"status": "failed"') > 80
        return [line for line in (done.stdout + done.stderr).splitlines() if "canary" in line]

    return run


def test_what_a_peer_repeats_is_masked_everywhere(said):
    """Passwords, paths and queries of addresses are in no answer, no description, no page and no line of the log."""
    assert said(SCRIPT) == []


def test_the_peers_do_repeat_the_secrets(said):
    """Without the masks each of the peers' ways would be seen."""
    assert len(said(UNMASKED + SCRIPT)) >= 10
