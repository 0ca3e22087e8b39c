"""`python -m benchmarks.live_pages [--pages N]`: what open live pages cost the admin page while nothing happens."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click
import httpx
import psutil

from benchmarks.pages import admin
from preflight.embedded.postgresql import start_postgresql
from preflight.embedded.process import Child
from preflight.embedded.valkey import start_valkey
from preflight.reports import migrations

SECONDS = 20.0


@click.command()
@click.option("--pages", default=200, show_default=True, help="Pages that are open.")
def main(pages: int) -> None:
    """Open so many live pages and print the share of a core that the admin page takes, before and meanwhile."""
    with tempfile.TemporaryDirectory() as home, _page(Path(home)) as (child, url, token):
        before, meanwhile = asyncio.run(_measured(psutil.Process(child.pid), url, token, pages))
        memory = psutil.Process(child.pid).memory_info().rss / 2**20
    click.echo(f"no page: {before:.2f} % of a core; {pages} pages: {meanwhile:.2f} %, {memory:.0f} MiB in all")


@contextlib.contextmanager
def _page(home: Path) -> Iterator[tuple[Child, str, str]]:
    with contextlib.ExitStack() as closing:
        valkey = start_valkey(home / "valkey", secrets.token_hex(8))
        closing.callback(valkey.stop)
        postgresql = start_postgresql(home / "postgresql", secrets.token_hex(8))
        closing.callback(postgresql.stop)
        migrations.upgrade(postgresql.url)
        yield closing.enter_context(admin(home / "admin.log", valkey.url, postgresql.url))


async def _measured(process: psutil.Process, url: str, token: str, pages: int) -> tuple[float, float]:
    before = await _share(process)
    told: set[int] = set()
    listening = [asyncio.create_task(_listen(url, token, number, told)) for number in range(pages)]
    while len(told) < pages:  # noqa: ASYNC110  # told by many
        await asyncio.sleep(0.1)
    meanwhile = await _share(process)
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    return before, meanwhile


async def _listen(url: str, token: str, number: int, told: set[int]) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(timeout=None, headers=headers) as client,
        client.stream("GET", f"{url}/api/v1/events") as stream,
    ):
        async for _ in stream.aiter_lines():
            told.add(number)


async def _share(process: psutil.Process) -> float:
    """Return the share of a core that a process takes, in percent."""
    used, started_at = sum(process.cpu_times()[:2]), time.monotonic()
    await asyncio.sleep(SECONDS)
    return 100 * (sum(process.cpu_times()[:2]) - used) / (time.monotonic() - started_at)


if __name__ == "__main__":
    main()
