"""Ask a name server about a name."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Self

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
from pydantic import Field

from preflight.context import CheckContext, shown
from preflight.declaration import PreFlightCheck
from preflight.examples import failed, passed
from preflight.redaction import redact
from preflight.settings import Settings
from preflight.target_names import named_targets
from preflight.types import CheckResult

CORRECT_IT = "Correct the name in PREFLIGHT_CHECK_DNS_NAMES."
CORRECT_RECORD = "Correct the record in the zone, or what is expected of it."
SEE_SERVER = "See whether the name server runs, and whether a firewall drops what is sent to it."
CONFIGURE_ONE = "Configure one in /etc/resolv.conf, or name one in the setting."
SERVER = re.compile(r"(\[(?P<inner>[0-9A-Fa-f:.]+)\]|(?P<plain>[0-9.]+)):(?P<port>\d{1,5})")
#: Records of an answer that are shown.
MAX_SHOWN = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class DnsCheck(PreFlightCheck):
    """Ask a name server for the records of a name.

    The name is asked as it is: no search domain is appended, and files such as `/etc/hosts` are not read. Without a
    name server of its own, the check asks those that the system is configured with.
    """

    name: str = "dns"
    priority: int = 5
    timeout: float = 3.0
    host: str = dataclasses.field(default="localhost", metadata={"parameter": False})
    name_server: str = dataclasses.field(default="", metadata={"parameter": False})
    resolver_file: Path = dataclasses.field(default=Path("/etc/resolv.conf"), metadata={"parameter": False})
    record_type: Annotated[str, Field(description="type of the records, as in A, AAAA, MX, TXT")] = "A"
    expected: Annotated[
        str, Field(max_length=1000, description="a record that must be among the answers; empty: any will do")
    ] = ""

    default_remediation = SEE_SERVER
    examples = (
        passed("<shop.example> has the <A> record <93.184.216.34>"),
        failed("<shop.example> has the <A> record <93.184.216.34> and not <10.0.0.7>", CORRECT_RECORD),
        failed("<shop.example> has no <MX> record", CORRECT_RECORD),
        failed("<shop.example> does not exist", CORRECT_RECORD),
        failed("the name server did not answer about <shop.example> in time", SEE_SERVER),
        failed("no name server could say anything about <shop.example>", SEE_SERVER),
        failed("the system has no name server", CONFIGURE_ONE),
        failed("The entry <holds a name server that is no address, as in shop.example@10.0.0.53>", CORRECT_IT),
    )

    @classmethod
    def from_settings(cls, settings: Settings) -> Iterable[Self]:
        """Ask about every entry of `PREFLIGHT_CHECK_DNS_NAMES`: `host`, or `name=host:TYPE@server`.

        Name, type and name server (an address, with `:port` if need be) may be left out. The check of an entry without
        a name is called `dns` if there is no other, else `dns_<entry>`.
        """
        named = named_targets(settings.check_dns_names, "PREFLIGHT_CHECK_DNS_NAMES", "dns", str)
        return [cls._of(name, entry) for name, entry in named.items()]

    @classmethod
    def _of(cls, name: str, entry: str) -> Self:
        """Return the check of an entry of the setting, `host:TYPE@server`."""
        asked, _, server = entry.partition("@")
        host, _, kind = asked.partition(":")
        return cls(name=name, host=host, record_type=kind.upper() or "A", name_server=server)

    async def execute(self, context: CheckContext) -> CheckResult:
        """Answer within 90 % of the timeout."""
        try:
            asked, kind, resolver = _name(self.host), _record_type(self.record_type), self._resolver()
        except ValueError as error:
            return CheckResult.failed(f"The entry {error}", remediation=CORRECT_IT)
        except dns.resolver.NoResolverConfiguration:
            return CheckResult.failed("the system has no name server", remediation=CONFIGURE_ONE)
        try:
            async with asyncio.timeout(0.9 * self.timeout):
                answer = await resolver.resolve(asked, kind, search=False, lifetime=0.85 * self.timeout)
        except Exception as error:
            message, remediation = self._trouble(error)
            return CheckResult.failed(message, error=_line(error), remediation=remediation)
        return self._judged(sorted(str(record) for record in answer))

    def _resolver(self) -> dns.asyncresolver.Resolver:
        """Return a resolver for the name server; raise `ValueError` whose text follows "The entry"."""
        if not self.name_server:
            return dns.asyncresolver.Resolver(str(self.resolver_file))
        resolver = dns.asyncresolver.Resolver(configure=False)
        address, resolver.port = _address(self.name_server)
        resolver.nameservers = [address]
        return resolver

    def _judged(self, records: list[str]) -> CheckResult:
        facts = {"records": [shown(record)[1:-1] for record in records[:MAX_SHOWN]]}
        message = f"{self.host} has the {self.record_type} record {_listed(records)}"
        if self.expected and _plain(self.expected) not in map(_plain, records):
            message = f"{message} and not {shown(self.expected)[1:-1]}"
            return CheckResult.failed(message, remediation=CORRECT_RECORD, metadata=facts)
        return CheckResult.passed(message, metadata=facts)

    def _trouble(self, error: Exception) -> tuple[str, str]:
        """Return what an error means, and what to do."""
        match error:
            case dns.resolver.NXDOMAIN():
                return f"{self.host} does not exist", CORRECT_RECORD
            case dns.resolver.NoAnswer():
                return f"{self.host} has no {self.record_type} record", CORRECT_RECORD
            case TimeoutError() | dns.exception.Timeout():
                return f"the name server did not answer about {self.host} in time", SEE_SERVER
        return f"no name server could say anything about {self.host}", SEE_SERVER


def _name(text: str) -> dns.name.Name:
    try:
        if text:
            return dns.name.from_text(text)
    except (dns.exception.DNSException, UnicodeError):
        pass
    raise ValueError("holds no name that can be asked about, as in shop.example")


def _record_type(text: str) -> dns.rdatatype.RdataType:
    try:
        kind = dns.rdatatype.from_text(text)
    except (dns.exception.DNSException, ValueError):
        kind = dns.rdatatype.ANY
    if dns.rdatatype.is_metatype(kind):
        raise ValueError("holds a type that no record has; types are A, AAAA, MX, TXT and so on")
    return kind


def _address(text: str) -> tuple[str, int]:
    match = SERVER.fullmatch(text)
    address, port = (match["inner"] or match["plain"], int(match["port"])) if match else (text.strip("[]"), 53)
    try:
        address = str(ipaddress.ip_address(address))
    except ValueError:
        port = 0
    if not 0 < port < 65536:
        raise ValueError("holds a name server that is no address, as in shop.example@10.0.0.53")
    return address, port


def _plain(record: str) -> str:
    """Return a record without what two spellings of it differ in."""
    return record.strip('"').removesuffix(".").casefold()


def _listed(records: list[str]) -> str:
    more = len(records) - MAX_SHOWN
    listed = ", ".join(shown(record)[1:-1] for record in records[:MAX_SHOWN])
    return listed + (f" and {more} more" if more > 0 else "")


def _line(error: Exception) -> str:
    return redact(f"{type(error).__name__}: {' '.join(str(error).split())}")[:300]
