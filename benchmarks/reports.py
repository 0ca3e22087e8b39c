"""`python -m benchmarks --reports`: what many reports cost, to keep, to ask, to forget and to record."""

from __future__ import annotations

import contextlib
import secrets
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from benchmarks import forgetting, history, pages, reference
from benchmarks.arms import Preflight
from benchmarks.effort import Effort
from benchmarks.figures import Figure
from benchmarks.machine import Machine
from benchmarks.rounds import Samples, interleave, milliseconds, ratios
from benchmarks.shapes import SEVEN
from preflight.embedded.postgresql import Postgresql
from preflight.engine.celery_app import create_app
from preflight.engine.dispatch import ByScripts
from preflight.engine.runs import Runs
from preflight.recorder import Recorder
from preflight.reports import migrations
from preflight.reports.instants import first_id
from preflight.reports.store import ReportFilter, ReportStore
from preflight.types import Status

#: Of so many times the light runs: more at once than the sender's queue holds would be dropped.
_RECORDED = 2
_LIGHT_BATCHES = 3
_ROUNDS = 15
#: Room for the load: a server with its defaults would write the tables out again and again meanwhile.
_OPTIONS = {"shared_buffers": "512MB", "max_wal_size": "16GB", "checkpoint_timeout": "1h", "synchronous_commit": "on"}

Query = Callable[[ReportStore], object]


def queries() -> dict[str, Query]:
    """Return what the page asks and what the filters with an index find, by name."""
    now = datetime.now(UTC)
    day, week, month = (now - timedelta(days=days) for days in (1, 7, 30))
    middle = first_id(now - timedelta(days=15))
    failed = ReportFilter(check="twitch_api", check_status=Status.FAILED)
    pages = {
        "newest page": ReportFilter(),
        "NO-GO": ReportFilter(success=False),
        "GO": ReportFilter(success=True),
        "event type": ReportFilter(event_type="dice_roll"),
        "mode": ReportFilter(mode="full"),
        "event type, NO-GO": ReportFilter(event_type="poll_launch", success=False),
        "campaign": ReportFilter(campaign_id=uuid.UUID("018f4c1e-0000-7000-8000-000000000007")),
        "check": ReportFilter(check="tokens"),
        "check failed": failed,
        "nothing of that check": ReportFilter(check="nobody"),
        "check failed, a day": ReportFilter(check="twitch_api", check_status=Status.FAILED, since=month, until=week),
    }
    return {
        **{
            f"statistics, {name}": lambda store, since=since: store.statistics(since)
            for name, since in (("24 h", day), ("7 d", week), ("30 d", month))
        },
        "checks, 24 h": lambda store: store.check_statistics(day),
        "checks, 30 d": lambda store: store.check_statistics(month),
        "trend by hour, 7 d": lambda store: store.trend(week, step="hour"),
        "trend by day, 30 d, one check": lambda store: store.trend(month, step="day", check="tokens"),
        "strip": lambda store: store.strip("tokens"),
        "latest verdicts": lambda store: store.latest(),
        **{f"page: {name}": lambda store, wanted=wanted: store.page(wanted) for name, wanted in pages.items()},
        "page: from the middle": lambda store: store.page(before=middle),
        "page: check failed, from the middle": lambda store: store.page(failed, before=middle),
    }


#: The figures, by name.
MEANINGS = {
    "statistics_5m_vs_50k": "a statistic or a page with 5,000,000 reports, in its time with 50,000; the worst of all",
    "purge_5m_vs_50k": "purging a day that is on disk only, of 5,000,000 reports in 30, in purging one of 50,000",
    "purge_vs_delete": "the same purge, in a DELETE of such a day and of what leads to it, without VACUUM",
    "recorded_vs_light_throughput": "reports recorded per second, in light runs finished per second (7 checks)",
    "bytes_per_light_report": "bytes of a light report of 4 checks, all passed, with indexes and rollups",
    "page_5m_vs_50k": pages.MEANING,
}


