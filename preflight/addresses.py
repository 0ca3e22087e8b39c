"""The one guard about URLs and the addresses behind them: what may be called, and where the call then goes."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from urllib.parse import SplitResult, urlsplit

from preflight.exceptions import AddressRefused
from preflight.redaction import redact
from preflight.threads import in_daemon_thread

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
#: Answers the addresses of a host and port as text; raises `OSError` when there are none.
Lookup = Callable[[str, int], list[str]]

PORTS = {"http": 80, "https": 443}
MAX_LENGTH = 2048
ALLOW = "set PREFLIGHT_HTTP_ALLOW_PRIVATE=true if it may be called"

#: Refused although `ipaddress` takes them for public: Azure's metadata service and networks that stand for others.
_NEVER_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "fec0::/10")
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """A URL that was taken apart once, so that nothing after the guard reads it differently."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the Host header: the host, with its port when it is not the scheme's own."""
        return _bracketed(self.host) + ("" if self.port == PORTS[self.scheme] else f":{self.port}")

    @property
    def origin(self) -> str:
        """The URL without its path and query, which may hold secrets: for messages."""
        return f"{self.scheme}://{self.authority}"

    def at(self, address: str) -> str:
        """Return the URL that connects to an address instead of the host's name."""
        return f"{self.scheme}://{_bracketed(address)}:{self.port}{self.path}"


def target_of(url: str) -> Target:
    """Take a URL apart; raise `AddressRefused` for whatever is no plain http(s) URL of a host."""
    if not url.isascii() or any(character <= " " or character in "\\\x7f" for character in url):
        raise AddressRefused("The URL holds a space, line break, backslash or non-ASCII character: escape it.")
    if len(url) > MAX_LENGTH:
        raise AddressRefused(f"The URL is {len(url)} characters long; at most {MAX_LENGTH} are allowed.")
    scheme, colon, _ = url.partition("://")
    if not colon or scheme.lower() not in PORTS:
        raise AddressRefused(f"The URL {redact(url)[:80]} must start with http:// or https://.")
    parts, port = _parts(url)
    if "@" in parts.netloc:
        raise AddressRefused("The URL holds a user or password before '@': remove it.")
    host = (parts.hostname or "").removesuffix(".")  # "localhost." is the same host, also for certificates
    if not host or "%" in host:
        raise AddressRefused("The URL names no host, as in https://host/path.")
    query = f"?{parts.query}" if parts.query else ""
    return Target(
        scheme=parts.scheme,
        host=host,
        port=PORTS[parts.scheme] if port is None else port,
        path=(parts.path or "/") + query,
    )


def _parts(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("The URL's host or port is malformed: a port is a number from 1 to 65535.") from None
    if port == 0:
        raise AddressRefused("The URL's port is 0: a port is a number from 1 to 65535.")
    return parts, port


def look_up(host: str, port: int) -> list[str]:
    """Return every address of a host, as the system resolves it; raise `OSError` when there is none."""
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label that is empty or longer than 63 characters
        raise socket.gaierror(socket.EAI_NONAME, "no host has such a name") from None
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


async def addresses_of(target: Target, *, allow_private: bool, lookup: Lookup = look_up) -> list[str]:
    """Return the addresses that may be connected to for a target.

    Raises `AddressRefused` when any answer of its name is not public, and `OSError` when the name has no answer.
    Connect to one of the returned addresses, never to the name: a second look-up may answer differently.
    """
    answers = await in_daemon_thread(lambda: lookup(target.host, target.port))
    for answer in answers:
        if not allow_private and not is_public(answer):
            raise AddressRefused(f"{target.host} leads to {answer}, which is not a public address: {ALLOW}.")
    return answers


def is_public(text: str) -> bool:
    """Return whether an address is one of the public Internet, and so is whatever address it stands for."""
    address = ipaddress.ip_address(text)
    return all(_is_public(spelling) for spelling in (address, *_inner(address)))


def _is_public(address: Address) -> bool:
    named = any(address in network for network in _NEVER_PUBLIC if network.version == address.version)
    special = address.is_multicast or address.is_reserved or address.is_link_local or address.is_loopback
    if address.version == 6 and address in _NAT64:
        special = False  # reserved as a whole; the address inside decides
    return address.is_global and not special and not named


def _inner(address: Address) -> Iterator[Address]:
    """Yield the IPv4 addresses that an IPv6 address carries: mapped, compatible, NAT64, 6to4, Teredo."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    if address in _NAT64 or address in _IPV4_COMPATIBLE:
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    yield from filter(None, (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def warm_up() -> None:
    """Load what a process's first call over HTTP or WebSocket loads: under load that takes longer than checks have."""
    for module in ("anyio._backends._asyncio", "h11", "httpcore", "websockets.asyncio.client"):
        importlib.import_module(module)
    trust()


@functools.cache
def trust() -> ssl.SSLContext:
    """Return the TLS context of this process: authorities of certifi, of the system and of `SSL_CERT_FILE`."""
    import httpx

    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()  # a private authority that the machine trusts is good enough for a check
    return context
