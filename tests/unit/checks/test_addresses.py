"""The guard about URLs and addresses: what is refused in every spelling, and what is left alone."""

from __future__ import annotations

import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.addresses import addresses_of, is_public, look_up, target_of
from preflight.exceptions import AddressRefused


def guarded(url, answers=None, *, allow_private=False):
    """Return the addresses that the guard lets a URL connect to."""
    lookup = look_up if answers is None else lambda host, port: answers
    return asyncio.run(addresses_of(target_of(url), allow_private=allow_private, lookup=lookup))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "0",
        "0.0.0.0",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "localhost",
        "LOCALHOST.",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "2852039166",
        "0xA9FEA9FE",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fec0::1]",
        "[ff02::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
    ],
)
def test_addresses_that_are_not_public_are_refused(host):
    """Loopback, private, link-local and metadata addresses are refused however they are spelled."""
    with pytest.raises(AddressRefused, match=r"not a public address|names no host|malformed"):
        guarded(f"http://{host}/")


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822", "8.8.8.8"])
def test_public_addresses_are_let_through(address):
    """An address of the Internet may be called, also one that NAT64 reaches."""
    assert is_public(address)
    assert guarded("http://shop.example/", [address]) == [address]


@pytest.mark.parametrize("answers", [["93.184.216.34", "10.0.0.1"], ["::1", "93.184.216.34"]])
def test_a_name_with_one_private_answer_is_refused(answers):
    """One private answer among public ones refuses the name: which one is taken would be chance."""
    with pytest.raises(AddressRefused, match="PREFLIGHT_HTTP_ALLOW_PRIVATE"):
        guarded("http://shop.example/", answers)


def test_private_addresses_may_be_allowed():
    """The setting lets loopback through, and nothing else changes."""
    assert guarded("http://127.0.0.1:8000/", allow_private=True) == ["127.0.0.1"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example",
        "//shop.example/",
        "file:///etc/passwd",
        "gopher://shop.example/",
        "javascript:alert(1)",
        "ftp://shop.example/",
        "http:/shop.example/",
        "http:shop.example",
        "http://",
        "http:///path",
        "http://:80/",
        "http://user@shop.example/",
        "http://user:canary@shop.example/",
        "http://shop.example@127.0.0.1/",
        "http://127.0.0.1\\@shop.example/",
        "http://shop.example\\.evil/",
        "http://shop.example/\r\nX-Injected: 1",
        "http://shop.example/a b",
        "http://shop.example\t/",
        " http://shop.example/",
        "http://shop.example/\x00",
        "http://shop.example:0/",
        "http://shop.example:99999/",
        "http://shop.example:port/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://127.0.0.1%2f@shop.example/",
        "http://①②⑦.⓪.⓪.①/",
        "http://shop.example/" + "a" * 3000,
    ],
)
def test_what_is_no_plain_url_is_refused_in_one_line(url):
    """Other schemes, userinfo, line breaks and look-alike characters end before any name is looked up."""
    with pytest.raises(AddressRefused) as refusal:
        target_of(url)

    assert "\n" not in str(refusal.value)
    assert "canary" not in str(refusal.value)
    assert len(str(refusal.value)) < 200


def test_a_target_is_taken_apart_once():
    """Host header, connection and path come from the same parts; the fragment is the browser's business."""
    target = target_of("HTTPS://Shop.Example.:8443/a?b=c#d")

    assert (target.scheme, target.host, target.port, target.path) == ("https", "shop.example", 8443, "/a?b=c")
    assert target.authority == "shop.example:8443"
    assert target.at("93.184.216.34") == "https://93.184.216.34:8443/a?b=c"
    assert target.at("2606::1") == "https://[2606::1]:8443/a?b=c"
    assert target_of("http://[2606::1]").authority == "[2606::1]"


@pytest.mark.parametrize("host", ["shop.invalid", "a" * 64 + ".example", "a..example"])
def test_a_name_without_an_address_is_an_error_of_the_system(host):
    """A name that does not resolve, or cannot, is told apart from a refusal."""
    with pytest.raises(socket.gaierror):
        guarded(f"http://{host}/")


@given(st.ip_addresses(network="127.0.0.0/8") | st.ip_addresses(network="10.0.0.0/8"))
def test_no_private_address_hides_in_another(address):
    """Whatever private IPv4 address is wrapped into an IPv6 address, it stays refused."""
    number = int(address)

    assert not is_public(str(address))
    assert not is_public(f"::ffff:{address}")
    assert not is_public(f"64:ff9b::{address}")
    assert not is_public(f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1")


@given(st.text(max_size=60))
def test_any_text_is_a_target_or_refused(text):
    """Nothing that is typed into the setting raises anything else."""
    for url in (text, f"http://{text}"):
        try:
            target = target_of(url)
        except AddressRefused:
            continue
        assert target.host