def figures(machine: Machine, home: Path, how_much: Effort) -> dict[str, Figure]:
    """Return the figures, and print what each query took, in ms, with few and with many reports."""
    _say("recording")
    recorded, light = _recorded(machine, how_much.recorded_runs)
    with _server(home / "history") as server:
        bytes_each = reference.bytes_per_report(server)
        urls = [_filled(server, f"reports_{count}", count) for count in (how_much.few_reports, how_much.many_reports)]
        stores = [ReportStore(url) for url in urls]
        _say("asking")
        asked = _ask(stores)
        paged = pages.ask(home, machine.redis_url, *urls)
        _say("forgetting")
        purged, deleted = forgetting.purge(server, stores, f"reports_{how_much.many_reports}")
        for store in stores:
            store.dispose()
    for name, samples in (asked | paged).items():
        print(f"{name:40}", *(f"{samples[arm].p50:9.2f}" for arm in ("few", "many")), f"{_ratio(samples):6.2f}")
    worst = asked[max(asked, key=lambda name: _ratio(asked[name]))]
    found = {
        "statistics_5m_vs_50k": (_ratio(worst), ratios(worst["many"].medians, worst["few"].medians)),
        "purge_5m_vs_50k": (_ratio(purged), ratios(purged["many"].medians, purged["few"].medians)),
        "purge_vs_delete": (purged["many"].p50 / deleted, [sample / deleted for sample in purged["many"].all]),
        "recorded_vs_light_throughput": (sum(recorded) / sum(light), ratios(recorded, light)),
        "bytes_per_light_report": (bytes_each, [bytes_each]),
    }
    kept_on = f"; the files on {forgetting.disk(home)}"
    made = {
        name: Figure.of(MEANINGS[name] + (kept_on if name.startswith("purge") else ""), *found[name]) for name in found
    }
    return made | {"page_5m_vs_50k": pages.figure(list(paged.values()))}


def _ratio(samples: Mapping[str, Samples]) -> float:
    return samples["many"].p50 / samples["few"].p50


@contextlib.contextmanager
def _server(home: Path) -> Iterator[Postgresql]:
    server = Postgresql(home, secrets.token_hex(8), options=_OPTIONS)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _say(what: str) -> None:
    """Show that it goes on: this takes long."""
    click.echo(f"{datetime.now(UTC):%H:%M:%S} {what}", err=True)


def _filled(server: Postgresql, name: str, count: int) -> str:
    _say(f"making {count:,} reports")
    url = server.create_database(name)
    migrations.upgrade(url)
    history.fill(url, count)
    return url


def _ask(stores: list[ReportStore]) -> dict[str, dict[str, Samples]]:
    """Time every query with few and with many reports, in turn."""
    found = {}
    for name, query in queries().items():
        slices = {
            arm: lambda query=query, store=store: [min(milliseconds(lambda: query(store)) for _ in range(2))]
            for arm, store in zip(("few", "many"), stores, strict=True)
        }
        for warm in slices.values():
            warm()
        found[name] = interleave(slices, _ROUNDS)
    return found


def _recorded(machine: Machine, runs: int) -> tuple[list[float], list[float]]:
    """Return the reports that a recorder stores, and the light runs that the machine finishes, per second."""
    preflight = Preflight(machine)
    preflight.light(SEVEN, runs // 5)
    preflight.settle()
    rounds = [(_light_rate(preflight, runs), _record_rate(preflight, machine, runs)) for _ in range(_LIGHT_BATCHES)]
    return [recorded for _, recorded in rounds], [light for light, _ in rounds]


def _light_rate(preflight: Preflight, runs: int) -> float:
    taken = milliseconds(lambda: preflight.light(SEVEN, runs))
    preflight.settle()
    return 1000 * runs / taken


def _record_rate(preflight: Preflight, machine: Machine, runs: int) -> float:
    """Hold the workers' recorders up until the reports of many runs wait, and record them here."""
    holder, lease = "bench", preflight.keys["lease:recorder"]
    preflight.client.set(lease, holder, px=120_000)
    for _ in range(_RECORDED):
        preflight.light(SEVEN, runs)
    waiting = Runs(preflight.client, preflight.keys, ByScripts(machine.settings))
    recorder = Recorder(waiting, machine.settings, create_app(machine.settings), holder)

    def record() -> None:
        while recorder.flush():
            """A batch each time."""

    taken = milliseconds(record)
    preflight.settle()
    if recorder.store:
        recorder.store.dispose()
    return 1000 * _RECORDED * runs / taken
