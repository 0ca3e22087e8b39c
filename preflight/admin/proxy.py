"""What a proxy in front says of a request. Believed only if the connection comes from an address that is trusted."""

from __future__ import annotations

import dataclasses
import functools
import ipaddress
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import Scope

from preflight.settings import Settings

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a request comes from: its client's address, whether it came over https, and the proxy's user if any."""

    address: str
    secure: bool
    user: str = ""


class Proxy:
    """The proxies of `PREFLIGHT_ADMIN_TRUSTED_PROXIES`, none by default."""

    def __init__(self, settings: Settings) -> None:
        self._trusted = networks(settings.admin_trusted_proxies)
        self._user_header = settings.admin_proxy_header.lower()

    def origin(self, scope: Scope) -> Origin:
        """Return where a request comes from. Headers from an address that is not trusted say nothing."""
        peer = scope["client"][0] if scope.get("client") else ""
        secure = scope.get("scheme") == "https"
        if not self._trusts(peer):
            return Origin(peer, secure)
        headers = Headers(scope=scope)
        proto = headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
        return Origin(self._client(headers, peer), secure or proto == "https", self._user(headers))

    def _client(self, headers: Headers, peer: str) -> str:
        """Return the last address that no trusted proxy has: what stands before it, the client may have written."""
        hops = [hop.strip() for value in headers.getlist("x-forwarded-for") for hop in value.split(",")]
        return next((hop for hop in reversed(hops) if hop and not self._trusts(hop)), peer)[:64]

    def _user(self, headers: Headers) -> str:
        """Return the user that the proxy names; two of them are none."""
        named = headers.getlist(self._user_header) if self._user_header else []
        return named[0].strip()[:64] if len(named) == 1 else ""

    def _trusts(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)


@functools.cache
def networks(words: Sequence[str]) -> tuple[Network, ...]:
    """Return addresses and networks; `ValueError` for what is neither."""
    return tuple(ipaddress.ip_network(word) for word in words)
