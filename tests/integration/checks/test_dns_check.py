"""The check `dns` against a name server of the test's own, over UDP and TCP, and against silent and broken ones."""

from __future__ import annotations

import asyncio

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from preflight.checks.dns import DnsCheck
from preflight.types import Status

ZONE = {
    ("shop.example.", "A"): ["93.184.216.34"],
    ("shop.example.", "MX"): ["10 mail.shop.example."],
    ("shop.example.", "TXT"): ['"v=spf1 -all"'],
    ("many.example.", "A"): [f"192.0.2.{number}" for number in range(1, 9)],
    ("big.example.", "TXT"): [f'"{number:0200}"' for number in range(20)],
}


class NameServer(asyncio.DatagramProtocol):
    """Answers from the zone; refuses what ends in `.refused`, and says nothing about `.silent`."""

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        if (reply := answer(data, limit=1200)) is not None:
            self.transport.sendto(reply, address)


def answer(data, limit=65535):
    """Return the bytes that answer a query, truncated to a limit as UDP's are; None for silence."""
    query = dns.message.from_wire(data)
    (question,) = query.question
    name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
    if name.endswith("silent."):
        return None
    if name.endswith("garbage."):
        return b"\x00" * 5
    reply = dns.message.make_response(query)
    if name.endswith("refused."):
        reply.set_rcode(dns.rcode.REFUSED)
    elif (name, kind) in ZONE:
        reply.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *ZONE[name, kind]))
    elif not any(known == name for known, _ in ZONE):
        reply.set_rcode(dns.rcode.NXDOMAIN)
    if len(reply.to_wire()) <= limit:
        return reply.to_wire()
    reply.answer.clear()
    reply.flags |= dns.flags.TC
    return reply.to_wire()


async def over_tcp(reader, writer):
    """Answer one query with its length before it."""
    size = int.from_bytes(await reader.readexactly(2), "big")
    reply = answer(await reader.readexactly(size))
    writer.write(len(reply).to_bytes(2, "big") + reply)
    await writer.drain()


@pytest.fixture
def server(peers):
    """Yield the address of the name server: UDP and TCP on one port."""
    port = peers(over_tcp)

    async def listen():
        return await asyncio.get_running_loop().create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", port))

    transport, _ = peers.call(listen())
    yield f"127.0.0.1:{port}"
    peers.loop.call_soon_threadsafe(transport.close)


def check_of(host, server, **details):
    return DnsCheck(host=host, name_server=server, **{"timeout": 1.5} | details)


def test_a_record_passes(ask, server):
    """A record that is there is a yes, and is shown."""
    result = ask(check_of("shop.example", server))

    assert result.status is Status.PASSED
    assert result.message == "shop.example has the A record 93.184.216.34"
    assert result.metadata == {"records": ["93.184.216.34"]}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("A", "93.184.216.34"),
        ("MX", "10 mail.shop.example"),
        ("MX", "10 MAIL.shop.example."),
        ("TXT", "v=spf1 -all"),
        ("mx", ""),
    ],
)
def test_any_type_of_record_can_be_asked_and_expected(ask, server, kind, expected):
    """An expected record is found however its name is spelled."""
    assert ask(check_of("shop.example", server, record_type=kind, expected=expected)).status is Status.PASSED


def test_another_answer_than_expected_fails(ask, server):
    """A name that leads somewhere else is a no that shows both."""
    result = ask(check_of("shop.example", server, expected="10.0.0.7"))

    assert result.status is Status.FAILED
    assert result.message == "shop.example has the A record 93.184.216.34 and not 10.0.0.7"
    assert result.remediation


def test_many_records_are_counted(ask, server):
    """The message stays short, and the last of many is found all the same."""
    result = ask(check_of("many.example", server, expected="192.0.2.8"))

    assert result.status is Status.PASSED
    assert result.message.endswith("192.0.2.5 and 3 more")


def test_an_answer_that_is_too_large_for_udp_is_asked_over_tcp(ask, server):
    """A truncated answer is asked for again, whole."""
    assert "and 15 more" in ask(check_of("big.example", server, record_type="TXT")).message


@pytest.mark.parametrize(
    ("host", "kind", "message"),
    [
        ("other.example", "A", "does not exist"),
        ("shop.example", "AAAA", "has no AAAA record"),
        ("shop.refused", "A", "no name server could say anything about"),
    ],
)
def test_what_the_server_does_not_know_fails(ask, server, host, kind, message):
    """A missing name, a missing record and a refusal are told apart."""
    result = ask(check_of(host, server, record_type=kind))

    assert result.status is Status.FAILED
    assert message in result.message
    assert result.remediation


@pytest.mark.parametrize("host", ["shop.silent", "shop.garbage"])
def test_a_server_that_says_nothing_of_use_fails_in_time(ask, server, host):
    """Silence, and what is no answer, end with the time."""
    result = ask(check_of(host, server))

    assert result.status is Status.FAILED
    assert f"did not answer about {host} in time" in result.message


def test_a_server_that_is_not_there_fails(ask, refused_port):
    """Nobody listens on its port."""
    assert ask(check_of("shop.example", f"127.0.0.1:{refused_port}")).status is Status.FAILED


def test_the_system_s_name_server_is_asked_when_none_is_given(ask, tmp_path):
    """A file without a name server is said as it is."""
    (tmp_path / "resolv.conf").write_text("# empty\n")

    for file in (tmp_path / "resolv.conf", tmp_path / "missing"):
        result = ask(check_of("shop.example", "", resolver_file=file))
        assert result.status is Status.FAILED
        assert result.message == "the system has no name server"


@pytest.mark.parametrize(
    ("host", "server", "kind", "message"),
    [
        ("", "", "A", "holds no name"),
        ("a" * 64 + ".example", "", "A", "holds no name"),
        ("shop..example", "", "A", "holds no name"),
        ("shop.example", "", "NONSENSE", "holds a type that no record has"),
        ("shop.example", "", "ANY", "holds a type that no record has"),
        ("shop.example", "", "", "holds a type that no record has"),
        ("shop.example", "ns.example", "A", "holds a name server that is no address"),
        ("shop.example", "10.0.0.256", "A", "holds a name server that is no address"),
        ("shop.example", "127.0.0.1:99999", "A", "holds a name server that is no address"),
        ("shop.example", "127.0.0.1:0", "A", "holds a name server that is no address"),
    ],
)
def test_a_malformed_entry_fails(ask, host, server, kind, message):
    """What cannot be asked says which part of it is wrong."""
    result = ask(check_of(host, server, record_type=kind))

    assert result.status is Status.FAILED
    assert message in result.message
    assert "PREFLIGHT_CHECK_DNS_NAMES" in result.remediation


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.53", ("10.0.0.53", 53)),
        ("10.0.0.53:5353", ("10.0.0.53", 5353)),
        ("fd00::53", ("fd00::53", 53)),
        ("[fd00::53]", ("fd00::53", 53)),
        ("[fd00::53]:5353", ("fd00::53", 5353)),
    ],
)
def test_a_name_server_is_an_address_with_or_without_a_port(text, address):
    """Both versions of addresses are understood, as in a URL."""
    resolver = check_of("shop.example", text)._resolver()

    assert (resolver.nameservers[0], resolver.port) == address


def test_every_documented_answer_is_given(not_given):
    """The page of the check shows no answer that these tests have not met."""
    assert not_given(DnsCheck) == []
