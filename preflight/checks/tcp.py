"""Ask whether a host accepts TCP connections on a port."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
import socket
import time
from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import Field

from preflight.addresses import look_up
from preflight.context import CheckContext
from preflight.declaration import PreFlightCheck
from preflight.examples import failed, passed
from preflight.settings import Settings
from preflight.target_names import named_targets
from preflight.threads import in_daemon_thread
from preflight.types import CheckResult

TARGET = re.compile(r"(\[(?P<address>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^\s/@:?#\[\]]{1,253})):(?P<port>\d{1,5})")
CORRECT_IT = "Correct the target in PREFLIGHT_CHECK_TCP_TARGETS."
START_IT = "Start what listens there, or correct the target."
SEE_FIREWALL = "See whether its host hangs or a firewall drops what is sent to it."


@dataclasses.dataclass(frozen=True, kw_only=True)
class TcpCheck(PreFlightCheck):
    """Open a TCP connection to a host and port, and close it again.

    Nothing is sent and nothing is read. When the host has several addresses, the first that accepts is the answer.
    """

    name: str = "tcp"
    priority: int = 5
    timeout: float = 3.0
    target: str = dataclasses.field(default="localhost:80", repr=False, metadata={"parameter": False})
    max_connect_ms: Annotated[
        int, Field(ge=0, le=600_000, description="milliseconds that connecting may take; 0 is no limit")
    ] = 0

    default_remediation = SEE_FIREWALL
    examples = (
        passed("<mail.example:25> accepts connections (<3> ms)"),
        failed("<mail.example:25> took <812> ms to accept a connection, more than <500> ms", SEE_FIREWALL),
        failed("<mail.example:25> did not accept a connection in time", SEE_FIREWALL),
        failed("<mail.example:25> refuses connections", START_IT),
        failed("<mail.example:25> has a host name without an address", CORRECT_IT),
        failed("<mail.example:25> cannot be reached: <No route to host>", START_IT),
        failed("The target must be host:port, as in mail.example:25 or [2001:db8::1]:25", CORRECT_IT),
    )

    @classmethod
    def from_settings(cls, settings: Settings) -> Iterable[Self]:
        """Ask every entry of `PREFLIGHT_CHECK_TCP_TARGETS`: `name=host:port`, or `host:port` alone.

        The check of one without a name is called `tcp` if there is no other, else `tcp_<host>_<port>`.
        """
        named = named_targets(settings.check_tcp_targets, "PREFLIGHT_CHECK_TCP_TARGETS", "tcp", _label)
        return [cls(name=name, target=target) for name, target in named.items()]

    async def execute(self, context: CheckContext) -> CheckResult:
        """Answer within 90 % of the timeout."""
        try:
            host, port = taken_apart(self.target)
        except ValueError as error:
            return CheckResult.failed(f"The target {error}", remediation=CORRECT_IT)
        try:
            async with asyncio.timeout(0.9 * self.timeout):
                took_ms = await self._connect(host, port)
        except Exception as error:
            message, remediation = _trouble(error)
            return CheckResult.failed(f"{self.target} {message}", error=type(error).__name__, remediation=remediation)
        return self._judged(took_ms)

    async def _connect(self, host: str, port: int) -> float:
        """Connect to the first address that accepts and return how long that took, in milliseconds."""
        addresses = await in_daemon_thread(lambda: look_up(host, port))
        for number, address in enumerate(addresses, 1):
            started = time.monotonic()
            try:
                async with asyncio.timeout(0.9 * self.timeout / len(addresses)):
                    _, writer = await asyncio.open_connection(address, port)
            except OSError:  # TimeoutError is one
                if number == len(addresses):
                    raise
                continue
            took_ms = (time.monotonic() - started) * 1000
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            return took_ms
        raise socket.gaierror(socket.EAI_NONAME, "no address")

    def _judged(self, took_ms: float) -> CheckResult:
        facts = {"connect_ms": round(took_ms, 1)}
        if self.max_connect_ms and took_ms > self.max_connect_ms:
            message = f"{self.target} took {took_ms:.0f} ms to accept a connection, more than {self.max_connect_ms} ms"
            return CheckResult.failed(message, remediation=SEE_FIREWALL, metadata=facts)
        return CheckResult.passed(f"{self.target} accepts connections ({took_ms:.0f} ms)", metadata=facts)


def taken_apart(target: str) -> tuple[str, int]:
    """Return host and port; raise `ValueError` whose text follows "The target" and repeats nothing of it."""
    match = TARGET.fullmatch(target)
    if match is None or not 0 < int(match["port"]) < 65536:
        raise ValueError("must be host:port, as in mail.example:25 or [2001:db8::1]:25")
    return match["address"] or match["host"], int(match["port"])


def _label(target: str) -> str:
    try:
        taken_apart(target)
    except ValueError:
        return "unusable"  # it may hold a password, and the name of a check is shown
    return target


def _trouble(error: Exception) -> tuple[str, str]:
    """Return the end of the sentence that starts with the target, and what to do."""
    match error:
        case TimeoutError():
            return "did not accept a connection in time", SEE_FIREWALL
        case socket.gaierror():
            return "has a host name without an address", CORRECT_IT
        case ConnectionRefusedError():
            return "refuses connections", START_IT
        case OSError():
            return f"cannot be reached: {error.strerror or type(error).__name__}", START_IT
    return f"cannot be reached: {type(error).__name__}", START_IT
