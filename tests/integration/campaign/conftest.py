"""The sample campaigns in a database, and a sample Twitch that tests switch and count."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Iterator

import psycopg2
import pytest
from examples import documented, not_met
from integration.campaign import told
from pydantic import SecretStr

from preflight.campaign import campaigns, sample
from preflight.context import CheckContext
from preflight.embedded import twitch
from preflight.embedded.twitch import Twitch
from preflight.redaction import redact
from preflight.registry import PreFlightRegistry
from preflight.schemas import upgrade
from preflight.settings import Settings, load
from preflight.types import CheckResult, Status

EVENT = {"gamification_event_id": str(sample.GROUP_EVENT)}


@dataclasses.dataclass(frozen=True)
class Sampled:
    """A migrated database with the sample campaigns, and the key of their tokens."""

    url: str
    key: str


@pytest.fixture(scope="session")
def sampled(shared_postgresql) -> Iterator[Sampled]:
    """Yield the sample's database, which no test changes."""
    name, key = f"t{secrets.token_hex(6)}", sample.new_key()
    url = shared_postgresql.create_database(name)
    upgrade(url, ["campaign"])
    sample.install(url, SecretStr(key))
    yield Sampled(url, key)
    shared_postgresql.drop_database(name)


@pytest.fixture(scope="module")
def shared_twitch() -> Iterator[Twitch]:
    with Twitch(sample.TOKENS).running() as running:
        yield running


@pytest.fixture
def fake(shared_twitch, leaves_nothing) -> Twitch:
    """Return a Twitch that is well and has not been asked yet."""
    shared_twitch.troubles.clear()
    shared_twitch.tokens = dict(sample.TOKENS)
    shared_twitch.asked.clear()
    shared_twitch.most_at_once = 0
    return shared_twitch


@pytest.fixture
def values(sampled, fake) -> dict[str, object]:
    """Return the settings by which the pack asks the sample."""
    return {
        "packs": ("campaign",),
        "database_url": sampled.url,
        "campaign_keys": sampled.key,
        "twitch_auth_url": fake.url,
        "twitch_api_url": fake.url,
        "twitch_client_id": twitch.CLIENT_ID,
        "twitch_client_secret": twitch.CLIENT_SECRET,
        "http_allow_private": True,
    }


def registry_of(settings: Settings) -> PreFlightRegistry:
    registry = PreFlightRegistry()
    registry.discover(settings)
    assert registry.broken == []
    return registry


Ask = Callable[..., CheckResult]


@pytest.fixture
def ask(values) -> Ask:
    """Return what a check of the pack answers for a campaign; keywords are settings, `run` the run's own details."""

    def ask(name, campaign=sample.WELL, *, run=None, timeout=None, **changed):
        check = registry_of(load(values | changed)).get(name)
        check = dataclasses.replace(check, timeout=timeout or check.timeout)
        details = {"event_type": "dice_roll", "campaign_id": campaign.id, "metadata": EVENT, **(run or {})}
        result = documented(check, asyncio.run(within(check, CheckContext(mode="full", **details))))
        said = (result.message, result.remediation or "")
        assert tuple(map(redact, said)) == said, "what a check says is mistaken for a secret"
        return result

    return ask


async def within(check, context):
    """Ask a check as the engine does: one that overruns its timeout has not kept its promise."""
    async with asyncio.timeout(check.timeout):
        return await check.execute(context)


def campaign(name: str) -> sample.Sample:
    """Return one of the sample campaigns."""
    return next(one for one in sample.SAMPLES if one.name == name)


@pytest.fixture
def tell(ask) -> Ask:
    """Return what a check answers when its source is told to say so: `tell("cooldown", event=...)`."""

    def tell(name, *, run=None, timeout=None, **answers):
        told.source.answers = answers
        return ask(name, run=run, timeout=timeout, campaign_source=told.NAME)

    return tell


@pytest.fixture
def not_given(request):
    """Return the function that tells which documented answers of a check no test has met."""
    return not_met(request)


@pytest.fixture
def without_cryptography(monkeypatch) -> Iterator[None]:
    """Take away the package that comes with the pack's extra."""
    for name in ("preflight.campaign.tables", "preflight.campaign.encryption"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "cryptography.fernet", None)
    campaigns._opened.cache_clear()
    yield
    campaigns._opened.cache_clear()


@pytest.fixture
def nobody(sampled) -> Iterator[str]:
    """Yield the address of the sample's database for a role that may read no table."""
    role = f"nobody{secrets.token_hex(4)}"
    with contextlib.closing(psycopg2.connect(sampled.url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'pw-canary'")
        yield f"postgresql://{role}:pw-canary@{sampled.url.partition('@')[2]}"
        cursor.execute(f"DROP ROLE {role}")


@pytest.fixture(params=["raising", "silent", "refused", "bare", "denied", "nowhere", "not installed"])
def troubled_source(request, refused_port) -> Iterator[tuple[dict[str, object], str]]:
    """Yield the settings of a source in trouble, whatever is asked of it, and what a check says of it."""
    over = threading.Event()
    trouble = over.wait if request.param == "silent" else OSError("the table is\nlocked")
    told.source.answers = dict.fromkeys(("streamers", "vtt_connection", "event"), trouble)
    match request.param:
        case "raising":
            yield {"campaign_source": told.NAME}, "cannot be asked (OSError: the table is locked)"
        case "silent":
            yield {"campaign_source": told.NAME, "timeout": 1.0}, f"the source {told.NAME} did not answer in time"
        case "refused":
            url = f"postgresql://u:pw-canary@127.0.0.1:{refused_port}/shop"
            yield {"database_url": url}, f"the campaigns' database 127.0.0.1:{refused_port}/shop refuses the connection"
        case "bare":
            yield {"database_url": request.getfixturevalue("database_url")}, "lacks the tables of this version"
        case "denied":
            yield {"database_url": request.getfixturevalue("nobody")}, "does not let this user read it"
        case "nowhere":
            yield {"database_url": None}, "there is no database to read campaigns from"
        case "not installed":
            request.getfixturevalue("without_cryptography")
            yield {}, "the package cryptography.fernet is not installed"
    over.set()


def cannot_be_asked(result: CheckResult, message: str) -> None:
    """Hold that an answer says that it is none, why and what to do, and shows no password."""
    assert result.status is Status.ERROR
    assert message in result.message
    assert result.remediation
    assert "canary" not in repr(dataclasses.asdict(result))


@pytest.fixture
def refused_port() -> Iterator[int]:
    """Hold a port on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
