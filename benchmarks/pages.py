"""What the monitoring page costs its server, with few and with many reports in the database."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx

from benchmarks.figures import Figure
from benchmarks.rounds import Samples, interleave, milliseconds, ratios
from preflight.admin.credentials import Credentials, Role
from preflight.embedded.process import Child, Program, wait_until
from preflight.embedded.server import free_port

READY_SECONDS = 60.0
ROUNDS = 15
MEANING = "the monitoring page with 5,000,000 reports, in its time with 50,000; the worst of its addresses"
_MONITORING = "/admin/monitoring"
#: As a person has it, each period and kind of query, and as a program has it.
ADDRESSES = {
    "monitoring page, 24 h": _MONITORING,
    "monitoring page, 7 d": f"{_MONITORING}?period=7d",
    "monitoring page, 30 d": f"{_MONITORING}?period=30d",
    "monitoring page, check failed": f"{_MONITORING}?query=check:twitch_api+status:failed",
    "monitoring page, NO-GO of an event type": f"{_MONITORING}?query=event:poll_launch+verdict:nogo",
    "monitoring page, nothing found": f"{_MONITORING}?query=check:nobody",
    "monitoring, JSON": _MONITORING,
}


@contextlib.contextmanager
def admin(log: Path, redis_url: str, database_url: str) -> Iterator[tuple[Child, str, str]]:
    """Yield the process of an admin page, its address, and a token that may look."""
    port = free_port()
    words = {"REDIS_URL": redis_url, "DATABASE_URL": database_url, "ADMIN_PORT": str(port)}
    program = Program(
        name="admin",
        command=(sys.executable, "-m", "preflight", "admin"),
        log=log,
        environment={f"PREFLIGHT_{name}": value for name, value in words.items()},
    )
    with contextlib.ExitStack() as closing:
        credentials = Credentials(database_url)
        closing.callback(credentials.dispose)
        child = Child(program)
        closing.callback(child.kill)
        url = f"http://127.0.0.1:{port}"
        if not wait_until(lambda: _answers(url), READY_SECONDS):
            raise TimeoutError(f"the admin page did not answer within {READY_SECONDS:g} s: see {log}")
        yield child, url, credentials.create_token("bench", Role.VIEWER)


def ask(home: Path, redis_url: str, few: str, many: str) -> dict[str, dict[str, Samples]]:
    """Time every address over two databases, in turn: a page process each, and one request at a time."""
    with contextlib.ExitStack() as closing:
        clients = {}
        for arm, database in (("few", few), ("many", many)):
            _, url, token = closing.enter_context(admin(home / f"admin-{arm}.log", redis_url, database))
            headers = {"Authorization": f"Bearer {token}"}
            clients[arm] = closing.enter_context(httpx.Client(base_url=url, headers=headers, timeout=60))
        return {name: _asked(clients, name, address) for name, address in ADDRESSES.items()}


def _asked(clients: dict[str, httpx.Client], name: str, address: str) -> dict[str, Samples]:
    accept = {"Accept": "application/json" if name.endswith("JSON") else "text/html"}

    def once(client: httpx.Client) -> float:
        return milliseconds(lambda: client.get(address, headers=accept).raise_for_status())

    slices = {arm: lambda client=client: [min(once(client) for _ in range(2))] for arm, client in clients.items()}
    for warm in slices.values():
        warm()
    return interleave(slices, ROUNDS)


def figure(asked: Sequence[dict[str, Samples]]) -> Figure:
    """Return the ratio of the address that suffers most."""
    worst = max(asked, key=lambda samples: samples["many"].p50 / samples["few"].p50)
    many, few = worst["many"], worst["few"]
    return Figure.of(MEANING, many.p50 / few.p50, ratios(many.medians, few.medians))


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{url}/healthz").is_success
    return False
