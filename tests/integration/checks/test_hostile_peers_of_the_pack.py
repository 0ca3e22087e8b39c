"""Whatever Twitch or the campaigns' database does, each check of the pack is over in time and speaks for itself."""

from __future__ import annotations

import gc

import pytest
from integration.campaign import told
from integration.checks.in_time import TIMEOUT, name_of, one_after_the_other, together
from integration.checks.peers import (
    FLOOD,
    HEAD,
    a_byte_every_ten_seconds,
    alerting_tls,
    dripping,
    dripping_tls,
    endless,
    endless_postgresql,
    flooding,
    flooding_lines,
    garbage,
    hanging_up,
    never_reading,
    resetting,
    silent,
    stalling_tls,
)
from pydantic import SecretStr

from preflight.addresses import warm_up
from preflight.campaign import sample
from preflight.campaign.campaigns import Campaigns
from preflight.campaign.checks.cooldown import CooldownCheck
from preflight.campaign.checks.gamification_config import GamificationConfigCheck
from preflight.campaign.checks.tokens import TokensCheck
from preflight.campaign.checks.twitch_api import TwitchApiCheck
from preflight.campaign.checks.vtt_connection import VttConnectionCheck
from preflight.campaign.source import Streamer
from preflight.context import CheckContext

RUN = {
    "says": ("failed", "error"),
    "context": CheckContext(
        mode="full",
        event_type="dice_roll",
        campaign_id=sample.WELL.id,
        metadata={"gamification_event_id": str(sample.GROUP_EVENT)},
    ),
}
#: More streamers than are validated at the same time, so that a second one waits for each connection.
CROWD = [
    Streamer(id=f"s{number}", name=f"s{number}", active=True, authorised=True, token=SecretStr(f"canary{number}"))
    for number in range(20)
]


def on_twitch(port, scheme="http"):
    """Return the checks that ask Twitch, with a port for it."""
    url = f"{scheme}://127.0.0.1:{port}"
    asking = {"auth_url": url, "allow_private": True, "timeout": TIMEOUT}
    return [
        TwitchApiCheck(client_id="client", client_secret=SecretStr("canary"), api_url=url, **asking),
        TokensCheck(campaigns=Campaigns(named=told.NAME), **asking),
    ]


def on_postgresql(port, query=""):
    """Return the checks that read the pack's tables, with a port for their database."""
    campaigns = Campaigns(database_url=SecretStr(f"postgresql://user:canary@127.0.0.1:{port}/app{query}"))
    kinds = (TokensCheck, VttConnectionCheck, CooldownCheck, GamificationConfigCheck)
    return [kind(campaigns=campaigns, timeout=TIMEOUT) for kind in kinds]


def over_tls(port):
    """Return both kinds, over TLS."""
    return [*on_twitch(port, "https"), *on_postgresql(port, "?sslmode=require")]


@pytest.fixture(autouse=True)
def _crowd():
    """Load what a worker loads before it asks, and have campaigns of many streamers."""
    warm_up()
    told.source.answers = {"streamers": CROWD}


@pytest.fixture
def port_of(peers, refused_port, blackhole_port, half_open_port):
    """Return the port of a peer by its name."""
    ports = {"refused": refused_port, "blackholed": blackhole_port, "half-open": half_open_port}
    return lambda peer: ports.get(peer) or peers(peer)


@pytest.mark.parametrize(
    "peer", ["blackholed", "half-open", silent, never_reading, dripping, a_byte_every_ten_seconds], ids=name_of
)
def test_a_peer_that_makes_wait_costs_the_timeout(port_of, peer):
    """Packets dropped, an open connection without a word, a peer that takes nothing, a byte now and then."""
    port = port_of(peer)

    together([*on_twitch(port), *on_postgresql(port)], **RUN)


@pytest.mark.parametrize("peer", ["refused", garbage, hanging_up, resetting], ids=name_of)
def test_a_peer_that_turns_away_is_noticed(port_of, peer):
    """Refused, a protocol that nobody asked for, a connection that ends or breaks."""
    port = port_of(peer)

    one_after_the_other([*on_twitch(port), *on_postgresql(port)], **RUN)


@pytest.mark.parametrize("peer", ["blackholed", "half-open", stalling_tls, dripping_tls, dripping], ids=name_of)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_tls_that_makes_wait_costs_the_timeout(port_of, peer):
    """A handshake that is never answered, or a byte at a time.

    On a busy machine httpx may be cancelled in a handshake; it leaves the connection to the garbage collector then.
    """
    together(over_tls(port_of(peer)), **RUN)
    gc.collect()


@pytest.mark.parametrize("peer", [alerting_tls, garbage, hanging_up, resetting, flooding], ids=name_of)
def test_tls_that_fails_is_noticed(port_of, peer):
    """An alert, a server without TLS, and connections that end or break in the handshake."""
    one_after_the_other(over_tls(port_of(peer)), **RUN)


def test_a_certificate_that_nobody_trusts_is_noticed(peers, certificate):
    """No token is sent to who cannot prove to be Twitch."""
    one_after_the_other(on_twitch(peers(silent, tls=certificate(90, trusted=False)), "https"), **RUN)


@pytest.mark.parametrize(
    ("asked", "peer"),
    [
        (on_twitch, flooding),
        (on_twitch, flooding_lines),
        (on_twitch, endless(HEAD, b"X-More: more\r\n" * 4000)),
        (on_twitch, endless(HEAD + b"\r\n", b"[" * FLOOD)),
        (on_postgresql, flooding),
        (on_postgresql, endless_postgresql),
    ],
    ids=["a flood", "lines", "a head", "a body", "a flood for PostgreSQL", "PostgreSQL"],
)
def test_a_flood_is_left_in_time(peers, asked, peer):
    """A peer that sends without an end, as garbage or in the protocol's own words, is given up."""
    one_after_the_other(asked(peers(peer)), **RUN)
